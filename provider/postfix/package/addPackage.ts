/** Running pkg_add, and finding out whether it has installed what was wanted. */
import { forgetJob, isRunning, type JobEnd, jobSight, runJob } from "../../host/detachedJob";
import { HostError } from "../../host/errors";
import type { HostReader, HostWriter } from "../../host/host";
import { isWanted } from "../../openbsd/packages";
import { lastLines } from "../../values/readable";
import { lockWatch, PACKAGE_JOB, waitForPackages } from "./databaseLock";
import { installed, installedName, isPartialPostfix, isPostfix } from "./packageDatabase";
import type { InstallArgs, PackageWork } from "./packageWork";
import type { Target } from "./target";

/** Runs pkg_add, or waits for the same pkg_add of an earlier run. */
export async function addPackage(
  host: HostWriter,
  { name, env, options }: Target,
  replace: boolean,
  args: InstallArgs,
  work: PackageWork,
): Promise<void> {
  const before = await installedName(host);
  const argv = [
    "/usr/sbin/pkg_add",
    ...work.platform.packages.addOptions,
    ...options,
    ...(replace ? ["-r"] : []),
    // Replaces a package by one of the same name from elsewhere, which pkg_add would otherwise count as installed.
    ...(replace && before === name ? ["-D", "installed"] : []),
    name,
  ];
  const job = { key: PACKAGE_JOB, argv, env };
  if (!(await isRunning(host, job))) {
    // A running job with other arguments holds the database; the result of a job that has ended is of no use here.
    if ((await jobSight(host, PACKAGE_JOB)) === "running") await waitForPackages(host, args, work);
    await forgetJob(host, PACKAGE_JOB);
  }
  work.progress(`pkg_add ${name}`);
  const end = await runJob(host, job, lockWatch(host, `installing ${name}`, args, work));
  await forgetJob(host, PACKAGE_JOB);
  const now = await installedName(host);
  // pkg_add can fail with exit status 0 and succeed with another (docs/openbsd.md 1.3), so the database decides. Only
  // where the name did not change does the database say nothing, and the exit status is all there is to go by.
  if (!isWanted(now, args) || (end.exitCode !== 0 && now === before))
    throw installationFailed(host, argv, end, await installed(host));
  if (end.exitCode !== 0)
    work.warn(
      `\`${argv.join(" ")}\` ended with exit status ${String(end.exitCode)}, but ${now ?? name} is installed. pkg_add printed:\n${lastLines(end.log)}`,
    );
}

/** The end of what pkg_add printed; what it says of each repository and each try stands there once. */
function logOf({ log }: JobEnd): string {
  return lastLines([...new Set(log.split(/[\r\n]+/))].join("\n"));
}

function installationFailed(
  host: HostReader,
  argv: readonly string[],
  end: JobEnd,
  now: readonly string[],
): HostError {
  const name = now.find(isPostfix);
  const partial = now.filter(isPartialPostfix);
  const state = [
    `exit status ${String(end.exitCode)}`,
    name === undefined ? "no Postfix is installed" : `${name} is installed`,
    ...(partial.length > 0 ? [`${partial.join(", ")} is installed in part`] : []),
  ].join(", ");
  return new HostError("program", {
    host: host.address,
    during: `\`${argv.join(" ")}\``,
    reason: `${state}:\n${logOf(end)}\n`,
    changed: name === undefined && partial.length === 0 ? "unknown" : "yes",
    next: adviceFor(end.log),
  });
}

/** What to do, by what pkg_add has said. */
function adviceFor(log: string): string {
  const ambiguous = /Ambiguous: \S+ could be (.*)/.exec(log)?.[1];
  if (ambiguous !== undefined)
    return `Choose one of these packages by \`version\` or \`branch\`: ${ambiguous.trim()}.`;
  if (/^signify: |\/etc\/signify\/|unsigned package/im.test(log))
    return "The signature of the package is not one that this host trusts: its key must be in /etc/signify. Name a repository with the signed packages of this release (/etc/installurl, /etc/pkg.conf or `packagePath`), or add the key of your own packages there, and run `pulumi up` again.";
  return "Check that the repository can be reached (/etc/installurl, /etc/pkg.conf or `packagePath`), and run `pulumi up` again.";
}
