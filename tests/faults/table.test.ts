/** Every fault has a test: table.json names them, docs/reliability.md shows them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as ts from "typescript";

interface Row {
  readonly fault: string;
  readonly what: string;
  readonly expected: string;
  /** `source` is the file that the title stands in, where that is not the file of the suite. */
  readonly tests: readonly {
    readonly file: string;
    readonly title: string;
    readonly source?: string;
  }[];
}

const root = join(__dirname, "../..");
const read = (name: string): string => readFileSync(join(root, name), "utf8");
const rows = JSON.parse(read("tests/faults/table.json")) as readonly Row[];

const titles = new Map<string, ReadonlySet<string>>();

/** The titles of the tests in a file, as they stand there, placeholders and all. */
function titlesIn(file: string): ReadonlySet<string> {
  const known = titles.get(file);
  if (known) return known;
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const [title] = node.arguments;
      // A title may stand in a row of cases, too.
      if (title && ts.isStringLiteralLike(title)) found.add(title.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true));
  // What is told by a case's own words stands among the cases.
  titles.set(file, found);
  return found;
}

test("F1 to F46 are all there, each with what is expected of it", () => {
  expect(rows.map(({ fault }) => fault)).toEqual(
    Array.from({ length: 46 }, (_, nth) => `F${nth + 1}`),
  );
  for (const row of rows) {
    expect(row.what).not.toBe("");
    expect(row.expected).not.toBe("");
    expect(row.tests.length).toBeGreaterThan(0);
  }
});

test.each(rows)("$fault is tested by tests that exist", ({ tests }) => {
  for (const { file, title, source = file } of tests) {
    expect(existsSync(join(root, file)) ? file : `${file} is missing`).toBe(file);
    expect([...titlesIn(source)]).toContain(title);
  }
});

test("docs/reliability.md has each fault, and what is expected of it", () => {
  // However wide the columns are.
  const page = read("docs/reliability.md").replace(/ +/g, " ");
  for (const { fault, what, expected, tests } of rows) {
    const line = page.split("\n").find((one) => one.startsWith(`| ${fault} |`)) ?? "";
    expect(line).toContain(` ${what} | ${expected} |`);
    for (const { title } of tests) expect(page).toContain(title);
  }
});
