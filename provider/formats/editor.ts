import type { Bytes } from "./bytes";
import {
  guidesOf,
  identity,
  NEIGHBOURS,
  type Guide,
  type Neighbour,
  type Saved,
  type SavedEntry,
  type SavedLine,
} from "./undo";
import { splitLines, withNewline, type Unit } from "./units";

/** Of several entries of one key, the one that the readers of the file use. */
export type InForce = "first" | "last";

/** A unit of the text, linked with those around it. */
interface Piece {
  raw: Bytes;
  readonly role: Unit["role"];
  readonly key: string | undefined;
  /** The number of pieces without a key before it: edits add and remove none of these. */
  readonly stretch: number;
  /** Its index among the units of the text as it was given. */
  readonly index: number;
  previous: Piece;
  next: Piece;
}

/** A place in the text, for a new line: before this piece. */
export type Place = Pick<Piece, "index">;

/** With this many stretches and more, only those before and after the expected one are searched. */
const WINDOW = 1000;

const NONE: readonly Piece[] = [];

/** The number of entries that are searched for neighbours on either side. */
const SEARCHED = 200;

/**
 * A text under edit, by the keys of its entries. The text is parsed once and joined once, and each edit costs what it
 * changes, so that work on many keys takes time in proportion to them. The text is at any time what it would be if it were
 * joined and parsed again after each edit.
 */
export class Editor {
  /** Stands for the end of the text, and closes the ring of pieces. */
  readonly #end: Piece;
  /** The pieces without a key, and the end: each ends the stretch of its number. */
  readonly #bounds: Piece[] = [];
  /** The pieces with which the entries of each key begin, in their order. */
  readonly #starts = new Map<string, Piece[]>();
  /** Does an entry, or did one, go on after a comment? Only then a search for its lines must pass comments. */
  #hasPartedEntries = false;
  #joined: Bytes | undefined;
  /** What is saved of each key that has no entry: one value, because these may be very many. */
  #absent: Saved | undefined;
  #identities: readonly Bytes[] | undefined;

  /** @param text the units joined, where the caller has them so */
  constructor(units: readonly Unit[], text?: Bytes) {
    this.#joined = text;
    const stretches = units.filter(({ key }) => key === undefined).length;
    this.#end = endAt(units.length, stretches);
    const end = this.#end;
    let last = end;
    units.forEach(({ raw, role, key }, index) => {
      const stretch = this.#bounds.length;
      const piece: Piece = { raw, role, key, stretch, index, previous: last, next: end };
      last.next = piece;
      if (role === "more" && last.role === "gap") this.#hasPartedEntries = true;
      if (key === undefined) this.#bounds.push(piece);
      else if (role === "start") this.#note(key, piece);
      last = piece;
    });
    last.next = end;
    end.previous = last;
    this.#bounds.push(end);
  }

