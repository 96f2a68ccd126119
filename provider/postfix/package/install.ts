/**
 * Installing and replacing the package. Every program that changes packages runs as a job that outlives the connection,
 * and the note says before it starts what is under way, so that the next run can finish it. Whether a package is
 * installed is read from the package database, never from exit codes (docs/openbsd.md 1.3).
 */
import type { ActContext } from "../../contract/kind";
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { jobSight } from "../../host/detachedJob";
import { isPostfixRunning, stopPostfix } from "../running";
import { armReplacement } from "../watch";
import { addPackage } from "./addPackage";
import { PACKAGE_JOB, waitForPackages } from "./databaseLock";
import { deletePackage } from "./deletePackage";
import { finishInstallation } from "./finish";
import { isNew, missingOfHook, removeHalfMade, requireHook } from "./installHook";
import { filesToKeep } from "./keptFiles";
import { isCut, type UnderWay } from "./note";
import { installed, installedName } from "./packageDatabase";
import { type InstallArgs, noteUnderWay, type PackageWork, packageWork } from "./packageWork";
import { withPostfixStarted } from "./startAgain";
import { builtTarget, chosenTarget } from "./target";

/**
 * Installs the wanted package.
 *
 * @param replace Postfix is installed: stop it if it runs, replace its package, and start it again
 */
export async function installPackage(
  host: HostWriter,
  replace: boolean,
  args: InstallArgs,
  context: ActContext,
): Promise<void> {
  const work = packageWork(context);
  const source = args.source ?? "packages";
  const [before, chosen] = await Promise.all([
    packagesBefore(host, work),
    source === "packages" ? chosenTarget(host, args, work) : undefined,
  ]);
  if (chosen === undefined) await noteUnderWay(work, before);
  // A build takes long: the installed Postfix goes on serving until the new package is there.
  const target = chosen ?? (await builtTarget(host, args, work));
  const cut = isCut(work.note());
  if (cut && isNew(work.note())) await removeHalfMade(host, context);
  await noteUnderWay(work, {
    ...before,
    source,
    ended: false,
    ...(args.version === undefined ? { branch: args.branch ?? "stable" } : {}),
  });
  if (replace) await stopForReplacement(host, work);
  try {
    await addPackage(host, target, { replace, cut }, args, work);
    if (isNew(work.note())) await requireHook(host, target.name);
  } catch (error) {
    // Without a connection Postfix cannot be started again here: the next run does so, by the note.
    if (!HostError.isInstance(error) || error.kind === "lost") throw error;
    throw await withPostfixStarted(host, error, work);
  }
  await finishInstallation(host, args, context);
}

/**
 * Finishes an installation that was interrupted after the package got into the package database. Where the hook of a new
 * installation has not made all that it makes, the package is removed and installed anew.
 */
export async function resumeInstallation(
  host: HostWriter,
  args: InstallArgs,
  context: ActContext,
): Promise<void> {
  const work = packageWork(context);
  if ((await jobSight(host, PACKAGE_JOB)) === "running") await waitForPackages(host, args, work);
  const name = await installedName(host);
  if (!isNew(work.note()) || (await missingOfHook(host)).length === 0) {
    await finishInstallation(host, args, context);
    return;
  }
  await noteUnderWay(work, { ended: false });
  if (name !== undefined) await deletePackage(host, name, args, work);
  await installPackage(host, false, args, context);
}

/** Which packages are installed; nothing where an interrupted run has noted it already, before it changed them. */
async function packagesBefore(
  host: HostWriter,
  work: PackageWork,
): Promise<Partial<Pick<UnderWay, "packages">>> {
  return work.note().under ? {} : { packages: [...(await installed(host))] };
}

async function stopForReplacement(host: HostWriter, work: PackageWork): Promise<void> {
  if (!work.note().under?.kept) await noteUnderWay(work, await filesToKeep(host));
  if (!(await isPostfixRunning(host))) return;
  await noteUnderWay(work, { restart: true });
  await armReplacement(host, work.platform);
  work.progress("stop Postfix");
  await stopPostfix(host, work.platform);
}
