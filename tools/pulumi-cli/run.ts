import { spawn } from "node:child_process";

/** Variables of a process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a program left behind. */
export interface Ran {
  /** Exit status; null when it was ended by a signal, or never started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Environment;
  /** After so many milliseconds the program and its children are killed. */
  readonly timeoutMs?: number;
  /** Sends SIGINT so many times, half a second apart, once stdout holds this. */
  readonly interrupt?: { readonly when: string; readonly times: number };
  /** Is told each line of stderr as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs a program without a terminal or stdin. Never throws: one that cannot start has code null. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...(options.environment ?? process.env) },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that a timeout ends what the program started as well.
      detached: true,
    });
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    const end = () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, options.timeoutMs ?? 60_000);
    const endWithUs = () => {
      end();
      process.exit(1);
    };
    process.once("SIGINT", endWithUs).once("SIGTERM", endWithUs);
    let presses = 0;
    const press = () => {
      if (child.pid === undefined || child.exitCode !== null) return;
      if (presses++ === (options.interrupt?.times ?? 0)) return;
      process.kill(-child.pid, "SIGINT");
      setTimeout(press, 500);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (options.interrupt && presses === 0 && stdout.includes(options.interrupt.when)) press();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      for (const line of text.split("\n")) if (line.trim()) options.onLine?.(line.trim());
    });
    const done = (code: number | null, trouble = "") => {
      clearTimeout(timer);
      process.off("SIGINT", endWithUs).off("SIGTERM", endWithUs);
      resolve({ code, stdout, stderr: stderr + trouble });
    };
    child.on("error", (error) => {
      done(null, error.message);
    });
    child.on("close", (code) => {
      done(code, timedOut ? `\n${program} took too long and was ended` : "");
    });
  });
}

/** The last line that says something: what a program complained about. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
