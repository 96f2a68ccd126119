/** Running pkg_delete, and finding out whether the package is gone. */
import { forgetJob, runJob } from "../../host/detachedJob";
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { lastLines } from "../../values/readable";
import { lockWatch, PACKAGE_JOB } from "./databaseLock";
import { DATABASE, installed, isPartialPostfix } from "./packageDatabase";
import type { InstallArgs, PackageWork } from "./packageWork";

/** Removes a package, or what an interrupted installation has left of one. */
export async function deletePackage(
  host: HostWriter,
  name: string,
  args: InstallArgs,
  work: PackageWork,
): Promise<void> {
  const argv = ["/usr/sbin/pkg_delete", ...work.platform.packages.addOptions, name];
  await forgetJob(host, PACKAGE_JOB);
  const watch = lockWatch(host, `removing ${name}`, args, work);
  const end = await runJob(host, { key: PACKAGE_JOB, argv }, watch);
  await forgetJob(host, PACKAGE_JOB);
  if (!(await installed(host)).includes(name)) return;
  throw new HostError("program", {
    host: host.address,
    during: `\`${argv.join(" ")}\``,
    reason: `exit status ${String(end.exitCode)}, and the package is still in ${DATABASE}:\n${lastLines(end.log)}\n`,
    changed: "unknown",
    next: "Fix what pkg_delete names and run the same command again.",
  });
}

/**
 * Removes what pkg_add has registered of Postfix when a signal ended it. The next pkg_add would take it for an older version
 * of the package and run the install hook as an update, which makes no queue (docs/openbsd.md 1.3).
 */
export async function deletePartial(
  host: HostWriter,
  packages: readonly string[],
  args: InstallArgs,
  work: PackageWork,
): Promise<void> {
  for (const name of packages.filter(isPartialPostfix)) await deletePackage(host, name, args, work);
}
