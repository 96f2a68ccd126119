/** master.cf as master(8) reads it, for the judgement: its services, their daemons and their `-o` overrides. */
import { entries } from "../formats/masterCf";
import { type Entry, FIELDS, lineWithin, optionsOf } from "../formats/masterCfEntry";

/** A parameter that a service overrides. */
interface Override {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** A service of master.cf, with what the judgement asks of it. */
export interface JudgedService {
  readonly name: string;
  readonly type: string;
  /** "n" for a service whose socket is in the folder public, else private. */
  readonly isPrivate: string;
  readonly chroot: string;
  /** The wakeup time; with a "?" behind it, only once the service is used. */
  readonly wakeup: string;
  /** The process limit; "-" for default_process_limit. */
  readonly maxproc: string;
  /** The daemon as the line names it: a file name in the daemon folder, or a path. */
  readonly command: string;
  /** The file name of the daemon. */
  readonly daemon: string;
  readonly overrides: readonly Override[];
  readonly line: number;
}

/** A line with which master(8) would not start, or which it would misread. */
export interface ServiceFault {
  readonly line: number;
  /** As {@link serviceKey} has it. */
  readonly service: string;
  readonly reason: string;
  /** The line is the second one for its service. */
  readonly repeated?: true;
}

/** The name and type of a service of master.cf, such as `smtp/inet`: no two services share both. */
export function serviceKey({ name, type }: Pick<JudgedService, "name" | "type">): string {
  return `${name}/${type}`;
}

/** Daemons that take arguments of their own after their options: `user=… argv=…`. */
const WITH_ARGUMENTS = ["pipe", "spawn"];

/** The services of a master.cf, and its faulty lines. */
export function servicesOf(text: string): {
  services: readonly JudgedService[];
  faults: readonly ServiceFault[];
} {
  const services: JudgedService[] = [];
  const faults: ServiceFault[] = [];
  for (const { entry, line } of entries(text)) {
    const service = serviceOf(entry, line);
    if (service !== undefined) services.push(service);
    faults.push(...faultsOf(entry, line, service));
  }
  return { services, faults: [...faults, ...repeatedServices(services)] };
}

/** The service of a line; `undefined` if fields are missing. */
function serviceOf(entry: Entry, line: number): JudgedService | undefined {
  const fields = entry.words.map((word) => word.text);
  const [name = "", type = "", isPrivate = "", , chroot = "", wakeup = "", maxproc = ""] = fields;
  const command = fields[FIELDS - 1];
  if (command === undefined) return undefined;
  const overrides = optionsOf(entry).overrides.map((one): Override => ({
    name: one.name,
    value: one.value,
    line: line + lineWithin(entry, one.valueFrom),
  }));
  const daemon = command.replace(/^.*\//, "");
  return { name, type, isPrivate, chroot, wakeup, maxproc, command, daemon, line, overrides };
}

function faultsOf(entry: Entry, line: number, service: JudgedService | undefined): ServiceFault[] {
  const fields = entry.words.map((word) => word.text);
  const [name = "", type = ""] = fields;
  const fault = (reason: string, at = line): ServiceFault => {
    return { line: at, service: serviceKey({ name, type }), reason };
  };
  if (service === undefined)
    return [
      fault(
        `has ${fields.length} fields, and a service has eight: name, type, private, unprivileged, chroot, wakeup, process limit, command`,
      ),
    ];
  const faults = fieldFaults(fields).map((reason) => fault(reason));
  const stray = strayWord(entry, service.daemon);
  if (stray === undefined) return faults;
  const reason = `"${stray.text}" is no option of ${service.command}: no blanks may stand around the "=" of -o name=value`;
  return [...faults, fault(reason, line + lineWithin(entry, stray.from))];
}

const FLAG = /^[yn-]$/;

/** What each field after the name must be, in the order of master(5), and how the fault of another value begins. */
const FIELD_RULES: readonly (readonly [RegExp, (value: string) => string])[] = [
  [
    /^(inet|unix|fifo|pass|unix-dgram)$/,
    (value) => `"${value}" is no type of service: inet, unix, fifo, pass, unix-dgram`,
  ],
  [FLAG, (value) => `the field "private" is y, n or -, not "${value}"`],
  [FLAG, (value) => `the field "unprivileged" is y, n or -, not "${value}"`],
  [FLAG, (value) => `the field "chroot" is y, n or -, not "${value}"`],
  [/^(-|\d+\??)$/, (value) => `the wakeup time is a number of seconds or -, not "${value}"`],
  [/^(-|\d+)$/, (value) => `the process limit is a number or -, not "${value}"`],
];

function fieldFaults([, ...fields]: readonly string[]): string[] {
  return FIELD_RULES.flatMap(([shape, reason], at) => {
    const value = fields[at] ?? "";
    return shape.test(value) ? [] : [reason(value)];
  });
}

/** Clients that take flags for how they write a message, from Postfix 3.5 on (smtp(8), lmtp(8)): `flags=DORX`. */
const WITH_FLAGS = ["smtp", "lmtp"];

/** A word that is neither an option nor an override: `-o name = value` leaves such words. */
function strayWord(entry: Entry, daemon: string): { text: string; from: number } | undefined {
  const { args, faulty, end } = optionsOf(entry);
  const [wrong] = faulty;
  if (wrong !== undefined || WITH_ARGUMENTS.includes(daemon)) return wrong;
  const isFlags = (text: string): boolean =>
    WITH_FLAGS.includes(daemon) && /^flags=[DORX]*$/.test(text);
  const last = args.filter(({ from }) => from < end).at(-1);
  // The options -i, -m, -n, -s and -t take an argument (single_server(3)), the others none.
  const takesNext = last !== undefined && last.to === end && /^-[a-zA-Z]*[imnst]$/.test(last.text);
  return args.filter(({ from, text }) => from >= end && !isFlags(text))[takesNext ? 1 : 0];
}

function repeatedServices(services: readonly JudgedService[]): ServiceFault[] {
  const lines = new Map<string, number>();
  return services.flatMap((service): ServiceFault[] => {
    const key = serviceKey(service);
    const former = lines.get(key);
    const { line } = service;
    lines.set(key, line);
    if (former === undefined) return [];
    const reason = `stands on line ${former} already; the last is in force`;
    return [{ line, service: key, reason, repeated: true }];
  });
}
