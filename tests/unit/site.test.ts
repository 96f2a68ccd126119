/** The site is made of the pages and of the comments in the source without a complaint, and each of its links leads somewhere. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const repository = resolve(__dirname, "../..");
let folder: string;
let pages: readonly string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-site-"));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(repository, "node_modules/typedoc/bin/typedoc"), "--out", folder],
    { cwd: repository, encoding: "utf8" },
  );
  // Its warnings are errors: an unknown tag, a link to what is not in the site, a page that is named and not there.
  if (status !== 0) throw new Error(stdout + stderr);
  pages = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith(".html"));
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("it has the pages for users, and one for each component", () => {
  const read = pages.map((path) => path.toLowerCase());
  for (const name of ["troubleshooting", "ways", "guide", "connection"])
    expect(read.filter((path) => path.includes(name))).not.toEqual([]);
  expect(read).toContain("classes/components.maincf.html");
});

/** Targets in the site of a page's links, and the page's own anchors. */
function linksOf(path: string): { readonly targets: readonly string[]; readonly ids: Set<string> } {
  const text = readFileSync(join(folder, path), "utf8");
  return {
    targets: [...text.matchAll(/<a\b[^>]*\bhref="([^"]*)"/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target)),
    ids: new Set([...text.matchAll(/\bid="([^"]*)"/g)].map(([, id = ""]) => id)),
  };
}

test("every link leads to a file of the site, and to an anchor where it names one", () => {
  const links = new Map(pages.map((path) => [path, linksOf(path)]));
  const broken = [...links].flatMap(([path, { targets }]) =>
    targets
      .filter((target) => {
        const [file = "", anchor] = decodeURIComponent(target).split("#");
        const to = file === "" ? path : join(dirname(path), file);
        if (anchor === undefined || anchor === "" || !to.endsWith(".html"))
          return !existsSync(join(folder, to));
        return links.get(to)?.ids.has(anchor) !== true;
      })
      .map((target) => `${path}: ${target}`),
  );
  expect(links.size).toBeGreaterThan(60);
  expect(broken).toEqual([]);
});
