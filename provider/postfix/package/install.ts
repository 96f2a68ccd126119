/**
 * Installing and replacing the package. Every program that changes packages runs as a job that outlives the connection,
 * and the note says before it starts what is under way, so that the next run can finish it. Whether a package is
 * installed is read from the package database, never from exit codes (docs/openbsd.md 1.3).
 */
import type { ActContext } from "../../contract/kind";
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { isPostfixRunning, stopPostfix } from "../running";
import { armReplacement } from "../watch";
import { addPackage } from "./addPackage";
import { finishInstallation } from "./finish";
import { filesToKeep } from "./keptFiles";
import { installed } from "./packageDatabase";
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
  await noteBeginning(host, work);
  // A build takes long: the installed Postfix goes on serving until the new package is there.
  const target =
    (args.source ?? "packages") === "ports"
      ? await builtTarget(host, args, work)
      : await chosenTarget(host, args, work);
  await noteUnderWay(work, {
    source: args.source ?? "packages",
    ...(args.version === undefined ? { branch: args.branch ?? "stable" } : {}),
  });
  if (replace) await stopForReplacement(host, work);
  try {
    await addPackage(host, target, replace, args, work);
  } catch (error) {
    // Without a connection Postfix cannot be started again here: the next run does so, by the note.
    if (!HostError.isInstance(error) || error.kind === "lost") throw error;
    throw await withPostfixStarted(host, error, work);
  }
  await finishInstallation(host, args, context);
}

/** Notes which packages are installed, unless an interrupted run has noted it already, before it changed them. */
async function noteBeginning(host: HostWriter, work: PackageWork): Promise<void> {
  const note = work.note();
  if (!note.under)
    await work.setNote({ ...note, under: { packages: [...(await installed(host))] } });
}

async function stopForReplacement(host: HostWriter, work: PackageWork): Promise<void> {
  if (!work.note().under?.kept) await noteUnderWay(work, await filesToKeep(host));
  if (!(await isPostfixRunning(host))) return;
  await noteUnderWay(work, { restart: true });
  await armReplacement(host, work.platform);
  work.progress("stop Postfix");
  await stopPostfix(host, work.platform);
}
