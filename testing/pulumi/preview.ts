/** Runs a Pulumi program against a test host and returns as data what it would do, or did. */
import type { PulumiCommand } from "@pulumi/pulumi/automation";
import type { ConnectionArgs } from "../../components";
import type { TestHost } from "../host/testHost";
import { type Outcome, printedUnder, type Step } from "./runOutcome";
import { type ProjectOptions, StackProject } from "./stackProject";

/** The connection to a test host, as every component takes it in its `connection`. */
export function connectionOf(host: TestHost): ConnectionArgs {
  const { port, user, privateKeyPath, hostKey } = host;
  return { host: host.host, port, user, privateKeyPath, hostKey };
}

/** A step of the plan: what happens to one resource on the host. */
export interface PlannedStep {
  /** The component's name, as in `mx1-main-cf`. */
  readonly name: string;
  /** The component's class, as in `MainCf`. */
  readonly kind: string;
  /** What the engine plans: `create`, `update`, `replace`, `delete`, `same`. */
  readonly op: Step["op"];
  /** Paths of the properties that differ, as in `parameters.myhostname`; none if the step is a `create`. */
  readonly diffs: readonly string[];
  /** The inputs before; `undefined` if there are none. Secrets are `"[secret]"`. */
  readonly before: Readonly<Record<string, unknown>> | undefined;
  /** The inputs after; `undefined` if there are none. Secrets are `"[secret]"`. */
  readonly after: Readonly<Record<string, unknown>> | undefined;
  /** What the preview prints under the component: the differences between the host now and after `up`. */
  readonly shown: string;
}

/** The result of a preview, an `up` or a `destroy`. */
export interface Preview {
  /** Whether it succeeded. If not, {@link Preview.printed} says why. */
  readonly ok: boolean;
  /** All steps on the host, in the order of the engine. */
  readonly steps: readonly PlannedStep[];
  /** How many resources each operation applies to, components included. */
  readonly summary: Outcome["summary"];
  /** Everything that the engine, the program and the provider printed. */
  readonly printed: string;
  /** The step with this name. @throws Error if there is none; its message lists the names that there are */
  step(name: string): PlannedStep;
}

/** The options of {@link previewOn} and {@link ProgramOnHost.make}. */
export interface PreviewOptions extends Omit<ProjectOptions, "program" | "command"> {
  /** The Pulumi CLI. @defaultValue the one on PATH */
  readonly command?: PulumiCommand;
}

/** The options of an operation of {@link ProgramOnHost}. */
export interface RunOptions {
  /** Whether to read the current state of the host first, so that drift is found. @defaultValue false */
  readonly refresh?: boolean;
}

/**
 * A program in a stack of its own that works on a test host. It can show what a first preview cannot, such as an update or
 * drift. Call {@link ProgramOnHost.remove} at the end.
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

  /**
   * Makes the stack, which is empty at first.
   *
   * @param program - Declares resources with the connection that it is given. It runs in this process.
   */
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

  /** Returns what `up` would do. Reads from the host, but does not change it. */
  async preview(options: RunOptions = {}): Promise<Preview> {
    const { stack } = this.project;
    return previewOf(
      await this.project.run((common) => stack.preview({ ...common, ...options, diff: true })),
    );
  }

  /** Runs `up` and returns what it did. */
  async up(options: RunOptions = {}): Promise<Preview> {
    return previewOf(
      await this.project.run((common) => this.project.stack.up({ ...common, ...options })),
    );
  }

  /** Runs `destroy` and returns what it did. */
  async destroy(options: RunOptions = {}): Promise<Preview> {
    return previewOf(
      await this.project.run((common) => this.project.stack.destroy({ ...common, ...options })),
    );
  }

  /** Deletes the state of the stack. What the program made on the host stays there. */
  remove(): void {
    this.project.remove();
  }
}

/**
 * Previews a program against a test host in a new, empty stack, and returns what a first `pulumi preview` shows. Reads
 * from the host, but does not change it.
 *
 * @param program - Declares resources with the connection that it is given. It runs in this process.
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

/** The inputs without `__provider`, the code of the provider, which no program sets. */
function ownInputs(inputs: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { __provider: _, ...own } = inputs;
  return own;
}

/** Picks the steps on hosts out of the outcome of a run. */
export function previewOf(outcome: Outcome): Preview {
  const steps = outcome.steps.flatMap((step): PlannedStep[] => {
    const kind = /^pulumi-nodejs:dynamic\/openbsd:(\w+)$/.exec(step.type)?.[1];
    // A refresh comes before the plan and is not a step of it.
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
