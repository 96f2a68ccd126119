/**
 * What is done to a host for its package. Every change is a job that outlives the connection, and the record notes
 * before it what is under way: whoever comes next goes on from there. What was installed is read from the package
 * database, never from exit codes (docs/openbsd.md 1.3).
 */
import { lastLines } from "../../values/readable";
import { HostError } from "../../host/errors";
import { contentsOf, type HostReader, type HostWriter } from "../../host/host";
import { file, group, list, Look, lookAt, printed, probe, stat, user } from "../../host/look";
import { isPostfixEnabled, MAILER_CONF, MAILER_ROWS, POSTFIX_MAILER_CONF } from "../mailerConf";
import { CONFIGURATION, DATA, MAIN_CF, MASTER_CF, PROGRAMS, QUEUE } from "../paths";
import { savedContents, savedFile, type SavedFile } from "../../host/record";
import {
  choosePackage,
  describeWanted,
  isWanted,
  parsePackage,
  type WantedPackage,
} from "../../openbsd/packages";
import { inWords } from "../../openbsd/ports";
import type { ActContext } from "../../kind/kind";
import {
  endJob,
  forgetJob,
  isRunning,
  jobSight,
  runJob,
  stopJob,
  waitForJob,
  type JobEnd,
} from "../../host/job";
import { offer, told } from "./offer";
import { asJson, notedIn, PACKAGE_KEY, type PackageNote, type UnderWay } from "./note";
import { type BuildContext, buildPort, BUILD_JOB, cleanPorts, cleanWork } from "./portsBuild";
import { isPostfixRunning, startOf, stopPostfix } from "../running";
import { waitUntil } from "../../host/programs";
import { runOrFail } from "../../host/programs";

export const PACKAGE_JOB = "postfix-package";
export const DATABASE = "/var/db/pkg";
export const FOLDERS = [CONFIGURATION, DATA, QUEUE] as const;
const USERS = ["_postfix"];
const GROUPS = ["_postfix", "_postdrop"];

/** Where a package path may be named (pkg.conf(5)). */
export const PKG_CONF = "/etc/pkg.conf";

const PACKAGE_TIMEOUT_MS = 3_600_000;
const LOCK_SECONDS = 300;

