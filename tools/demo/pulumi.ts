/** Runs the Pulumi CLI as a person does, and shows what it prints as it comes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type PulumiCli, pulumiEnvironment } from "../pulumi-cli/find";
import { OutputFilter } from "./output";
import { stackName } from "./program";
import { plain, type Screen } from "./screen";

/** What came of a run. */
export interface PulumiRun {
  readonly ok: boolean;
  /** All that was printed, without colors. */
  readonly text: string;
}

/** How long a run may take to end after it was told to, before it is told more firmly. */
const graceMs = 5000;

/** The CLI in the demo's project. */
export class Pulumi {
  private child: ChildProcess | undefined;
  private stopped = false;

  constructor(
    private readonly cli: PulumiCli,
    private readonly folder: string,
    private readonly screen: Screen,
    private readonly everything: boolean,
  ) {}

  /** Runs a command and shows it with its output. */
  async show(args: readonly string[]): Promise<PulumiRun> {
    const { screen } = this;
    screen.command("$", `pulumi ${args.join(" ")}`);
    const color = ["--color", screen.colored ? "always" : "never"];
    const quiet = ["--non-interactive", "--suppress-progress"];
    // The stack's outputs are shown by themselves; in a rich diff they are part of what differs.
    if (!args.includes("--diff")) quiet.push("--suppress-outputs");
    const filter = new OutputFilter();
    // Blank lines wait for the next one, so that none stands at the end.
    let blank = 0;
    const work = this.run([...args, ...quiet, ...color], (line) => {
      if (!this.everything && !filter.keeps(line)) return;
      if (plain(line).trim() === "") blank += 1;
      else {
        for (; blank > 0; blank -= 1) screen.print("  |");
        screen.print(`  | ${line}`.trimEnd());
      }
    });
    return screen.during(`pulumi ${args[0] ?? ""} is at work`, work);
  }

  /** Runs a command and shows nothing of it. */
  quiet(args: readonly string[]): Promise<PulumiRun> {
    return this.run([...args, "--color", "never"], () => undefined);
  }

  /** An output of the stack; undefined when it has none of that name. */
  async output(name: string): Promise<unknown> {
    const { ok, text } = await this.quiet(["stack", "output", name, "--json"]);
    return ok ? (JSON.parse(text) as unknown) : undefined;
  }

  /** Ends what runs: as Ctrl-C does, once and then again, and by force when that is not enough. */
  async stop(): Promise<void> {
    this.stopped = true;
    const { child } = this;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const { pid } = child;
    const ended = once(child, "exit");
    // The CLI finishes the step that is under way; told again, it does not wait for that.
    signal(pid, "SIGINT");
    const timers = [
      setTimeout(() => signal(pid, "SIGINT"), graceMs),
      setTimeout(() => signal(pid, "SIGKILL"), 2 * graceMs),
    ];
    await ended;
    timers.forEach(clearTimeout);
  }

  private async run(args: readonly string[], tell: (line: string) => void): Promise<PulumiRun> {
    this.assertRunning();
    // By way of a shell, so that its two outputs are one stream: what belongs together stays so.
    const argv = ["-c", 'exec "$0" "$@" 2>&1', this.cli.path, ...args];
    const child = spawn("/bin/sh", argv, {
      cwd: this.folder,
      env: { ...process.env, ...this.environment() },
      stdio: ["ignore", "pipe", "inherit"],
      // A group of its own: a terminal's Ctrl-C is for the demo, which then ends this in order.
      detached: true,
    });
    this.child = child;
    const lines: string[] = [];
    createInterface(child.stdout).on("line", (line) => {
      lines.push(plain(line));
      tell(line);
    });
    const [code] = (await once(child, "close")) as [number | null];
    this.assertRunning();
    return { ok: code === 0, text: lines.join("\n") };
  }

  private assertRunning(): void {
    if (this.stopped) throw new Error("the demo was stopped");
  }

  private environment(): Record<string, string> {
    return {
      ...pulumiEnvironment(this.cli),
      PULUMI_BACKEND_URL: `file://${this.folder}/state`,
      // The state is thrown away with the folder.
      PULUMI_CONFIG_PASSPHRASE: "demo",
      PULUMI_STACK: stackName,
      // What the CLI and its plugins leave in the folder for temporary files goes with the rest.
      TMPDIR: join(this.folder, "tmp"),
      // A plugin that is missing is an error here and never a download.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
  }
}

/** To the whole group, and no matter if it has just ended. */
function signal(pid: number, name: "SIGINT" | "SIGKILL"): void {
  try {
    process.kill(-pid, name);
  } catch {
    // Ended in between.
  }
}
