/** `npm run openbsd-machine`, as a test starts it and looks at what it leaves behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageFolder } from "../../../testing/machine/folders";

/** A cache folder of its own, with a name that QEMU, ssh_config(5) or a shell could take for more than a name. */
export class Scene {
  readonly cache = mkdtempSync(join(tmpdir(), "cache, of 100%d: it's "));
  /** Stands in the environment of all that is started. */
  private readonly mark = randomUUID();

  /** Starts the tool, by another program if one is given, which gets its command line as further arguments. */
  start(argv: readonly string[], { by = [], path }: { by?: string[]; path?: string } = {}): Tool {
    const main = join(packageFolder(), "dist/tools/openbsd-machine/main.js");
    const [command = "", ...args] = [...by, process.execPath, main, ...argv];
    const env = {
      ...process.env,
      PULUMI_OPENBSD_POSTFIX_CACHE: this.cache,
      TEST_MARK: this.mark,
      ...(path === undefined ? {} : { PATH: path }),
    };
    return new Tool(spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** What is still there of all that was started: processes by their command lines, and files. */
  get left(): string[] {
    const processes = readdirSync("/proc").filter((name) => {
      return /^\d+$/.test(name) && textOf(`/proc/${name}/environ`).includes(this.mark);
    });
    const running = join(this.cache, "openbsd-machines/running");
    const files = existsSync(running) ? readdirSync(running) : [];
    const lines = processes.map((name) => textOf(`/proc/${name}/cmdline`).replaceAll("\0", " "));
    // One that has ended and was not yet waited for has no command line.
    return [...lines.filter((line) => line !== ""), ...files];
  }

  /**
   * Waits until nothing is left, and returns what still is if that takes too long. Asked twice, since a process has no
   * environment while it becomes another program.
   */
  async leftAfter(seconds: number): Promise<string[]> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const before = this.left;
      await sleep(200);
      const left = [...before, ...this.left];
      if (left.length === 0 || Date.now() > end) return left;
    }
  }

  remove(): void {
    rmSync(this.cache, { recursive: true, force: true });
  }
}

/** A run of the tool. */
export class Tool {
  stdout = "";
  stderr = "";
  /** Its exit status. */
  readonly status: Promise<number | string>;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.status = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits until it has printed this. */
  async prints(pattern: RegExp, seconds: number): Promise<void> {
    const end = Date.now() + seconds * 1000;
    const ended = this.status.then(() => true);
    while (!pattern.test(this.stdout + this.stderr)) {
      if (Date.now() > end || (await Promise.race([ended, sleep(50, false)])))
        throw new Error(`${String(pattern)} was not printed:\n${this.stdout}${this.stderr}`);
    }
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
