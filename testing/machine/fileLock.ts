/** A lock on a file between processes of this machine. */
import { spawn } from "node:child_process";

/**
 * Runs `action` while no other process holds the lock on `file`. A `flock(1)` process holds the lock. It ends when its
 * stdin closes, so the lock is released even if this process crashes.
 *
 * @param waiting - Called once if another process holds the lock and this one has to wait.
 */
export async function withLock<T>(
  file: string,
  action: () => Promise<T>,
  waiting: () => void,
): Promise<T> {
  const child = spawn("flock", ["--exclusive", file, "sh", "-c", "echo; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const timer = setTimeout(waiting, 500);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`flock ${file}: exit ${code}`)));
      child.stdout.once("data", () => resolve());
    });
    clearTimeout(timer);
    return await action();
  } finally {
    clearTimeout(timer);
    child.stdin.end();
    await ended;
  }
}