/** What is there of all that an installation makes outside the package database. */
export interface Traces {
  readonly folders: readonly string[];
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

const ACCOUNTS: Look<Pick<Traces, "users" | "groups">> = Look.all({
  users: Look.each(USERS, user).map(namesOf),
  groups: Look.each(GROUPS, group).map(namesOf),
});

/** Looks at all that an installation makes outside the package database. */
export const TRACES: Look<Traces> = Look.all({
  folders: Look.each(FOLDERS, stat).map((found) =>
    FOLDERS.filter((path) => found[path].type !== "absent"),
  ),
  accounts: ACCOUNTS,
}).map(({ folders, accounts }) => ({ folders, ...accounts }));

/** Names of those that are there. */
function namesOf(found: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(found).filter((name) => found[name] !== null);
}

export interface InstallArgs extends WantedPackage {
  readonly source?: "packages" | "ports";
  readonly packagePath?: string;
  readonly lockTimeout?: number;
  readonly discardQueue?: boolean;
}

/** The context of a step, with the note of the package at hand. */
interface Noted extends BuildContext {
  readonly warn: (text: string) => void;
}

function noted(context: ActContext): Noted {
  return {
    platform: context.platform,
    progress: context.progress,
    warn: context.warn,
    note: () => notedIn(context.record),
    setNote: (note: PackageNote) => context.note(PACKAGE_KEY, asJson(note)),
  };
}

export function isPostfix(name: string): boolean {
  return /^postfix-\d/.test(name);
}

async function installed(host: HostReader): Promise<readonly string[]> {
  return (await lookAt(host, list(DATABASE))) ?? [];
}

async function installedName(host: HostReader): Promise<string | undefined> {
  return (await installed(host)).find(isPostfix);
}

/** What pkg_add is given. */
interface Target {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Installs what is wanted, or puts it in the place of what is there, around a stopped Postfix. */
export async function installPackage(
  host: HostWriter,
  replace: boolean,
  args: InstallArgs,
  step: ActContext,
): Promise<void> {
  const context = noted(step);
  await begin(host, context);
  // While it is built, what is there goes on serving.
  const target =
    (args.source ?? "packages") === "ports"
      ? await builtTarget(host, args, context)
      : await chosenTarget(host, args, context);
  await under(context, {
    source: args.source ?? "packages",
    ...(args.version === undefined ? { branch: args.branch ?? "stable" } : {}),
  });
  if (replace) await stopForReplacement(host, context);
  try {
    await addPackage(host, target, replace, args, context);
  } catch (error) {
    // A host that cannot be reached is left to the next run, which knows what to do by the note.
    if (!HostError.isInstance(error) || error.kind === "lost") throw error;
    throw await withPostfixStarted(host, error, context);
  }
  await finishInstallation(host, args, step);
}

/** Notes that something begins, once: after a cut, what the first try found is what counts. */
async function begin(host: HostWriter, context: Noted): Promise<void> {
  const note = context.note();
  if (!note.under)
    await context.setNote({ ...note, under: { packages: [...(await installed(host))] } });
}

async function under(context: Noted, change: Partial<UnderWay>): Promise<void> {
  const note = context.note();
  await context.setNote({ ...note, under: { packages: [], ...note.under, ...change } });
}

async function builtTarget(host: HostWriter, args: InstallArgs, context: Noted): Promise<Target> {
  await forgetFormerRelease(host, context);
  const { name, repository } = await buildPort(host, args, context);
  return { name, env: { [context.platform.packages.localPathVariable]: repository } };
}

/** make(1) takes a package that is there for done: one that was built for the former release must not be. */
async function forgetFormerRelease(host: HostWriter, context: Noted): Promise<void> {
  const { ports, ...note } = context.note();
  const outdated = note.release !== undefined && note.release !== context.platform.release;
  if (!ports || !outdated || note.under?.cleaned) return;
  context.progress("clean the ports tree of what was built for the former release");
  await cleanPorts(host, ports);
  await context.setNote({ ...note, under: { packages: [], ...note.under, cleaned: true } });
}

async function chosenTarget(
  host: HostWriter,
  args: InstallArgs,
  { platform, progress }: Noted,
): Promise<Target> {
  const end = Date.now() + lockLimit(args);
  const ask = file(PKG_CONF).andThen((pkgConf) => offer(args, pkgConf, platform));
  let found = await lookAt(host, ask);
  while (found.locked) {
    if (Date.now() > end)
      throw await databaseLocked(host, `choosing ${describeWanted(args)}`, args);
    progress("the package database is locked");
    found = await lookAt(host, ask);
  }
  const choice = choosePackage(found.names, args, platform);
  if ("name" in choice) return { name: choice.name, env: told(args).env ?? {} };
  throw new HostError("program", {
    host: host.address,
    during: `choosing the package for ${describeWanted(args)}`,
    reason: choice.reason,
    changed: "no",
    next: "",
  });
}

async function stopForReplacement(host: HostWriter, context: Noted): Promise<void> {
  if (!context.note().under?.kept) await under(context, await keptOf(host));
  if (!(await isPostfixRunning(host))) return;
  await under(context, { restart: true });
  context.progress("stop Postfix");
  await stopPostfix(host, context.platform);
}

/** The package's hook completes the configuration for its version; of the same version it is kept as it is. */
async function keptOf(host: HostReader): Promise<Pick<UnderWay, "kept">> {
  const name = await installedName(host);
  const found = await lookAt(host, Look.each([MAIN_CF, MASTER_CF], file));
  const files = Object.entries(found)
    .map(([path, state]) => [path, savedFile(state)] as const)
    .filter((one): one is readonly [string, NonNullable<SavedFile>] => one[1] !== null);
  const version = name === undefined ? undefined : parsePackage(name)?.version;
  return version === undefined ? {} : { kept: { version, files: Object.fromEntries(files) } };
}

async function addPackage(
  host: HostWriter,
  { name, env }: Target,
  replace: boolean,
  args: InstallArgs,
  context: Noted,
): Promise<void> {
  const before = await installedName(host);
  const again = replace && before === name;
  const argv = [
    "/usr/sbin/pkg_add",
    ...context.platform.packages.addOptions,
    ...(replace ? ["-r"] : []),
    // Of the same name but from elsewhere: without this it counts as done.
    ...(again ? ["-D", "installed"] : []),
    name,
  ];
  const job = { key: PACKAGE_JOB, argv, env };
  // One that runs with other words than these was for something else, and holds the database; what has ended is old.
  if (!(await isRunning(host, job))) {
    if ((await jobSight(host, PACKAGE_JOB)) === "running")
      await waitForPackages(host, args, context);
    await forgetJob(host, PACKAGE_JOB);
  }
  context.progress(`pkg_add ${name}`);
  const end = await runJob(host, job, lockWatch(host, `installing ${name}`, args, context));
  await forgetJob(host, PACKAGE_JOB);
  const now = await installedName(host);
  // Exit codes lie both ways (docs/openbsd.md 1.3). Of what was there before under the same name, nothing else would tell.
  if (isWanted(now, args) && (end.exitCode === 0 || now !== before)) {
    if (end.exitCode !== 0)
      context.warn(
        `\`${argv.join(" ")}\` ended with exit status ${String(end.exitCode)}, and ${now ?? name} is installed; it said:\n${lastLines(end.log)}`,
      );
    return;
  }
  throw installationFailed(host, argv, end, await installed(host));
}

function installationFailed(
  host: HostReader,
  argv: readonly string[],
  end: JobEnd,
  now: readonly string[],
): HostError {
  const name = now.find(isPostfix);
  const partial = now.filter((one) => one.startsWith("partial-postfix-"));
  const ambiguous = /Ambiguous: \S+ could be (.*)/.exec(end.log)?.[1];
  const state = [
    `exit status ${String(end.exitCode)}`,
    name === undefined ? "no Postfix is installed" : `${name} is installed`,
    ...(partial.length > 0 ? [`${partial.join(", ")} is there in part`] : []),
  ].join(", ");
  return new HostError("program", {
    host: host.address,
    during: `\`${argv.join(" ")}\``,
    reason: `${state}:\n${lastLines(end.log)}\n`,
    changed: name === undefined && partial.length === 0 ? "unknown" : "yes",
    next:
      ambiguous === undefined
        ? `Check that the repository can be reached (/etc/installurl, /etc/pkg.conf or \`packagePath\`), and run \`pulumi up\` again.${partial.length > 0 ? " What was installed in part is completed then; pkg_check(8) shows what it holds." : ""}`
        : `Say which of them is meant by \`version\` or \`branch\`: ${ambiguous.trim()}.`,
  });
}

/** pkg_add waits for a held database without end: this waits as long as the arguments allow. */
function lockWatch(
  host: HostReader,
  during: string,
  args: InstallArgs,
  context: Noted,
): Parameters<typeof runJob>[2] {
  const limit = lockLimit(args);
  let since: number | undefined;
  return {
    timeoutMs: PACKAGE_TIMEOUT_MS,
    progress: (log) => {
      if (since !== undefined)
        context.progress(`the package database is locked, for ${inWords(Date.now() - since)} now`);
      else if (log.trim() !== "") context.progress(`${during}: ${lastLines(log, 1).slice(0, 100)}`);
    },
    giveUp: async (log) => {
      const waits = /already locked\.\.\. awaiting release\.\.\.(?![\s\S]*done!)/.test(log);
      since = waits ? (since ?? Date.now()) : undefined;
      if (since === undefined || Date.now() - since < limit) return undefined;
      return databaseLocked(host, during, args);
    },
  };
}

function lockLimit(args: InstallArgs): number {
  return (args.lockTimeout ?? LOCK_SECONDS) * 1000;
}

async function databaseLocked(
  host: HostReader,
  during: string,
  args: InstallArgs,
): Promise<HostError> {
  const holders = await lookAt(host, probe(["/usr/bin/pgrep", "-lf", "pkg_(add|delete|check)"]));
  const others = "notFound" in holders ? "" : lastLines(holders.stdout, 6);
  return new HostError("deadline", {
    host: host.address,
    during,
    reason: `another program has held the lock on ${DATABASE} for ${inWords(lockLimit(args))}${others === "" ? "" : `; these work with packages:\n${others}\n`}`,
    changed: "no",
    next: "Let it end, or end it, and run `pulumi up` again; `lockTimeout` says how long to wait",
  });
}

async function waitForPackages(host: HostWriter, args: InstallArgs, context: Noted): Promise<void> {
  await waitForJob(
    host,
    PACKAGE_JOB,
    lockWatch(host, "waiting for an earlier request to end", args, context),
  );
}

/** Everything after the package itself; also what is left to do after a cut. */
export async function finishInstallation(
  host: HostWriter,
  args: InstallArgs,
  step: ActContext,
): Promise<void> {
  const context = noted(step);
  if ((await jobSight(host, PACKAGE_JOB)) === "running") await waitForPackages(host, args, context);
  await forgetJob(host, PACKAGE_JOB);
  const { under: before, branch, ...note } = context.note();
  if (!before) return;
  await giveMailerConf(host);
  await keepConfiguration(host, before, context);
  if (before.restart) await startAgain(host, context);
  if (note.ports && (args.source ?? "packages") === "ports") {
    await cleanWork(host, note.ports);
    await stopJob(host, BUILD_JOB);
  }
  const came = cameWith(context.note(), await installed(host));
  const { ports } = context.note();
  await context.setNote({
    ...note,
    ...(ports ? { ports } : {}),
    ...installedBy(before, branch, context.platform.release),
    came,
  });
}

/** Packages that came along, before and with what is under way. */
function cameWith({ came = [], under: before }: PackageNote, now: readonly string[]): string[] {
  const fresh = now.filter(
    (name) => before && !before.packages.includes(name) && !/^(partial-)?postfix-\d/.test(name),
  );
  return [...new Set([...came, ...fresh])];
}

/** Where the package is from, and for which release: what is under way where that got so far, and as before else. */
function installedBy(
  { source, branch }: UnderWay,
  formerBranch: string | undefined,
  release: string,
): Pick<PackageNote, "source" | "branch" | "release"> {
  if (source === undefined) return formerBranch === undefined ? {} : { branch: formerBranch };
  return { source, release, ...(branch === undefined ? {} : { branch }) };
}

/** The error, after what ran before was started again. */
async function withPostfixStarted(
  host: HostWriter,
  error: HostError,
  context: Noted,
): Promise<HostError> {
  if (!context.note().under?.restart) return error;
  try {
    await startAgain(host, context);
    return error.with({ reason: `${error.reason.trimEnd()}\nPostfix serves again.\n` });
  } catch (second) {
    const why = HostError.isInstance(second) ? second.summary : String(second);
    return error.with({ reason: `${error.reason.trimEnd()}\nPostfix is stopped: ${why}\n` });
  }
}

async function startAgain(host: HostWriter, context: Noted): Promise<void> {
  if (!context.note().under?.restart || (await isPostfixRunning(host))) return;
  context.progress("start Postfix");
  await runOrFail(host, "start Postfix", { argv: await startOf(host, context.platform) });
  await waitUntil(host, "Postfix's master to take its lock", () => isPostfixRunning(host), 20_000);
}

/** An installation writes what postfix-enable puts in force, a replacement does not (docs/openbsd.md 2.2). */
async function giveMailerConf(host: HostWriter): Promise<void> {
  const { own, base } = await lookAt(
    host,
    Look.all({ own: stat(POSTFIX_MAILER_CONF), base: file(MAILER_CONF) }),
  );
  if (own.type !== "absent" || isPostfixEnabled(contentsOf(base) ?? "")) return;
  await host.write({
    path: POSTFIX_MAILER_CONF,
    contents: MAILER_ROWS,
    mode: 0o644,
    uid: 0,
    gid: 0,
    expect: { absent: true },
  });
}

async function keepConfiguration(
  host: HostWriter,
  { kept }: UnderWay,
  context: Noted,
): Promise<void> {
  const name = await installedName(host);
  if (!kept || name === undefined) return;
  const version = parsePackage(name)?.version;
  const changed: string[] = [];
  for (const [path, saved] of Object.entries(kept.files)) {
    const state = await lookAt(host, file(path));
    const contents = savedContents(saved) ?? "";
    if (state.type === "absent" || savedContents(savedFile(state)) === contents) continue;
    if (version !== kept.version) changed.push(path);
    else await host.write({ path, contents, expect: { anything: true } });
  }
  if (changed.length > 0)
    context.warn(
      `Postfix ${version ?? ""} has completed ${changed.join(" and ")}, which were made for ${kept.version}.`,
    );
}

/** Back to before the package came: the package, and all that its installation made besides. */
export async function removePackage(
  host: HostWriter,
  before: Traces,
  note: PackageNote,
  args: InstallArgs,
  step: ActContext,
): Promise<void> {
  const context = noted(step);
  await endJob(host, BUILD_JOB);
  await stopJob(host, PACKAGE_JOB);
  const spoolGoes = !before.folders.includes(QUEUE) && args.discardQueue !== true;
  const wasRunning = await isPostfixRunning(host);
  if (spoolGoes) await refuseToLoseMail(host);
  if (wasRunning) await stopPostfix(host, context.platform);
  try {
    if (spoolGoes) await refuseToLoseMail(host);
  } catch (error) {
    if (wasRunning)
      await runOrFail(host, "start Postfix", { argv: await startOf(host, context.platform) });
    throw error;
  }
  for (const name of (await installed(host)).filter((one) => /^(partial-)?postfix-\d/.test(one)))
    await deletePackage(host, name, args, context);
  await removeTraces(host, before);
  await removeDependencies(host, cameWith(note, await installed(host)), args, context);
  if (note.ports) await cleanPorts(host, note.ports);
  await forgetJob(host, BUILD_JOB);
}

/** Gives back what a build or an interrupted installation has left, where the package itself stays. */
export async function cleanUp(
  host: HostWriter,
  note: PackageNote,
  step: ActContext,
  forGood: boolean,
): Promise<void> {
  if (forGood) await stopJob(host, PACKAGE_JOB);
  if (note.ports) await cleanPorts(host, note.ports);
  else await stopJob(host, BUILD_JOB);
  const { ports: _, ...rest } = notedIn(step.record);
  await step.note(PACKAGE_KEY, asJson(rest));
}

async function deletePackage(
  host: HostWriter,
  name: string,
  args: InstallArgs,
  context: Noted,
): Promise<void> {
  const argv = [
    "/usr/sbin/pkg_delete",
    ...context.platform.packages.addOptions.filter((word) => word !== "-m"),
    name,
  ];
  await forgetJob(host, PACKAGE_JOB);
  const watch = lockWatch(host, `removing ${name}`, args, context);
  const end = await runJob(host, { key: PACKAGE_JOB, argv }, watch);
  await forgetJob(host, PACKAGE_JOB);
  if (!(await installed(host)).includes(name)) return;
  throw new HostError("program", {
    host: host.address,
    during: `\`${argv.join(" ")}\``,
    reason: `exit status ${String(end.exitCode)}, and the package is still in ${DATABASE}:\n${lastLines(end.log)}\n`,
    changed: "unknown",
    next: "Fix what it names and run it again.",
  });
}

async function removeTraces(host: HostWriter, before: Traces): Promise<void> {
  for (const folder of FOLDERS)
    if (!before.folders.includes(folder))
      await runOrFail(host, `remove ${folder}`, { argv: ["/bin/rm", "-rf", folder] });
  const { users, groups } = await lookAt(host, ACCOUNTS);
  for (const name of users)
    if (!before.users.includes(name))
      await runOrFail(host, `remove user ${name}`, { argv: ["/usr/sbin/userdel", name] });
  for (const name of groups)
    if (!before.groups.includes(name))
      // A user's own group may have gone with the user.
      await runOrFail(host, `remove group ${name}`, { argv: ["/usr/sbin/groupdel", name] }, [0, 6]);
}

/** Packages that came along and that nobody asked for and nothing needs; one may need another. */
async function removeDependencies(
  host: HostWriter,
  came: readonly string[],
  args: InstallArgs,
  context: Noted,
): Promise<void> {
  for (;;) {
    const there = (await installed(host)).filter((name) => came.includes(name));
    const found = await lookAt(host, Look.each(there, registration));
    const idle = there.filter((name) => found[name]?.isNeeded === false);
    if (idle.length === 0) return;
    for (const name of idle) await deletePackage(host, name, args, context);
  }
}

/** Does something need a package, or has an administrator asked for it? */
function registration(name: string): Look<{ readonly isNeeded: boolean }> {
  return Look.all({
    contents: file(`${DATABASE}/${name}/+CONTENTS`),
    users: file(`${DATABASE}/${name}/+REQUIRED_BY`),
  }).map(({ contents, users }) => ({
    isNeeded:
      (contentsOf(users) ?? "").trim() !== "" ||
      /^@option manual-installation/m.test(contentsOf(contents) ?? ""),
  }));
}

/** Mail in the queue is somebody's: it is not deleted unless that was asked for. */
async function refuseToLoseMail(host: HostWriter): Promise<void> {
  const queues = ["maildrop", "incoming", "active", "deferred", "hold"].map(
    (one) => `${QUEUE}/${one}`,
  );
  const there = await lookAt(host, Look.each(queues, stat));
  const present = queues.filter((path) => there[path]?.type === "directory");
  if (present.length === 0) return;
  // The files themselves: postqueue(1) says nothing of a queue whose main.cf is broken or gone.
  const { stdout } = await runOrFail(host, "look for queued mail", {
    argv: ["/usr/bin/find", ...present, "-type", "f"],
    timeoutMs: 300_000,
  });
  if (stdout.trim() === "") return;
  const listed = printed(await lookAt(host, probe([PROGRAMS.postqueue, "-p"]))) ?? stdout;
  throw new HostError("refused", {
    host: host.address,
    during: "removing Postfix",
    reason: `there is still mail in its queue:\n${lastLines(listed, 20)}\n`,
    changed: "no",
    next: "Start Postfix and let it deliver them (postqueue -f), or say `discardQueue: true` to lose them, and run `pulumi up` or `pulumi destroy` again.",
  });
}
