/** What is left to do once pkg_add has ended: in the same run or, if that was interrupted, in the next one. */
import type { ActContext } from "../../contract/kind";
import { forgetJob, jobSight, stopJob } from "../../host/detachedJob";
import { contentsOf, type HostWriter } from "../../host/host";
import { file, Look, lookAt, stat } from "../../host/look";
import { isPostfixEnabled, MAILER_CONF, MAILER_ROWS, POSTFIX_MAILER_CONF } from "../mailerConf";
import { BUILD_JOB, cleanWork } from "./buildTraces";
import { PACKAGE_JOB, waitForPackages } from "./databaseLock";
import { restoreKeptFiles } from "./keptFiles";
import type { PackageNote, UnderWay } from "./note";
import { installed, isPartialPostfix, isPostfix } from "./packageDatabase";
import { type InstallArgs, type PackageWork, packageWork } from "./packageWork";
import { startAgain } from "./startAgain";

/** Finishes the installation or replacement that the note says is under way; does nothing where none is. */
export async function finishInstallation(
  host: HostWriter,
  args: InstallArgs,
  context: ActContext,
): Promise<void> {
  const work = packageWork(context);
  const sight = await jobSight(host, PACKAGE_JOB);
  if (sight === "running") await waitForPackages(host, args, work);
  if (sight !== "none") await forgetJob(host, PACKAGE_JOB);
  const { under: underWay, branch, ...note } = work.note();
  if (!underWay) return;
  await provideMailerConf(host);
  await restoreKeptFiles(host, underWay, work);
  if (underWay.restart) await startAgain(host, work);
  if (note.ports && (args.source ?? "packages") === "ports") {
    await cleanWork(host, note.ports);
    await stopJob(host, BUILD_JOB);
  }
  const now = await installed(host);
  sayQuirks(underWay, now, work);
  const came = dependenciesOf(work.note(), now);
  const { ports } = work.note();
  await work.setNote({
    ...note,
    ...(ports ? { ports } : {}),
    ...originOf(underWay, branch, work.platform.release),
    came,
  });
}

/** pkg_add installs it the first time it is used on a host, for itself (docs/openbsd.md 1.3). */
function isQuirks(name: string): boolean {
  return /^quirks-\d/.test(name);
}

function sayQuirks(underWay: UnderWay, now: readonly string[], work: PackageWork): void {
  const [quirks] = now.filter((name) => isQuirks(name) && !underWay.packages.includes(name));
  if (quirks !== undefined && !underWay.packages.some(isQuirks))
    work.warn(
      `pkg_add has installed ${quirks} too, as it does when it is first used on a host. It is not Postfix's, and stays when that is removed.`,
    );
}

/** Packages that Postfix's installations have brought along: those noted before, and the new ones. */
export function dependenciesOf(
  { came = [], under: underWay }: PackageNote,
  now: readonly string[],
): string[] {
  const fresh = now.filter(
    (name) =>
      underWay &&
      !underWay.packages.includes(name) &&
      !isPostfix(name) &&
      !isPartialPostfix(name) &&
      !isQuirks(name),
  );
  return [...new Set([...came, ...fresh])];
}

/** Where the package is from and for which release; as noted before if nothing was about to be installed yet. */
function originOf(
  { source, branch }: UnderWay,
  formerBranch: string | undefined,
  release: string,
): Pick<PackageNote, "source" | "branch" | "release"> {
  if (source === undefined) return formerBranch === undefined ? {} : { branch: formerBranch };
  return { source, release, ...(branch === undefined ? {} : { branch }) };
}

/** Writes the file that `postfix-enable` needs: an installation does, a replacement does not (docs/openbsd.md 2.2). */
async function provideMailerConf(host: HostWriter): Promise<void> {
  const { offered, inForce } = await lookAt(
    host,
    Look.all({ offered: stat(POSTFIX_MAILER_CONF), inForce: file(MAILER_CONF) }),
  );
  if (offered.type !== "absent" || isPostfixEnabled(contentsOf(inForce) ?? "")) return;
  await host.write({
    path: POSTFIX_MAILER_CONF,
    contents: MAILER_ROWS,
    mode: 0o644,
    uid: 0,
    gid: 0,
    expect: { absent: true },
  });
}
