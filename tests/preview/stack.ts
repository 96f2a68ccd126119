/**
 * Throw-away projects for tests, driven by the real CLI that is found or built on this machine; in them
 * `pulumi-openbsd-postfix` is this repository's build.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation";
import { digest, type Outcome } from "../../testing/pulumi/runOutcome";
import {
  type OperationOptions,
  prepare,
  type ProjectOptions,
  type ProviderProcess,
  StackProject,
} from "../../testing/pulumi/stackProject";
import { cliForAutomation } from "../../tools/pulumi-cli/automation";
import type { PulumiCli } from "../../tools/pulumi-cli/find";
import { type Ran, run } from "../../tools/pulumi-cli/run";

export { changeOf, type Outcome, printedUnder, type Step } from "../../testing/pulumi/runOutcome";
export { projectName, type ProviderProcess, stackName } from "../../testing/pulumi/stackProject";

/** Every process in which dynamic providers can run. */
export const PROVIDER_PROCESSES: readonly ProviderProcess[] = ["bundled", "lean"];

/** The CLI for tests, and the environment that it wants. */
export async function ownCommand(): Promise<
  Required<Pick<ProjectOptions, "command" | "environment">>
> {
  const { command, environment } = await cliForAutomation();
  return { command, environment };
}

/**
 * A project that can also be run as a person runs the CLI. Its operations start the CLI too: those of the Automation API
 * start it three times more, to ask for the outputs and the history.
 */
export class Project extends StackProject {
  private constructor(
    folder: string,
    stack: Stack,
    environment: Readonly<Record<string, string>>,
    private readonly cli: PulumiCli,
  ) {
    super(folder, stack, environment);
  }

  /**
   * The lean process for dynamic providers unless said otherwise: it saves a quarter of an operation's time. Whole lives run
   * in both (lifecycle, stack and ways), and both are asked the same in tests/unit/plugin.test.ts.
   */
  static async create(options: ProjectOptions): Promise<Project> {
    const { cli, command, environment } = await cliForAutomation();
    const made = await prepare({
      providerProcess: "lean",
      ...options,
      command,
      environment: { ...environment, ...options.environment },
    });
    return new Project(made.folder, made.stack, made.environment, cli);
  }

  /** The environment of the CLI in addition to that of this process, for a test that starts it itself. */
  get variables(): Readonly<Record<string, string>> {
    return this.environment;
  }

  /** Runs the CLI as a person does, without colors: `text("preview", "--diff", "--refresh")`. */
  text(...args: string[]): Promise<Ran> {
    return this.runCli(args, "never");
  }

  /** Runs the CLI as a person does at a terminal, with colors. */
  colored(...args: string[]): Promise<Ran> {
    return this.runCli(args, "always");
  }

  /**
   * Runs the CLI as {@link Project.text} does, and presses Ctrl-C so many times once it has printed `when`: SIGINT goes
   * to what a terminal would give it to, the CLI's process group.
   */
  interrupted(when: string, times: number, ...args: string[]): Promise<Ran> {
    return this.runCli(args, "never", { when, times });
  }

  override preview(options: OperationOptions = {}): Promise<Outcome> {
    return this.operate(["preview", "--diff"], options);
  }

  override up(options: OperationOptions = {}): Promise<Outcome> {
    return this.operate(["up", "--yes", "--skip-preview"], options);
  }

  override refresh(options: OperationOptions = {}): Promise<Outcome> {
    return this.operate(["refresh", "--yes", "--skip-preview"], options);
  }

  override destroy(options: OperationOptions = {}): Promise<Outcome> {
    return this.operate(["destroy", "--yes", "--skip-preview"], options);
  }

  /** Runs an operation that must succeed, or must fail if `fails` is set, and returns its outcome. */
  private async operate(
    verb: readonly string[],
    { fails = false, refresh, expectNoChanges, target = [] }: OperationOptions,
  ): Promise<Outcome> {
    const log = join(this.folder, "events");
    rmSync(log, { force: true });
    const begin = Date.now();
    const { code, stdout, stderr } = await this.text(
      ...verb,
      ...(refresh === true ? ["--refresh"] : []),
      ...(expectNoChanges === true ? ["--expect-no-changes"] : []),
      ...target.flatMap((urn) => ["--target", urn]),
      ...["--event-log", log],
    );
    const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
    const events = lines.filter(Boolean).map((line) => JSON.parse(line) as EngineEvent);
    const ok = code === 0;
    if (ok === fails) {
      const what = fails ? "The run succeeded and should have failed" : "The run failed";
      throw new Error(`${what} (exit status ${code}).\n${stdout}\n${stderr}`);
    }
    return { ok, stdout, stderr, elapsedMs: Date.now() - begin, ...digest(events) };
  }

  private runCli(
    args: readonly string[],
    color: "always" | "never",
    interrupt?: { when: string; times: number },
  ): Promise<Ran> {
    return run(
      this.cli.path,
      [...args, "--stack", this.stack.name, "--color", color, "--non-interactive"],
      {
        cwd: this.folder,
        // Without debug commands, the CLI has no option for the log of events.
        environment: { ...process.env, ...this.environment, PULUMI_DEBUG_COMMANDS: "true" },
        timeoutMs: 300_000,
        ...(interrupt ? { interrupt } : {}),
      },
    );
  }
}
