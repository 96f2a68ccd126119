import type { Bytes } from "./bytes";
import type { Unit } from "./units";
import type { Part } from "./shell";

/**
 * The variables that rc.subr(8) of a release reads from rc.conf.local: those whose name ends in `_` and one of the
 * endings, and those with one of the names.
 */
export interface RcNames {
  readonly endings: readonly string[];
  readonly names: readonly string[];
}

/** How rc.conf.local is read: by a shell (up to OpenBSD 5.5), or line by line by rc.subr(8), which knows these names. */
export type RcSyntax = "sourced" | RcNames;

export interface Assignment {
  readonly name: string;
  readonly parts: readonly Part[];
}

/** A unit of rc.conf.local. It is an entry, which may be edited, when it is one assignment alone on its line. */
export interface RcUnit extends Unit {
  /** The text of an entry before and after the value. */
  readonly head: Bytes;
  readonly rest: Bytes;
  /** Its assignments, in their order. */
  readonly assigns: readonly Assignment[];
  /** Whether it may assign further variables: those that it mentions, or any. */
  readonly opaque: "no" | "mentioned" | "anything";
  /**
   * What the shell makes of it, where that is more than `raw`: with the definitions of the functions that it runs, or as
   * rc.subr(8) passes it to eval. It may assign what is mentioned there.
   */
  readonly code?: Bytes;
  /** Why nothing can be added after it. */
  readonly fault: string | undefined;
}

/** The value of an entry without a reference to the variable itself (`"${name} -a /path"`). */
export function literalOf(unit: RcUnit): Bytes {
  const parts = unit.assigns[0]?.parts ?? [];
  return parts.map((part) => ("literal" in part ? part.literal : "")).join("");
}

/** Whether an entry adds to the former value of its variable. */
export function addsToItself(unit: RcUnit): boolean {
  const [first] = unit.assigns[0]?.parts ?? [];
  return first !== undefined && "variable" in first && first.variable === unit.key;
}
