/** Pieces of plans that several kinds need. */
import { contentsOf, type FileState } from "../host/host";
import type { Change, Plan } from "./kind";

/** Changes of what the running service reads: after them it must read its files again. */
export function withReload(path: string, changes: readonly Change[]): Plan {
  return changes.length === 0
    ? { changes }
    : { changes, tells: { need: "reload", because: [path] } };
}

/** The text of a file after changes of which the first, if any, is of that file; `undefined` where it is not there. */
export function textAfter([first]: readonly Change[], file: FileState): string | undefined {
  if (first?.change === "write") return first.contents;
  return first?.change === "remove" ? undefined : contentsOf(file);
}
