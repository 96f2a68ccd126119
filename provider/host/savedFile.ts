/**
 * A file as it was before a change. The record holds the bytes of small texts itself. For a database, and for a large text,
 * it names a copy in its folder on the host, by the digest of the bytes: nothing of that size is carried, or kept in a state.
 */
import { sha256 } from "../values/digest";
import { carried, contentsOf, digestOf, fileAt, type FileState, type FoundFile } from "./fileState";
import type { HostReader, HostWriter } from "./host";
import { digest as digestLook, file, list, Look, lookAt } from "./look";
import { RECORD_FOLDER } from "./recordPaths";

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The text of a copy, once it was read: under a symbol, because it must never get into the record or a state. */
const TEXT = Symbol("text of the copy");

interface InRecord extends Attributes {
  readonly base64: string;
}

interface KeptCopy extends Attributes {
  /** The SHA-256 of the bytes, which is also the name of the copy. */
  readonly copy: string;
  readonly size: number;
  readonly [TEXT]?: string;
}

/** A saved file; `null` when there was none. */
export type SavedFile = InRecord | KeptCopy | null;

/** The largest text that is saved in the record, and with it in the states of Pulumi. */
const MAX_IN_RECORD = 1024 * 1024;

export const COPIES = `${RECORD_FOLDER}/copies`;

/** The copy that the text of a file was saved in is gone, or is not what was saved. */
export class CopyLost extends Error {
  override readonly name = "CopyLost";
  readonly path: string;
  readonly reason =
    "holds a file as it was before the first change, and is gone or damaged. " +
    "Put it back from a backup of the host, or take the resource out of the state (pulumi state delete)";

  constructor({ copy }: KeptCopy) {
    super(`the copy ${COPIES}/${copy} is gone or damaged`);
    this.path = `${COPIES}/${copy}`;
  }
}

/**
 * Saves the file at a path or at the end of its links.
 *
 * @param inRecord how large a text may be that is saved in the record
 */
export function savedFile(state: FoundFile, inRecord = MAX_IN_RECORD): SavedFile {
  const found = fileAt(state);
  if (found === undefined) return null;
  const { mode, uid, gid, size } = found;
  if (!("contents" in found)) return { copy: found.sha256, size, mode, uid, gid };
  const contents = carried(found.contents) ?? "";
  return contents.length > inRecord
    ? { copy: sha256(contents), size, mode, uid, gid }
    : { base64: Buffer.from(contents, "latin1").toString("base64"), mode, uid, gid };
}

/**
 * The text of a saved file; `null` where there was none.
 *
 * @throws CopyLost for a copy whose text could not be read
 */
export function savedContents(saved: SavedFile): string | null {
  if (saved === null) return null;
  if ("base64" in saved) return Buffer.from(saved.base64, "base64").toString("latin1");
  if (saved[TEXT] === undefined) throw new CopyLost(saved);
  return saved[TEXT];
}

/** The SHA-256 of a saved file; `null` where there was none. */
export function savedDigest(saved: SavedFile): string | null {
  if (saved === null) return null;
  return "copy" in saved ? saved.copy : sha256(savedContents(saved) ?? "");
}

/** What to write for a saved file: its bytes, or the copy that has them. */
export function savedBytes(
  saved: NonNullable<SavedFile>,
): { readonly contents: string } | { readonly from: string; readonly sha256: string } {
  return "copy" in saved
    ? { from: `${COPIES}/${saved.copy}`, sha256: saved.copy }
    : { contents: savedContents(saved) ?? "" };
}

/** Is there no text to compare or to write, only a copy on the host? */
export function isUnreadCopy(saved: SavedFile): saved is KeptCopy {
  return saved !== null && "copy" in saved && saved[TEXT] === undefined;
}

/** Saved files by their paths, with the texts of copies that are read from the host. */
export async function withTexts(
  host: HostReader,
  saved: Readonly<Record<string, SavedFile>>,
): Promise<Readonly<Record<string, SavedFile>>> {
  const copies = Object.entries(saved).filter((one): one is [string, KeptCopy] =>
    isUnreadCopy(one[1]),
  );
  if (copies.length === 0) return saved;
  const names = [...new Set(copies.map(([, { copy }]) => copy))];
  const found = await lookAt(
    host,
    Look.each(names, (name) => file(`${COPIES}/${name}`)),
  );
  const read = copies.map(([path, kept]) => {
    const text = textOf(found[kept.copy]);
    return text === undefined || sha256(text) !== kept.copy
      ? [path, kept]
      : [path, { ...kept, [TEXT]: text }];
  });
  return { ...saved, ...(Object.fromEntries(read) as Record<string, SavedFile>) };
}

function textOf(state: FileState | undefined): string | undefined {
  return state === undefined ? undefined : contentsOf(state);
}

/** Makes the copies that these saved files need, of files that are as they were when they were saved. */
export async function makeCopies(
  host: HostWriter,
  saved: readonly (readonly [path: string, saved: SavedFile])[],
): Promise<void> {
  const wanted = new Map(
    saved.flatMap(([path, one]) =>
      one !== null && "copy" in one ? [[one.copy, path] as const] : [],
    ),
  );
  if (wanted.size === 0) return;
  await host.makeDirectory(COPIES, 0o700);
  // A copy may be there already: for another file with the same bytes, or from before the record was lost.
  const there = await lookAt(
    host,
    Look.each([...wanted.keys()], (name) => digestLook(`${COPIES}/${name}`)),
  );
  for (const [digest, from] of wanted) {
    const found = there[digest];
    if (found !== undefined && digestOf(found) === digest) continue;
    await host.write({
      ...{ path: `${COPIES}/${digest}`, from, sha256: digest },
      ...{ mode: 0o600, uid: 0, gid: 0, expect: { anything: true } },
    });
  }
}

/** Removes all copies but those that are needed. */
export async function dropCopies(host: HostWriter, needed: readonly SavedFile[]): Promise<void> {
  const keep = new Set(needed.map(savedCopy));
  for (const name of (await lookAt(host, list(COPIES))) ?? [])
    if (!keep.has(name)) await host.remove(`${COPIES}/${name}`, { anything: true });
}

/** The name of the copy; `undefined` for a file that needs none. */
export function savedCopy(saved: SavedFile): string | undefined {
  return saved !== null && "copy" in saved ? saved.copy : undefined;
}
