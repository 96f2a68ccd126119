import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { Bytes } from "../../../provider/formats/bytes";
import { type KeyFunctions, oneByOne, type TextEditor } from "../../../provider/formats/oneByOne";

const inCi = process.env["CI"] !== undefined;

/** Cases for each property; `PROPERTY_RUNS=100000` for a long run. */
export const numRuns = Number(process.env["PROPERTY_RUNS"] ?? (inCi ? 10_000 : 300));

/** Lines of the one large file that each law is tried on as well. */
const largeLines = Number(process.env["PROPERTY_LINES"] ?? (inCi ? 100_000 : 2_000));

/**
 * `PROPERTY_SEED` of a former run gives its cases again. CI tries the same ones each time, so that what fails there is
 * what was changed.
 */
const seed = Number(
  process.env["PROPERTY_SEED"] ?? (inCi ? 1 : Math.floor(Math.random() * 0x7fff_ffff)),
);

if (numRuns > 1000 || largeLines > 10_000) jest.setTimeout(600_000);

beforeAll(() => {
  process.stderr.write(`${numRuns} cases for each property, PROPERTY_SEED=${seed}\n`);
});

const remembered = new WeakMap<object, readonly unknown[]>();

/**
 * The cases of an arbitrary, made once: from one seed, every property has the same ones, and to make them takes longer than
 * many a law.
 *
 * @param shift parts the cases of what is put together from those that it is put together with
 */
function casesOf<T>(arbitrary: fc.Arbitrary<T>, shift = 0): readonly T[] {
  const known = remembered.get(arbitrary) as readonly T[] | undefined;
  if (known !== undefined) return known;
  const made = fc.sample(arbitrary, { numRuns, seed: seed + shift });
  remembered.set(arbitrary, made);
  return made;
}

/** Where the law does not hold, fast-check looks for a small case, and prints it with its seed. */
export function holds<T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => void): void {
  for (const one of casesOf(arbitrary))
    try {
      law(one);
    } catch (error) {
      fc.assert(fc.property(arbitrary, law), { numRuns, seed });
      throw error;
    }
}

/** Like {@link holds}, for a text and something else. */
function holdsForBoth<T>(
  texts: fc.Arbitrary<Bytes>,
  other: fc.Arbitrary<T>,
  law: (text: Bytes, other: T) => void,
): void {
  const others = casesOf(other, 1);
  for (const [at, text] of casesOf(texts).entries()) {
    const one = others[at] as T;
    try {
      law(text, one);
    } catch (error) {
      fc.assert(fc.property(texts, other, law), { numRuns, seed, examples: [[text, one]] });
      throw error;
    }
  }
}

/** Like {@link holds}, for a text and something else, and once more for a text of many lines. */
export function holdsForTexts<T>(
  texts: fc.Arbitrary<Bytes>,
  other: fc.Arbitrary<T>,
  law: (text: Bytes, other: T) => void,
): void {
  holdsForBoth(texts, other, law);
  const large = largeText(texts, "")();
  fc.assert(
    fc.property(other, (one) => law(large, one)),
    { numRuns: 1, seed },
  );
}

/** `expect(found).toEqual(wanted)`, which takes its time also where both are equal. */
export function same(found: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(found, wanted)) expect(found).toEqual(wanted);
}

/** What the laws need of a keyed format, its extra parameters already filled in. */
export interface KeyedFormat<V, S> {
  get(text: Bytes, key: string): unknown;
  set(text: Bytes, key: string, value: V, was?: S): Bytes;
  remove(text: Bytes, key: string): Bytes;
  save(text: Bytes, key: string): S;
  undo(text: Bytes, key: string, saved: S): Bytes;
  /** Work on many keys; left out where the format works on one after the other. */
  open?(text: Bytes): TextEditor<V, S>;
}

export interface Laws<V, S> {
  readonly format: KeyedFormat<V, S>;
  /** Hostile texts in which the keys occur often. */
  readonly texts: fc.Arbitrary<Bytes>;
  readonly keys: readonly string[];
  readonly values: fc.Arbitrary<V>;
  /** A line that parts two texts, so that the second reads as it does alone. */
  readonly separator: Bytes;
  /** A line that may be put between any two lines without changing how the others read. */
  readonly foreignLine: fc.Arbitrary<Bytes>;
  /** Whether the text is one that `set` refuses; its laws do not speak of these. */
  readonly refused?: (text: Bytes) => boolean;
  /** Whether `remove` can take every key away from the text; default: from any. */
  readonly removable?: (text: Bytes) => boolean;
}

const lines = (text: Bytes): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** Whether the lines of `part` stand in `whole` in the same order; the last may have got a newline. */
export function isWithin(part: Bytes, whole: Bytes): boolean {
  const rest = lines(whole).map((line) => line.replace(/\n$/, ""));
  let next = 0;
  return lines(part).every((line) => {
    const at = rest.indexOf(line.replace(/\n$/, ""), next);
    next = at + 1;
    return at >= 0;
  });
}

