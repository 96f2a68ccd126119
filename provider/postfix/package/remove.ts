/** Removing the package with all that came with it, or only what a build or an interrupted installation has left. */
import type { ActContext } from "../../contract/kind";
import { endJob, forgetJob, runJob, stopJob } from "../../host/detachedJob";
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { Look, lookAt } from "../../host/look";
import { lastLines } from "../../values/readable";
import { QUEUE } from "../paths";
import { isPostfixRunning, startPostfix, stopPostfix } from "../running";
import { BUILD_JOB, cleanPorts } from "./buildTraces";
import { lockWatch, PACKAGE_JOB } from "./databaseLock";
import { dependenciesOf } from "./finish";
import { asJson, notedIn, PACKAGE_KEY, type PackageNote } from "./note";
import { DATABASE, installed, isNeeded, isPartialPostfix, isPostfix } from "./packageDatabase";
import { type InstallArgs, type PackageWork, packageWork } from "./packageWork";
import { refuseToLoseMail } from "./queuedMail";
import { removeTraces, type Traces } from "./traces";

/** Makes the host as it was before the package came: removes the package, and whatever its installation made besides. */
export async function removePackage(
  host: HostWriter,
  before: Traces,
  note: PackageNote,
  args: InstallArgs,
  context: ActContext,
): Promise<void> {
  const work = packageWork(context);
  await host.disarm();
  await endJob(host, BUILD_JOB);
  await stopJob(host, PACKAGE_JOB);
  await stopWithEmptyQueue(host, before, args, work);
  const names = await installed(host);
  for (const name of names.filter((one) => isPostfix(one) || isPartialPostfix(one)))
    await deletePackage(host, name, args, work);
  await removeTraces(host, before);
  await removeDependencies(host, dependenciesOf(note, await installed(host)), args, work);
  if (note.ports) await cleanPorts(host, note.ports, context.warn);
  await forgetJob(host, BUILD_JOB);
}

/** Stops Postfix. If the queue is removed with the package, it must be empty, both before and after the stop. */
async function stopWithEmptyQueue(
  host: HostWriter,
  before: Traces,
  args: InstallArgs,
  { platform }: PackageWork,
): Promise<void> {
  const mayLoseMail = !before.folders.includes(QUEUE) && args.discardQueue !== true;
  const wasRunning = await isPostfixRunning(host);
  if (mayLoseMail) await refuseToLoseMail(host);
  if (wasRunning) await stopPostfix(host, platform);
  try {
    if (mayLoseMail) await refuseToLoseMail(host);
  } catch (error) {
    if (wasRunning) await startPostfix(host, platform);
    throw error;
  }
}

/**
 * Removes what a build or an interrupted installation has left; the package itself stays.
 *
 * @param forGood the resource goes: end also a pkg_add that is still running
 */
export async function cleanUp(
  host: HostWriter,
  note: PackageNote,
  context: ActContext,
  forGood: boolean,
): Promise<void> {
  if (forGood) await stopJob(host, PACKAGE_JOB);
  if (note.ports) await cleanPorts(host, note.ports, context.warn);
  else await stopJob(host, BUILD_JOB);
  const { ports: _, ...rest } = notedIn(context.record);
  await context.note(PACKAGE_KEY, asJson(rest));
}

async function deletePackage(
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

/** Removes the packages that came along and that nothing needs any more, round by round: one may need another. */
async function removeDependencies(
  host: HostWriter,
  came: readonly string[],
  args: InstallArgs,
  work: PackageWork,
): Promise<void> {
  for (;;) {
    const present = (await installed(host)).filter((name) => came.includes(name));
    const needed = await lookAt(host, Look.each(present, isNeeded));
    const unneeded = present.filter((name) => needed[name] === false);
    if (unneeded.length === 0) return;
    for (const name of unneeded) await deletePackage(host, name, args, work);
  }
}
