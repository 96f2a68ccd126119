/** Trees: everything in a folder, as one list that can be compared. Pure. */
import { createHash } from "node:crypto";
import type { TreeEntry } from "./host";

/**
 * One digest for all of a tree; "" for one that is not there. The agent makes the same of what it finds before it
 * changes a tree. Of a link only its target counts: its mode and owner mean nothing.
 */
export function treeDigest(entries: readonly TreeEntry[] | null): string {
  if (entries === null) return "";
  const digest = createHash("sha256");
  for (const entry of entries) {
    const link = entry.type === "symlink";
    const owner = link ? [0, 0, 0] : [entry.mode, entry.uid, entry.gid];
    const fields = [entry.path, entry.type, ...owner, entry.sha256 ?? entry.target ?? ""];
    digest.update(`${fields.join("\0")}\0`, "latin1");
  }
  return digest.digest("hex");
}

/** What the copy of a tree is to be: as `cp -R` by root leaves it, folders 0755 and files 0644, root:wheel. */
export function copyOfTree(source: readonly TreeEntry[]): TreeEntry[] {
  return source
    .filter(({ type }) => type !== "other")
    .map((entry) => ({
      ...entry,
      mode: entry.type === "directory" ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
    }));
}

/** How a tree differs from the one that is wanted: paths relative to it, "" for the folder itself. */
export interface TreeDifference {
  readonly missing: readonly string[];
  readonly changed: readonly string[];
  readonly extra: readonly string[];
}

function differs(left: TreeEntry, right: TreeEntry): boolean {
  return treeDigest([left]) !== treeDigest([right]);
}

/** Compares what is there with what is wanted; folders count like files. */
export function compareTrees(
  found: readonly TreeEntry[] | null,
  wanted: readonly TreeEntry[],
): TreeDifference {
  const there = new Map((found ?? []).map((entry) => [entry.path, entry]));
  const names = new Set(wanted.map(({ path }) => path));
  return {
    missing: wanted.filter(({ path }) => !there.has(path)).map(({ path }) => path),
    changed: wanted
      .filter((entry) => {
        const now = there.get(entry.path);
        return now !== undefined && differs(now, entry);
      })
      .map(({ path }) => path),
    extra: [...there.keys()].filter((path) => !names.has(path)),
  };
}

/** Nothing missing, changed or extra. */
export function isSameTree({ missing, changed, extra }: TreeDifference): boolean {
  return missing.length + changed.length + extra.length === 0;
}
