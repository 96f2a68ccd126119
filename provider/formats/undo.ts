import type { Bytes } from "./bytes";

/**
 * What is saved of a key before an edit, so that the edit can be undone after other edits of the same file.
 *
 * Edits touch no unit without a key (comment, blank line, line in error). The place of an entry is therefore given by
 * the number of such units before it and, between two of them, by the keys of the entries next to it. Edits of other
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
  readonly lines: readonly SavedLine[];
  /** The number of units without a key before it. */
  readonly fixedBefore: number;
  /** The nearest such units before and after it; null where there is none. */
  readonly above: Bytes | null;
  readonly below: Bytes | null;
  /** The nearest other entries between those two, in their order. */
  readonly before: readonly Neighbour[];
  readonly after: readonly Neighbour[];
}

export interface SavedLine {
  readonly raw: Bytes;
  readonly skip: number;
}

/**
 * Another entry in the same stretch: its key, where the stretch has one entry of the key; else also which of the entries
 * of its key it is, and how many there are. Earlier versions saved up to a hundred entries on either side by their keys
 * alone, so that a key may be repeated there.
 */
export type Neighbour = string | readonly [key: string, nth: number, of: number];

/**
 * The number of different keys that are saved on either side. The nearest entry that stands where it stood leads to the
 * place. An entry is lost as a guide while its own key is changed, so its place is exact where fewer keys than these next
 * to each other are gone at the same time, and also where keys next to each other come back in the order of the file or in
 * its reverse, because then the nearest neighbour is always there. For any other order of more keys, no saved data of a
 * fixed size can be enough: each key would have to say of every other one on which side it was.
 */
export const NEIGHBOURS = 6;

/** Enough of a line to recognize it. */
export const identity = (raw: Bytes): Bytes => raw.replace(/\n$/, "").slice(0, 200);

/** A neighbour, as one of several entries of its key. */
export interface Guide {
  readonly key: string;
  readonly nth: number;
  readonly of: number;
}

/** The neighbours of an entry, whichever version has saved them. */
export function guidesOf({ before, after }: SavedEntry): {
  readonly before: readonly Guide[];
  readonly after: readonly Guide[];
} {
  const named = [...before, ...after].filter((one) => typeof one === "string");
  const counts = new Map<string, number>();
  for (const key of named) counts.set(key, (counts.get(key) ?? 0) + 1);
  const seen = new Map<string, number>();
  const guide = (one: Neighbour): Guide => {
    if (typeof one !== "string") return { key: one[0], nth: one[1], of: one[2] };
    const nth = seen.get(one) ?? 0;
    seen.set(one, nth + 1);
    return { key: one, nth, of: counts.get(one) ?? 0 };
  };
  return { before: before.map(guide), after: after.map(guide) };
}
