import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Way,
  findPulumi,
  ownVersion,
  pulumiEnvironment,
} from "../../../tools/pulumi-cli/find";

const plugins = ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];
let folder: string;
let cache: string;
const before = process.env["PULUMI_OPENBSD_POSTFIX_CACHE"];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-cli-"));
  cache = join(folder, "cache");
  process.env["PULUMI_OPENBSD_POSTFIX_CACHE"] = cache;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env["PULUMI_OPENBSD_POSTFIX_CACHE"];
  else process.env["PULUMI_OPENBSD_POSTFIX_CACHE"] = before;
});

/** Puts a program that prints a version, and others that do nothing, into a folder. */
function installed(name: string, version: string, beside: readonly string[] = plugins): string {
  const bin = join(folder, name);
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "pulumi"), `#!/bin/sh\n${version}\n`, { mode: 0o755 });
  for (const plugin of beside) writeFileSync(join(bin, plugin), "#!/bin/sh\n", { mode: 0o755 });
  return bin;
}

const path = (...bins: readonly string[]) => ({ PATH: [...bins, "/usr/bin", "/bin"].join(":") });
const fails: Way = { name: "first way", obtain: () => Promise.reject(new Error("no network")) };
const works: Way = {
  name: "second way",
  obtain: (version, target) => {
    installed(target.slice(folder.length + 1) + "/bin", `echo v${version}`);
    return Promise.resolve();
  },
};

test("a CLI on PATH that is new enough is taken, and nothing is fetched or written", async () => {
  const bin = installed("bin", "echo v3.216.0");
  const found = await findPulumi({ environment: path(bin), ways: [fails] });
  expect(found).toEqual({ path: join(bin, "pulumi"), version: "3.216.0" });
  expect(existsSync(join(cache, "pulumi-cli"))).toBe(false);
});

test("plugins are found anywhere on PATH", async () => {
  const cli = installed("cli", "echo v3.300.1", []);
  const elsewhere = installed("elsewhere", "exit 1");
  const found = await findPulumi({ environment: path(cli, elsewhere), ways: [fails] });
  expect(found.version).toBe("3.300.1");
});

test.each([
  ["is too old", "echo v3.215.9", plugins, /is 3\.215\.9, older than 3\.216\.0/],
  ["fails", "echo broken >&2; exit 1", plugins, /version fails: broken/],
  ["says nonsense", "echo hello", plugins, /version fails: hello/],
  ["has no language host", "echo v3.259.0", plugins.slice(1), /has no pulumi-language-nodejs/],
  ["has no launcher", "echo v3.259.0", plugins.slice(0, 1), /has no pulumi-resource-pulumi-nodejs/],
])("a CLI on PATH that %s is passed over, and why is reported", async (_, script, beside, why) => {
  const bin = installed("bin", script, beside);
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  const found = await findPulumi({ environment: path(bin), ways: [works], report });
  expect(found.path).toBe(join(cache, "pulumi-cli", ownVersion, "bin/pulumi"));
  expect(lines.join("\n")).toMatch(why);
});

test("the program that npm puts on PATH is no installed CLI", async () => {
  const bin = installed("node_modules/.bin", "echo v3.259.0");
  const found = await findPulumi({
    environment: path(bin),
    ways: [works],
    report: () => undefined,
  });
  expect(found.path).not.toContain("node_modules");
});

test("the first way that works is used, each failure is one line, and the result is kept", async () => {
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  const found = await findPulumi({ environment: path(), ways: [fails, works], report });
  expect(lines).toEqual(["Pulumi CLI on PATH: none", "first way: no network"]);
  expect(await findPulumi({ environment: path(), ways: [fails], report })).toEqual(found);
  expect(readdirSync(join(cache, "pulumi-cli")).sort()).toEqual(
    [ownVersion, `${ownVersion}.lock`].sort(),
  );
});

test("what a way made and does not run is not kept", async () => {
  const broken: Way = {
    name: "broken way",
    obtain: (_, target) => {
      installed(target.slice(folder.length + 1) + "/bin", "exit 1");
      return Promise.resolve();
    },
  };
  const report = () => undefined;
  const found = await findPulumi({ environment: path(), ways: [broken, works], report });
  expect(found.version).toBe(ownVersion);
});

test("what a killed run left is removed by the next", async () => {
  const left = join(cache, "pulumi-cli", `${ownVersion}.new-abcdef`);
  mkdirSync(left, { recursive: true });
  await findPulumi({ environment: path(), ways: [works], report: () => undefined });
  expect(existsSync(left)).toBe(false);
});

test("two that look at once get one CLI, made once", async () => {
  let made = 0;
  const counted: Way = {
    name: "counted",
    obtain: (...args) => {
      made++;
      return works.obtain(...args);
    },
  };
  const look = () => findPulumi({ environment: path(), ways: [counted], report: () => undefined });
  const [one, other] = await Promise.all([look(), look()]);
  expect(one).toEqual(other);
  expect(made).toBe(1);
});

test("where no way works, the error lists what was tried and says what to install", async () => {
  const last: Way = { name: "last way", obtain: () => Promise.reject(new Error("no Go")) };
  const look = findPulumi({
    environment: path(),
    ways: [fails, last],
    report: () => undefined,
  });
  await expect(look).rejects.toThrow(
    /on PATH: none\n.*first way: no network\n.*last way: no Go\n.*Install Pulumi 3\.216\.0 or newer/,
  );
  expect(readdirSync(join(cache, "pulumi-cli"))).toEqual([`${ownVersion}.lock`]);
});

test("the CLI is at home in the cache unless the user has a home for it", () => {
  const cli = { path: "/opt/pulumi/bin/pulumi", version: ownVersion };
  const environment = pulumiEnvironment(cli, { PATH: "/bin" });
  expect(environment["PULUMI_HOME"]).toBe(join(cache, "pulumi-home"));
  expect(environment["PATH"]?.split(":")[0]).toBe("/opt/pulumi/bin");
  const chosen = join(folder, "home");
  expect(pulumiEnvironment(cli, { PULUMI_HOME: chosen })["PULUMI_HOME"]).toBe(chosen);
});
