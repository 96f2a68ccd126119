import type { Bytes } from "./bytes";
import { joinUnits, splitLines, withNewline, withoutKeys, type Unit } from "./units";

/**
 * What is saved of a key before an edit, so that the edit can be undone after other edits of the same file.
 *
 * Edits touch no unit without a key (comment, blank line, line in error). The place of an entry is therefore given by
 * the number of such units before it and, between two of them, by the keys of the entries around it. Edits of other
 * keys do not change that. When a user changed the comments, the lines next to the entry lead to its place, or near
 * it.
 */
export interface Saved {
  readonly entries: readonly SavedEntry[];
  /** Units without a key in the whole file. */
  readonly fixed: number;
  /** The last line of the file, if it lacked its newline. */
  readonly tail?: Bytes;
}

/** One entry of the key. */
export interface SavedEntry {
  /** Its lines, each with the number of comment and blank lines between it and the one before. */
  readonly lines: readonly { readonly raw: Bytes; readonly skip: number }[];
  /** The number of units without a key before it. */
  readonly fixedBefore: number;
  /** The nearest such units before and after it; null where there is none. */
  readonly above: Bytes | null;
  readonly below: Bytes | null;
  /** Keys of the other entries that begin between those two, in their order. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** The number of keys that are saved on either side. With more entries between two comments, a place may be inexact. */
const neighbours = 100;

/** Enough of a line to recognize it. */
const identity = (raw: Bytes): Bytes => raw.replace(/\n$/, "").slice(0, 200);

/** A stretch between two units without a key, and the entries that begin in it. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly above: Bytes | null;
  readonly below: Bytes | null;
  readonly starts: readonly { readonly key: string; readonly index: number }[];
}

const stretchesKnown = new WeakMap<readonly Unit[], readonly Stretch[]>();

function stretchesOf(units: readonly Unit[]): readonly Stretch[] {
  const known = stretchesKnown.get(units);
  if (known !== undefined) return known;
  const found = stretchesIn(units);
  stretchesKnown.set(units, found);
  return found;
}

function stretchesIn(units: readonly Unit[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  let above: Bytes | null = null;
  let starts: { key: string; index: number }[] = [];
  units.forEach(({ raw, key, role }, index) => {
    if (key !== undefined) {
      if (role === "start") starts.push({ key, index });
      return;
    }
    stretches.push({ from, to: index, above, below: identity(raw), starts });
    [from, above, starts] = [index + 1, identity(raw), []];
  });
  return [...stretches, { from, to: units.length, above, below: null, starts }];
}

/** The lines of the entry that begins at `at`, without the comments and blank lines between them. */
function linesOf(units: readonly Unit[], at: number): SavedEntry["lines"] {
  const lines: { raw: Bytes; skip: number }[] = [];
  let skip = 0;
  for (let next = at; next < units.length; next += 1) {
    const unit = units[next] as Unit;
    if (unit.role === "start" && lines.length > 0) break;
    if (unit.role === "gap") skip += 1;
    else {
      lines.push({ raw: unit.raw, skip });
      skip = 0;
    }
  }
  return lines;
}

/** Everything that restoring the entries of a key needs. */
function saveKey(text: Bytes, units: readonly Unit[], key: string): Saved {
  const stretches = stretchesOf(units);
  const entries = stretches.flatMap(({ above, below, starts }, fixedBefore) => {
    if (!starts.some((start) => start.key === key)) return [];
    const others = starts.map((start) => start.key).filter((other) => other !== key);
    let passed = 0;
    return starts.flatMap((start): readonly SavedEntry[] => {
      if (start.key !== key) {
        passed += 1;
        return [];
      }
      const before = others.slice(Math.max(0, passed - neighbours), passed);
      const after = others.slice(passed, passed + neighbours);
      return [{ lines: linesOf(units, start.index), fixedBefore, above, below, before, after }];
    });
  });
  const saved = { entries, fixed: stretches.length - 1 };
  return text === "" || text.endsWith("\n")
    ? saved
    : { ...saved, tail: splitLines(text).at(-1) ?? "" };
}

/** The distance of a stretch from the former one of the entry, counted from the top or the bottom of the file. */
function distance(nth: number, count: number, entry: SavedEntry, fixed: number): number {
  const fromTop = Math.abs(nth - entry.fixedBefore);
  const fromBottom = Math.abs(count - 1 - nth - (fixed - entry.fixedBefore));
  return Math.min(fromTop, fromBottom);
}

/** In a large file only this many stretches before and after the expected one are searched. */
const window = 1000;

function stretchFor(stretches: readonly Stretch[], entry: SavedEntry, fixed: number): Stretch {
  const near = new Set([...entry.before.slice(-1), ...entry.after.slice(0, 1)]);
  const expected = stretches[entry.fixedBefore];
  const untouched = stretches.length - 1 === fixed;
  if (untouched && expected?.above === entry.above && expected.below === entry.below) {
    return expected;
  }
  const score = (stretch: Stretch): number =>
    2 * Number(stretch.above === entry.above) +
    2 * Number(stretch.below === entry.below) +
    Number([...near].some((key) => placesOf(stretch).has(key)));
  const from = Math.max(0, Math.min(entry.fixedBefore, stretches.length) - window);
  const to = Math.min(stretches.length, entry.fixedBefore + window);
  const whole = stretches.length <= 2 * window;
  let best: { stretch: Stretch; score: number; distance: number } | undefined;
  for (let nth = whole ? 0 : from; nth < (whole ? stretches.length : to); nth += 1) {
    const stretch = stretches[nth] as Stretch;
    const next = {
      stretch,
      score: score(stretch),
      distance: distance(nth, stretches.length, entry, fixed),
    };
    if (
      best === undefined ||
      next.score > best.score ||
      (next.score === best.score && next.distance < best.distance)
    )
      best = next;
  }
  return best?.stretch ?? (stretches.at(-1) as Stretch);
}

const places = new WeakMap<Stretch, ReadonlyMap<string, readonly number[]>>();

/** The indexes of the entries of each key in a stretch. */
function placesOf(stretch: Stretch): ReadonlyMap<string, readonly number[]> {
  const known = places.get(stretch);
  if (known !== undefined) return known;
  const found = new Map<string, number[]>();
  for (const { key, index } of stretch.starts) {
    const all = found.get(key);
    if (all === undefined) found.set(key, [index]);
    else all.push(index);
  }
  places.set(stretch, found);
  return found;
}

/** The index in the units for an entry, by the nearest neighbour that was not edited since. */
function placeIn(stretch: Stretch, entry: SavedEntry): number {
  // The entry goes on after a comment, so no other entry may begin between it and that comment.
  if (entry.lines.some((line) => line.skip > 0)) return stretch.to;
  const now = placesOf(stretch);
  const then = new Map<string, number>();
  for (const key of [...entry.before, ...entry.after]) then.set(key, (then.get(key) ?? 0) + 1);
  // A key with another number of entries was edited since, and may be in another place.
  const reliable = (key: string): boolean => then.get(key) === (now.get(key)?.length ?? 0);
  const nthNow = (key: string, nth: number): number => now.get(key)?.[nth] ?? stretch.to;

  const previous = entry.before.findLastIndex(reliable);
  const previousKey = entry.before[previous];
  if (previousKey !== undefined) {
    const nth = entry.before.slice(0, previous).filter((key) => key === previousKey).length;
    return nthNow(previousKey, nth) + 1;
  }
  const nextKey = entry.after.find(reliable);
  if (nextKey !== undefined) {
    return nthNow(nextKey, entry.before.filter((key) => key === nextKey).length);
  }
  return entry.before.length === 0 ? stretch.from : stretch.to;
}

/** The first index from `at` on where an inserted line gets no continuation of another entry behind it. */
export function beyondContinuations(units: readonly Unit[], at: number): number {
  return placeBeyond(units)(at);
}

function placeBeyond(units: readonly Unit[]): (at: number) => number {
  // By index, the end of the last continuation before the next entry; 0 where there is none.
  const ends = new Uint32Array(units.length + 1);
  for (let at = units.length - 1; at >= 0; at -= 1) {
    const next = ends[at + 1] ?? 0;
    const { role } = units[at] as Unit;
    ends[at] = role === "start" ? 0 : role === "more" ? Math.max(next, at + 1) : next;
  }
  return (at) => Math.max(at, ends[at] ?? 0);
}

/** The index in the units for each saved entry, in their order. */
function placesFor(units: readonly Unit[], saved: Saved): readonly number[] {
  const stretches = stretchesOf(units);
  const beyond = placeBeyond(units);
  let least = 0;
  return saved.entries.map((entry) => {
    const place = placeIn(stretchFor(stretches, entry, saved.fixed), entry);
    const at = beyond(Math.max(least, place));
    least = entry.lines.slice(1).reduce((index, line) => afterGaps(units, index, line.skip), at);
    return at;
  });
}

/** The index after up to `count` comment and blank lines. */
function afterGaps(units: readonly Unit[], at: number, count: number): number {
  return count > 0 && units[at]?.role === "gap" ? afterGaps(units, at + 1, count - 1) : at;
}

/** The text with a new line, at the index of a unit, or at the end when `at` is undefined. */
export function withLineAt(
  text: Bytes,
  units: readonly Unit[],
  line: Bytes,
  at: number | undefined,
): Bytes {
  return at === undefined ? withNewline(text) + line : insertLines(units, [{ at, raw: line }]);
}

/** The index for a new line of a key, by what was saved when the key last had an entry. */
export function formerPlace(units: readonly Unit[], saved: Saved, inForce: "first" | "last") {
  return placesFor(units, saved).at(inForce === "first" ? 0 : -1);
}

/** Inserts lines at indexes of units. A line that is no longer the last gets its missing newline. */
function insertLines(
  units: readonly Unit[],
  lines: readonly { readonly at: number; readonly raw: Bytes }[],
): Bytes {
  const inserted = new Map<number, Bytes[]>();
  for (const { at, raw } of lines) {
    const there = inserted.get(at);
    if (there === undefined) inserted.set(at, [raw]);
    else there.push(raw);
  }
  const raws: Bytes[] = [];
  for (let index = 0; index <= units.length; index += 1)
    raws.push(...(inserted.get(index) ?? []), units[index]?.raw ?? "");
  const last = raws.findLastIndex((raw) => raw !== "");
  return raws.map((raw, index) => (index < last ? withNewline(raw) : raw)).join("");
}

function insertEntries(units: readonly Unit[], saved: Saved): Bytes {
  const places = placesFor(units, saved);
  const lines = saved.entries.flatMap((entry, nth) => {
    let at = places[nth] ?? units.length;
    return entry.lines.map((line) => {
      at = afterGaps(units, at, line.skip);
      return { at, raw: line.raw };
    });
  });
  return insertLines(units, lines);
}

/** Does the key have the saved entries, and no others? */
function hasEntries(units: readonly Unit[], key: string, saved: Saved): boolean {
  const now = units.flatMap((unit, at) =>
    unit.role === "start" && unit.key === key ? [linesOf(units, at)] : [],
  );
  const textOf = (lines: SavedEntry["lines"]): string =>
    lines.map(({ raw, skip }) => `${skip} ${withNewline(raw)}`).join("");
  return (
    now.length > 0 &&
    now.length === saved.entries.length &&
    now.every((lines, nth) => textOf(lines) === textOf(saved.entries[nth]?.lines ?? []))
  );
}

/** Takes away the entries that the key has now and brings back the saved ones. */
function undoKey(
  text: Bytes,
  unitsOf: (text: Bytes) => readonly Unit[],
  key: string,
  saved: Saved,
): Bytes {
  const units = unitsOf(text);
  const without = joinUnits(withoutKeys(units, new Set([key])));
  // Entries that are as they were stay where they are: their place is that of their neighbours, which may be new.
  const result = hasEntries(units, key, saved) ? text : insertEntries(unitsOf(without), saved);
  const lostNewline = saved.tail !== undefined && splitLines(result).at(-1) === `${saved.tail}\n`;
  return lostNewline ? result.slice(0, -1) : result;
}

/** Edits of all entries of one key, in a format that is read in units. */
interface KeyEdits {
  /** Removes all entries of a key. */
  readonly remove: (text: Bytes, name: string) => Bytes;
  /** Saves what `undo` needs to restore the entries of a key. */
  readonly save: (text: Bytes, name: string) => Saved;
  /** Restores the entries of a key as they were at `save`, and changes nothing else. */
  readonly undo: (text: Bytes, name: string, saved: Saved) => Bytes;
}

/** @param keyOf the key of a name, in formats that fold letters */
export function keyEdits(
  unitsOf: (text: Bytes) => readonly Unit[],
  keyOf: (name: string) => string = (name) => name,
): KeyEdits {
  return {
    remove: (text, name) => joinUnits(withoutKeys(unitsOf(text), new Set([keyOf(name)]))),
    save: (text, name) => saveKey(text, unitsOf(text), keyOf(name)),
    undo: (text, name, saved) => undoKey(text, unitsOf, keyOf(name), saved),
  };
}
