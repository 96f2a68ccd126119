/** The stack of the package under test: what the suite does with the Pulumi CLI. */
import type { Outcome } from "../testing/pulumi/runOutcome";
import { type CommonOptions, StackProject } from "../testing/pulumi/stackProject";
import { cliForAutomation } from "../tools/pulumi-cli/automation";

/** A run of the CLI did not succeed. The message has what it said of it. */
export class RunFailed extends Error {}

interface Wish {
  /** Whether the host is looked at first. */
  readonly refresh?: boolean;
  /** Whether the run fails if anything would change. */
  readonly expectNoChanges?: boolean;
}

/** A stack in a folder of its own. */
export class TestedStack {
  private constructor(private readonly project: StackProject) {}

  static async make(): Promise<TestedStack> {
    const { command, environment } = await cliForAutomation();
    return new TestedStack(await StackProject.make({ program: "", command, environment }));
  }

  /** Where the stack is, until it is removed. */
  get folder(): string {
    return this.project.folder;
  }

  /** Replaces the program. */
  write(program: string): void {
    this.project.write(program);
  }

  preview(wish: Wish = {}): Promise<Outcome> {
    return this.succeeding("preview", (common) =>
      this.project.stack.preview({ ...wish, ...common }),
    );
  }

  up(wish: Wish = {}): Promise<Outcome> {
    return this.succeeding("up", (common) => this.project.stack.up({ ...wish, ...common }));
  }

  destroy(): Promise<Outcome> {
    return this.succeeding("destroy", (common) => this.project.stack.destroy(common));
  }

  /** Lets go of a run of the CLI that was killed, and still counts as running. */
  async cancel(): Promise<void> {
    // Where nothing runs there is nothing to let go of, which the CLI calls a failure.
    await this.project.stack.cancel().catch(() => undefined);
  }

  /** An `up` of which nobody expects that it succeeds. */
  async tryUp(wish: Pick<Wish, "refresh"> = {}): Promise<void> {
    await this.project.run((common) => this.project.stack.up({ ...wish, ...common }));
  }

  /** Throws where the host is not as the last run left it. No program is run for it. */
  async expectNoDrift(): Promise<void> {
    const outcome = await this.succeeding("refresh --preview-only", (common) =>
      this.project.stack.refresh({ previewOnly: true, expectNoChanges: true, ...common }),
    );
    const drifted = [...outcome.changes.values()].map(({ name }) => name);
    if (drifted.length > 0) throw new RunFailed(`drift is left: ${drifted.join(", ")}`);
  }

  /** The package's full name, as in postfix-3.10.4; an empty text where nothing is installed. */
  async packageName(): Promise<string> {
    const value: unknown = (await this.project.outputs())["packageName"]?.value;
    return typeof value === "string" ? value : "";
  }

  remove(): void {
    this.project.remove();
  }

  private async succeeding(
    what: string,
    operation: (options: CommonOptions) => Promise<{ stdout: string; stderr: string }>,
  ): Promise<Outcome> {
    const outcome = await this.project.run(operation);
    if (outcome.ok) return outcome;
    const changes = [...outcome.changes.values()].map(
      ({ op, name, diffs }) => `${op} ${name}: ${diffs.join(", ")}`,
    );
    const said = [...changes, ...outcome.diagnostics.values(), outcome.stderr];
    const lines = said.flatMap((text) => text.split("\n")).filter((line) => line.trim() !== "");
    throw new RunFailed(`pulumi ${what} failed\n${lines.slice(-40).join("\n")}`);
  }
}
