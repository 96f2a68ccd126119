/**
 * A throw-away Pulumi project for tests, driven by the real CLI: one temporary folder with its own
 * program, state and configuration, in which `pulumi-openbsd-postfix` is this repository's build.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  CommandError,
  type EngineEvent,
  LocalWorkspace,
  type OpMap,
  type OpType,
  type OutputMap,
  PulumiCommand,
  Stack,
} from "@pulumi/pulumi/automation";
import { cacheFolder } from "../../testing/cache";
import { type PulumiCli, findPulumi, pulumiEnvironment } from "../../tools/pulumi-cli/find";
import { type Ran, run } from "../../tools/pulumi-cli/run";

/** What a project is made of. */
export interface ProjectOptions {
  /** CommonJS text of the program: it is run as it stands, without ts-node. */
  readonly program: string;
  /** Stack configuration; a key without a namespace is the project's own. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Configuration values that are kept encrypted. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The stack's name. @default {@link stackName} */
  readonly stack?: string;
  /** Variables for the CLI, the program and the provider process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** One resource that a run looked at or changed. */
export interface Step {
  readonly op: OpType;
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Paths of the inputs that differ, such as `parameters.myhostname` or `entries.root[0]`. */
  readonly diffs: readonly string[];
  /** Inputs before and after; secrets as the engine masks them. */
  readonly old: Readonly<Record<string, unknown>>;
  readonly new: Readonly<Record<string, unknown>>;
}

/** What came of a run of the CLI. */
export interface Outcome {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
  readonly events: readonly EngineEvent[];
  /** How many resources each operation concerned, by the engine's own count. */
  readonly summary: OpMap;
  /** In the engine's order; a resource that is refreshed and then updated has two. */
  readonly steps: readonly Step[];
  /** By URN: what would change or did change, drift found by a refresh included. */
  readonly changes: ReadonlyMap<string, Step>;
  /** By URN: what was tried and failed. */
  readonly failed: ReadonlyMap<string, Step>;
  /** By URN ("" for the stack): the lines that program, provider and engine printed. */
  readonly diagnostics: ReadonlyMap<string, string>;
}

/** How to run an operation. */
export interface OperationOptions {
  /** Ask the provider for the live state first. */
  readonly refresh?: boolean;
  /** The run has to fail, and an outcome comes back only if it does. */
  readonly fails?: boolean;
  /** Fails when anything would change. */
  readonly expectNoChanges?: boolean;
  /** Only these URNs. */
  readonly target?: string[];
}

/** The name of each project's only stack, unless it is said otherwise. */
export const stackName = "test";

/** The project's name, and so the namespace of its configuration. */
export const projectName = "openbsd-postfix";

const repository = resolve(__dirname, "../..");
const passphrase = "test";

let found: Promise<readonly [PulumiCli, PulumiCommand]> | undefined;

const pulumiHome = join(cacheFolder(), "pulumi-home");

async function findCommand(): Promise<readonly [PulumiCli, PulumiCommand]> {
  // PulumiCommand starts the CLI with this environment, and that writes a log where it is at home.
  process.env["PULUMI_HOME"] = pulumiHome;
  const cli = await findPulumi();
  const bin = dirname(cli.path);
  // The Automation API takes a folder that has bin/pulumi, or what is on PATH.
  const root = basename(bin) === "bin" ? { root: dirname(bin) } : {};
  return [cli, await PulumiCommand.get(root)];
}

/** A project with one stack. Call {@link Project.remove} when done. */
export class Project {
  private constructor(
    /** The project's folder. */
    readonly folder: string,
    /** The Automation API's view of the stack, for whatever has no method here. */
    readonly stack: Stack,
    private readonly cli: PulumiCli,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  static async create(options: ProjectOptions): Promise<Project> {
    const [cli, pulumiCommand] = await (found ??= findCommand());
    const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-stack-"));
    try {
      writeProject(folder, options);
      const environment = {
        ...pulumiEnvironment(cli),
        PULUMI_BACKEND_URL: `file://${folder}/state`,
        PULUMI_CONFIG_PASSPHRASE: passphrase,
        // A plugin that is missing is an error here and never a download.
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        ...options.environment,
      };
      const workspace = await LocalWorkspace.create({
        workDir: folder,
        pulumiCommand,
        envVars: environment,
      });
      const stack = await Stack.create(options.stack ?? stackName, workspace);
      for (const [key, value] of Object.entries(options.secrets ?? {})) {
        await stack.setConfig(key, { value, secret: true });
      }
      return new Project(folder, stack, cli, environment);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Replaces the program for the runs that follow. */
  write(program: string): void {
    writeFileSync(join(this.folder, "index.js"), program);
  }

  preview(options: OperationOptions = {}): Promise<Outcome> {
    return this.record(options, (common) => this.stack.preview({ ...common, diff: true }));
  }

  up(options: OperationOptions = {}): Promise<Outcome> {
    return this.record(options, (common) => this.stack.up(common));
  }

  refresh(options: OperationOptions = {}): Promise<Outcome> {
    return this.record(options, (common) => this.stack.refresh(common));
  }

  destroy(options: OperationOptions = {}): Promise<Outcome> {
    return this.record(options, (common) => this.stack.destroy(common));
  }

  /** Fails, and shows what it would do, unless a preview with refresh finds nothing to do. */
  async expectNoChanges(): Promise<Outcome> {
    return this.preview({ refresh: true, expectNoChanges: true });
  }

  /** The stack's outputs as of the last update. */
  outputs(): Promise<OutputMap> {
    return this.stack.outputs();
  }

  /** Runs the CLI as a person does, without colors: `text("preview", "--diff", "--refresh")`. */
  text(...args: string[]): Promise<Ran> {
    return this.interrupted("", 0, ...args);
  }

  /**
   * Runs the CLI as {@link Project.text} does, and presses Ctrl-C so many times once it has printed `when`: SIGINT goes
   * to what a terminal would give it to, the CLI's process group.
   */
  interrupted(when: string, times: number, ...args: string[]): Promise<Ran> {
    return run(
      this.cli.path,
      [...args, "--stack", this.stack.name, "--color", "never", "--non-interactive"],
      {
        cwd: this.folder,
        environment: { ...process.env, ...this.environment },
        timeoutMs: 300_000,
        ...(times === 0 ? {} : { interrupt: { when, times } }),
      },
    );
  }

  /** Removes the folder and the state in it; what the program made stays. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async record(
    { fails = false, ...options }: OperationOptions,
    operation: (options: CommonOptions) => Promise<{ stdout: string; stderr: string }>,
  ): Promise<Outcome> {
    const events: EngineEvent[] = [];
    const begin = Date.now();
    const text = { stdout: "", stderr: "" };
    let error: unknown;
    try {
      await operation({
        ...options,
        color: "never",
        onEvent: (event) => events.push(event),
        onOutput: (out) => (text.stdout += out),
        onError: (out) => (text.stderr += out),
      });
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      error = thrown;
    }
    const ok = error === undefined;
    const outcome = { ok, ...text, elapsedMs: Date.now() - begin, ...digest(events) };
    if (ok === fails) {
      const what = fails ? "The run succeeded and should have failed" : "The run failed";
      throw new Error(`${what}.\n${text.stdout}\n${text.stderr}`, { cause: error });
    }
    return outcome;
  }
}

interface CommonOptions extends Omit<OperationOptions, "fails"> {
  readonly color: "never";
  readonly onEvent: (event: EngineEvent) => void;
  readonly onOutput: (text: string) => void;
  readonly onError: (text: string) => void;
}

function writeProject(folder: string, options: ProjectOptions): void {
  const write = (name: string, content: unknown) => {
    // JSON is YAML as well.
    writeFileSync(join(folder, name), JSON.stringify(content));
  };
  const runtime = { name: "nodejs", options: { typescript: false } };
  write("Pulumi.yaml", { name: projectName, runtime });
  write("package.json", { name: projectName, main: "index.js", private: true });
  const config = Object.entries(options.config ?? {}).map(([key, value]) => [
    key.includes(":") ? key : `${projectName}:${key}`,
    value,
  ]);
  write(`Pulumi.${options.stack ?? stackName}.yaml`, {
    config: Object.fromEntries(config) as unknown,
  });
  writeFileSync(join(folder, "index.js"), options.program);
  mkdirSync(join(folder, "state"));
  mkdirSync(join(folder, "node_modules/@pulumi"), { recursive: true });
  symlinkSync(repository, join(folder, "node_modules/pulumi-openbsd-postfix"));
  for (const name of ["@pulumi/pulumi"]) {
    symlinkSync(join(repository, "node_modules", name), join(folder, "node_modules", name));
  }
}

type Digest = Pick<Outcome, "events" | "summary" | "steps" | "changes" | "failed" | "diagnostics">;

function digest(events: readonly EngineEvent[]): Digest {
  const steps: Step[] = [];
  const changes = new Map<string, Step>();
  const failed = new Map<string, Step>();
  const diagnostics = new Map<string, string>();
  let summary: OpMap = {};
  for (const event of events) {
    if (event.summaryEvent) summary = event.summaryEvent.resourceChanges;
    if (event.resourcePreEvent) steps.push(step(event.resourcePreEvent.metadata));
    const done = event.resourcePreEvent ?? event.resOutputsEvent;
    // A refresh is announced as such, and says only with its outputs whether anything had changed.
    if (done && !unchanging.has(done.metadata.op)) {
      const change = step(done.metadata);
      changes.set(change.urn, changes.get(change.urn) ?? change);
    }
    const tried = event.resOpFailedEvent;
    if (tried) failed.set(tried.metadata.urn, step(tried.metadata));
    const printed = event.diagnosticEvent;
    if (printed && !printed.ephemeral && severities.has(printed.severity)) {
      const urn = printed.urn ?? "";
      diagnostics.set(urn, (diagnostics.get(urn) ?? "") + withoutColors(printed.message));
    }
  }
  return { events, summary, steps, changes, failed, diagnostics };
}

const unchanging: ReadonlySet<OpType> = new Set(["same", "read", "refresh"]);

/** Events hold the SDK's debug lines as well, which nobody sees. */
const severities: ReadonlySet<string> = new Set(["info", "info#err", "warning", "error"]);

type Metadata = NonNullable<EngineEvent["resourcePreEvent"]>["metadata"];

function step(metadata: Metadata): Step {
  const { op, urn, type } = metadata;
  const before = metadata.old?.inputs ?? {};
  const after = metadata.new?.inputs ?? {};
  const name = urn.split("::").slice(3).join("::");
  return { op, urn, type, name, diffs: differences(before, after), old: before, new: after };
}

/** A dynamic provider cannot say what differs; the engine shows its own comparison, and so do we. */
function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isContainer(before) || !isContainer(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  // The provider's own code, which is no input of the user's.
  keys.delete("__provider");
  return [...keys].flatMap((key) => {
    const inside = Array.isArray(after) ? `${path}[${key}]` : path && `${path}.${key}`;
    return differences(before[key], after[key], inside || key);
  });
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The engine marks colors as `<{%fg 1%}>` in its events, whatever `--color` says. */
function withoutColors(text: string): string {
  return text.replace(/<\{%.*?%\}>/g, "");
}

/** What changed of the resource with this name; undefined if nothing did. */
export function changeOf(outcome: Outcome, name: string): Step | undefined {
  return [...outcome.changes.values()].find((change) => change.name === name);
}

/** What was printed under the resource with this name; "" if nothing was. */
export function printedUnder(outcome: Outcome, name: string): string {
  const found = [...outcome.diagnostics].find(([urn]) => urn.endsWith(`::${name}`));
  return found?.[1] ?? "";
}
