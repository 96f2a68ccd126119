/** The reference is made from the source: it is there as the source says it today. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as components from "../../components";

const repository = resolve(__dirname, "../..");
const reference = readFileSync(join(repository, "docs/reference.md"), "utf8");

test("docs/reference.md is up to date; `npm run docs` writes it", () => {
  const made = execFileSync(process.execPath, ["tools/reference.mjs"], {
    cwd: repository,
    encoding: "utf8",
  });
  expect(reference).toBe(made);
}, 120_000);

test("every component has its section, and every argument and output says what it means", () => {
  const sections = [...reference.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  const { Step: _, ...concrete } = components;
  expect(sections.sort()).toEqual([...Object.keys(concrete), "connection"].sort());
  const rows = reference.split("\n").filter((line) => line.startsWith("| `"));
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter((line) => /\|\s*\|$/.test(line))).toEqual([]);
});
