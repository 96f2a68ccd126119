/**
 * Building the package from ports (guide 2.1). The build is a job on the host: a lost connection does not stop it, and
 * the next run finds it, or its result. What it leaves in the ports tree is noted, and goes on destroy.
 */
import { lastLines } from "../../values/readable";
import { HostError } from "../../host/errors";
import type { FileState, HostReader, HostWriter } from "../../host/host";
import { list, Look, lookAt, probe, type ProbeAnswer, stat } from "../../host/look";
import { type WantedPackage, flavorsOf } from "../../openbsd/packages";
import type { Platform } from "../../openbsd/platform";
import {
  COMPILER,
  INFRASTRUCTURE,
  PORTS,
  POSTFIX_PORTS,
  type PortsSight,
  RESULT_FOLDERS,
  builtName,
  describeBuild,
  portFolder,
  portsMake,
  portsProblem,
} from "../../openbsd/ports";
import {
  anyJob,
  endJob,
  forgetJob,
  isRunning,
  jobEndMark,
  jobLog,
  jobMark,
  jobSight,
  runJob,
  waitForJob,
  type JobEnd,
} from "../../host/job";
import type { PackageNote, PortsNote } from "./note";

export const BUILD_JOB = "postfix-build";

/** A build with all that it needs takes hours on a small machine. */
const BUILD_TIMEOUT_MS = 24 * 3600 * 1000;
const CLEAN_TIMEOUT_MS = 1_800_000;
const FIND_TIMEOUT_MS = 300_000;

/** What there is to build with. */
export function portsLook(): Look<PortsSight> {
  return Look.all({
    tree: stat(INFRASTRUCTURE).map(isThere),
    compiler: stat(COMPILER).map(isThere),
    branches: list(POSTFIX_PORTS).map((folders) =>
      (folders ?? []).filter((folder) => /^(stable\d*|snapshot)$/.test(folder)),
    ),
  });
}

/** The same, with what the port says of itself: asked only where something is to be built. */
export function portLook(wanted: WantedPackage, sight: PortsSight): Look<PortsSight> {
  const cwd = portFolder(wanted);
  return Look.all({
    flavors: probe(["/usr/bin/make", "show=FLAVORS"], { cwd }).map(answerOf),
    name: probe(["/usr/bin/make", "show=FULLPKGNAME"], { cwd }).map(answerOf),
  }).map(({ flavors, name }) => {
    const complaint = [flavors, name].find((one) => !one.ok)?.text;
    return {
      ...sight,
      ...(flavors.ok ? { flavors: flavors.text.split(/\s+/).filter((word) => word !== "") } : {}),
      ...(name.ok && /^postfix-\d\S*$/.test(name.text) ? { fullName: name.text } : {}),
      ...(complaint === undefined ? {} : { complaint }),
    };
  });
}

function isThere({ type }: FileState): boolean {
  return type !== "absent";
}

function answerOf(answer: ProbeAnswer): { readonly ok: boolean; readonly text: string } {
  if ("notFound" in answer) return { ok: false, text: "there is no make(1)" };
  return answer.exitCode === 0
    ? { ok: true, text: answer.stdout.trim() }
    : { ok: false, text: lastLines(`${answer.stdout}\n${answer.stderr}`, 4) };
}

/** A package in a folder on the host. */
export interface BuiltPackage {
  readonly name: string;
  readonly repository: string;
}

/** What building needs to know and to say. */
export interface BuildContext {
  readonly platform: Platform;
  readonly progress: (text: string) => void;
  readonly note: () => PackageNote;
  readonly setNote: (note: PackageNote) => Promise<void>;
}

/** Builds what is wanted, or waits for the build of it that runs already. */
export async function buildPort(
  host: HostWriter,
  wanted: WantedPackage,
  context: BuildContext,
): Promise<BuiltPackage> {
  const name = await predictedName(host, wanted, context.platform);
  const flavors = flavorsOf(wanted);
  const argv = portsMake(flavors, "package");
  const folder = portFolder(wanted);
  const attached = await isRunning(host, { key: BUILD_JOB, argv });
  if (!attached) await settleFormerBuild(host, context);
  await noteBuild(host, { folder, flavors }, attached, context);
  const started = context.note().ports?.started ?? Date.now();
  const end = await runJob(
    host,
    { key: BUILD_JOB, argv, cwd: folder },
    {
      timeoutMs: BUILD_TIMEOUT_MS,
      progress: (log) => context.progress(describeBuild(name, log, Date.now() - started)),
    },
  );
  await noteMade(host, context);
  if (end.exitCode !== 0) throw buildFailed(host, name, end);
  return { name, repository: await repositoryOf(host, name) };
}

async function predictedName(
  host: HostReader,
  wanted: WantedPackage,
  platform: Platform,
): Promise<string> {
  const sight = await lookAt(
    host,
    portsLook().andThen((found) => portLook(wanted, found)),
  );
  const problem = portsProblem(sight, wanted, platform, host.system.machine);
  const name = problem ? undefined : builtName(sight, wanted);
  if (name !== undefined) return name;
  throw new HostError("refused", {
    host: host.address,
    during: "building Postfix from ports",
    reason: problem?.reason ?? "the port does not say what it builds",
    changed: "no",
    next: "",
  });
}

/** A build of something else, or of another time: one that still runs is waited for, for it holds the tree. */
async function settleFormerBuild(host: HostWriter, context: BuildContext): Promise<void> {
  const former = await jobSight(host, BUILD_JOB);
  if (former === "none") return;
  if (former === "running")
    await waitForJob(host, BUILD_JOB, {
      timeoutMs: BUILD_TIMEOUT_MS,
      progress: (log) => context.progress(describeBuild("an earlier request", log, 0)),
    });
  await noteMade(host, context);
  // make(1) goes on where it stopped, and does nothing where it was done: to start anew is to pick the result up.
  await forgetJob(host, BUILD_JOB);
}

