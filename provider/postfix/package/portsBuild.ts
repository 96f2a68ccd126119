/**
 * Building the package from ports (guide 2.1). The build is a job on the host: a lost connection does not stop it, and
 * the next run finds it, or its result. The note says what it has left in the ports tree, so that destroy can remove it.
 */
import {
  forgetJob,
  isRunning,
  type JobEnd,
  jobLog,
  jobSight,
  runJob,
  waitForJob,
} from "../../host/detachedJob";
import { HostError } from "../../host/errors";
import type { HostReader, HostWriter } from "../../host/host";
import { list, Look, lookAt, stat } from "../../host/look";
import { flavorsOf, type WantedPackage } from "../../openbsd/packages";
import type { Platform } from "../../openbsd/platform";
import {
  builtName,
  describeBuild,
  portFolder,
  PORTS,
  portsMake,
  portsProblem,
} from "../../openbsd/ports";
import { lastLines } from "../../values/readable";
import { BUILD_JOB, filesMade, portsFolders } from "./buildTraces";
import type { PortsNote } from "./note";
import type { PackageWork } from "./packageWork";
import { portLook, portsLook } from "./portsLook";

/** On a small machine, the port and all that it needs take hours to build. */
const BUILD_TIMEOUT_MS = 24 * 3600 * 1000;

/** A package, and the folder on the host in which it lies. */
interface BuiltPackage {
  readonly name: string;
  readonly repository: string;
}

type BuildWork = Pick<PackageWork, "platform" | "progress" | "note" | "setNote">;

/** Builds the wanted package, or waits for a build of it that is already running. */
export async function buildPort(
  host: HostWriter,
  wanted: WantedPackage,
  work: BuildWork,
): Promise<BuiltPackage> {
  const name = await predictedName(host, wanted, work.platform);
  const flavors = flavorsOf(wanted);
  const argv = portsMake(flavors, "package");
  const folder = portFolder(wanted);
  const attached = await isRunning(host, { key: BUILD_JOB, argv });
  if (!attached) await settleFormerBuild(host, work);
  await noteBuild(host, { folder, flavors }, attached, work);
  const started = work.note().ports?.started ?? Date.now();
  const end = await runJob(
    host,
    { key: BUILD_JOB, argv, cwd: folder },
    {
      timeoutMs: BUILD_TIMEOUT_MS,
      progress: (log) => work.progress(describeBuild(name, log, Date.now() - started)),
    },
  );
  await noteFilesMade(host, work);
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

/** Waits for a former build that still runs and so uses the tree, notes the files it made, and clears its job away. */
async function settleFormerBuild(host: HostWriter, work: BuildWork): Promise<void> {
  const former = await jobSight(host, BUILD_JOB);
  if (former === "none") return;
  if (former === "running")
    await waitForJob(host, BUILD_JOB, {
      timeoutMs: BUILD_TIMEOUT_MS,
      progress: (log) => work.progress(describeBuild("an earlier request", log, 0)),
    });
  await noteFilesMade(host, work);
  // No work is lost by a new job: make(1) goes on where it stopped, and does nothing where it had finished.
  await forgetJob(host, BUILD_JOB);
}

/** Notes what is about to be built, and once how the tree was before the first build. */
async function noteBuild(
  host: HostWriter,
  build: PortsNote["built"][number],
  attached: boolean,
  { note, setNote }: BuildWork,
): Promise<void> {
  const known = note().ports;
  const isSame = (other: PortsNote["built"][number]): boolean =>
    other.folder === build.folder && other.flavors.join(" ") === build.flavors.join(" ");
  if (attached && known?.built.some(isSame)) return;
  await setNote({
    ...note(),
    ports: {
      folders: known?.folders ?? (await portsFolders(host)),
      made: known?.made ?? [],
      built: [...(known?.built ?? []).filter((other) => !isSame(other)), build],
      started: Date.now(),
    },
  });
}

async function noteFilesMade(host: HostWriter, { note, setNote }: BuildWork): Promise<void> {
  const { ports } = note();
  if (ports) await setNote({ ...note(), ports: { ...ports, made: await filesMade(host, ports) } });
}

function buildFailed(host: HostReader, name: string, end: JobEnd): HostError {
  const how =
    end.signal === null
      ? `make ended with exit status ${String(end.exitCode)}`
      : `make was ended by SIG${end.signal}`;
  return new HostError("program", {
    host: host.address,
    during: `building ${name} from ports`,
    reason: `${how}; the last lines of its log:\n${lastLines(end.log, 15)}\n`,
    changed: "yes",
    next: `The whole log is ${jobLog(BUILD_JOB)} on the host. Fix what it names and run \`pulumi up\` again: make goes on where it stopped.`,
  });
}

/** The folder with the package: below PACKAGE_REPOSITORY (bsd.port.mk(5)), one for each architecture. */
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
    next: "Do not set PACKAGE_REPOSITORY in /etc/mk.conf, so that it has its default, and run `pulumi up` again.",
  });
}
