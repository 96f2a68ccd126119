/** Pieces of plans that several kinds need. */
import { contentsOf, type FileState } from "../host/host";
import type { Change, FileChange, Plan } from "./kind";

/** Changes of what the running service reads: after them it must read its files again. */
export function withReload(path: string, changes: readonly Change[]): Plan {
  return changes.length === 0
    ? { changes }
    : { changes, tells: { need: "reload", because: [path] } };
}

/** The change of one file among the changes of a plan; `undefined` where none of them is of that file. */
export function changeOf(changes: readonly Change[], path: string): FileChange | undefined {
  return changes.find((one): one is FileChange => one.change !== "act" && one.path === path);
}

/** The text of a file after the changes of a plan; `undefined` where it is not there. */
export function textAfter(
  changes: readonly Change[],
  path: string,
  file: FileState,
): string | undefined {
  const change = changeOf(changes, path);
  if (change?.change === "write") return change.contents;
  return change?.change === "remove" ? undefined : contentsOf(file);
}