async function noteBuild(
  host: HostWriter,
  one: PortsNote["built"][number],
  attached: boolean,
  { note, setNote }: BuildContext,
): Promise<void> {
  const known = note().ports;
  const same = (other: PortsNote["built"][number]): boolean =>
    other.folder === one.folder && other.flavors.join(" ") === one.flavors.join(" ");
  if (attached && known?.built.some(same)) return;
  await setNote({
    ...note(),
    ports: {
      folders: known?.folders ?? (await foldersOf(host)),
      made: known?.made ?? [],
      built: [...(known?.built ?? []).filter((other) => !same(other)), one],
      started: Date.now(),
    },
  });
}

/** Folders that hold, or will hold, what builds leave behind. */
async function foldersOf(host: HostWriter): Promise<string[]> {
  const tops = await lookAt(host, list(PORTS));
  const present = (tops ?? []).map((name) => `${PORTS}/${name}`);
  const searched = present.filter((path) => RESULT_FOLDERS.includes(path));
  return [...present, ...(await find(host, searched, ["-type", "d"]))];
}

async function find(
  host: HostWriter,
  folders: readonly string[],
  test: readonly string[],
): Promise<string[]> {
  if (folders.length === 0) return [];
  const argv = ["/usr/bin/find", ...folders, ...test];
  const { stdout } = await host.run({ argv, timeoutMs: FIND_TIMEOUT_MS });
  return stdout.split("\n").filter((line) => line !== "");
}

/** Notes what the build has written outside its work folder. */
async function noteMade(host: HostWriter, { note, setNote }: BuildContext): Promise<void> {
  const { ports } = note();
  if (ports) await setNote({ ...note(), ports: { ...ports, made: await madeSoFar(host, ports) } });
}

/** What builds have made: what is known of former ones, and what changed after the present one began. */
async function madeSoFar(host: HostWriter, { made }: PortsNote): Promise<readonly string[]> {
  if (!(await anyJob(host, BUILD_JOB))) return made;
  const { tops, ended } = await lookAt(
    host,
    Look.all({ tops: list(PORTS), ended: stat(jobEndMark(BUILD_JOB)) }),
  );
  const searched = RESULT_FOLDERS.filter((path) =>
    (tops ?? []).includes(path.slice(PORTS.length + 1)),
  );
  // What came after the build is somebody else's.
  const until = ended.type === "absent" ? [] : ["!", "-cnewer", jobEndMark(BUILD_JOB)];
  const begun = ["-type", "f", "-cnewer", jobMark(BUILD_JOB)];
  const files = await find(host, searched, [...begun, ...until]);
  return [...new Set([...made, ...files])];
}

function buildFailed(host: HostReader, name: string, end: JobEnd): HostError {
  const how =
    end.signal === null
      ? `make ended with exit status ${String(end.exitCode)}`
      : `make was ended by SIG${end.signal}`;
  return new HostError("program", {
    host: host.address,
    during: `building ${name} from ports`,
    reason: `${how}; its log ends so:\n${lastLines(end.log, 15)}\n`,
    changed: "yes",
    next: `The whole log is ${jobLog(BUILD_JOB)} on the host. Fix what it names and run \`pulumi up\` again: make goes on where it stopped.`,
  });
}

/** The folder with the package: PACKAGE_REPOSITORY, by architecture. */
async function repositoryOf(host: HostReader, name: string): Promise<string> {
  const architectures = await lookAt(host, list(`${PORTS}/packages`));
  const folders = (architectures ?? []).map((one) => `${PORTS}/packages/${one}/all/`);
  const found = await lookAt(
    host,
    Look.each(folders, (path) => stat(`${path}${name}.tgz`)),
  );
  const repository = folders.find((path) => found[path]?.type === "file");
  if (repository !== undefined) return repository;
  throw new HostError("program", {
    host: host.address,
    during: `looking for the package ${name} that was built`,
    reason: `it is in none of ${folders.join(", ") || `${PORTS}/packages`}`,
    changed: "yes",
    next: "Leave PACKAGE_REPOSITORY in /etc/mk.conf as it is by default, and run `pulumi up` again.",
  });
}

/** Removes the work folders of what was built. What cannot be cleaned is only in the way of the disk. */
export async function cleanWork(host: HostWriter, ports: PortsNote): Promise<void> {
  for (const { folder, flavors } of ports.built) {
    const makefile = await lookAt(host, stat(`${folder}/Makefile`));
    if (makefile.type !== "absent")
      await host.run({
        argv: portsMake(flavors, "clean=depends"),
        cwd: folder,
        timeoutMs: CLEAN_TIMEOUT_MS,
      });
  }
}

/** Gives the tree back as it was: without work folders, packages, distfiles, and folders that came with them. */
export async function cleanPorts(host: HostWriter, ports: PortsNote): Promise<void> {
  await endJob(host, BUILD_JOB);
  const made = await madeSoFar(host, ports);
  await cleanWork(host, ports);
  const here = await lookAt(host, Look.each(made, stat));
  for (const [path, { type }] of Object.entries(here))
    if (type === "file") await host.remove(path, { anything: true });
  const came = (await foldersOf(host))
    .filter((path) => !ports.folders.includes(path))
    .sort((left, right) => right.length - left.length);
  // Only the empty ones go: in the others is something of somebody else.
  for (const path of came) await host.run({ argv: ["/bin/rmdir", path] });
  await forgetJob(host, BUILD_JOB);
}
