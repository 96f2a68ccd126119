/** The workflows for a public CI: they are what GitHub reads, and what they call exists. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../testing/machine/fileLock";
import { cacheFolder, packageFolder } from "../../testing/machine/folders";
import { baseKey } from "../../tools/openbsd-machine/releases";
import { findGo, goBuild, goNeeded } from "../../tools/pulumi-cli/go";
import { isAtLeast, parseVersion } from "../../tools/pulumi-cli/version";

/** The linter of workflows: https://github.com/rhysd/actionlint. */
const actionlint = {
  module: "github.com/rhysd/actionlint",
  moduleVersion: "v1.7.12",
  path: "cmd/actionlint",
};

const folder = join(packageFolder(), ".github/workflows");
const workflows = readdirSync(folder);

/** Why the linter cannot be built here; undefined if it can. */
function whyNot(): string | undefined {
  const { stdout } = spawnSync("go", ["version"], { encoding: "utf8" });
  const version = parseVersion(stdout);
  if (version !== undefined && isAtLeast(version, goNeeded)) return undefined;
  return `actionlint is built with Go ${goNeeded.join(".")} or newer, and on PATH is ${stdout.trim() || "none"}`;
}

/** The linter, built once: 40 seconds. */
async function linter(): Promise<string> {
  const store = join(cacheFolder(), "actionlint");
  const program = join(store, actionlint.moduleVersion);
  mkdirSync(store, { recursive: true });
  const build = async (): Promise<void> => {
    if (existsSync(program)) return;
    const work = join(store, "work");
    const go = await findGo(join(work, "go"), process.env, () => undefined);
    await goBuild(go, actionlint, join(work, "module"), program, () => undefined);
    rmSync(work, { recursive: true });
  };
  await withLock(join(store, "lock"), build, () => undefined);
  return program;
}

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`skipped: linting of workflows: ${reason}\n`);

(reason === undefined ? test : test.skip)(
  "the linter of workflows finds nothing wrong, and would find what is",
  async () => {
    const program = await linter();
    const paths = workflows.map((name) => join(folder, name));
    const { status, stdout } = spawnSync(program, ["-no-color", ...paths], { encoding: "utf8" });
    expect([stdout, status]).toEqual(["", 0]);
    const text = readFileSync(join(folder, "openbsd.yml"), "utf8");
    const input = text.replace("matrix.release", "matrix.relaese");
    const wrong = spawnSync(program, ["-no-color", "-"], { encoding: "utf8", input });
    expect(wrong.stdout).toContain('property "relaese" is not defined');
  },
  600_000,
);

test.each(workflows)("%s pins each action by a version, and calls scripts that exist", (name) => {
  const text = readFileSync(join(folder, name), "utf8");
  const actions = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action ?? "");
  expect(actions.filter((action) => !/@v\d+(\.\d+\.\d+)?$/.test(action))).toEqual([]);
  const manifest = readFileSync(join(packageFolder(), "package.json"), "utf8");
  const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> };
  const called = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, one]) => one ?? "");
  expect(called.length).toBeGreaterThan(0);
  expect(called.filter((script) => !(script in scripts))).toEqual([]);
});

test("the releases of the workflow are those whose media can be verified", () => {
  const text = readFileSync(join(folder, "openbsd.yml"), "utf8");
  const lists = [...text.matchAll(/release: (\[.*\])/g)].map(([, list]) => list ?? "");
  expect(new Set(lists).size).toBe(1);
  const releases = JSON.parse(lists[0] ?? "") as string[];
  expect(releases.map((release) => baseKey(release)?.length)).toEqual([56, 56]);
});
