import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const repository = resolve(__dirname, "../../..");
const main = join(repository, "dist/tools/pulumi-cli/main.js");
let folder: string;
let bin: string;
let project: string;

beforeAll(() => {
  const built = spawnSync(process.execPath, ["tools/build.mjs"], { cwd: repository });
  expect(built.status).toBe(0);
}, 120_000);

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "openbsd-postfix-main-")));
  bin = join(folder, "bin");
  project = join(folder, "project");
  mkdirSync(bin);
  mkdirSync(join(project, "below"), { recursive: true });
  writeFileSync(join(project, "Pulumi.yaml"), "");
  // Shows what it was started with: `version` as the real one has it, and all else as it came.
  const show = [
    'case "$1" in version) echo v3.259.0; exit;; sleep) echo started; exec sleep 60;; esac',
    'echo "cwd=$(pwd) backend=$PULUMI_BACKEND_URL passphrase=$PULUMI_CONFIG_PASSPHRASE"',
    'for argument; do echo "<$argument>"; done',
    "cat",
    "exit 7",
  ];
  for (const name of ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"]) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${show.join("\n")}\n`, { mode: 0o755 });
  }
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`,
    PULUMI_OPENBSD_POSTFIX_CACHE: join(folder, "cache"),
    INIT_CWD: join(project, "below"),
    ...more,
  };
}

function pulumi(args: readonly string[], more: Record<string, string> = {}, input = "") {
  const options = { cwd: repository, env: environment(more), input, encoding: "utf8" } as const;
  return spawnSync(process.execPath, [main, ...args], options);
}

test("arguments, stdin, stdout and exit status are the CLI's own, in the folder where the user is", () => {
  const ran = pulumi(["up", "--message", "two words", ""], {}, "yes\n");
  expect(ran.stdout.split("\n").slice(1)).toEqual([
    "<up>",
    "<--message>",
    "<two words>",
    "<>",
    "yes",
    "",
  ]);
  expect(ran.stdout).toContain(`cwd=${project}/below `);
  expect(ran.status).toBe(7);
});

test("state is kept in the project's folder, which is said once, with the passphrase", () => {
  const first = pulumi(["preview"]);
  expect(first.stdout).toContain(`backend=file://${project}/.state passphrase=openbsd-postfix`);
  expect(first.stderr).toContain(`state is kept in ${project}/.state`);
  expect(first.stderr).toContain("PULUMI_CONFIG_PASSPHRASE");
  expect(pulumi(["preview"]).stderr).toBe("");
});

test.each([[["--cwd", "../other"]], [["-C", "../other"]], [["--cwd=../other"]]])(
  "with %j the project is looked for there",
  (args) => {
    mkdirSync(join(project, "other"));
    writeFileSync(join(project, "other/Pulumi.yaml"), "");
    expect(pulumi(["preview", ...args]).stdout).toContain(`file://${project}/other/.state `);
  },
);

test("a backend and a passphrase that the user has chosen are kept", () => {
  const backend = { PULUMI_BACKEND_URL: "file:///elsewhere" };
  expect(pulumi(["preview"], backend).stdout).toContain("backend=file:///elsewhere passphrase=\n");
  expect(existsSync(join(project, ".state"))).toBe(false);
  const own = { PULUMI_CONFIG_PASSPHRASE: "own" };
  const ran = pulumi(["preview"], own);
  expect(ran.stdout).toContain("passphrase=own\n");
  expect(ran.stderr).not.toContain("PULUMI_CONFIG_PASSPHRASE");
});

test("a request to end reaches the CLI", async () => {
  const child = spawn(process.execPath, [main, "sleep"], { env: environment() });
  await new Promise((started) => child.stdout.once("data", started));
  child.kill("SIGTERM");
  expect(await new Promise((ended) => child.once("exit", ended))).toBe(128 + 15);
});

test("--find says where the CLI is and runs nothing", () => {
  expect(pulumi(["--find"]).stdout).toBe(`${bin}/pulumi 3.259.0\n`);
  expect(existsSync(join(project, ".state"))).toBe(false);
});
