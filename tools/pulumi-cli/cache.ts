import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Takes one line about what is going on, for a person to read. */
export type Report = (line: string) => void;

/** Variables of a process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What is kept between runs lies here, and nothing of ours lies elsewhere on the machine. */
export function cacheFolder(environment: Environment = process.env): string {
  const named = environment["PULUMI_OPENBSD_POSTFIX_CACHE"];
  if (named) return named;
  const caches = environment["XDG_CACHE_HOME"] || join(environment["HOME"] || homedir(), ".cache");
  return join(caches, "pulumi-openbsd-postfix");
}

/** Reports on stderr: stdout belongs to the program that is run. */
export const reportOnStderr: Report = (line) => process.stderr.write(`pulumi-cli: ${line}\n`);

/** Runs `work`, and says every 15 seconds that it still runs and what it last said. */
export async function withProgress<T>(
  what: string,
  report: Report,
  work: (note: Report) => Promise<T>,
): Promise<T> {
  const begin = Date.now();
  const elapsed = () => `${Math.round((Date.now() - begin) / 1000)} s`;
  let last = "";
  report(what);
  const timer = setInterval(() => {
    report(`${what}: ${elapsed()}${last && `, ${last}`}`);
  }, 15_000);
  try {
    const result = await work((line) => (last = line));
    report(`${what}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** A lock whose holder has not touched it for so long belongs to nobody: the holder was killed. */
const staleAfterMs = 60_000;

/**
 * Runs `work` while holding the lock file `path`. A second process waits until the first is done,
 * so `work` has to look first whether what it makes is there by now.
 */
export async function withLock<T>(
  path: string,
  report: Report,
  work: () => Promise<T>,
  pollMs = 1_000,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const mine = JSON.stringify({ pid: process.pid, host: hostname() });
  let waiting = false;
  while (!tryLock(path, mine)) {
    if (isStale(path)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!waiting) report(`another process works on it (${path}): waiting for it`);
    waiting = true;
    await delay(pollMs);
  }
  const heartbeat = setInterval(() => {
    utimesSync(path, new Date(), new Date());
  }, staleAfterMs / 6);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(path, { force: true });
  }
}

function tryLock(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: "wx" });
    return true;
  } catch (error) {
    if (isError(error, "EEXIST")) return false;
    throw error;
  }
}

/** A dead holder on this machine is seen at once, one on another machine (shared home) by its silence. */
function isStale(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > staleAfterMs) return true;
    const { pid, host } = JSON.parse(readFileSync(path, "utf8")) as { pid: number; host: string };
    return host === hostname() && !isAlive(pid);
  } catch (error) {
    // Gone meanwhile, or not written yet: the next try finds out.
    if (isError(error, "ENOENT") || error instanceof SyntaxError) return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isError(error, "EPERM");
  }
}

/** Whether a thrown value is a system error of this code. */
export function isError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
