/** This package, and the CLI's own part of its time. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestHost } from "../../testing";
import { packageFolder } from "../../testing/machine/folders";
import { findPulumi, type PulumiCli, pulumiEnvironment } from "../pulumi-cli/find";
import type { Contender, Task } from "./contender";
import { type Command, type Ran, run } from "./run";

const STACK = "bench";

/** A Pulumi project in a folder of its own, with the state beside it. */
export class BenchProject {
  readonly folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-bench-"));

  private constructor(private readonly cli: PulumiCli) {}

  static async make(program: string): Promise<BenchProject> {
    const project = new BenchProject(await findPulumi());
    const { folder } = project;
    writeFileSync(
      join(folder, "Pulumi.yaml"),
      "name: bench\nruntime:\n  name: nodejs\n  options: { typescript: false }\n",
    );
    writeFileSync(
      join(folder, "package.json"),
      '{ "name": "bench", "private": true, "main": "index.js" }\n',
    );
    writeFileSync(join(folder, "index.js"), program);
    mkdirSync(join(folder, "node_modules/@pulumi"), { recursive: true });
    mkdirSync(join(folder, "state"));
    const repository = packageFolder();
    symlinkSync(repository, join(folder, "node_modules/pulumi-openbsd-postfix"));
    symlinkSync(
      join(repository, "node_modules/@pulumi/pulumi"),
      join(folder, "node_modules/@pulumi/pulumi"),
    );
    await project.must("stack", "init", STACK);
    return project;
  }

  command(...args: readonly string[]): Command {
    return {
      argv: [this.cli.path, ...args, "--non-interactive", "--color", "never"],
      cwd: this.folder,
      env: {
        ...pulumiEnvironment(this.cli),
        PULUMI_BACKEND_URL: `file://${this.folder}/state`,
        PULUMI_CONFIG_PASSPHRASE: "bench",
        PULUMI_STACK: STACK,
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      },
    };
  }

  async must(...args: readonly string[]): Promise<Ran> {
    const ran = await run(this.command(...args));
    if (ran.code !== 0)
      throw new Error(`pulumi ${args.join(" ")}: status ${ran.code}\n${ran.output}`);
    return ran;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A program with a server of the guide on each host. */
export function serversOn(hosts: readonly TestHost[]): string {
  const connections = hosts.map(({ host, port, user, privateKeyPath, hostKey }) => ({
    ...{ host, port, user, privateKeyPath, hostKey },
  }));
  return `
const { PostfixServer } = require("pulumi-openbsd-postfix");
${JSON.stringify(connections)}.forEach((connection, index) => {
  new PostfixServer("mx" + index, {
    connection,
    mainCf: { parameters: { myhostname: "mx.example.org", mydomain: "example.org", myorigin: "$mydomain" } },
    aliases: { entries: { root: ["alice"], postmaster: ["root"], webmaster: ["root"] } },
    mailCheck: { recipient: "alice" },
  });
});`;
}

function unchanged(output: string): string | undefined {
  return /\b[1-9]\d* unchanged/.test(output) &&
    !/[1-9]\d* (to \w+|created|updated|deleted|changes)/.test(output)
    ? undefined
    : "not everything is unchanged";
}

const task = (name: string, command: Command, fault: Task["fault"]): Task => ({
  name,
  command,
  fault,
});

/** The package, on hosts that it has made mail servers of. */
export function ours(project: BenchProject, version: string): Contender {
  const yes = ["--yes", "--skip-preview"];
  const none = "--expect-no-changes";
  return {
    name: "ours",
    title: `pulumi-openbsd-postfix ${version}`,
    tasks: [
      task("preview --refresh", project.command("preview", "--refresh", none), unchanged),
      task("up --yes --refresh", project.command("up", "--yes", "--refresh", none), unchanged),
      task(
        "up --skip-preview --refresh",
        project.command("up", ...yes, "--refresh", none),
        unchanged,
      ),
      task("refresh --preview-only", project.command("refresh", "--preview-only", none), unchanged),
    ],
    remove: () => project.remove(),
  };
}

/** What the CLI and its SDK take with a program that manages next to nothing. */
export async function floor(): Promise<Contender> {
  const empty = await BenchProject.make("");
  const trivial = await BenchProject.make(`
const pulumi = require("@pulumi/pulumi");
const provider = { create: async () => ({ id: "1", outs: {} }) };
class Trivial extends pulumi.dynamic.Resource { constructor(name) { super(provider, name, {}); } }
new Trivial("trivial");`);
  await trivial.must("up", "--yes", "--skip-preview");
  const none = (): undefined => undefined;
  return {
    name: "floor",
    title: "Pulumi's own part",
    tasks: [
      task("preview of an empty program", empty.command("preview"), none),
      task("preview of one dynamic resource", trivial.command("preview", "--refresh"), none),
    ],
    remove: () => {
      empty.remove();
      trivial.remove();
    },
  };
}
