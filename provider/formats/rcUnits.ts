import type { Bytes } from "./bytes";
import type { Unit } from "./units";
import type { Part } from "./shell";

/** `sourced`: rc.conf.local is shell, as up to OpenBSD 5.5. `parsed`: lines, read by rc.subr, from 5.6 on. */
export type RcSyntax = "sourced" | "parsed";

export interface Assignment {
  readonly name: string;
  readonly parts: readonly Part[];
}

/** A piece of rc.conf.local. An entry, which may be edited, is one assignment that has its line for itself. */
export interface RcUnit extends Unit {
  /** Of an entry: text before and after the value. */
  readonly head: Bytes;
  readonly rest: Bytes;
  /** What it assigns, in order. */
  readonly assigns: readonly Assignment[];
  /** May also assign any variable that it mentions, or (`anything`) others. */
  readonly opaque: "no" | "mentioned" | "anything";
  /** Functions that it runs, as the file defines them: what they mention it mentions as well. */
  readonly runs?: Bytes;
  /** Why nothing may be written after it. */
  readonly fault: string | undefined;
}

/** Text of an entry's value besides a reference to the variable itself (`"${name} -a /path"`). */
export function literalOf(unit: RcUnit): Bytes {
  const parts = unit.assigns[0]?.parts ?? [];
  return parts.map((part) => ("literal" in part ? part.literal : "")).join("");
}

/** Whether an entry adds to the value that its variable had before. */
export function addsToItself(unit: RcUnit): boolean {
  const [first] = unit.assigns[0]?.parts ?? [];
  return first !== undefined && "variable" in first && first.variable === unit.key;
}
