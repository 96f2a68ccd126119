/**
 * What of the CLI's output the demo shows. Without a terminal the CLI prints a line for each state of each resource:
 * those that say only that a resource is looked at, begun or unchanged are left out, and nothing else.
 */
import { plain } from "./screen";

/** `+  TYPE NAME creating (2s) message`; the sign is blank for what stays as it is. */
const progress = /^ (?:[-+~]| ) {2}(?<type>[\w:/-]+:[\w:/-]+) (?<name>\S+)(?: (?<rest>.*))?$/;

/** Nothing has come of it yet, or nothing will. */
const idle = /^(?:(?:refreshing|refresh|running|creating|updating|deleting)(?: \([\d.]+s\))?)?$/;

/** A first line whose text stands in full under "Diagnostics", which the CLI prints at the end. */
const announced = /: (?:up will|nothing to change\.)$/;

/** Decides line by line; one for each run of the CLI. */
export class OutputFilter {
  private readonly last = new Map<string, string>();

  keeps(line: string): boolean {
    const found = progress.exec(plain(line).trimEnd())?.groups;
    if (found === undefined) return true;
    const rest = (found["rest"] ?? "").trim();
    if (idle.test(rest) || announced.test(rest)) return false;
    // The CLI repeats a resource's last message with each of its states.
    const message = /\S+@\S+: .*$/.exec(rest)?.[0];
    const name = `${found["type"]} ${found["name"]}`;
    if (message !== undefined && this.last.get(name) === message) return false;
    if (message !== undefined) this.last.set(name, message);
    return true;
  }
}
