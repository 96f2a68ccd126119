import type { Bytes } from "./bytes";

/** A piece of a file: one or more lines with their line ends. Joined in order, the units of any file are the file. */
export interface Unit {
  readonly raw: Bytes;
  /**
   * `start` begins an entry, `more` continues it, and `gap` is a comment or blank line, which may be between the two.
   */
  readonly role: "start" | "more" | "gap";
  /** The key of the entry; undefined for what no edit touches: comments, blank lines, lines in error. */
  readonly key: string | undefined;
  /** The number of its first line, from 1. */
  readonly line: number;
}

/** A line that the readers of the file refuse or skip. */
export interface Fault {
  readonly line: number;
  readonly reason: string;
}

/** A key with several entries, and the lines on which they begin. */
export interface Duplicate {
  readonly name: string;
  readonly lines: readonly number[];
}

/** The lines of a text with their newlines, which the last one may lack. */
export function splitLines(text: Bytes): readonly Bytes[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * A function that remembers its last two answers. Several keys of one text are read, saved and set in turn, and
 * parsing a large text is most of that work.
 */
export function remembered<T>(read: (text: Bytes) => T): (text: Bytes) => T {
  let known: readonly (readonly [Bytes, T])[] = [];
  return (text) => {
    const before = known.find(([one]) => one === text);
    if (before !== undefined) return before[1];
    const answer = read(text);
    known = [[text, answer] as const, ...known.slice(0, 1)];
    return answer;
  };
}

export function joinUnits(units: readonly Unit[]): Bytes {
  return units.map((unit) => unit.raw).join("");
}

export function withNewline(raw: Bytes): Bytes {
  return raw === "" || raw.endsWith("\n") ? raw : `${raw}\n`;
}

/** The indexes of the units with which the entries of a key begin. */
export function startsOf(units: readonly Unit[], key: string): readonly number[] {
  return units.flatMap((unit, index) => (unit.key === key && unit.role === "start" ? [index] : []));
}

/** Puts `line` in the place of the entry that begins at `at`, and removes the other entries of its key. */
export function replaceEntries(
  units: readonly Unit[],
  key: string,
  at: number,
  line: Bytes,
): Bytes {
  return units
    .map((unit, index) => (index === at ? line : unit.key === key ? "" : unit.raw))
    .join("");
}

export function withoutKeys(units: readonly Unit[], keys: ReadonlySet<string>): readonly Unit[] {
  return units.filter((unit) => unit.key === undefined || !keys.has(unit.key));
}

/** The fault of a continuation line at the beginning of a file, where it continues nothing. */
export function orphanFault(units: readonly Unit[], entry: string): readonly Fault[] {
  const first = units.find((unit) => unit.role !== "gap");
  return first?.role === "more"
    ? [{ line: first.line, reason: `starts with white space, but continues no ${entry}` }]
    : [];
}

export function duplicatesIn(units: readonly Unit[]): readonly Duplicate[] {
  const lines = new Map<string, number[]>();
  for (const unit of units) {
    if (unit.role !== "start" || unit.key === undefined) continue;
    const known = lines.get(unit.key);
    if (known === undefined) lines.set(unit.key, [unit.line]);
    else known.push(unit.line);
  }
  return [...lines]
    .filter(([, found]) => found.length > 1)
    .map(([name, found]) => ({ name, lines: found }));
}
