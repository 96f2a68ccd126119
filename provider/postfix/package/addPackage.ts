/** Running pkg_add, and finding out whether it has installed what was wanted. */
import {
  forgetJob,
  isRunning,
  type JobEnd,
  type JobSight,
  jobSight,
  runJob,
} from "../../host/detachedJob";
import { HostError } from "../../host/errors";
import { contentsOf, type HostReader, type HostWriter } from "../../host/host";
import { file, lookAt } from "../../host/look";
import { isWanted } from "../../openbsd/packages";
import { lastLines } from "../../values/readable";
import { lockWatch, PACKAGE_JOB, waitForPackages } from "./databaseLock";
import { deletePartial } from "./deletePackage";
import { DATABASE, installed, isPartialPostfix, isPostfix } from "./packageDatabase";
import { type InstallArgs, noteUnderWay, type PackageWork } from "./packageWork";
import type { Target } from "./target";

/** How the package is added. */
export interface Adding {
  /** In the place of the one that is installed. */
  readonly replace: boolean;
  /** An earlier pkg_add of ours may have been cut off, and have left files that belong to no package. */
  readonly cut: boolean;
}

/** Runs pkg_add, or waits for the same pkg_add of an earlier run. */
export async function addPackage(
  host: HostWriter,
  target: Target,
  adding: Adding,
  args: InstallArgs,
  work: PackageWork,
): Promise<void> {
  const [packages, sight] = await Promise.all([installed(host), jobSight(host, PACKAGE_JOB)]);
  const before = await installationIn(host, packages);
  const seen = { packages, sight, name: before.name };
  const argv = await commandFor(host, target, adding, seen, args, work);
  work.progress(`pkg_add ${target.name}`);
  const watch = lockWatch(host, `installing ${target.name}`, args, work);
  const end = await runJob(host, { key: PACKAGE_JOB, argv, env: target.env }, watch);
  const [, all] = await Promise.all([forgetJob(host, PACKAGE_JOB), installed(host)]);
  const [, now] = await Promise.all([
    noteUnderWay(work, { ended: end.exitCode !== null && !all.some(isPartialPostfix) }),
    installationIn(host, all),
  ]);
  // pkg_add can fail with exit status 0 and succeed with another (docs/openbsd.md 1.3), so the database decides. Only
  // where nothing changed in it does it say nothing, and the exit status is all there is to go by.
  const unchanged = now.name === before.name && now.contents === before.contents;
  if (!isWanted(now.name, args) || (end.exitCode !== 0 && unchanged))
    throw installationFailed(host, argv, end, all);
  if (end.exitCode !== 0)
    work.warn(
      `\`${argv.join(" ")}\` ended ${endOf(end)}, but ${now.name ?? target.name} is installed. pkg_add printed:\n${logOf(end)}`,
    );
}

/** The installed package of Postfix: its name, and its packing list, which says where it is from. */
async function installationIn(
  host: HostReader,
  packages: readonly string[],
): Promise<{ readonly name: string | undefined; readonly contents: string | undefined }> {
  const name = packages.find(isPostfix);
  if (name === undefined) return { name, contents: undefined };
  return { name, contents: contentsOf(await lookAt(host, file(`${DATABASE}/${name}/+CONTENTS`))) };
}

/**
 * The command of the job that runs, if it is one for this package; else the one to start, with nothing in its way: no other
 * job, and no package in part.
 */
async function commandFor(
  host: HostWriter,
  { name, options }: Target,
  { replace, cut }: Adding,
  {
    packages,
    sight,
    name: before,
  }: {
    readonly packages: readonly string[];
    readonly sight: JobSight;
    readonly name: string | undefined;
  },
  args: InstallArgs,
  work: PackageWork,
): Promise<readonly string[]> {
  const command = [
    "/usr/sbin/pkg_add",
    ...work.platform.packages.addOptions,
    ...options,
    ...(replace ? ["-r"] : []),
    // Replaces a package by one of the same name from elsewhere, which pkg_add would otherwise count as installed.
    ...(replace && before === name ? ["-D", "installed"] : []),
  ];
  const plain = [...command, name];
  // Installs over files of a pkg_add that was killed, but never over those of another package (docs/openbsd.md 1.3).
  const repairing = [...command, "-D", "repair", name];
  if (sight === "running") {
    for (const argv of [plain, repairing])
      if (await isRunning(host, { key: PACKAGE_JOB, argv })) return argv;
    // A running job with other arguments holds the database.
    await waitForPackages(host, args, work);
  }
  // The result of a job that has ended is of no use here.
  if (sight !== "none") await forgetJob(host, PACKAGE_JOB);
  const present = sight === "running" ? await installed(host) : packages;
  await deletePartial(host, present, args, work);
  return cut ? repairing : plain;
}

function endOf({ exitCode, signal }: JobEnd): string {
  return exitCode === null ? `by SIG${signal ?? "?"}` : `with exit status ${String(exitCode)}`;
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
    `it ended ${endOf(end)}`,
    name === undefined ? "no Postfix is installed" : `${name} is installed`,
    ...(partial.length > 0 ? [`${partial.join(", ")} is installed in part`] : []),
  ].join(", ");
  const cut = end.exitCode === null || partial.length > 0;
  return new HostError("program", {
    host: host.address,
    during: `\`${argv.join(" ")}\``,
    reason: `${state}:\n${logOf(end)}\n`,
    changed: name === undefined && partial.length === 0 ? "unknown" : "yes",
    next: cut
      ? "Run `pulumi up` again: it removes what was installed in part, and installs the package anew."
      : adviceFor(end.log, argv.at(-1) ?? ""),
  });
}

/** What to do, by what pkg_add has said. */
function adviceFor(log: string, name: string): string {
  const ambiguous = /Ambiguous: \S+ could be (.*)/.exec(log)?.[1];
  if (ambiguous !== undefined)
    return `Choose one of these packages by \`version\` or \`branch\`: ${ambiguous.trim()}.`;
  if (/^signify: |\/etc\/signify\/|unsigned package/im.test(log))
    return "The signature of the package is not one that this host trusts: its key must be in /etc/signify. Name a repository with the signed packages of this release (/etc/installurl, /etc/pkg.conf or `packagePath`), or add the key of your own packages there, and run `pulumi up` again.";
  if (/^Collision in /m.test(log))
    return `These files are there already, and no package of Postfix has put them there in a run of this resource. If they are left from an installation that was cut off, \`pkg_add -D repair ${name}\` on the host installs over them; else move them away. Then run \`pulumi up\` again.`;
  return "Check that the repository can be reached (/etc/installurl, /etc/pkg.conf or `packagePath`), and run `pulumi up` again.";
}
