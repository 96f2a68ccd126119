/**
 * Throw-away projects for tests, driven by the real CLI that is found or built on this machine; in them
 * `pulumi-openbsd-postfix` is this repository's build.
 */
import type { Stack } from "@pulumi/pulumi/automation";
import { prepare, type ProjectOptions, StackProject } from "../../testing/pulumi/stackProject";
import { cliForAutomation } from "../../tools/pulumi-cli/automation";
import type { PulumiCli } from "../../tools/pulumi-cli/find";
import { type Ran, run } from "../../tools/pulumi-cli/run";

export { changeOf, type Outcome, printedUnder, type Step } from "../../testing/pulumi/runOutcome";
export { projectName, stackName } from "../../testing/pulumi/stackProject";

/** The CLI for tests, and the environment that it wants. */
export async function ownCommand(): Promise<
  Required<Pick<ProjectOptions, "command" | "environment">>
> {
  const { command, environment } = await cliForAutomation();
  return { command, environment };
}

/** A project that can also be run as a person runs the CLI. */
export class Project extends StackProject {
  private constructor(
    folder: string,
    stack: Stack,
    environment: Readonly<Record<string, string>>,
    private readonly cli: PulumiCli,
  ) {
    super(folder, stack, environment);
  }

  static async create(options: ProjectOptions): Promise<Project> {
    const { cli, command, environment } = await cliForAutomation();
    const made = await prepare({
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
        environment: { ...process.env, ...this.environment },
        timeoutMs: 300_000,
        ...(interrupt ? { interrupt } : {}),
      },
    );
  }
}
