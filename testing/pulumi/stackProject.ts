/** A temporary Pulumi project with one stack, for tests: a folder with a program, its configuration and its state. */
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
import { packageFolder } from "../machine/folders";
import { digest, type Outcome } from "./runOutcome";

/** The options of a {@link StackProject}. */
export interface ProjectOptions {
  /**
   * The program: either CommonJS text, which Pulumi runs as it is (without ts-node), or a function, which runs in
   * this process with the modules that are loaded here.
   */
  readonly program: string | PulumiFn;
  /** The configuration of the stack. A key without a namespace gets that of the project. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Configuration values that are stored encrypted. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The stack's name. @defaultValue `stackName` */
  readonly stack?: string;
  /** Environment variables for the CLI, the program and the provider process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The Pulumi CLI. @defaultValue the one on PATH */
  readonly command?: PulumiCommand;
  /** The process in which dynamic providers run: the CLI's, or the lean one of this package. @defaultValue "bundled" */
  readonly providerProcess?: ProviderProcess;
}

/** Where dynamic providers run: in the process that comes with the CLI, or in the lean one of this package. */
export type ProviderProcess = "bundled" | "lean";

/** The options of an operation. */
export interface OperationOptions {
  /** Whether to read the current state of the resources first. */
  readonly refresh?: boolean;
  /** Whether the run must fail. If it succeeds nevertheless, the method throws. */
  readonly fails?: boolean;
  /** Whether the run fails if anything would change. */
  readonly expectNoChanges?: boolean;
  /** The URNs of the only resources that the run applies to. */
  readonly target?: string[];
}

/** The name of the stack if {@link ProjectOptions.stack} names no other. */
export const stackName = "test";

/** The name of the project, which is also the namespace of its configuration. */
export const projectName = "openbsd-postfix";

/** Encrypts the secrets of the stack. */
const passphrase = "test";

/** A temporary project with one stack. Call {@link StackProject.remove} at the end. */
export class StackProject {
  protected constructor(
    /** The project's folder. */
    readonly folder: string,
    /** The stack as an object of the Automation API, for everything that has no method here. */
    readonly stack: Stack,
    /** The environment variables of the CLI in addition to those of this process. */
    protected readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** Makes the folder and the stack in it. */
  static async make(options: ProjectOptions): Promise<StackProject> {
    const { folder, stack, environment } = await prepare(options);
    return new StackProject(folder, stack, environment);
  }

  /** Replaces the text of the program for all later runs. */
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

  /** Throws if a preview with refresh finds any change. The message has what the preview printed. */
  async expectNoChanges(): Promise<Outcome> {
    return this.preview({ refresh: true, expectNoChanges: true });
  }

  /** The stack's outputs as of the last update. */
  outputs(): Promise<OutputMap> {
    return this.stack.outputs();
  }

  /** Deletes the folder with the state. What the program made stays. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs an operation of the Automation API and returns its outcome, also if it failed. */
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

  /** Runs an operation that must succeed, or must fail if `fails` is set. */
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

/** The options that every operation of the Automation API gets here. */
export interface CommonOptions {
  readonly color: "never";
  readonly onEvent: (event: EngineEvent) => void;
  readonly onOutput: (text: string) => void;
  readonly onError: (text: string) => void;
}

/** Makes the folder of a project, and the stack in it. */
export async function prepare(
  options: ProjectOptions,
): Promise<{ folder: string; stack: Stack; environment: Readonly<Record<string, string>> }> {
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-stack-"));
  try {
    writeProject(folder, options);
    const environment = {
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: passphrase,
      // A missing plugin is an error in tests, never a download.
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

/** Writes the files of a project. */
function writeProject(folder: string, options: ProjectOptions): void {
  const write = (name: string, content: unknown) => {
    // Every JSON text is also YAML.
    writeFileSync(join(folder, name), JSON.stringify(content));
  };
  const runtime = { name: "nodejs", options: { typescript: false } };
  const path = "node_modules/pulumi-openbsd-postfix/plugin";
  const plugins = { providers: [{ name: "pulumi-nodejs", path }] };
  write("Pulumi.yaml", {
    name: projectName,
    runtime,
    ...(options.providerProcess === "lean" ? { plugins } : {}),
  });
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
  // The provider process finds this package by its name, and the same SDK that this process uses.
  symlinkSync(packageFolder(), join(folder, "node_modules/pulumi-openbsd-postfix"));
  const sdk = dirname(require.resolve("@pulumi/pulumi/package.json"));
  symlinkSync(sdk, join(folder, "node_modules/@pulumi/pulumi"));
}
