import fc from "fast-check";
import { manyLines } from "./manyLines";

/** Names that begin alike, and one that ends like another. */
export const names = ["mydomain", "mydomain_x", "my", "virtual_transport", "a"] as const;

const spaces = fc.constantFrom("", " ", "\t", "  ", " \t", "\r", "\v\f");
const name = fc.constantFrom(...names);
const word = fc.constantFrom(
  "a",
  "b",
  "$mydomain",
  "#no comment",
  "=",
  "x=y",
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
      .tuple(name, spaces, spaces, words, spaces)
      .map(([n, s, t, w, u]) => `${n}${s}=${t}${w}${u}`),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(" ", "\t", " \t", "\r"), words).map(([s, w]) => `${s}${w}`),
  },
  { weight: 2, arbitrary: fc.tuple(spaces, words).map(([s, w]) => `${s}#${w}`) },
  { weight: 2, arbitrary: spaces },
  { weight: 1, arbitrary: name },
  {
    weight: 1,
    arbitrary: fc.constantFrom("=", "= a", "no equals sign", "\0", "#mydomain = commented out"),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary-ascii", maxLength: 8 })
      .map((text) => text.replaceAll("\n", "")),
  },
);

/** main.cf as nobody would write it: every trap of the grammar, often. */
export const texts = fc
  .tuple(
    manyLines(fc.tuple(line, fc.constantFrom("\n", "\n", "\n", "\r\n")), 14),
    line,
    fc.boolean(),
  )
  .map(([all, last, open]) => all.map(([text, end]) => text + end).join("") + (open ? last : ""));

/** Values that `set` takes. */
export const values = fc
  .oneof(
    words,
    fc.string({ unit: "binary-ascii", maxLength: 12 }),
    fc.constant("hash:/etc/mail/aliases"),
  )
  .map((text) => text.replace(/[\n\0]/g, "").replace(/^[\s\v]+|[\s\v]+$/g, ""));

/** Comments, and parameters that the laws do not ask for. */
export const foreignLine = fc.constantFrom(
  "# note\n",
  "\n",
  "other = 1\n",
  "myorigin = b\n",
  "  # indented\n",
);
