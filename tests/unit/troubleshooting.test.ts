/** The page of troubleshooting goes by texts that are really printed, by components that there are. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as components from "../../components";

const repository = resolve(__dirname, "../..");
const page = readFileSync(join(repository, "docs/troubleshooting.md"), "utf8");

/** What the product can print: its sources, where a text that is put together from pieces reads as one. */
const printed = ["components", "plugin", "provider"]
  .flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true }).map((name) =>
      join(repository, folder, String(name)),
    ),
  )
  .filter((path) => /\.(ts|pl)$/.test(path))
  .map((path) => readFileSync(path, "utf8").replace(/["`]\s*\+\s*["`]/g, ""))
  .join("\n");

const entries = [...page.matchAll(/^### (.*)\n\n(.*)$/gm)].map(([, heading = "", below = ""]) => ({
  heading,
  below,
}));

/** The pieces of a quoted text between what differs from one error to the next; the short ones tell nothing. */
const piecesOf = (heading: string): readonly string[] =>
  heading
    .replace(/^"|"$/g, "")
    .split("…")
    .map((piece) => piece.trim())
    .filter((piece) => piece.length >= 8);

test("there are entries", () => {
  expect(entries.length).toBeGreaterThan(20);
});

test.each(entries)("$heading is a text that the product prints", ({ heading }) => {
  expect(heading).toMatch(/^"[^"`]+"$/);
  const pieces = piecesOf(heading);
  expect(pieces.length).toBeGreaterThan(0);
  expect(pieces.filter((piece) => !printed.includes(piece))).toEqual([]);
});

test.each(entries)("$heading says who prints it", ({ below }) => {
  const named = /^\*(.*)\.\*$/.exec(below)?.[1]?.split(", ") ?? [];
  expect(named.length).toBeGreaterThan(0);
  const known = ["every step", ...Object.keys(components)];
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

test("a text that is printed nowhere would be noticed", () => {
  expect(
    piecesOf('"the host is made of … green cheese"').some((one) => printed.includes(one)),
  ).toBe(false);
});
