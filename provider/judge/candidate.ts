/** A candidate: main.cf and master.cf as they will be together, ready for the rules; and complaints about it. */
import { parameters, type Parameter } from "../formats/mainCf";
import {
  type JudgedService,
  type ServiceFault,
  serviceKey,
  servicesOf,
} from "../postfix/masterServices";
import { CONFIGURATION, DEFAULT_FOLDERS, MAIN_CF, MASTER_CF } from "../postfix/paths";
import { Rule } from "../arguments/ruleNames";
import { expand, type Lookup } from "../postfix/values";

/** A fault, or a likely one, and where it stands. */
export interface Complaint {
  readonly rule: Rule;
  readonly file: string;
  readonly line?: number;
  /** The parameter, service of master.cf (`smtp/inet`) or key of a table that it is about. */
  readonly subject?: string;
  readonly reason: string;
  /** It works and may be meant: a warning. */
  readonly mild?: boolean;
  /** It is wrong whatever a later main.cf says. */
  readonly final?: boolean;
}

/** Two complaints with the same key are the same complaint, even if its line has moved. */
export function keyOf({ rule, file, subject = "", reason }: Complaint): string {
  return [rule, file, subject, reason.replace(/\blines? \d+( and \d+)*/g, "line")].join("\0");
}

/** What the host's Postfix has: its parameters, types of table and daemons. An empty set stands for an unknown one. */
export interface Knowledge {
  /** Was the host's Postfix asked? Else this is what is known of the package that is to be installed. */
  readonly isInstalled: boolean;
  /** Are the names of all its parameters known, so that another name is none? */
  readonly areNamesKnown: boolean;
  /** The output of `postconf -d`; before the installation, the defaults that the rules go by. */
  readonly defaults: ReadonlyMap<string, string>;
  /** The output of `postconf -m`. */
  readonly tableTypes: ReadonlySet<string>;
  /** The types of SASL (`postconf -a` and `-A`); `undefined` where they are not known, because none is an answer too. */
  readonly sasl: SaslTypes | undefined;
  /** The programs in the daemon folder. */
  readonly daemons: ReadonlySet<string>;
  /** The accounts that exist, of those that main.cf names; `undefined` where the host's own tools judge them. */
  readonly accounts?: Accounts;
}

/** The plug-ins that Postfix has for SASL. */
export interface SaslTypes {
  /** For smtpd(8), which lets clients log in. */
  readonly servers: ReadonlySet<string>;
  /** For smtp(8) and lmtp(8), which log in elsewhere. */
  readonly clients: ReadonlySet<string>;
}

/** Users and groups of the host, and those that the package makes. */
export interface Accounts {
  readonly users: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

/** For a host that has no Postfix yet, where the package is not known either. */
export const NOTHING_KNOWN: Knowledge = {
  isInstalled: false,
  areNamesKnown: false,
  defaults: new Map(),
  tableTypes: new Set(),
  sasl: undefined,
  daemons: new Set(),
};

/** The default of a parameter. For config_directory `postconf -d` prints the private folder in which it is run. */
function defaultOf(name: string, { defaults }: Knowledge): string | undefined {
  return name === "config_directory"
    ? CONFIGURATION
    : (defaults.get(name) ?? DEFAULT_FOLDERS.get(name));
}

export interface Candidate {
  readonly main: string;
  readonly master: string;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly services: readonly JudgedService[];
  readonly serviceFaults: readonly ServiceFault[];
  readonly knowledge: Knowledge;
  /** The value in force, unexpanded. */
  readonly raw: Lookup;
  /** The value in force, expanded. */
  readonly value: (name: string) => string;
}

export function candidateOf(main: string, master: string, knowledge: Knowledge): Candidate {
  const set = parameters(main);
  const { services, faults } = servicesOf(master);
  const raw: Lookup = (name) => set.get(name)?.value ?? defaultOf(name, knowledge);
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

/** A value in one of the two files: of a parameter in main.cf, or of an override in master.cf. */
export interface Setting {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly value: string;
  /** The subject of complaints about it: the parameter, or the service of master.cf that overrides it. */
  readonly subject: string;
  /** The service of master.cf that overrides it; `undefined` for a parameter of main.cf. */
  readonly service: JudgedService | undefined;
  /** The values of the names that this value refers to. */
  readonly lookup: Lookup;
}

/** All settings of both files. */
export function settingsOf(candidate: Candidate): Setting[] {
  const inMain = [...candidate.parameters].map(([name, { value, line }]): Setting => ({
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
      subject: serviceKey(service),
      service,
      lookup,
    }));
  });
  return [...inMain, ...overrides];
}

/** The values that one service of master.cf sees: its overrides, else those of main.cf. */
export function lookupOf(candidate: Candidate, service: JudgedService): Lookup {
  const overrides = new Map(service.overrides.map(({ name, value }) => [name, value]));
  return (name) => overrides.get(name) ?? candidate.raw(name);
}
