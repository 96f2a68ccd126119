/**
 * Looking at the record. What root does by it is what it says, so it must be root's alone to write, and whole. A record that
 * is broken or gone is replaced by its copy from before the last write.
 */
import { HostError } from "./errors";
import type { FileStat, FileState, HostReader } from "./host";
import { file, Look, stat } from "./look";
import {
  BrokenRecord,
  faultIn,
  type HostRecord,
  parseRecord,
  PREVIOUS_PATH,
  RECORD_FOLDER,
  RECORD_PATH,
} from "./record";

/** The record of a host, as a look finds it. */
export interface FoundRecord {
  readonly record: HostRecord;
  /** Its file, which the next write replaces. */
  readonly file: FileState;
  /** Set where the record is broken, and its copy is used. */
  readonly warning?: string;
}

/**
 * The record with its file. It takes a second round trip only where the record is broken. One that is gone is an empty one,
 * and Pulumi's state has what it needs of the time before.
 */
export const FOUND_RECORD: Look<FoundRecord> = Look.all({
  folder: stat(RECORD_FOLDER),
  current: file(RECORD_PATH),
}).andThen(({ folder, current }) => {
  mustBeOurs(RECORD_FOLDER, folder, "directory");
  mustBeOurs(RECORD_PATH, current, "file");
  const fault = faultIn(current);
  if (fault === undefined) return Look.of({ record: parseRecord(current), file: current });
  return file(PREVIOUS_PATH).map((copy) => {
    mustBeOurs(PREVIOUS_PATH, copy, "file");
    if (copy.type !== "file") throw new BrokenRecord(`${fault}, and there is no ${PREVIOUS_PATH}`);
    const second = faultIn(copy);
    if (second !== undefined)
      throw new BrokenRecord(`${fault}, and of its copy ${PREVIOUS_PATH}: ${second}`);
    const warning = `${RECORD_PATH} is broken: ${fault}. Its copy from before its last write, ${PREVIOUS_PATH}, is used instead.`;
    return { record: parseRecord(copy), file: current, warning };
  });
});

/** The record of a host. */
export const RECORD: Look<HostRecord> = FOUND_RECORD.map(({ record }) => record);

/** Refuses what others than root could have written. */
function mustBeOurs(path: string, state: FileStat, type: "directory" | "file"): void {
  if (state.type === "absent") return;
  if (state.type !== type) throw new BrokenRecord(`${path} is no ${type}`);
  if (state.uid !== 0 || (state.mode & 0o022) !== 0)
    throw new BrokenRecord(
      `${path} belongs to uid ${state.uid} and has mode ${state.mode.toString(8).padStart(4, "0")}, so others than root could have written it`,
    );
}

/** The error for the user, where a look found the record broken; every other error as it is. */
export function recordError(host: HostReader, error: unknown): unknown {
  if (!(error instanceof BrokenRecord)) return error;
  return new HostError("refused", {
    host: host.address,
    during: `reading ${RECORD_PATH}, which says what was there before and whose each thing is,`,
    reason: error.reason,
    changed: "no",
    next: NEXT_STEPS,
  });
}

const NEXT_STEPS =
  "Put it back from a backup of the host, as root's and with mode 0600. Without a backup, move it away " +
  `(mv ${RECORD_PATH} /root/) and run the same command again: Pulumi's state then says what was there before ` +
  "the first `pulumi up`; what other stacks own on this host is forgotten until their next `pulumi up`";
