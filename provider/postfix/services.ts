/** master.cf as master(8) reads it, for judging only: services, their daemons and their `-o` overrides. */
import { entries } from "../formats/masterCf";
import { FIELDS, lineWithin, optionsOf, type Entry } from "../formats/masterCfEntry";

/** A parameter that a service overrides. */
interface Override {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

export interface Service {
  readonly name: string;
  readonly type: string;
  readonly chroot: string;
  /** The daemon, as the line names it. */
  readonly command: string;
  /** The daemon, by its file name. */
  readonly daemon: string;
  readonly overrides: readonly Override[];
  readonly line: number;
}

/** A line that master(8) would not start with, or would misread. */
export interface ServiceFault {
  readonly line: number;
  readonly service: string;
  readonly reason: string;
}

const TYPES = ["inet", "unix", "fifo", "pass", "unix-dgram"];

/** Daemons that take words of their own after their options: `user=… argv=…`. */
const WITH_WORDS = ["pipe", "spawn"];

/** A word that is neither option nor override: `-o name = value` leaves such. */
function strayOf(entry: Entry, daemon: string): { text: string; from: number } | undefined {
  const { args, faulty, end } = optionsOf(entry);
  const [wrong] = faulty;
  if (wrong !== undefined || WITH_WORDS.includes(daemon)) return wrong;
  const last = args.filter(({ from }) => from < end).at(-1);
  // -i, -m, -n, -s and -t name something (single_server(3)); the other options stand alone.
  const named = last !== undefined && last.to === end && /^-[a-zA-Z]*[imnst]$/.test(last.text);
  return args.filter(({ from }) => from >= end)[named ? 1 : 0];
}

/** The services of a master.cf, and the lines that are none. */
export function servicesOf(text: string): {
  services: readonly Service[];
  faults: readonly ServiceFault[];
} {
  const services: Service[] = [];
  const faults: ServiceFault[] = [];
  for (const { entry, line } of entries(text)) {
    const fields = entry.words.map((word) => word.text);
    const [name = "", type = "", priv = "", unpriv = "", chroot = "", wakeup = "", limit = ""] =
      fields;
    const command = fields[FIELDS - 1];
    const fault = (reason: string, at = line): void =>
      void faults.push({ line: at, service: `${name}/${type}`, reason });
    if (command === undefined) {
      fault(
        `has ${fields.length} fields, and a service has eight: name, type, private, unprivileged, chroot, wakeup, process limit, command`,
      );
      continue;
    }
    if (!TYPES.includes(type)) fault(`"${type}" is no type of service: ${TYPES.join(", ")}`);
    for (const [value, what] of [
      [priv, "private"],
      [unpriv, "unprivileged"],
      [chroot, "chroot"],
    ] as const)
      if (!/^[yn-]$/.test(value)) fault(`the field "${what}" is y, n or -, not "${value}"`);
    if (!/^(-|\d+\??)$/.test(wakeup))
      fault(`the wakeup time is a number of seconds or -, not "${wakeup}"`);
    if (!/^(-|\d+)$/.test(limit)) fault(`the process limit is a number or -, not "${limit}"`);
    const daemon = command.replace(/^.*\//, "");
    const overrides = optionsOf(entry).overrides.map((one): Override => ({
      name: one.name,
      value: one.value,
      line: line + lineWithin(entry, one.valueFrom),
    }));
    services.push({ name, type, chroot, command, daemon, line, overrides });
    const stray = strayOf(entry, daemon);
    if (stray !== undefined)
      fault(
        `"${stray.text}" is no option of ${command}: no blanks may stand around the "=" of -o name=value`,
        line + lineWithin(entry, stray.from),
      );
  }
  const seen = new Map<string, number>();
  for (const { name, type, line } of services) {
    const key = `${name}/${type}`;
    const first = seen.get(key);
    if (first !== undefined)
      faults.push({
        line,
        service: key,
        reason: `stands on line ${first} already; the last is in force`,
      });
    seen.set(key, line);
  }
  return { services, faults };
}
