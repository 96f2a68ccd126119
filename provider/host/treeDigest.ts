/** Trees: the files and folders under a folder, as lists that can be compared. No I/O. */
import { createHash } from "node:crypto";
import type { TreeEntry } from "./host";

/**
 * A digest of a tree; "" for one that is missing. tree_digest in agent.pl computes the same. Mode and owner of links
 * are left out, because nothing uses them.
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

/** The copy that copyTree makes of a tree: folders 0755 and files 0644, root:wheel, without sockets and the like. */
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

/** How a tree differs from the wanted one, by the paths of its entries. */
export interface TreeDifference {
  readonly missing: readonly string[];
  readonly changed: readonly string[];
  readonly extra: readonly string[];
}

function differs(left: TreeEntry, right: TreeEntry): boolean {
  return treeDigest([left]) !== treeDigest([right]);
}

/** Compares a tree with the wanted one. */
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

export function isSameTree({ missing, changed, extra }: TreeDifference): boolean {
  return missing.length + changed.length + extra.length === 0;
}
