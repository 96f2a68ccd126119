/** This package, and the CLI's own part of its time. */
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestHost } from "../../testing";
import { packageFolder } from "../../testing/machine/folders";
import { findPulumi, type PulumiCli, pulumiEnvironment } from "../pulumi-cli/find";
import type { Contender, Task } from "./contender";
import { type Command, type Ran, run } from "./run";

const STACK = "bench";

/** How a project's program and its dynamic providers run. */
export interface Ways {
  /** Whether Pulumi.yaml puts the lean process in place, as the README has it. */
  readonly lean?: boolean;
  /** The folder of another `node` than the one on PATH. */
  readonly node?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const PLUGINS = `plugins:
  providers:
    - name: pulumi-nodejs
      path: node_modules/pulumi-openbsd-postfix/plugin
`;

/** A Pulumi project in a folder of its own, with the state beside it. */
export class BenchProject {
  readonly folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-bench-"));

  private constructor(
    private readonly cli: PulumiCli,
    private readonly program: string,
    private readonly ways: Ways,
    /** The folder with the state, which may be another project's. */
    private readonly state: string | undefined,
  ) {}

  static async make(program: string, ways: Ways = {}): Promise<BenchProject> {
    const project = new BenchProject(await findPulumi(), program, ways, undefined);
    project.write();
    mkdirSync(join(project.folder, "state"));
    await project.must("stack", "init", STACK);
    return project;
  }

  /** The same stack, run in other ways. */
  inWays(ways: Ways): BenchProject {
    const other = new BenchProject(this.cli, this.program, ways, this.state ?? this.folder);
    other.write();
    return other;
  }

  private write(): void {
    const { folder, program, ways } = this;
    const runtime = "runtime:\n  name: nodejs\n  options: { typescript: false }\n";
    const plugins = ways.lean === true ? PLUGINS : "";
    writeFileSync(join(folder, "Pulumi.yaml"), `name: bench\n${runtime}${plugins}`);
    writeFileSync(
      join(folder, "package.json"),
      '{ "name": "bench", "private": true, "main": "index.js" }\n',
    );
    writeFileSync(join(folder, "index.js"), program);
    mkdirSync(join(folder, "node_modules/@pulumi"), { recursive: true });
    const repository = packageFolder();
    symlinkSync(repository, join(folder, "node_modules/pulumi-openbsd-postfix"));
    symlinkSync(
      join(repository, "node_modules/@pulumi/pulumi"),
      join(folder, "node_modules/@pulumi/pulumi"),
    );
  }

  command(...args: readonly string[]): Command {
    const { node, environment } = this.ways;
    return {
      argv: [this.cli.path, ...args, "--non-interactive", "--color", "never"],
      cwd: this.folder,
      env: {
        ...pulumiEnvironment(this.cli),
        PULUMI_BACKEND_URL: `file://${this.state ?? this.folder}/state`,
        PULUMI_CONFIG_PASSPHRASE: "bench",
        PULUMI_STACK: STACK,
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        ...(node === undefined ? {} : { PATH: `${node}${delimiter}${process.env["PATH"] ?? ""}` }),
        ...environment,
      },
    };
  }

  /** How many bytes the state takes. */
  get stateBytes(): number {
    return statSync(join(this.state ?? this.folder, `state/.pulumi/stacks/bench/${STACK}.json`))
      .size;
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

/** What a contender of Pulumi's is called, and in which ways it runs. */
export interface Named {
  readonly name: string;
  readonly title: string;
  readonly ways?: Ways;
}

/** The package, on hosts that it has made mail servers of. */
export function ours(made: BenchProject, { name, title, ways }: Named): Contender {
  const project = ways === undefined ? made : made.inWays(ways);
  const yes = ["--yes", "--skip-preview"];
  const none = "--expect-no-changes";
  return {
    name,
    title,
    tasks: [
      task("preview --refresh", project.command("preview", "--refresh", none), unchanged),
      task("up --yes --refresh", project.command("up", "--yes", "--refresh", none), unchanged),
      task(
        "up --skip-preview --refresh",
        project.command("up", ...yes, "--refresh", none),
        unchanged,
      ),
      task("refresh --preview-only", project.command("refresh", "--preview-only", none), unchanged),
      task(
        "refresh --preview-only --parallel 100",
        project.command("refresh", "--preview-only", none, "--parallel", "100"),
        unchanged,
      ),
    ],
    remove: () => project.remove(),
  };
}

const noFault = (): undefined => undefined;

/** The beginning of programs whose dynamic resources do nothing. */
const TRIVIAL = `
const pulumi = require("@pulumi/pulumi");
const provider = { create: async () => ({ id: "1", outs: {} }) };
class Trivial extends pulumi.dynamic.Resource { constructor(...args) { super(provider, ...args); } }
`;

/** What the CLI and its SDK take with a program that manages next to nothing. */
export async function floor({ name, title, ways = {} }: Named): Promise<Contender> {
  const trivial = await BenchProject.make(`${TRIVIAL}new Trivial("trivial", {});`, ways);
  const empty = await BenchProject.make("", ways);
  await trivial.must("up", "--yes", "--skip-preview");
  return {
    name,
    title,
    tasks: [
      task("preview of one dynamic resource", trivial.command("preview", "--refresh"), noFault),
      task("preview of an empty program", empty.command("preview"), noFault),
    ],
    remove: () => {
      empty.remove();
      trivial.remove();
    },
  };
}

/** How many steps a server of the guide has. */
const STEPS = 11;

/**
 * What of a stack's growth is the CLI's own: as many resources as so many servers have, all of which do nothing. The filling
 * makes the state as long as the servers'.
 */
export async function floorOfMany(servers: number): Promise<Contender> {
  const project = await BenchProject.make(
    `${TRIVIAL}
for (let server = 0; server < ${servers}; server += 1) {
  const parent = new pulumi.ComponentResource("bench:index:Server", "mx" + server);
  let last = [];
  for (let step = 0; step < ${STEPS}; step += 1) {
    const name = "mx" + server + "-" + step;
    const component = new pulumi.ComponentResource("bench:index:Step", name, {}, { parent, dependsOn: last });
    new Trivial(name, { filling: "-".repeat(2400) }, { parent: component });
    last = [component];
  }
}`,
  );
  const quick = project.inWays({
    environment: { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" },
  });
  const yes = ["--yes", "--skip-preview"];
  return {
    name: "floor-of-many",
    title: `Pulumi's own part with as many resources as the servers have (${2 * STEPS + 1} each) that do nothing`,
    tasks: [
      task("first up, without checkpoints", quick.command("up", ...yes), noFault),
      task("destroy, without checkpoints", quick.command("destroy", ...yes), noFault),
      task("first up", project.command("up", ...yes), noFault),
      task("preview --refresh", project.command("preview", "--refresh"), unchanged),
      task("destroy", project.command("destroy", ...yes), noFault),
    ],
    remove: () => {
      quick.remove();
      project.remove();
    },
  };
}
