/** The reference is made from the source: it is there as the source says it today. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as components from "../../components";

const repository = resolve(__dirname, "../..");
const folder = join(repository, "docs/reference");
const pages = readdirSync(folder).map((name) => ({
  name: name.replace(/\.md$/, ""),
  text: readFileSync(join(folder, name), "utf8"),
}));
const { Step: _, ...concrete } = components;

/** The headings of each component's page, in their order. */
const HEADINGS = [
  "Arguments",
  "Outputs",
  "What it owns",
  "What destroy does",
  "What differs by release",
  "Errors",
  "Example",
  "See also",
];

test("the pages are up to date; `npm run docs` writes them", () => {
  const printed = execFileSync(process.execPath, ["tools/reference.mjs"], {
    cwd: repository,
    encoding: "utf8",
    maxBuffer: 1 << 24,
  });
  const made = JSON.parse(printed) as Readonly<Record<string, string>>;
  const there = Object.keys(made).map((path) => [
    path,
    readFileSync(join(repository, path), "utf8"),
  ]);
  expect(Object.fromEntries(there)).toEqual(made);
  expect(pages.map(({ name }) => `docs/reference/${name}.md`).sort()).toEqual(
    Object.keys(made)
      .filter((path) => path !== "docs/reference.md")
      .sort(),
  );
}, 120_000);

test("every component has its page, with all headings in their order", () => {
  expect(pages.map(({ name }) => name).sort()).toEqual(
    [...Object.keys(concrete), "connection"].sort(),
  );
  for (const { name, text } of pages) {
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect([name, headings]).toEqual([name, name === "connection" ? [] : HEADINGS]);
  }
});

test("every argument and output says what it means", () => {
  const rows = pages.flatMap(({ text }) =>
    text.split("\n").filter((line) => line.startsWith("| `")),
  );
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter((line) => /\|\s*\|$/.test(line))).toEqual([]);
});

test("every component has an example that uses it", () => {
  const without = pages.filter(
    ({ name, text }) => name !== "connection" && !text.includes(`new ${name}(`),
  );
  expect(without.map(({ name }) => name)).toEqual([]);
});
