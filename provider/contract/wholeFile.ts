/** Owning a file as a whole. */
import { HostError } from "../host/errors";
import { type Expectation, type FoundFile, digestOf, type HostWriter } from "../host/host";
import type { Claim, FileEntry, KeyEntry } from "../host/record";
import {
  isUnreadCopy,
  savedBytes,
  savedContents,
  savedDigest,
  type SavedFile,
} from "../host/savedFile";
import type { Change, RestoreContext } from "./kind";

/** The claim of a file as a whole. Undoing it needs only the file's former contents, which the record keeps by its path. */
export function claimWholeFile(path: string): Claim {
  return { key: path, file: path, before: null, applied: null };
}

/** Did a resource write the contents with this SHA-256: last, or in a change that is not settled? */
export function isOurs(digest: string, { written, unsettled }: FileEntry): boolean {
  // Nothing tells what an earlier version was about to write, nor what a program on the host has written for us.
  if (written === null && unsettled === undefined) return true;
  return [written, ...(unsettled ?? [])].includes(digest);
}

/** Is a file claimed as a whole, by a change that never came to writing it? */
export function isOnlyClaimed(
  { unsettled }: KeyEntry,
  state: FoundFile,
  file: FileEntry | undefined,
): boolean {
  return unsettled?.length === 0 && !(file?.unsettled ?? []).includes(digestOf(state) ?? null);
}

/** Puts back a file that a resource owns as a whole, unless somebody else changed it meanwhile. */
export function restoreWholeFile(
  path: string,
  state: FoundFile,
  context: RestoreContext,
  options: { readonly opaque?: boolean } = {},
): Change[] {
  const isClaimed = context.keys.some(([, entry]) => entry.file === path);
  const file = context.record.files[path];
  if (!isClaimed || !file) return [];
  const { before } = file;
  const current = digestOf(state) ?? null;
  if (current === savedDigest(before)) return [];
  if (current !== null && !isOurs(current, file)) {
    context.warn(`${path} was changed by somebody else meanwhile and is left as it is.`);
    return [];
  }
  if (before === null) return [{ change: "remove", path, found: state, ...options }];
  if (isUnreadCopy(before)) {
    const expect: Expectation = current === null ? { absent: true } : { sha256: current };
    return [
      {
        change: "act",
        text: `put ${path} back as it was before (${before.size} bytes)`,
        places: [{ path }],
        act: (host) => writeSaved(host, path, before, expect),
      },
    ];
  }
  return [
    {
      change: "write",
      path,
      found: state,
      contents: savedContents(before) ?? "",
      ...{ mode: before.mode, uid: before.uid, gid: before.gid },
      ...options,
    },
  ];
}

/**
 * Gives a path the bytes, mode and owner of a saved file, which need not be carried for that.
 *
 * @throws HostError of kind "conflict" where something else than expected is there
 */
export async function writeSaved(
  host: HostWriter,
  path: string,
  saved: SavedFile,
  expect: Expectation,
): Promise<void> {
  const { written } =
    saved === null
      ? await host.remove(path, expect)
      : await host.write({
          ...savedBytes(saved),
          ...{ path, mode: saved.mode, uid: saved.uid, gid: saved.gid, expect },
        });
  if (!written)
    throw new HostError("conflict", {
      host: host.address,
      during: `putting ${path} back`,
      reason: "somebody else changed it at the same time",
      changed: "yes",
      next: "Run `pulumi up` again.",
    });
}
