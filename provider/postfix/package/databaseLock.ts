/** The job in which pkg_add and pkg_delete run, and the lock on the package database, for which they may have to wait. */
import { type runJob, waitForJob } from "../../host/detachedJob";
import { HostError } from "../../host/errors";
import type { HostReader, HostWriter } from "../../host/host";
import { lookAt, probe } from "../../host/look";
import { inWords } from "../../openbsd/ports";
import { lastLines } from "../../values/readable";
import { DATABASE } from "./packageDatabase";
import type { InstallArgs, PackageWork } from "./packageWork";

/** The key of the job in which pkg_add and pkg_delete run. */
export const PACKAGE_JOB = "postfix-package";

const PACKAGE_TIMEOUT_MS = 3_600_000;
const DEFAULT_LOCK_SECONDS = 300;

/** pkg_add waits without end for a database that another program has locked: this watch gives up after `lockTimeout`. */
export function lockWatch(
  host: HostReader,
  during: string,
  args: InstallArgs,
  { progress }: PackageWork,
): Parameters<typeof runJob>[2] {
  const limit = lockLimit(args);
  let lockedSince: number | undefined;
  return {
    timeoutMs: PACKAGE_TIMEOUT_MS,
    progress: (log) => {
      if (lockedSince !== undefined)
        progress(
          `the package database has been locked for ${inWords(Date.now() - lockedSince)} now`,
        );
      else if (log.trim() !== "") progress(`${during}: ${lastLines(log, 1).slice(0, 100)}`);
    },
    giveUp: async (log) => {
      const waits = /already locked\.\.\. awaiting release\.\.\.(?![\s\S]*done!)/.test(log);
      lockedSince = waits ? (lockedSince ?? Date.now()) : undefined;
      if (lockedSince === undefined || Date.now() - lockedSince < limit) return undefined;
      return databaseLocked(host, during, args);
    },
  };
}

/** How long to wait for the lock, in milliseconds. */
export function lockLimit(args: InstallArgs): number {
  return (args.lockTimeout ?? DEFAULT_LOCK_SECONDS) * 1000;
}

export async function databaseLocked(
  host: HostReader,
  during: string,
  args: InstallArgs,
): Promise<HostError> {
  const answer = await lookAt(host, probe(["/usr/bin/pgrep", "-lf", "pkg_(add|delete|check)"]));
  const holders = "notFound" in answer ? "" : lastLines(answer.stdout, 6);
  return new HostError("deadline", {
    host: host.address,
    during,
    reason: `another program has held the lock on ${DATABASE} for ${inWords(lockLimit(args))}${holders === "" ? "" : `; these work with packages:\n${holders}\n`}`,
    changed: "no",
    next: "Wait for that program to end, or end it, and run `pulumi up` again; `lockTimeout` says how long to wait for the lock",
  });
}

/** Waits for a job of an earlier run that still works on the package database. */
export async function waitForPackages(
  host: HostWriter,
  args: InstallArgs,
  work: PackageWork,
): Promise<void> {
  await waitForJob(
    host,
    PACKAGE_JOB,
    lockWatch(host, "waiting for an earlier request to end", args, work),
  );
}
