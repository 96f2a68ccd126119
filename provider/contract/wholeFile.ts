/** Owning a file as a whole. */
import { type FileState, contentsOf } from "../host/host";
import { type Claim, type FileEntry, type KeyEntry, savedContents } from "../host/record";
import { sha256 } from "../values/digest";
import type { Change, RestoreContext } from "./kind";

/** The claim of a file as a whole. Undoing it needs only the file's former contents, which the record keeps by its path. */
export function claimWholeFile(path: string): Claim {
  return { key: path, file: path, before: null, applied: null };
}

/** Did a resource write these contents: last, or in a change that is not settled? */
export function isOurs(contents: string, { written, unsettled }: FileEntry): boolean {
  // Nothing tells what an earlier version was about to write, nor what a program on the host has written for us.
  if (written === null && unsettled === undefined) return true;
  return [written, ...(unsettled ?? [])].includes(sha256(contents));
}

/** Is a file claimed as a whole, by a change that never came to writing it? */
export function isOnlyClaimed(
  { unsettled }: KeyEntry,
  state: FileState,
  file: FileEntry | undefined,
): boolean {
  const current = contentsOf(state);
  const digest = current === undefined ? null : sha256(current);
  return unsettled?.length === 0 && !(file?.unsettled ?? []).includes(digest);
}

/** Puts back a file that a resource owns as a whole, unless somebody else changed it meanwhile. */
export function restoreWholeFile(
  path: string,
  state: FileState,
  context: RestoreContext,
  options: { readonly opaque?: boolean } = {},
): Change[] {
  const isClaimed = context.keys.some(([, entry]) => entry.file === path);
  const file = context.record.files[path];
  if (!isClaimed || !file) return [];
  const current = contentsOf(state);
  const original = savedContents(file.before);
  if ((current ?? null) === original) return [];
  if (current !== undefined && !isOurs(current, file)) {
    context.warn(`${path} was changed by somebody else meanwhile and is left as it is.`);
    return [];
  }
  if (original === null) return [{ change: "remove", path, found: state, ...options }];
  return [
    {
      change: "write",
      path,
      found: state,
      contents: original,
      ...(file.before
        ? { mode: file.before.mode, uid: file.before.uid, gid: file.before.gid }
        : {}),
      ...options,
    },
  ];
}
