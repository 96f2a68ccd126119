import fc from "fast-check";
import type { Bytes } from "../../../provider/formats/bytes";

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

/** fast-check prints seed and counterexample of a failure. */
export function holds<T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, law), { numRuns, seed });
}

/** Like {@link holds}, for a text and something else, and once more for a text of many lines. */
export function holdsForTexts<T>(
  texts: fc.Arbitrary<Bytes>,
  other: fc.Arbitrary<T>,
  law: (text: Bytes, other: T) => void,
): void {
  fc.assert(fc.property(texts, other, law), { numRuns, seed });
  const large = largeText(texts, "")();
  fc.assert(
    fc.property(other, (one) => law(large, one)),
    { numRuns: 1, seed },
  );
}

/** What the laws need of a keyed format, its extra parameters already filled in. */
export interface KeyedFormat<V, S> {
  get(text: Bytes, key: string): unknown;
  set(text: Bytes, key: string, value: V, was?: S): Bytes;
  remove(text: Bytes, key: string): Bytes;
  save(text: Bytes, key: string): S;
  undo(text: Bytes, key: string, saved: S): Bytes;
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
  const test = (
    name: string,
    holdsFor: (texts: fc.Arbitrary<Bytes>, runs: number) => void,
  ): void => {
    global.test(name, () => holdsFor(small, numRuns));
    global.test(`${name}: in a file of ${largeLines} lines`, () =>
      holdsFor(fc.constant(large()), 1),
    );
  };
  const check = <T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => void, runs: number): void =>
    fc.assert(fc.property(arbitrary, law), { numRuns: runs, seed });
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

  test("what was set is read back", (texts, runs) => {
    check(
      fc.tuple(texts, key, values),
      ([text, name, value]) => {
        expect(format.get(format.set(text, name, value), name)).toEqual(value);
      },
      runs,
    );
  });

  test("setting twice is setting once", (texts, runs) => {
    check(
      fc.tuple(texts, key, values),
      ([text, name, value]) => {
        const once = format.set(text, name, value);
        expect(format.set(once, name, value)).toBe(once);
      },
      runs,
    );
  });

  test("setting or removing a key leaves the reading of every other key as it was", (texts, runs) => {
    check(
      fc.tuple(texts, edit),
      ([text, one]) => {
        const edited = apply(text, one);
        for (const other of laws.keys.filter((name) => name !== one.key)) {
          expect(format.get(edited, other)).toEqual(format.get(text, other));
        }
      },
      runs,
    );
  });

  test("what was removed is no longer there, and removing twice is removing once", (texts, runs) => {
    check(
      fc.tuple(texts, key),
      ([text, name]) => {
        const once = format.remove(text, name);
        if (laws.removable?.(text) !== false) expect(format.get(once, name)).toBeUndefined();
        expect(format.remove(once, name)).toBe(once);
      },
      runs,
    );
  });

  test("removing deletes lines and changes none", (texts, runs) => {
    check(
      fc.tuple(texts, key),
      ([text, name]) => {
        expect(isWithin(format.remove(text, name), text)).toBe(true);
      },
      runs,
    );
  });

  test("removing a key that is not there, or setting what is undone, changes no byte", (texts, runs) => {
    check(
      fc.tuple(texts, key),
      ([text, name]) => {
        const without = format.remove(text, name);
        expect(format.undo(without, name, format.save(without, name))).toBe(without);
        expect(format.undo(text, name, format.save(text, name))).toBe(text);
      },
      runs,
    );
  });

  test("undoing an edit gives the bytes that were there before", (texts, runs) => {
    check(
      fc.tuple(texts, edit),
      ([text, one]) => {
        const saved = format.save(text, one.key);
        expect(format.undo(apply(text, one), one.key, saved)).toBe(text);
      },
      runs,
    );
  });

  test("what was saved survives JSON", (texts, runs) => {
    check(
      fc.tuple(texts, edit),
      ([text, one]) => {
        const saved = JSON.parse(JSON.stringify(format.save(text, one.key))) as S;
        expect(format.undo(apply(text, one), one.key, saved)).toBe(text);
      },
      runs,
    );
  });

  test("several keys saved before are undone in any order, to the byte", (texts, runs) => {
    check(
      fc.tuple(texts, edits),
      ([text, { chosen, order }]) => {
        const all = saves(text, chosen);
        const edited = chosen.reduce((now, one) => apply(now, one), text);
        const undone = order.reduce(
          (now, one) => format.undo(now, one.key, savedFor(all, one.key)),
          edited,
        );
        expect(undone).toBe(text);
      },
      runs,
    );
  });

  test("keys saved one after the other, each before its own edit, are undone in the reverse order", (texts, runs) => {
    check(
      fc.tuple(texts, edits),
      ([text, { chosen }]) => {
        const all: { key: string; saved: S }[] = [];
        const edited = chosen.reduce((now, one) => {
          all.push({ key: one.key, saved: format.save(now, one.key) });
          return apply(now, one);
        }, text);
        const undone = all
          .reverse()
          .reduce((now, one) => format.undo(now, one.key, one.saved), edited);
        expect(undone).toBe(text);
      },
      runs,
    );
  });

  test("a key removed by hand goes back to its former place when that is known", (texts, runs) => {
    check(
      fc.tuple(texts, edits, values),
      ([text, { chosen, order }, value]) => {
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
        expect(undone).toBe(text);
      },
      runs,
    );
  });

  test("what is undone already stays where it is, whatever was put in meanwhile under other keys", (texts, runs) => {
    check(
      fc.tuple(texts, edit, edits),
      ([text, one, { chosen }]) => {
        const saved = format.save(text, one.key);
        const undone = format.undo(apply(text, one), one.key, saved);
        const others = chosen.filter(({ key }) => key !== one.key);
        const edited = others.reduce((now, other) => apply(now, other), undone);
        if (refused?.(edited) === true) return;
        // The last newline of the file is another matter: it goes where the text had none.
        const again = format.undo(edited, one.key, saved);
        expect(again.replace(/\n$/, "")).toBe(edited.replace(/\n$/, ""));
      },
      runs,
    );
  });

  const foreignEdit = fc.record({
    at: fc.nat(),
    action: fc.constantFrom("insert", "delete"),
    line: laws.foreignLine,
  });

  test("undoing keeps what others changed meanwhile, and brings the old reading back", (texts, runs) => {
    const args = fc.tuple(texts, edit, fc.array(foreignEdit, { maxLength: 4 }));
    check(
      args,
      ([text, one, foreign]) => {
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
        expect(isWithin(theirs, undone)).toBe(true);
        expect(format.remove(undone, one.key).replace(/\n$/, "")).toBe(theirs.replace(/\n$/, ""));
        // A last line without a newline may read otherwise once something follows it, and what reads a key
        // from elsewhere may have been deleted.
        const complete = text === "" || text.endsWith("\n");
        if (complete && [text, edited].every((one) => laws.removable?.(one) !== false)) {
          expect(format.get(undone, one.key)).toEqual(format.get(text, one.key));
        }
      },
      runs,
    );
  });
}
