/** What the repository says of its own pages: a section that is cited is there, and so is a file that is named. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";

const repository = resolve(__dirname, "../..");
const PAGE = "docs/openbsd.md";

const foreign = new Set([".git", ".state", "coverage", "dist", "node_modules", "site"]);
const source = new Set([".ts", ".mjs", ".js", ".pl", ".pm", ".sh", ".conf", ".table", ".md", ""]);

/** All files of ours in which something may be cited, as paths from the top. */
function sources(folder = ""): readonly string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return foreign.has(entry.name) ? [] : sources(path);
    return entry.isFile() && source.has(extname(entry.name)) ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

/** The sections of a page, and the rows that each of them numbers: "16" has "M9". */
function sectionsOf(page: string): ReadonlyMap<string, ReadonlySet<string>> {
  const sections = new Map<string, Set<string>>();
  let rows = new Set<string>();
  for (const line of page.split("\n")) {
    const section = /^#+ (\d+(?:\.\d+)*)\.? /.exec(line)?.[1];
    if (section !== undefined) sections.set(section, (rows = new Set()));
    const row = /^\| ([A-Z]\d+) \|/.exec(line)?.[1];
    if (row !== undefined) rows.add(row);
  }
  return sections;
}

interface Citation {
  readonly section: string;
  readonly row?: string;
}

/** `openbsd.md 1.1 to 1.4`, `openbsd.md 8 and 16`, `openbsd.md 16, M8 and M9`; a comment may break in between. */
function citationsIn(text: string): readonly Citation[] {
  const flowing = text.replace(/\s*\n[ \t]*(?:\*|\/\/|#)?[ \t]*/g, " ");
  const found = /openbsd\.md((?:(?:,| and| to)? (?:\d+(?:\.\d+)*|M\d+)\b)+)/g;
  return [...flowing.matchAll(found)].flatMap(([, list = ""]) => {
    let section = "";
    return (list.match(/M\d+|\d+(?:\.\d+)*/g) ?? []).map((mark) => {
      if (mark.startsWith("M")) return { section, row: mark };
      section = mark;
      return { section };
    });
  });
}

const page = sectionsOf(read(PAGE));

function isThere({ section, row }: Citation): boolean {
  const rows = page.get(section);
  return rows !== undefined && (row === undefined || rows.has(row));
}

test("citations are read as they are written", () => {
  const texts = [
    "(openbsd.md 4.3).",
    "docs/openbsd.md 1.1 to 1.4",
    " * says nothing (openbsd.md\n   * 8 and 16, M8 and\n * M9). 7 others",
    "see docs/openbsd.md.",
  ];
  expect(texts.map(citationsIn)).toEqual([
    [{ section: "4.3" }],
    [{ section: "1.1" }, { section: "1.4" }],
    [
      { section: "8" },
      { section: "16" },
      { section: "16", row: "M8" },
      { section: "16", row: "M9" },
    ],
    [],
  ]);
});

test.each([
  { section: "99" },
  { section: "1.9" },
  { section: "16", row: "M99" },
  { section: "8", row: "M9" },
])("%j would be missed", (citation) => {
  expect(isThere(citation)).toBe(false);
});

test("every section and row of docs/openbsd.md that is cited is there", () => {
  const own = join("tests", "unit", "citations.test.ts");
  const cited = sources()
    .filter((path) => path !== own)
    .flatMap((path) => citationsIn(read(path)).map((citation) => ({ path, ...citation })));
  expect(cited.length).toBeGreaterThan(20);
  expect(cited.filter((citation) => !isThere(citation))).toEqual([]);
});

test("every fact that the test host is held to is of a section of docs/openbsd.md", () => {
  const folder = join("tests", "host", "fidelity");
  const named = readdirSync(join(repository, folder)).flatMap((name) => {
    const text = read(join(folder, name));
    const sections = [...text.matchAll(/section: "([^"]*)"/g)].map(([, section = ""]) => section);
    const rows = [...text.matchAll(/fact: "(M\d+):/g)].map(([, row = ""]) => row);
    return [
      ...sections.map((section) => ({ name, section })),
      ...rows.map((row) => ({ name, section: "16", row })),
    ];
  });
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((citation) => !isThere(citation))).toEqual([]);
});

/** What GitHub makes of a heading for links to it. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[^]*?^```/gm, "");
}

/** Targets of a page's links that are no addresses. */
function linksIn(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Is there a file for the link, and in it, where it names one, the heading? */
function leads(from: string, link: string): boolean {
  const [file = "", anchor] = link.split("#");
  const path = file === "" ? from : join(dirname(from), file);
  if (!existsSync(join(repository, path))) return false;
  return anchor === undefined || anchorsOf(read(path)).includes(anchor);
}

/**
 * Files and folders of ours that a page names: from the top of the repository, or in a row of a table that begins with
 * a link to a folder, from that.
 */
function pathsIn(text: string): readonly string[] {
  const tops = new Set(readdirSync(repository).filter((name) => !foreign.has(name)));
  return text.split("\n").flatMap((line) => {
    const folder = /^\| \[[^\]]*\]\(([^)]+)\) \|/.exec(line)?.[1];
    const named = [...line.matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g)].map(([, path = ""]) => path);
    return named.flatMap((path) => {
      if (folder !== undefined && path.endsWith("/")) return [join(folder, path)];
      return path.includes("/") && tops.has(path.split("/")[0] ?? "") ? [path] : [];
    });
  });
}

const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].concat(
  sources("docs").filter((name) => name.endsWith(".md")),
  sources("examples").filter((name) => name.endsWith(".md")),
);

describe.each(pages)("%s", (path) => {
  const text = withoutBlocks(read(path));

  test("links lead somewhere", () => {
    expect(linksIn(text).filter((link) => !leads(path, link))).toEqual([]);
  });

  test("files and folders that it names are there", () => {
    expect(pathsIn(text).filter((named) => !existsSync(join(repository, named)))).toEqual([]);
  });
});
