/** Snapshots of a host's files: completes one with the image's hashes, and compares two. */
import type { Tree, TreeEntry } from "../image/fileTree";
import { isVolatile } from "./volatilePaths";

/**
 * Makes a snapshot that can be compared out of a tree as `image/tree.pl` printed it on the host: leaves out the paths
 * that change by themselves, and fills in the hashes that tree.pl did not calculate.
 *
 * @param hashes - The hashes of the image's files by path.
 */
export function settledTree(tree: Tree, hashes: Readonly<Record<string, string>>): Tree {
  const settled = new Map<string, TreeEntry>();
  for (const [path, entry] of tree) {
    if (isVolatile(path, entry.type)) continue;
    const known = entry.type === "file" && entry.sha256 === "-";
    settled.set(path, known ? { ...entry, sha256: hashes[path] ?? "unknown" } : entry);
  }
  return settled;
}

/** Describes the differences between two trees, one line for each path, sorted. No lines: the trees are the same. */
export function diffTrees(before: Tree, after: Tree): string[] {
  const lines: string[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const old = before.get(path);
    const now = after.get(path);
    if (old === undefined) lines.push(`${path}: added (${now?.type ?? ""})`);
    else if (now === undefined) lines.push(`${path}: removed (${old.type})`);
    else {
      const changes = describeChange(old, now);
      if (changes !== "") lines.push(`${path}: ${changes}`);
    }
  }
  return lines;
}

function describeChange(old: TreeEntry, now: TreeEntry): string {
  const changes: string[] = [];
  if (old.type !== now.type) changes.push(`type ${old.type} → ${now.type}`);
  if (old.mode !== now.mode) changes.push(`mode ${old.mode} → ${now.mode}`);
  if (old.uid !== now.uid || old.gid !== now.gid) {
    changes.push(`owner ${old.uid}:${old.gid} → ${now.uid}:${now.gid}`);
  }
  if (old.target !== now.target) changes.push(`target ${old.target} → ${now.target}`);
  if (old.sha256 !== now.sha256) changes.push("contents");
  return changes.join(", ");
}
