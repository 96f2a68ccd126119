/** The files of a root file system as data, as `tree.pl` prints them. */

/** What is at one path. It has no times, because nothing may depend on them. */
export interface TreeEntry {
  /** What stands at the path; a link is not followed. */
  readonly type: "file" | "directory" | "symlink" | "socket" | "fifo" | "device" | "other";
  /** Permission bits in octal, e.g. "0644". */
  readonly mode: string;
  /** The number of the owner. */
  readonly uid: number;
  /** The number of the group. */
  readonly gid: number;
  /** For a file: the digest of its bytes in hex, or "-" if it was not calculated. For everything else: "-". */
  readonly sha256: string;
  /** For a symbolic link: its target. For everything else: "". */
  readonly target: string;
}

/** All files, folders and other entries of a root file system by their paths. */
export type Tree = ReadonlyMap<string, TreeEntry>;

const types: readonly string[] = [
  "file",
  "directory",
  "symlink",
  "socket",
  "fifo",
  "device",
] satisfies TreeEntry["type"][];

/** Parses the output of `tree.pl`. */
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