  /** The text as it is now. */
  get text(): Bytes {
    if (this.#joined === undefined) {
      const raws: Bytes[] = [];
      for (let at = this.#end.next; at !== this.#end; at = at.next) raws.push(at.raw);
      this.#joined = raws.join("");
    }
    return this.#joined;
  }

  /** The number of entries of a key. */
  count(key: string): number {
    return this.#startsOf(key).length;
  }

  /** The index of the first entry of a key in the text as it was given; `undefined` where the key had none. */
  indexOf(key: string): number | undefined {
    return this.#startsOf(key)[0]?.index;
  }

  /** The lines of the entry in force, without comments; `undefined` where the key has no entry. */
  linesOf(key: string, inForce: InForce): readonly Bytes[] | undefined {
    const start = this.#startsOf(key).at(inForce === "first" ? 0 : -1);
    return start && this.#entryAt(start).map(({ piece }) => piece.raw);
  }

  /** Removes all entries of a key. */
  remove(key: string): void {
    for (const start of this.#startsOf(key))
      for (const { piece } of this.#entryAt(start)) this.#unlink(piece);
    this.#starts.delete(key);
  }

  /** Puts `line` in the place of the entry in force, and removes the key's other entries. */
  replace(key: string, inForce: InForce, line: Bytes): void {
    const starts = this.#startsOf(key);
    const kept = starts.at(inForce === "first" ? 0 : -1);
    if (kept === undefined) return;
    for (const start of starts)
      for (const { piece } of this.#entryAt(start)) if (piece !== kept) this.#unlink(piece);
    kept.raw = line;
    this.#starts.set(key, [kept]);
    this.#changed();
  }

  /** Adds an entry of one line, at the end where no place is given. */
  insert(key: string, line: Bytes, place?: Place): void {
    this.#link(line, "start", key, (place as Piece | undefined) ?? this.#end);
  }

  /** The place at the index of a unit, in the text as it was given. */
  placeAt(index: number): Place {
    let at = this.#end.next;
    while (at !== this.#end && at.index !== index) at = at.next;
    return at;
  }

  /** The first place from there on where an inserted line gets no continuation of another entry behind it. */
  beyond(place: Place): Place {
    return this.#beyond(place as Piece);
  }

  /** The place for a new entry of a key, by what was saved when the key last had entries. */
  formerPlace(saved: Saved, inForce: InForce): Place | undefined {
    return this.#placesFor(saved).at(inForce === "first" ? 0 : -1);
  }

  /** Everything that restoring the entries of a key needs. */
  save(key: string): Saved {
    return this.count(key) > 0 ? this.#saved(key) : (this.#absent ??= this.#saved(key));
  }

  /** Takes away the entries that the key has now and brings back the saved ones. */
  undo(key: string, saved: Saved): void {
    // Entries that are as they were stay where they are: their place is that of their neighbours, which may be new.
    if (!this.#hasEntries(key, saved)) {
      this.remove(key);
      this.#insertSaved(key, saved);
    }
    if (!this.#hasGainedNewline(saved)) return;
    const last = this.#end.previous;
    last.raw = last.raw.slice(0, -1);
    this.#changed();
  }

  /** Has the key the saved entries, so that undoing it changes nothing? */
  isUndone(key: string, saved: Saved): boolean {
    const isThere = this.#hasEntries(key, saved) || saved.entries.length + this.count(key) === 0;
    return isThere && !this.#hasGainedNewline(saved);
  }

  #saved(key: string): Saved {
    const entries = this.#startsOf(key).map((start): SavedEntry => {
      const { stretch } = start;
      return {
        lines: this.#savedLines(start),
        fixedBefore: stretch,
        above: this.#identity(stretch - 1),
        below: this.#identity(stretch),
        before: this.#neighbours(start, "previous").reverse(),
        after: this.#neighbours(start, "next"),
      };
    });
    const saved = { entries, fixed: this.#bounds.length - 1 };
    const { raw } = this.#end.previous;
    return raw === "" || raw.endsWith("\n")
      ? saved
      : { ...saved, tail: splitLines(raw).at(-1) ?? "" };
  }

  #changed(): void {
    this.#joined = undefined;
    this.#absent = undefined;
  }

  #startsOf(key: string): readonly Piece[] {
    return this.#starts.get(key) ?? NONE;
  }

  #note(key: string, start: Piece): void {
    const known = this.#starts.get(key);
    if (known === undefined) this.#starts.set(key, [start]);
    else known.push(start);
  }

  #unlink({ previous, next }: Piece): void {
    previous.next = next;
    next.previous = previous;
    this.#changed();
  }

  /** Inserts a piece before another one. A line that is not the last gets its missing newline. */
  #link(raw: Bytes, role: Unit["role"], key: string, next: Piece): void {
    const { previous, stretch, index } = next;
    if (next === this.#end) previous.raw = withNewline(previous.raw);
    const whole = next === this.#end ? raw : withNewline(raw);
    const piece: Piece = { raw: whole, role, key, stretch, index, previous, next };
    previous.next = piece;
    next.previous = piece;
    if (role === "start") this.#note(key, piece);
    this.#changed();
  }

  /** The pieces of the entry that begins there, each with the number of comments and blank lines before it. */
  #entryAt(start: Piece): readonly { readonly piece: Piece; readonly skip: number }[] {
    const found = [{ piece: start, skip: 0 }];
    let skip = 0;
    for (let at = start.next; at.role !== "start"; at = at.next)
      if (at.role === "more") {
        found.push({ piece: at, skip });
        skip = 0;
      } else if (this.#hasPartedEntries) skip += 1;
      else break;
    return found;
  }

