import { FormatError } from "../../../provider/formats/bytes";
import * as table from "../../../provider/formats/table";
import { describeLaws } from "./laws";
import { foreignLine, keys, texts, values } from "./tableTexts";

describe("a lookup table", () => {
  describeLaws({ format: table, texts, keys, values, separator: "other OK\n", foreignLine });

  test.each([
    ["a b", "b"],
    ["a\tb \t\r\n", "b"],
    ["A b c", "b c"],
    ["a b\n c\n", "b c"],
    ["a\n b\n", "b"],
    ["a b\n# note\n\n c\n", "b c"],
    ["a 1\na 2\n", "1"],
    ["a b # not a comment", "b # not a comment"],
    ["a b\0c\n", "b"],
    ["a", undefined],
    ["# a b", undefined],
    [" a b", undefined],
    ["ab c", undefined],
  ])("Postfix reads a from %j as %j", (text, value) => {
    expect(table.get(text, "a")).toBe(value);
  });

  test("an entry is replaced where it stands, in its spelling, and a new one goes to the end", () => {
    const text = "# domains\nExample.org   OK\nb 1\n";
    expect(table.set(text, "example.org", "REJECT")).toBe(text.replace("OK", "REJECT"));
    expect(table.set(text, "c", "2")).toBe(`${text}c\t2\n`);
    expect(table.set(text, "EXAMPLE.org", "OK")).toBe(text);
    expect(table.set("a 1\nb 2\na 3\n", "a", "4")).toBe("a 4\nb 2\n");
  });

  test("an entry that is as it was stays where it is, also where its neighbour of then is gone and another has come", () => {
    const saved = table.save("ben x\nann y\n", "ann");
    const now = "ann y\ncleo z\n";
    expect(table.undo(now, "ann", saved)).toBe(now);
  });

  test("lines that postmap skips are named, and keys that stand twice", () => {
    const text = ' orphan\na 1\nb\n"c d\nA 2\ne: 3\n';
    expect(table.faults(text).map(({ line }) => line)).toEqual([1, 3, 4, 6]);
    expect(table.duplicates(text)).toEqual([{ name: "a", lines: [2, 5] }]);
  });

  test("a database is that of one of the readings of different builds of Postfix", () => {
    expect(table.compiled("A 1\na 2\n").map((all) => [...all])).toEqual([[["a", "1"]]]);
    expect(table.compiled('"a b" c\n\xff d\n').map((all) => [...all])).toEqual([
      [
        ['"a b"', "c"],
        ["\xff", "d"],
      ],
      [
        ['"a', 'b" c'],
        ["\xff", "d"],
      ],
      [['"a b"', "c"]],
      [['"a', 'b" c']],
    ]);
  });

  test.each(["", "a b", "#a", '"a"', "a\\", "a\nb", "a:", "\ta", "é€"])(
    "%j is refused as a key",
    (key) => {
      expect(() => table.set("", key, "x")).toThrow(FormatError);
    },
  );

  test.each(["", " a", "a ", "a\nb", "a\0", "€"])("%j is refused as a value", (value) => {
    expect(() => table.set("", "a", value)).toThrow(FormatError);
  });
});
