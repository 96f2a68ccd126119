import { isVolatile } from "./volatile";

/** What stands at one path. Times are left out: nothing may depend on them. */
export interface TreeEntry {
  readonly type: "file" | "directory" | "symlink" | "socket" | "fifo" | "device" | "other";
  /** Permission bits in octal, e.g. "0644". */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Hex digest of a file's bytes, "-" for everything else. */
  readonly sha256: string;
  /** Where a symbolic link leads, "" for everything else. */
  readonly target: string;
}

/** A host's file tree by path. */
export type Tree = ReadonlyMap<string, TreeEntry>;

const types: readonly string[] = [
  "file",
  "directory",
  "symlink",
  "socket",
  "fifo",
  "device",
] satisfies TreeEntry["type"][];

/** Reads what `image/tree.pl` prints. */
export function parseTree(output: Buffer): Map<string, TreeEntry> {
  const fields = output.toString("latin1").split("\0");
  const tree = new Map<string, TreeEntry>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [attributes = "", path = "", target = ""] = fields.slice(at, at + 3);
    const [type = "", mode = "", uid, gid, sha256 = "-"] = attributes.split(" ");
    const entry = { mode, uid: Number(uid), gid: Number(gid), sha256, target };
    tree.set(path, { type: isType(type) ? type : "other", ...entry });
  }
  return tree;
}

function isType(type: string): type is TreeEntry["type"] {
  return types.includes(type);
}

/**
 * A host's tree as every promise means it: hashes of the image's own files filled in from `hashes`,
 * and without what moves by itself.
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

/** What differs between two trees, one line for each path, sorted; empty when they are the same. */
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
