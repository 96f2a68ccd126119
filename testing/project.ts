/** A throw-away Pulumi project: one temporary folder with its own program, state and configuration. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  CommandError,
  type EngineEvent,
  LocalWorkspace,
  type OutputMap,
  type PulumiCommand,
  type PulumiFn,
  Stack,
} from "@pulumi/pulumi/automation";
import { packageFolder } from "./cache";
import { digest, type Outcome } from "./outcome";

/** What a project is made of. */
export interface ProjectOptions {
  /**
   * CommonJS text of the program, run as it stands, without ts-node; or a function, which runs in this process, with
   * the modules that this process has loaded.
   */
  readonly program: string | PulumiFn;
  /** Stack configuration; a key without a namespace is the project's own. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Configuration values that are kept encrypted. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The stack's name. @defaultValue {@link stackName} */
  readonly stack?: string;
  /** Variables for the CLI, the program and the provider process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The Pulumi CLI. @defaultValue the one on PATH */
  readonly command?: PulumiCommand;
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

/** The name of a project's only stack, unless it is said otherwise. */
export const stackName = "test";

/** The project's name, and so the namespace of its configuration. */
export const projectName = "openbsd-postfix";

const passphrase = "test";

/** A project with one stack. Call {@link StackProject.remove} when done. */
export class StackProject {
  protected constructor(
    /** The project's folder. */
    readonly folder: string,
    /** The Automation API's view of the stack, for whatever has no method here. */
    readonly stack: Stack,
    /** What the CLI is run with, besides this process's own environment. */
    protected readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** Makes the folder and the stack in it. */
  static async make(options: ProjectOptions): Promise<StackProject> {
    const { folder, stack, environment } = await prepare(options);
    return new StackProject(folder, stack, environment);
  }

  /** Replaces the text of the program for the runs that follow. */
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

  /** Removes the folder and the state in it; what the program made stays. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs an operation of the Automation API; what came of it, success or not. */
  async run(
    operation: (options: CommonOptions) => Promise<{ stdout: string; stderr: string }>,
  ): Promise<Outcome> {
    const events: EngineEvent[] = [];
    const begin = Date.now();
    const text = { stdout: "", stderr: "" };
    let ok = true;
    try {
      await operation({
        color: "never",
        onEvent: (event) => events.push(event),
        onOutput: (out) => (text.stdout += out),
        onError: (out) => (text.stderr += out),
      });
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      ok = false;
    }
    return { ok, ...text, elapsedMs: Date.now() - begin, ...digest(events) };
  }

  private async record(
    { fails = false, ...options }: OperationOptions,
    operation: (
      options: CommonOptions & Omit<OperationOptions, "fails">,
    ) => Promise<{ stdout: string; stderr: string }>,
  ): Promise<Outcome> {
    const outcome = await this.run((common) => operation({ ...options, ...common }));
    if (outcome.ok === fails) {
      const what = fails ? "The run succeeded and should have failed" : "The run failed";
      throw new Error(`${what}.\n${outcome.stdout}\n${outcome.stderr}`);
    }
    return outcome;
  }
}

/** What every operation of the Automation API is given here. */
export interface CommonOptions {
  readonly color: "never";
  readonly onEvent: (event: EngineEvent) => void;
  readonly onOutput: (text: string) => void;
  readonly onError: (text: string) => void;
}

/** The folder, and the stack in it. */
export async function prepare(
  options: ProjectOptions,
): Promise<{ folder: string; stack: Stack; environment: Readonly<Record<string, string>> }> {
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-stack-"));
  try {
    writeProject(folder, options);
    const environment = {
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: passphrase,
      // A plugin that is missing is an error here and never a download.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      ...options.environment,
    };
    const workspace = await LocalWorkspace.create({
      workDir: folder,
      envVars: environment,
      ...(options.command === undefined ? {} : { pulumiCommand: options.command }),
      ...(typeof options.program === "string" ? {} : { program: options.program }),
    });
    const stack = await Stack.create(options.stack ?? stackName, workspace);
    for (const [key, value] of Object.entries(options.secrets ?? {})) {
      await stack.setConfig(key, { value, secret: true });
    }
    return { folder, stack, environment };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
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
  if (typeof options.program === "string") writeFileSync(join(folder, "index.js"), options.program);
  mkdirSync(join(folder, "state"));
  mkdirSync(join(folder, "node_modules/@pulumi"), { recursive: true });
  // Where the provider process finds them: the package by its name, and the SDK that this process has.
  symlinkSync(packageFolder(), join(folder, "node_modules/pulumi-openbsd-postfix"));
  const sdk = dirname(require.resolve("@pulumi/pulumi/package.json"));
  symlinkSync(sdk, join(folder, "node_modules/@pulumi/pulumi"));
}
