/** A program under guard.sh: it ends, and its folder goes, when this process ends, however that happens. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { packageFolder } from "../../testing/machine/folders";

/** A shell script of this tool. */
export function script(name: string): string {
  return join(packageFolder(), "tools/openbsd-machine", name);
}

/** A running program, and the guard that ends it. */
export class Guarded {
  /** The program's input and output. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when the program has closed its output, which it does when it ends. */
  readonly ended: Promise<void>;
  private readonly guard: ChildProcess;
  private readonly lifeLine: Writable;
  private readonly gone: Promise<void>;
  private said = "";

  /** @param folder - The program's working folder, which is removed in the end. */
  constructor(folder: string, argv: readonly string[]) {
    // A session of its own: Ctrl-C on the terminal is for the one who started this, who knows what to do about it.
    this.guard = spawn("sh", [script("guard.sh"), folder, ...argv], {
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    const [stdin, stdout, stderr, lifeLine] = this.guard.stdio as unknown as [
      Writable,
      Readable,
      Readable,
      Writable,
    ];
    this.stdin = stdin;
    this.stdout = stdout;
    this.lifeLine = lifeLine;
    // The program may end before it has read what is written to it.
    for (const stream of [stdin, lifeLine]) stream.on("error", () => undefined);
    stderr.on("data", (chunk: Buffer) => (this.said = `${this.said}${chunk.toString()}`));
    this.ended = new Promise((resolve) => stdout.once("close", resolve));
    this.gone = new Promise((resolve, reject) => {
      this.guard.once("error", reject);
      this.guard.once("close", () => resolve());
    });
    // Whoever waits for it is told; nobody else is to be ended by it.
    this.gone.catch(() => undefined);
  }

  /** What the program has written to its standard error. */
  get stderr(): string {
    return this.said;
  }

  /** Has another process ended with this one: its number, or that of its group with a minus; 0 takes that back. */
  endWith(pid: number): void {
    this.lifeLine.write(`${pid}\n`);
  }

  /** Ends the program if it still runs, and removes its folder. */
  async remove(): Promise<void> {
    this.lifeLine.end();
    await this.gone;
  }
}
