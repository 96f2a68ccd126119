/** What builds leave in the ports tree: finding it, and removing it again. */
import { anyJob, endJob, forgetJob, jobEndMark, jobMark } from "../../host/detachedJob";
import type { HostWriter } from "../../host/host";
import { list, Look, lookAt, placeState, stat } from "../../host/look";
import { PORTS, portsMake, RESULT_FOLDERS } from "../../openbsd/ports";
import type { PortsNote } from "./note";

/** The key of the job in which a build runs. */
export const BUILD_JOB = "postfix-build";

const CLEAN_TIMEOUT_MS = 1_800_000;
const FIND_TIMEOUT_MS = 300_000;

/** All folders at the top of the ports tree and below those in which builds put their results. */
export async function portsFolders(host: HostWriter): Promise<string[]> {
  const names = await lookAt(host, list(PORTS));
  const present = (names ?? []).map((name) => `${PORTS}/${name}`);
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

/** The files that builds have made outside their work folders: those noted before, and those of the latest build. */
export async function filesMade(
  host: HostWriter,
  { made }: Pick<PortsNote, "made">,
): Promise<readonly string[]> {
  if (!(await anyJob(host, BUILD_JOB))) return made;
  const { present, ended } = await lookAt(
    host,
    Look.all({ present: list(PORTS), ended: stat(jobEndMark(BUILD_JOB)) }),
  );
  const searched = RESULT_FOLDERS.filter((path) =>
    (present ?? []).includes(path.slice(PORTS.length + 1)),
  );
  // A file that changed after the build has ended was not made by the build.
  const notAfter = ended.type === "absent" ? [] : ["!", "-cnewer", jobEndMark(BUILD_JOB)];
  const sinceBegin = ["-type", "f", "-cnewer", jobMark(BUILD_JOB)];
  const files = await find(host, searched, [...sinceBegin, ...notAfter]);
  return [...new Set([...made, ...files])];
}

/** Removes the work folders of what was built. A failure is ignored, as it costs no more than space on the disk. */
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

/** Makes the ports tree as it was: ends a build that runs, and removes its files and the folders that it made. */
export async function cleanPorts(
  host: HostWriter,
  ports: PortsNote,
  warn: (text: string) => void,
): Promise<void> {
  await endJob(host, BUILD_JOB);
  const made = await filesMade(host, ports);
  await cleanWork(host, ports);
  const found = await lookAt(
    host,
    Look.each(made, (path) =>
      Look.all({ state: stat(path), place: placeState({ path, entry: true }) }),
    ),
  );
  const files = Object.entries(found).filter(([, { state }]) => state.type === "file");
  for (const [path, { place }] of files)
    if ("real" in place) await host.remove(path, { anything: true });
  // With PORTS_PRIVSEP (bsd.port.mk(5)) they are in folders of _pbuild, in which root does not follow names.
  const left = files.filter(([, { place }]) => "reason" in place).map(([path]) => path);
  if (left.length > 0)
    warn(
      `The build has made files in folders that are not root's, and they are left: ${left.join(", ")}.`,
    );
  const newFolders = (await portsFolders(host))
    .filter((path) => !ports.folders.includes(path))
    .sort((left, right) => right.length - left.length);
  // rmdir(1) leaves a folder that is not empty: somebody else has put something there.
  for (const path of newFolders) await host.run({ argv: ["/bin/rmdir", path] });
  await forgetJob(host, BUILD_JOB);
}
