/** Preview-based tests: what a program would do to a test host, as data. */
import type { PulumiCommand } from "@pulumi/pulumi/automation";
import type { ConnectionArgs } from "../components";
import type { TestHost } from "./index";
import { type Outcome, printedUnder, type Step } from "./outcome";
import { type ProjectOptions, StackProject } from "./project";

/** How a program reaches a test host: for `connection` of every component. */
export function connectionOf(host: TestHost): ConnectionArgs {
  const { port, user, privateKeyPath, hostKey } = host;
  return { host: host.host, port, user, privateKeyPath, hostKey };
}

/** What a step of the plan is. */
export interface PlannedStep {
  /** The component's name, as in `mx1-main-cf`. */
  readonly name: string;
  /** The component's class, as in `MainCf`. */
  readonly kind: string;
  /** What the engine plans: `create`, `update`, `replace`, `delete`, `same`. */
  readonly op: Step["op"];
  /** Property paths of what differs, as in `parameters.myhostname`; none for a step that is made. */
  readonly diffs: readonly string[];
  /** The inputs before and after, `undefined` where there are none; secrets as `"[secret]"`. */
  readonly before: Readonly<Record<string, unknown>> | undefined;
  readonly after: Readonly<Record<string, unknown>> | undefined;
  /** What the preview prints under the component: the host now against the host after `up`. */
  readonly shown: string;
}

/** What a preview says, or a run that was carried out. */
export interface Preview {
  /** Did it succeed? Where not, {@link Preview.printed} says why. */
  readonly ok: boolean;
  /** Every step on the host, in the engine's order. */
  readonly steps: readonly PlannedStep[];
  /** How many resources each operation concerns, components included. */
  readonly summary: Outcome["summary"];
  /** All that the engine, the program and the provider printed. */
  readonly printed: string;
  /** The step of this name. @throws Error that names those that there are */
  step(name: string): PlannedStep;
}

/** How to preview. */
export interface PreviewOptions extends Omit<ProjectOptions, "program" | "command"> {
  /** The Pulumi CLI. @defaultValue the one on PATH */
  readonly command?: PulumiCommand;
}

/** How to run an operation. */
export interface RunOptions {
  /** Ask the host for what is there now first, so that drift shows. @defaultValue false */
  readonly refresh?: boolean;
}

/**
 * A program in a stack of its own, with a test host to work on: for what a first preview cannot show, such as an update or
 * drift. Call {@link ProgramOnHost.remove} when done.
 *
 * @example
 * ```ts
 * import { ProgramOnHost, startHost } from "pulumi-openbsd-postfix/testing";
 * import { RcConfLocal } from "pulumi-openbsd-postfix";
 *
 * async function example(): Promise<void> {
 *   const host = await startHost({ release: "7.8" });
 *   const program = await ProgramOnHost.make(host, (connection) => {
 *     new RcConfLocal("rc", { connection, boot: "unchanged", variables: { apmd_flags: "-A" } });
 *   });
 *   await program.up();
 *   await host.exec(["/bin/sh", "-c", "echo apmd_flags=-C > /etc/rc.conf.local"]);
 *   const preview = await program.preview({ refresh: true });
 *   console.log(preview.step("rc").diffs); // [ "variables.apmd_flags" ]
 *   program.remove();
 *   await host.stop();
 * }
 * ```
 */
export class ProgramOnHost {
  private constructor(private readonly project: StackProject) {}

  /** @param program - Declares resources, with the connection that it is given; it runs in this process. */
  static async make(
    host: TestHost,
    program: (connection: ConnectionArgs) => unknown,
    options: PreviewOptions = {},
  ): Promise<ProgramOnHost> {
    const project = await StackProject.make({
      ...options,
      program: async () => {
        await program(connectionOf(host));
      },
    });
    return new ProgramOnHost(project);
  }

  /** What `up` would do. The host is looked at and not changed. */
  async preview(options: RunOptions = {}): Promise<Preview> {
    const { stack } = this.project;
    return previewOf(
      await this.project.run((common) => stack.preview({ ...common, ...options, diff: true })),
    );
  }

  /** What `up` did. */
  async up(options: RunOptions = {}): Promise<Preview> {
    return previewOf(
      await this.project.run((common) => this.project.stack.up({ ...common, ...options })),
    );
  }

  /** What `destroy` did. */
  async destroy(options: RunOptions = {}): Promise<Preview> {
    return previewOf(
      await this.project.run((common) => this.project.stack.destroy({ ...common, ...options })),
    );
  }

  /** Removes the stack's state; what the program made on the host stays. */
  remove(): void {
    this.project.remove();
  }
}

/**
 * Previews a program against a test host, in a stack of its own that has no state: what a first `pulumi preview` shows.
 * The host is looked at and not changed.
 *
 * @param program - Declares resources, with the connection that it is given; it runs in this process.
 *
 * @example
 * ```ts
 * import { previewOn, startHost } from "pulumi-openbsd-postfix/testing";
 * import { MainCf } from "pulumi-openbsd-postfix";
 *
 * async function example(): Promise<void> {
 *   const host = await startHost({ release: "7.8" });
 *   const preview = await previewOn(host, (connection) => {
 *     new MainCf("main", { connection, parameters: { myhostname: "mx1.example.org" } });
 *   });
 *   console.log(preview.step("main").shown); // the lines that `up` would write
 *   await host.stop();
 * }
 * ```
 */
export async function previewOn(
  host: TestHost,
  program: (connection: ConnectionArgs) => unknown,
  options: PreviewOptions = {},
): Promise<Preview> {
  const made = await ProgramOnHost.make(host, program, options);
  try {
    return await made.preview();
  } finally {
    made.remove();
  }
}

/** Without what is the package's own: the text of its provider. */
function ownInputs(inputs: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { __provider: _, ...own } = inputs;
  return own;
}

/** The steps on hosts of a run, and what was printed under each. */
export function previewOf(outcome: Outcome): Preview {
  const steps = outcome.steps.flatMap((step): PlannedStep[] => {
    const kind = /^pulumi-nodejs:dynamic\/openbsd:(\w+)$/.exec(step.type)?.[1];
    // That a step is looked at first is no step of the plan.
    if (kind === undefined || step.op === "refresh") return [];
    return [
      {
        name: step.name,
        kind,
        op: step.op,
        diffs: step.op === "create" ? [] : step.diffs,
        before: step.op === "create" ? undefined : ownInputs(step.old),
        after: step.op === "delete" ? undefined : ownInputs(step.new),
        shown: printedUnder(outcome, step.name).trimEnd(),
      },
    ];
  });
  return {
    ok: outcome.ok,
    steps,
    summary: outcome.summary,
    printed: outcome.stdout + outcome.stderr,
    step(name) {
      const found = steps.find((one) => one.name === name);
      if (found) return found;
      const names = steps.map((one) => one.name).join(", ");
      throw new Error(`there is no step ${name} in this preview; there are: ${names || "none"}`);
    },
  };
}
