import fc from "fast-check";
import { manyLines } from "./manyLines";

/** Keys in lower case that begin alike. */
export const keys = ["example.org", "example.org.au", ".example.org", "root@", "a"] as const;

const written = fc.constantFrom(
  ...keys,
  "Example.ORG",
  '"a',
  '"a b"@x',
  "a:",
  "a\\",
  "\xc3\x89",
  "\xff",
);
const spaces = fc.constantFrom(" ", "\t", "  ", " \t", "\r", "\v");
const word = fc.constantFrom(
  "OK",
  "smtp:[10.1.0.2]",
  "REJECT no",
  "#x",
  "a,",
  '"',
  "\xff\xfe",
  "\xc3\xa9",
  "\0",
  "\r",
  "",
);
const words = fc.array(word, { maxLength: 3 }).map((parts) => parts.join(" "));

const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(written, spaces, words, fc.constantFrom("", " ", "\t"))
      .map((parts) => parts.join("")),
  },
  { weight: 3, arbitrary: fc.tuple(spaces, words).map(([s, w]) => s + w) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom("", " ", "\t"), words).map(([s, w]) => `${s}#${w}`),
  },
  { weight: 2, arbitrary: fc.constantFrom("", " ", "\t", "\r") },
  { weight: 1, arbitrary: written },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary-ascii", maxLength: 10 })
      .map((text) => text.replaceAll("\n", "")),
  },
);

/** A lookup table as nobody would write it. */
export const texts = fc
  .tuple(
    manyLines(fc.tuple(line, fc.constantFrom("\n", "\n", "\n", "\r\n")), 12),
    line,
    fc.boolean(),
  )
  .map(([all, last, open]) => all.map(([text, end]) => text + end).join("") + (open ? last : ""));

/** Values that `set` takes. */
export const values = fc
  .oneof(words, fc.string({ unit: "binary-ascii", maxLength: 12 }))
  .map((text) => text.replace(/[\n\0]/g, "").replace(/^[\s\v]+|[\s\v]+$/g, ""))
  .filter((text) => text !== "");

export const foreignLine = fc.constantFrom(
  "# note\n",
  "\n",
  "other OK\n",
  "example.net x\n",
  "  # indented\n",
);
