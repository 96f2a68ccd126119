/** What earlier versions have saved of a key, up to a hundred neighbours by name, is undone as those versions did it. */
import * as aliases from "../../../provider/formats/aliases";
import type { Neighbour, Saved } from "../../../provider/formats/undo";

/** As an earlier version saved `a: x` in the file of {@link BEFORE}. */
function savedOf(before: readonly Neighbour[], after: readonly Neighbour[]): Saved {
  const place = { fixedBefore: 0, above: null, below: null, before, after };
  return { entries: [{ lines: [{ raw: "a: x\n", skip: 0 }], ...place }], fixed: 0 };
}

const BEFORE = "b: 1\na: x\nb: 2\nc: 3\n";
const FORMER = savedOf(["b"], ["b", "c"]);

test.each([
  ["nothing else has changed", "b: 1\nb: 2\nc: 3\n", BEFORE],
  ["a neighbour stands elsewhere now", "b: 9\nc: 3\n", "b: 9\na: x\nc: 3\n"],
  ["the neighbours are gone", "d: 4\n", "d: 4\na: x\n"],
  ["new entries stand between", "b: 1\nn: 5\nb: 2\nc: 3\n", "b: 1\na: x\nn: 5\nb: 2\nc: 3\n"],
  ["the key was changed", "b: 1\nb: 2\na: y\nc: 3\n", BEFORE],
])("%s", (_, now, undone) => {
  expect(aliases.undo(now, "a", FORMER)).toBe(undone);
  expect(aliases.undo(now, "a", aliases.save(BEFORE, "a"))).toBe(undone);
});

test("a key that is saved as repeated is one of several entries, as the numbers of this version say it", () => {
  expect(aliases.save(BEFORE, "a")).toEqual(savedOf([["b", 0, 2]], [["b", 1, 2], "c"]));
});

test("of a hundred neighbours, the six nearest keys on either side are saved", () => {
  const text = Array.from({ length: 100 }, (_, nth) => `k${nth}: x\n`).join("");
  const [entry] = aliases.save(text, "k50").entries;
  expect(entry?.before).toEqual(["k44", "k45", "k46", "k47", "k48", "k49"]);
  expect(entry?.after).toEqual(["k51", "k52", "k53", "k54", "k55", "k56"]);
});

test("all hundred neighbours of an earlier version lead to the place", () => {
  const names = Array.from({ length: 200 }, (_, nth) => `k${nth}`);
  const text = names.map((name) => `${name}: x\n`).join("");
  const saved: Saved = {
    entries: [
      {
        ...{ lines: [{ raw: "k100: x\n", skip: 0 }], fixedBefore: 0, above: null, below: null },
        ...{ before: names.slice(0, 100), after: names.slice(101) },
      },
    ],
    fixed: 0,
  };
  const left = [...names.slice(0, 3), ...names.slice(190)];
  const now = left.map((name) => `${name}: x\n`).join("");
  const whole = ["k0", "k1", "k2", "k100", ...names.slice(190)];
  expect(aliases.undo(now, "k100", saved)).toBe(whole.map((name) => `${name}: x\n`).join(""));
  expect(aliases.undo(text.replace("k100: x\n", ""), "k100", saved)).toBe(text);
});