  #savedLines(start: Piece): readonly SavedLine[] {
    return this.#entryAt(start).map(({ piece: { raw }, skip }) => ({ raw, skip }));
  }

  /** The bound of a stretch, as far as it is compared; null for the beginning and the end of the text. */
  #identity(stretch: number): Bytes | null {
    this.#identities ??= this.#bounds.slice(0, -1).map(({ raw }) => identity(raw));
    return this.#identities[stretch] ?? null;
  }

  /** The entries of a key in a stretch. */
  #within(stretch: number, key: string): readonly Piece[] {
    const starts = this.#startsOf(key);
    const from = firstFrom(starts, stretch);
    let to = from;
    while (starts[to]?.stretch === stretch) to += 1;
    return starts.slice(from, to);
  }

  /** The nearest entries of other keys in the same stretch, one of each key, the nearest first. */
  #neighbours(start: Piece, towards: "previous" | "next"): Neighbour[] {
    const found = new Map<string, Neighbour>();
    let searched = 0;
    let at = start[towards];
    for (
      ;
      at.key !== undefined && found.size < NEIGHBOURS && searched < SEARCHED;
      at = at[towards]
    ) {
      const { key } = at;
      if (at.role !== "start" || key === start.key) continue;
      searched += 1;
      if (found.has(key)) continue;
      const all = this.#within(start.stretch, key);
      found.set(key, all.length === 1 ? key : [key, all.indexOf(at), all.length]);
    }
    return [...found.values()];
  }

  /** Does the key have the saved entries, and no others? */
  #hasEntries(key: string, saved: Saved): boolean {
    const starts = this.#startsOf(key);
    const textOf = (lines: readonly SavedLine[]): string =>
      lines.map(({ raw, skip }) => `${skip} ${withNewline(raw)}`).join("");
    return (
      starts.length > 0 &&
      starts.length === saved.entries.length &&
      starts.every(
        (start, nth) => textOf(this.#savedLines(start)) === textOf(saved.entries[nth]?.lines ?? []),
      )
    );
  }

  /** Has the last line got a newline that it lacked when the key was saved? */
  #hasGainedNewline({ tail }: Saved): boolean {
    return tail !== undefined && splitLines(this.#end.previous.raw).at(-1) === `${tail}\n`;
  }

  #insertSaved(key: string, saved: Saved): void {
    const places = this.#placesFor(saved);
    saved.entries.forEach(({ lines }, nth) => {
      let at = places[nth] ?? this.#end;
      lines.forEach(({ raw, skip }, line) => {
        at = afterGaps(at, skip);
        if (skip > 0) this.#hasPartedEntries = true;
        this.#link(raw, line === 0 ? "start" : "more", key, at);
      });
    });
  }

  /** The place of each saved entry, in their order. */
  #placesFor(saved: Saved): readonly Piece[] {
    let least: Piece | undefined;
    return saved.entries.map((entry) => {
      const guides = guidesOf(entry);
      const place = this.#placeIn(this.#stretchFor(entry, guides, saved.fixed), entry, guides);
      const at = this.#beyond(least === undefined ? place : this.#laterOf(least, place));
      least = entry.lines.slice(1).reduce((after, line) => afterGaps(after, line.skip), at);
      return at;
    });
  }

  /** The later of two places. In one stretch, the search goes both ways from `least` at once, so it ends near by. */
  #laterOf(least: Piece, place: Piece): Piece {
    if (least.stretch !== place.stretch) return least.stretch < place.stretch ? place : least;
    let [back, on] = [least, least];
    for (;;) {
      if (on === place) return place;
      if (back === place) return least;
      if (on !== this.#end) on = on.next;
      if (back.previous !== this.#end) back = back.previous;
    }
  }

  #beyond(place: Piece): Piece {
    let found = place;
    for (let at = place; at.role !== "start"; at = at.next)
      if (at.role === "more") found = at.next;
      else if (!this.#hasPartedEntries) break;
    return found;
  }

  #from(stretch: number): Piece {
    return (stretch === 0 ? this.#end : (this.#bounds[stretch - 1] ?? this.#end)).next;
  }

  #to(stretch: number): Piece {
    return this.#bounds[stretch] ?? this.#end;
  }

  /** The stretch that an entry was in, or the one most like it. */
  #stretchFor(entry: SavedEntry, { before, after }: Guides, fixed: number): number {
    const { fixedBefore, above, below } = entry;
    const count = this.#bounds.length;
    const isLike = (stretch: number): boolean =>
      this.#identity(stretch - 1) === above && this.#identity(stretch) === below;
    if (count - 1 === fixed && fixedBefore < count && isLike(fixedBefore)) return fixedBefore;
    const near = [...before.slice(-1), ...after.slice(0, 1)];
    const score = (stretch: number): number =>
      2 * Number(this.#identity(stretch - 1) === above) +
      2 * Number(this.#identity(stretch) === below) +
      Number(near.some(({ key }) => this.#within(stretch, key).length > 0));
    const distance = (stretch: number): number => {
      const fromTop = Math.abs(stretch - fixedBefore);
      const fromBottom = Math.abs(count - 1 - stretch - (fixed - fixedBefore));
      return Math.min(fromTop, fromBottom);
    };
    const isSmall = count <= 2 * WINDOW;
    const first = isSmall ? 0 : Math.max(0, Math.min(fixedBefore, count) - WINDOW);
    const end = isSmall ? count : Math.min(count, fixedBefore + WINDOW);
    // Where a comment was added or deleted elsewhere, one of these two is the place, and no other can be better.
    const expected = [fixedBefore, count - 1 - (fixed - fixedBefore)].sort((one, two) => one - two);
    const highest = near.length > 0 ? 5 : 4;
    for (const stretch of expected)
      if (stretch >= first && stretch < end && score(stretch) === highest) return stretch;
    let best: { stretch: number; score: number; distance: number } | undefined;
    for (let stretch = first; stretch < end; stretch += 1) {
      const next = { stretch, score: score(stretch), distance: distance(stretch) };
      const isBetter =
        best === undefined ||
        next.score > best.score ||
        (next.score === best.score && next.distance < best.distance);
      if (isBetter) best = next;
    }
    return best?.stretch ?? count - 1;
  }

  /** The place in a stretch for an entry, by the nearest neighbour that was not edited since. */
  #placeIn(stretch: number, entry: SavedEntry, { before, after }: Guides): Piece {
    // The entry goes on after a comment, so no other entry may begin between it and that comment.
    if (entry.lines.some((line) => line.skip > 0)) return this.#to(stretch);
    // A key with another number of entries was edited since, and may be in another place.
    const standing = ({ key, nth, of }: Guide): Piece | undefined => {
      const now = this.#within(stretch, key);
      return now.length === of ? now[nth] : undefined;
    };
    for (const guide of before.toReversed()) {
      const there = standing(guide);
      if (there !== undefined) return there.next;
    }
    for (const guide of after) {
      const there = standing(guide);
      if (there !== undefined) return there;
    }
    return before.length === 0 ? this.#from(stretch) : this.#to(stretch);
  }
}

type Guides = ReturnType<typeof guidesOf>;

/** The piece after up to `count` comment and blank lines. */
function afterGaps(at: Piece, count: number): Piece {
  let after = at;
  for (let left = count; left > 0 && after.role === "gap"; left -= 1) after = after.next;
  return after;
}

/** The piece that stands for the end of a text, linked with itself as long as there are no others. */
function endAt(index: number, stretch: number): Piece {
  const end = { raw: "", role: "start", key: undefined, index, stretch } as Piece;
  end.previous = end;
  end.next = end;
  return end;
}

/** The index of the first of these pieces, which stand in their order, that is in the stretch or after it. */
function firstFrom(pieces: readonly Piece[], stretch: number): number {
  let [from, to] = [0, pieces.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((pieces[middle]?.stretch ?? 0) < stretch) from = middle + 1;
    else to = middle;
  }
  return from;
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
  const edited = (text: Bytes, edit: (editor: Editor) => void): Bytes => {
    const editor = new Editor(unitsOf(text), text);
    edit(editor);
    return editor.text;
  };
  return {
    remove: (text, name) => edited(text, (editor) => editor.remove(keyOf(name))),
    save: (text, name) => new Editor(unitsOf(text), text).save(keyOf(name)),
    undo: (text, name, saved) => edited(text, (editor) => editor.undo(keyOf(name), saved)),
  };
}

/** The text with a new line, at the index of a unit, or at the end when `at` is undefined. */
export function withLineAt(units: readonly Unit[], line: Bytes, at: number | undefined): Bytes {
  const editor = new Editor(units);
  editor.insert("", line, at === undefined ? undefined : editor.placeAt(at));
  return editor.text;
}

/** The index for a new line of a key, by what was saved when the key last had an entry. */
export function formerPlace(
  units: readonly Unit[],
  saved: Saved,
  inForce: InForce,
): number | undefined {
  return new Editor(units).formerPlace(saved, inForce)?.index;
}

/** The first index from `at` on where an inserted line gets no continuation of another entry behind it. */
export function beyondContinuations(units: readonly Unit[], at: number): number {
  const editor = new Editor(units);
  return editor.beyond(editor.placeAt(at)).index;
}
