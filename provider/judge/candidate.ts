/** What is judged: Postfix's files as they will stand together, and what is wrong with them. */
import { parameters, type Parameter } from "../formats/mainCf";
import { CONFIGURATION, DEFAULT_FOLDERS, MAIN_CF, MASTER_CF } from "../postfix/paths";
import { Rule } from "../arguments/ruleNames";
import { servicesOf, type Service, type ServiceFault } from "../postfix/services";
import { expand } from "../postfix/values";

/** Something wrong. */
export interface Complaint {
  readonly rule: Rule;
  readonly file: string;
  readonly line?: number;
  /** The parameter, service (`smtp/inet`) or table key that it is about. */
  readonly subject?: string;
  readonly reason: string;
  /** Something that works and may be meant. */
  readonly mild?: boolean;
  /** Wrong by itself: nothing that main.cf may say later settles it. */
  readonly final?: boolean;
}

/** Two complaints with one key are the same one, on whatever line they stand. */
export function keyOf({ rule, file, subject = "", reason }: Complaint): string {
  return [rule, file, subject, reason.replace(/\blines? \d+( and \d+)*/g, "line")].join("\0");
}

/** What the host's Postfix says of itself. */
export interface Knowledge {
  /** `postconf -d`; empty where there is no Postfix yet. */
  readonly defaults: ReadonlyMap<string, string>;
  /** `postconf -m`. */
  readonly tableTypes: ReadonlySet<string>;
  /** Programs in the daemon folder. */
  readonly daemons: ReadonlySet<string>;
}

/** What is known where the host has no Postfix to ask. */
export const NOTHING_KNOWN: Knowledge = {
  defaults: new Map(),
  tableTypes: new Set(),
  daemons: new Set(),
};

/** What a name stands for without a setting of its own. postconf(1) names the folder that it was told to look into. */
function defaultOf(name: string, { defaults }: Knowledge): string | undefined {
  return name === "config_directory"
    ? CONFIGURATION
    : (defaults.get(name) ?? DEFAULT_FOLDERS.get(name));
}

export interface Candidate {
  readonly main: string;
  readonly master: string;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly services: readonly Service[];
  readonly serviceFaults: readonly ServiceFault[];
  readonly knowledge: Knowledge;
  /** The value in force, unexpanded. */
  readonly raw: (name: string) => string | undefined;
  /** The value in force, expanded. */
  readonly value: (name: string) => string;
}

export function candidateOf(main: string, master: string, knowledge: Knowledge): Candidate {
  const set = parameters(main);
  const { services, faults } = servicesOf(master);
  const raw = (name: string): string | undefined =>
    set.get(name)?.value ?? defaultOf(name, knowledge);
  return {
    main,
    master,
    parameters: set,
    services,
    serviceFaults: faults,
    knowledge,
    raw,
    value: (name) => expand(raw(name) ?? "", raw),
  };
}

/** A value that stands in one of the two files: a parameter of main.cf, or an override of a service. */
export interface Setting {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly value: string;
  /** What a complaint about it names: the parameter, or the service that overrides it. */
  readonly subject: string;
  /** The service that overrides it; `undefined` for main.cf. */
  readonly service: Service | undefined;
  /** What `$name` means here. */
  readonly lookup: (name: string) => string | undefined;
}

/** All settings of both files. */
export function settingsOf(candidate: Candidate): Setting[] {
  const own = [...candidate.parameters].map(([name, { value, line }]): Setting => ({
    file: MAIN_CF,
    line,
    name,
    value,
    subject: name,
    service: undefined,
    lookup: candidate.raw,
  }));
  const overrides = candidate.services.flatMap((service) => {
    const lookup = lookupOf(candidate, service);
    return service.overrides.map(({ name, value, line }): Setting => ({
      file: MASTER_CF,
      line,
      name,
      value,
      subject: `${service.name}/${service.type}`,
      service,
      lookup,
    }));
  });
  return [...own, ...overrides];
}

/** What names mean to one service: its overrides come first. */
export function lookupOf(
  candidate: Candidate,
  service: Service,
): (name: string) => string | undefined {
  const overrides = new Map(service.overrides.map(({ name, value }) => [name, value]));
  return (name) => overrides.get(name) ?? candidate.raw(name);
}
