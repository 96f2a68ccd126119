import { spawn } from "node:child_process";

/**
 * Does something while holding a lock that other processes respect: `flock(1)` holds it, and its end
 * of a pipe closes with this process however that ends.
 *
 * @param waiting - Called when another process has it and this one starts to wait.
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
