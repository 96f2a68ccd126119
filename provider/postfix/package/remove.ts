/** Removing the package with all that came with it, or only what a build or an interrupted installation has left. */
import type { ActContext } from "../../contract/kind";
import { endJob, forgetJob, stopJob } from "../../host/detachedJob";
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { Look, lookAt } from "../../host/look";
import { QUEUE } from "../paths";
import { isPostfixRunning, startPostfix, stopPostfix } from "../running";
import { BUILD_JOB, cleanPorts } from "./buildTraces";
import { addPackage } from "./addPackage";
import { PACKAGE_JOB } from "./databaseLock";
import { deletePackage } from "./deletePackage";
import { dependenciesOf } from "./finish";
import { isNew } from "./installHook";
import { refuseToLoseMailboxes } from "./mailboxes";
import { asJson, isCut, notedIn, PACKAGE_KEY, type PackageNote } from "./note";
import { installed, isNeeded, isPartialPostfix, isPostfix } from "./packageDatabase";
import { type InstallArgs, type PackageWork, packageWork } from "./packageWork";
import { refuseToLoseMail } from "./queuedMail";
import { chosenTarget } from "./target";
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
  if (!before.folders.includes(QUEUE)) await refuseToLoseMailboxes(host);
  await host.disarm();
  await endJob(host, BUILD_JOB);
  await stopJob(host, PACKAGE_JOB);
  await stopWithEmptyQueue(host, before, args, work);
  const names = await installed(host);
  const isRegistered = names.some((one) => isPostfix(one) || isPartialPostfix(one));
  if (isCut(note) && isNew(note) && !isRegistered) await register(host, args, work);
  for (const name of (await installed(host)).filter(
    (one) => isPostfix(one) || isPartialPostfix(one),
  ))
    await deletePackage(host, name, args, work);
  await removeTraces(host, before);
  await removeDependencies(host, dependenciesOf(note, await installed(host)), args, work);
  if (note.ports) await cleanPorts(host, note.ports, context.warn);
  await forgetJob(host, BUILD_JOB);
}

/**
 * Has the package database know the files of a pkg_add that was killed: it leaves files without a word about whose they are,
 * and only the package itself names them (docs/openbsd.md 1.3). So it is installed once more, to be removed.
 */
async function register(host: HostWriter, args: InstallArgs, work: PackageWork): Promise<void> {
  try {
    if (args.source === "ports") throw new Error("the package is not built again for this");
    const target = await chosenTarget(host, args, work);
    await addPackage(host, target, { replace: false, cut: true }, args, work);
  } catch (error) {
    if (HostError.isInstance(error) && error.kind === "lost") throw error;
    const why = HostError.isInstance(error) ? error.summary : String(error);
    work.warn(
      `An installation of Postfix was cut off, and if pkg_add was killed while it unpacked, files below /usr/local belong to no package now; pkg_check(8) lists them. Installing the package once more, to remove it whole, failed: ${why}`,
    );
  }
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