/** A text of many, made once. */
function largeText(texts: fc.Arbitrary<Bytes>, separator: Bytes): () => Bytes {
  let made: Bytes | undefined;
  return () => {
    const parts: Bytes[] = [];
    for (let count = 0, round = 0; made === undefined && count < largeLines; round += 1)
      for (const text of fc.sample(texts, { numRuns: 1000, seed: seed + round })) {
        if (count >= largeLines) break;
        const part = (text === "" || text.endsWith("\n") ? text : `${text}\n`) + separator;
        parts.push(part);
        count += lines(part).length;
      }
    return (made ??= parts.join(""));
  };
}

interface Edit<V> {
  readonly key: string;
  readonly value: V | undefined;
}

/** The laws that hold for each format with keys, and for any text. */
export function describeLaws<V, S>(laws: Laws<V, S>): void {
  const { format, values, refused } = laws;
  const small = refused === undefined ? laws.texts : laws.texts.filter((text) => !refused(text));
  const large = largeText(small, laws.separator);
  /** A law for each text and something else. */
  const test = <T>(
    name: string,
    other: fc.Arbitrary<T>,
    law: (text: Bytes, other: T) => void,
  ): void => {
    global.test(name, () => holdsForBoth(small, other, law));
    global.test(`${name}: in a file of ${largeLines} lines`, () =>
      fc.assert(
        fc.property(other, (one) => law(large(), one)),
        { numRuns: 1, seed },
      ),
    );
  };
  const key = fc.constantFrom(...laws.keys);
  const edit = fc.record({ key, value: fc.option(values, { nil: undefined, freq: 4 }) });
  const edits = fc.uniqueArray(edit, { selector: (one) => one.key, minLength: 1 }).chain((chosen) =>
    fc.record({
      chosen: fc.constant(chosen),
      order: fc.shuffledSubarray(chosen, { minLength: chosen.length }),
    }),
  );
  const apply = (text: Bytes, { key, value }: Edit<V>, was?: S): Bytes =>
    value === undefined ? format.remove(text, key) : format.set(text, key, value, was);
  const saves = (text: Bytes, chosen: readonly Edit<V>[]) =>
    chosen.map((one) => ({ key: one.key, saved: format.save(text, one.key) }));
  const savedFor = (all: ReturnType<typeof saves>, wanted: string): S => {
    const found = all.find((one) => one.key === wanted);
    if (found === undefined) throw new Error(`nothing saved for ${wanted}`);
    return found.saved;
  };

  test("what was set is read back", fc.tuple(key, values), (text, [name, value]) => {
    same(format.get(format.set(text, name, value), name), value);
  });

  test("setting twice is setting once", fc.tuple(key, values), (text, [name, value]) => {
    const once = format.set(text, name, value);
    same(format.set(once, name, value), once);
  });

  test(
    "setting or removing a key leaves the reading of every other key as it was",
    edit,
    (text, one) => {
      const edited = apply(text, one);
      for (const other of laws.keys.filter((name) => name !== one.key)) {
        same(format.get(edited, other), format.get(text, other));
      }
    },
  );

  test(
    "what was removed is no longer there, and removing twice is removing once",
    key,
    (text, name) => {
      const once = format.remove(text, name);
      if (laws.removable?.(text) !== false) same(format.get(once, name), undefined);
      same(format.remove(once, name), once);
    },
  );

  test("removing deletes lines and changes none", key, (text, name) => {
    same(isWithin(format.remove(text, name), text), true);
  });

  test(
    "removing a key that is not there, or setting what is undone, changes no byte",
    key,
    (text, name) => {
      const without = format.remove(text, name);
      same(format.undo(without, name, format.save(without, name)), without);
      same(format.undo(text, name, format.save(text, name)), text);
    },
  );

  test("undoing an edit gives the bytes that were there before", edit, (text, one) => {
    const saved = format.save(text, one.key);
    same(format.undo(apply(text, one), one.key, saved), text);
  });

  test("what was saved survives JSON", edit, (text, one) => {
    const saved = JSON.parse(JSON.stringify(format.save(text, one.key))) as S;
    same(format.undo(apply(text, one), one.key, saved), text);
  });

  test(
    "several keys saved before are undone in any order, to the byte",
    edits,
    (text, { chosen, order }) => {
      const all = saves(text, chosen);
      const edited = chosen.reduce((now, one) => apply(now, one), text);
      const undone = order.reduce(
        (now, one) => format.undo(now, one.key, savedFor(all, one.key)),
        edited,
      );
      same(undone, text);
    },
  );

  test(
    "keys saved one after the other, each before its own edit, are undone in the reverse order",
    edits,
    (text, { chosen }) => {
      const all: { key: string; saved: S }[] = [];
      const edited = chosen.reduce((now, one) => {
        all.push({ key: one.key, saved: format.save(now, one.key) });
        return apply(now, one);
      }, text);
      const undone = all
        .reverse()
        .reduce((now, one) => format.undo(now, one.key, one.saved), edited);
      same(undone, text);
    },
  );

  test(
    "a key removed by hand goes back to its former place when that is known",
    fc.tuple(edits, values),
    (text, [{ chosen, order }, value]) => {
      const all = saves(text, chosen);
      const edited = chosen.reduce((now, one) => apply(now, one), text);
      const lost = order.slice(0, 2).map((one) => one.key);
      const without = lost.reduce((now, name) => format.remove(now, name), edited);
      const repaired = lost.reduce(
        (now, name) => format.set(now, name, value, savedFor(all, name)),
        without,
      );
      const undone = order.reduce(
        (now, one) => format.undo(now, one.key, savedFor(all, one.key)),
        repaired,
      );
      same(undone, text);
    },
  );

  test(
    "what is undone already stays where it is, whatever was put in meanwhile under other keys",
    fc.tuple(edit, edits),
    (text, [one, { chosen }]) => {
      const saved = format.save(text, one.key);
      const undone = format.undo(apply(text, one), one.key, saved);
      const others = chosen.filter(({ key }) => key !== one.key);
      const edited = others.reduce((now, other) => apply(now, other), undone);
      if (refused?.(edited) === true) return;
      // The last newline of the file is another matter: it goes where the text had none.
      const again = format.undo(edited, one.key, saved);
      same(again.replace(/\n$/, ""), edited.replace(/\n$/, ""));
    },
  );

  const open = (text: Bytes): TextEditor<V, S> =>
    format.open?.(text) ?? oneByOne(format as KeyFunctions<V, S>, text);
  const work = fc.array(
    fc.record({
      act: fc.constantFrom("set", "set again", "remove", "save", "undo", "undo the last", "look"),
      key,
      value: values,
    }),
    { minLength: 1, maxLength: 12 },
  );

  test(
    "work on many keys of an opened text gives what one key after the other gives, to the byte",
    work,
    (text, acts) => {
      const editor = open(text);
      const before = new Map(laws.keys.map((name) => [name, format.save(text, name)]));
      const last = new Map(before);
      let now = text;
      for (const { act, key: name, value } of acts) {
        const first = before.get(name) as S;
        const saved = act === "undo" ? first : (last.get(name) as S);
        if (act === "set" || act === "set again") {
          const was = act === "set" ? undefined : first;
          now = format.set(now, name, value, was);
          editor.set(name, value, was);
        } else if (act === "remove") {
          now = format.remove(now, name);
          editor.remove(name);
        } else if (act === "save") {
          last.set(name, format.save(now, name));
          same(editor.save(name), last.get(name));
        } else if (act === "look") {
          same(editor.text, now);
          same(editor.get(name), format.get(now, name));
        } else {
          const undone = format.undo(now, name, saved);
          if (editor.isUndone(name, saved)) same(undone, now);
          if (text === "" || text.endsWith("\n"))
            same(editor.undone(name, saved), format.get(undone, name));
          now = undone;
          editor.undo(name, saved);
          same(editor.isUndone(name, saved), format.undo(now, name, saved) === now);
        }
        if (refused?.(now) === true) return;
      }
      same(editor.text, now);
      for (const name of laws.keys) same(editor.get(name), format.get(now, name));
    },
  );

  test(
    "what is undone at once, of all keys, is what was there before, to the byte",
    edits,
    (text, { chosen, order }) => {
      const editor = open(text);
      const all = chosen.map(({ key: name }) => ({ key: name, saved: editor.save(name) }));
      for (const { key: name, value } of chosen)
        if (value === undefined) editor.remove(name);
        else editor.set(name, value);
      for (const { key: name } of order) editor.undo(name, savedFor(all, name));
      same(editor.text, text);
    },
  );

  const foreignEdit = fc.record({
    at: fc.nat(),
    action: fc.constantFrom("insert", "delete"),
    line: laws.foreignLine,
  });

  test(
    "undoing keeps what others changed meanwhile, and brings the old reading back",
    fc.tuple(edit, fc.array(foreignEdit, { maxLength: 4 })),
    (text, [one, foreign]) => {
      const saved = format.save(text, one.key);
      const edited = foreign.reduce(
        (now, change) => {
          const all = lines(now);
          const at = change.at % (all.length + 1);
          if (change.action === "delete") all.splice(at, 1);
          else all.splice(at, 0, change.line);
          return all
            .map((line, nth) => (nth < all.length - 1 ? line.replace(/\n?$/, "\n") : line))
            .join("");
        },
        apply(text, one),
      );
      if (refused?.(edited) === true) return;
      const theirs = format.remove(edited, one.key);
      const undone = format.undo(edited, one.key, saved);
      same(isWithin(theirs, undone), true);
      same(format.remove(undone, one.key).replace(/\n$/, ""), theirs.replace(/\n$/, ""));
      // A last line without a newline may read otherwise once something follows it, and what reads a key
      // from elsewhere may have been deleted.
      const complete = text === "" || text.endsWith("\n");
      if (complete && [text, edited].every((one) => laws.removable?.(one) !== false)) {
        same(format.get(undone, one.key), format.get(text, one.key));
      }
    },
  );
}
