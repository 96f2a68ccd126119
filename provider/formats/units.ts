import type { Bytes } from "./bytes";

/**
 * A piece of a file, at least one line with its line end. Joined in order, the pieces are the file again,
 * whatever it holds.
 */
export interface Unit {
  readonly raw: Bytes;
  /**
   * `start` begins an entry, `more` continues the one that began before it, `gap` is a comment or blank
   * line, which may stand between the two.
   */
  readonly role: "start" | "more" | "gap";
  /** The entry's key; undefined for what no edit ever touches: comments, blanks, lines in error. */
  readonly key: string | undefined;
  /** Number of its first line, from 1. */
  readonly line: number;
}

/** A key that has several active entries, and the lines on which they begin. */
export interface Duplicate {
  readonly name: string;
  readonly lines: readonly number[];
}

/** Physical lines, each with its newline; the last may lack it. */
export function splitLines(text: Bytes): readonly Bytes[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * The same function, which remembers its last answers: several keys of one text are read, saved and set one after the
 * other, and taking a large text apart is most of that work.
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

/** Where the entries of a key begin: indexes of their `start` units. */
export function startsOf(units: readonly Unit[], key: string): readonly number[] {
  return units.flatMap((unit, index) => (unit.key === key && unit.role === "start" ? [index] : []));
}

/** Puts `line` in the place of the entry that begins at `at`, and takes the key's other entries away. */
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
