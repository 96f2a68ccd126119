import fc from "fast-check";
import { manyLines } from "./manyLines";
import { normalizeTarget } from "../../../provider/formats/aliases";

/** As `get` wants them: lower case, unquoted. */
export const names = ["root", "postmaster", "post", "a b", "x@y:#"] as const;

const written = fc.constantFrom(
  "root",
  "Root",
  '"root"',
  "postmaster",
  "POSTMASTER",
  "post",
  '"a b"',
  '"A b"',
  "a b",
  '"x@y:#"',
);
const spaces = fc.constantFrom("", " ", "\t", "\t\t", "\r");
const target = fc.constantFrom(
  "alice",
  "bob@example.org",
  '"|/usr/bin/vacation bob"',
  "|prog",
  "/var/mail/archive",
  ":include:/etc/mail/list",
  '"/file name"',
  '"john smith"@example.org',
  "Alice <alice@example.org>",
  "(comment) carol",
  "\\root",
  '"a\\"b"',
  "\xff\xfe",
  '"',
  "[1.2.3.4]",
  "a,,b",
  '"never closed',
  "<",
  ":",
  "\0",
  '""',
);
const targets = fc
  .array(target, { maxLength: 3 })
  .chain((all) => fc.constantFrom(", ", ",", " ").map((between) => all.join(between)));

const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(written, spaces, spaces, targets, spaces)
      .map(([n, s, t, v, u]) => `${n}${s}:${t}${v}${u}`),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(" ", "\t", "\r"), targets).map(([s, v]) => s + v),
  },
  { weight: 2, arbitrary: fc.tuple(spaces, targets).map(([s, v]) => `${s}#${v}`) },
  { weight: 2, arbitrary: spaces },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "root",
      ": alice",
      "a@b: c",
      "a, b: c",
      "root:",
      "\0",
      "(c) root: alice",
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary-ascii", maxLength: 10 })
      .map((text) => text.replaceAll("\n", "")),
  },
);

/** aliases as nobody would write them. */
export const texts = fc
  .tuple(
    manyLines(fc.tuple(line, fc.constantFrom("\n", "\n", "\n", "\r\n")), 12),
    line,
    fc.boolean(),
  )
  .map(([all, last, open]) => all.map(([text, end]) => text + end).join("") + (open ? last : ""));

function taken(text: string): boolean {
  try {
    return normalizeTarget(text) !== "";
  } catch {
    return false;
  }
}

/** Single recipients that `set` takes, in the spelling that `get` gives. */
export const recipients = fc
  .oneof(
    target,
    fc
      .tuple(
        fc.constantFrom("", "|", "/", "~", ":include:", '"'),
        fc.string({ unit: "binary-ascii", maxLength: 8 }),
      )
      .map(([kind, rest]) => kind + rest),
  )
  .filter(taken)
  .map(normalizeTarget);

export const values = fc.array(recipients, { minLength: 1, maxLength: 3 });

export const foreignLine = fc.constantFrom(
  "# note\n",
  "\n",
  "daemon: root\n",
  "other: |x\n",
  "  # indented\n",
);
