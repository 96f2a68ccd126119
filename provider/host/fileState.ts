/**
 * What is at a path of a host, as far as a look has asked for it. A file whose bytes are not carried is another thing than
 * an empty file and than no file, and has a type of its own: no code can take it for text.
 */

import { sha256 } from "../values/digest";

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A regular file of which only `lstat(2)` was asked. */
interface SeenFile extends Attributes {
  readonly type: "file";
  readonly size: number;
}

/** A regular file of which the digest was asked. */
interface DigestedFile extends SeenFile {
  readonly sha256: string;
}

/** A regular file of which the contents were asked. */
interface ReadFile extends SeenFile {
  /** Bytes: latin1, one character for each byte. */
  readonly contents: string | TooLarge;
  /** Of contents that are carried. */
  readonly sha256?: string;
}

/** In the place of contents of more than {@link MAX_TEXT} bytes, which are not carried. */
export interface TooLarge {
  /** The path of the file, behind all links. */
  readonly tooLarge: string;
  readonly size: number;
}

/** The contents of a file, if there is one, and if they are carried. */
export type Contents = string | TooLarge | undefined;

/** What is at a path, by `lstat(2)`; `F` is what is known of a regular file. */
type PathState<F> =
  | { readonly type: "absent" }
  | F
  | ({ readonly type: "directory" } & Attributes)
  | {
      readonly type: "symlink";
      readonly target: string;
      /** The path at the end of the chain of links; absent when nothing is there. */
      readonly resolved?: string;
      /** What is at that path. */
      readonly file?: PathState<F>;
    }
  | ({ readonly type: "other" } & Attributes);

export type FileStat = PathState<SeenFile>;
export type FileDigest = PathState<DigestedFile>;
export type FileState = PathState<ReadFile>;

/** A file of which the contents were asked, or only their digest. */
export type FoundFile = FileState | FileDigest;

/** The largest file whose contents are carried to this process. */
export const MAX_TEXT = 64 * 1024 * 1024;

/** The contents of a file were needed, and it is too large for them to be carried. */
export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
  readonly path: string;
  readonly reason: string;

  constructor({ tooLarge: path, size }: TooLarge) {
    const reason =
      `has ${megabytes(size)}, and a file of more than ${megabytes(MAX_TEXT)} is neither read nor changed. ` +
      "Split it into several files, or take it out of the program and leave it to other means";
    super(`${path} ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}

/** A size in words, rounded up, so that a file over a limit never reads as one at the limit. */
function megabytes(size: number): string {
  return `${Math.ceil((size * 10) / (1024 * 1024)) / 10} MB`;
}

/** The regular file at a path or at the end of its links. */
export function fileAt<F extends { readonly type: "file" }>(state: PathState<F>): F | undefined {
  const end = state.type === "symlink" ? state.file : state;
  return end?.type === "file" ? end : undefined;
}

/** Were the contents of a file asked, not only their digest? */
export function isRead(state: FoundFile): state is FileState {
  const file = fileAt<ReadFile | DigestedFile>(state);
  return file === undefined || "contents" in file;
}

/** The SHA-256 of {@link fileAt}; `undefined` where there is no file. */
export function digestOf(state: FoundFile): string | undefined {
  const file = fileAt<ReadFile | DigestedFile>(state);
  if (file === undefined || !("contents" in file)) return file?.sha256;
  return file.sha256 ?? sha256(carried(file.contents) ?? "");
}

/**
 * The contents of {@link fileAt}; `undefined` where there is no file.
 *
 * @throws FileTooLarge for a file whose contents are not carried
 */
export function contentsOf(state: FileState): string | undefined {
  return carried(fileAt(state)?.contents);
}

/**
 * Contents that are needed, whatever their size.
 *
 * @throws FileTooLarge for contents that are not carried
 */
export function carried(contents: Contents): string | undefined {
  if (contents === undefined || typeof contents === "string") return contents;
  throw new FileTooLarge(contents);
}
