/**
 * Files that not everybody on the host may read. A preview is read by more people than the host lets read such a file, and
 * often kept in the log of a build: so it names the file, and shows nothing of what is in it.
 */
import { createHmac } from "node:crypto";
import { fileAt, type FoundFile } from "../host/fileState";
import { mapLeaves } from "../values/json";

/** The permission of others to read (chmod(2)). */
const OTHERS_READ = 0o004;

/** Does a mode keep others from reading a file? */
export function hidesFromOthers(mode: number): boolean {
  return (mode & OTHERS_READ) === 0;
}

/** Is there a file that others may not read, at the path or at the end of its links? */
export function isHidden(state: FoundFile): boolean {
  const file = fileAt<{ readonly type: "file"; readonly mode: number }>(state);
  return file !== undefined && hidesFromOthers(file.mode);
}

/**
 * Stands for a value that is not to be shown, in the same shape, so that a list stays a list. The hash is the same each
 * time, so that a refresh changes nothing; its key is the wanted value, which is not known to everybody either.
 */
export function hashedValue(value: unknown, wanted: unknown): unknown {
  return mapLeaves(value, (leaf) => {
    if (leaf === null || typeof leaf === "boolean") return leaf;
    const digest = createHmac("sha256", JSON.stringify(wanted ?? null))
      .update(typeof leaf === "string" ? leaf : JSON.stringify(leaf))
      .digest("hex");
    return `[another value, hash ${digest.slice(0, 12)}]`;
  });
}
