/** master.cf as master(8) reads it, for judging only: services, their daemons and their `-o` overrides. */
import { logicalLines } from "../formats/logicalLines";
import { splitLines } from "../formats/units";

/** A parameter that a service overrides. */
export interface Override {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

export interface Service {
  readonly name: string;
  readonly type: string;
  readonly chroot: string;
  /** The daemon, by its file name. */
  readonly command: string;
  readonly overrides: readonly Override[];
  readonly line: number;
  /** Words after the command that are neither options nor their arguments: `-o name = value` leaves such. */
  readonly stray: readonly string[];
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

/** Words of a service's line; `{…}` is one (from Postfix 3.0 on). */
function fieldsOf(text: string): string[] {
  return text.match(/\{[^}]*\}|[^\s{][^\s]*|\{/g) ?? [];
}

/** The physical line, from the logical one's first on, that holds `text`: where an editor must go. */
export function lineHolding(lines: readonly string[], from: number, text: string): number {
  for (let index = from - 1; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    if (index >= from && /^[^\s#]/.test(line)) break;
    if (!/^\s*#/.test(line) && line.includes(text)) return index + 1;
  }
  return from;
}

function argumentsOf(
  fields: readonly string[],
  lines: readonly string[],
  start: number,
): Pick<Service, "overrides" | "stray"> {
  const overrides: Override[] = [];
  const stray: string[] = [];
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] ?? "";
    const attached = field.startsWith("-o") && field.length > 2 ? field.slice(2) : undefined;
    if (field === "-o" || attached !== undefined) {
      const given = attached ?? fields[(index += 1)] ?? "";
      const text = given.replace(/^\{\s*|\s*\}$/g, "");
      const [, name = "", value] = /^([^=\s]+)\s*(?:=\s*([^]*))?$/.exec(text) ?? [];
      if (value === undefined) stray.push(given);
      else overrides.push({ name, value, line: lineHolding(lines, start, name) });
    } else if (/^-[a-zA-Z]/.test(field)) {
      // -n, -t, -s and -a name something; -v, -D, -l, -u, -z, -d, -S and -c stand alone.
      if (/^-[ntsam]$/.test(field)) index += 1;
    } else stray.push(field);
  }
  return { overrides, stray };
}

/** The services of a master.cf, and the lines that are none. */
export function servicesOf(text: string): {
  services: readonly Service[];
  faults: readonly ServiceFault[];
} {
  const lines = splitLines(text);
  const services: Service[] = [];
  const faults: ServiceFault[] = [];
  for (const { text: joined, line } of logicalLines(text)) {
    const fields = fieldsOf(joined);
    const [name = "", type = "", priv = "", unpriv = "", chroot = "", wakeup = "", limit = ""] =
      fields;
    const command = fields[7];
    const fault = (reason: string): void =>
      void faults.push({ line, service: `${name}/${type}`, reason });
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
    const own = argumentsOf(fields.slice(8), lines, line);
    services.push({ name, type, chroot, command, line, ...own });
    if (!WITH_WORDS.includes(command) && own.stray.length > 0)
      faults.push({
        line: lineHolding(lines, line, own.stray[0] ?? ""),
        service: `${name}/${type}`,
        reason: `"${own.stray[0] ?? ""}" is no option of ${command}: no blanks may stand around the "=" of -o name=value`,
      });
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
