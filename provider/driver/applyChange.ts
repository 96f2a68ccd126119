/** Applying one change to a host. */
import type { ActContext, Change, FileChange } from "../contract/kind";
import { HostError } from "../host/errors";
import {
  digestOf,
  type Expectation,
  fileAt,
  type FileState,
  type FoundFile,
  type HostWriter,
} from "../host/host";
import { printDifference } from "./printChange";

/**
 * Applies one change. A file is written or removed only while it still is as it was observed.
 *
 * @throws HostError of kind "conflict" for a file that has changed since, with the difference
 */
export async function applyChange(
  host: HostWriter,
  change: Change,
  context: ActContext,
): Promise<void> {
  if (change.change === "act") return change.act(host, context);
  const outcome =
    change.change === "remove"
      ? await host.remove(change.path, expectationOf(change.found))
      : await host.write({
          path: change.path,
          contents: change.contents,
          ...(change.mode === undefined || change.mode === modeOf(change.found)
            ? {}
            : { mode: change.mode }),
          ...(change.uid === undefined ? {} : { uid: change.uid }),
          ...(change.gid === undefined ? {} : { gid: change.gid }),
          expect: expectationOf(change.found),
        });
  if (!outcome.written) throw conflict(host, change, outcome.found);
}

function modeOf(state: FoundFile): number | undefined {
  return fileAt<{ readonly type: "file"; readonly mode: number }>(state)?.mode;
}

/** @throws FileTooLarge for a file of which nothing is known that could be expected: no change of it may be planned */
function expectationOf(state: FoundFile): Expectation {
  const digest = digestOf(state);
  if (digest !== undefined) return { sha256: digest };
  return state.type === "absent" ? { absent: true } : { anything: true };
}

function conflict(host: HostWriter, change: FileChange, found: FileState): HostError {
  return new HostError("conflict", {
    host: host.address,
    during: `writing ${change.path}`,
    reason: `somebody else changed it after it was looked at:\n${printDifference(change, found)}`,
    changed: "no",
    next: "Run `pulumi up` again to see and apply what is still to do.",
  });
}
