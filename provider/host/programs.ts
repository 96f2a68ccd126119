/** Runs programs on a host, and waits for their effects. */
import { lastLines } from "../values/readable";
import { HostError } from "./errors";
import type { RunRequest, HostWriter, RunResult, HostReader } from "./host";

/** The error for a program that failed, with its last lines of output. */
export function programFailed(
  host: string,
  purpose: string,
  argv: readonly string[],
  result: RunResult,
): HostError {
  const how = result.timedOut
    ? "it did not end in time and was stopped"
    : result.signal !== null
      ? `it was ended by SIG${result.signal}`
      : `exit status ${String(result.exitCode)}`;
  const output = lastLines(`${result.stdout}\n${result.stderr}`);
  return new HostError("program", {
    host,
    during: `"${purpose}" (${argv.join(" ")})`,
    reason: output === "" ? how : `${how}:\n${output}`,
    changed: "unknown",
    next: "Fix what it names and run `pulumi up` again.",
  });
}

/** Runs a program, and throws {@link programFailed} for an exit code that is not in `okay`. */
export async function runOrFail(
  host: HostWriter,
  purpose: string,
  request: RunRequest,
  okay: readonly number[] = [0],
): Promise<RunResult> {
  const result = await host.run(request);
  if (result.exitCode === null || !okay.includes(result.exitCode))
    throw programFailed(host.address, purpose, request.argv, result);
  return result;
}

/** Calls `done` until it is true, first after 50 ms and then more slowly. False when `timeoutMs` ran out. */
export async function until(done: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  for (let pause = 50; ; pause = Math.min(pause * 2, 1000)) {
    if (await done()) return true;
    if (Date.now() + pause > end) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Like {@link until}. @throws HostError of kind "deadline" when `timeoutMs` ran out. */
export async function waitUntil(
  host: HostReader,
  what: string,
  done: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  if (await until(done, timeoutMs)) return;
  throw new HostError("deadline", {
    host: host.address,
    during: `waiting for ${what}`,
    reason: `it did not happen within ${Math.round(timeoutMs / 1000)} s`,
    changed: "yes",
    next: "Look at /var/log/maillog and /var/log/daemon on the host, and run `pulumi up` again.",
  });
}
