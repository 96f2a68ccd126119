/** The README is a page for users: short, with a picture of what is really shown, and with every component. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as components from "../../components";

const repository = resolve(__dirname, "../..");
const readme = readFileSync(join(repository, "README.md"), "utf8");

test("it has at most 150 lines", () => {
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});

/** What the CLI is held to print, as it would be for a host of the README's name. */
const golden = ["7.8-first-preview", "7.8-drift"]
  .map((name) => readFileSync(join(repository, `tests/preview/golden/${name}.txt`), "utf8"))
  .join("\n")
  .replaceAll("root@127.0.0.1:PORT", "root@mx1.example.org")
  .split("\n");

test("its picture of a preview has no line that the golden texts do not have, and none out of order", () => {
  const pictures = [...readme.matchAll(/^```text\n([^]*?)^```$/gm)].map(([, text = ""]) => text);
  expect(pictures.length).toBe(2);
  for (const picture of pictures) {
    const parts = picture.split(/^…\n/m).map((part) => part.trimEnd());
    const missing = parts.filter((part) => !golden.join("\n").includes(part));
    expect(missing).toEqual([]);
  }
});

test("its table has every component", () => {
  const { Step: _, ...concrete } = components;
  const named = [...readme.matchAll(/\[`(\w+)`\]\(docs\/reference\/(\w+)\.md\)/g)];
  expect(named.filter(([, name, page]) => name !== page)).toEqual([]);
  expect(named.map(([, name]) => name).sort()).toEqual(Object.keys(concrete).sort());
});
