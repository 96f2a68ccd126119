/**
 * How a state keeps what was there before. A state is written after each step and read by people's tools, so it has no
 * whole files where less will do: of a file in which the resource owns keys, it keeps the difference to the text that the
 * apply left. The text is whole again as long as the file is that; once somebody else has changed it, keys are undone one
 * by one in any case, and no whole text is asked for. The record on the host has the bytes themselves.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { NOTHING_BEFORE, type Previous } from "../contract/kind";
import { contentsOf, type FileState } from "../host/fileState";
import { savedContents, type SavedFile } from "../host/record";
import { sha256 } from "../values/digest";

/** A file by its difference to a text. */
interface Difference {
  /** The file's bytes, deflated with the text as the dictionary, in base64. */
  readonly difference: string;
  readonly sha256: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A text as it is, with what else a saved file has. */
interface Text {
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

type KeptFile = SavedFile | Difference | Text;

/** What {@link Previous} is in a state once it was opened: its files may need the texts on the host. */
export interface KeptPrevious {
  readonly files: Readonly<Record<string, KeptFile>>;
  readonly keys: Previous["keys"];
}

/** As a state has it: JSON, deflated, in base64. Earlier versions wrote a {@link Previous} as it is. */
export interface PackedPrevious {
  readonly deflated: string;
}

/** The files that a look has seen. */
export type Seen = ReadonlyMap<string, FileState>;

/** What is kept in a state, with the files as the apply left them; `undefined` where the resource owns nothing. */
export function packPrevious({ files, keys }: Previous, seen: Seen): PackedPrevious | undefined {
  if (Object.keys(keys).length === 0) return undefined;
  const kept = Object.entries(files).map(([path, saved]): [string, KeptFile] => {
    // A file that is owned as a whole comes back from here, whatever somebody else has made of the one on the host.
    const isWhole = keys[path] !== undefined;
    const state = isWhole ? undefined : seen.get(path);
    const now = state === undefined ? undefined : contentsOf(state);
    return [path, keptFile(saved, now)];
  });
  const text = JSON.stringify({ files: Object.fromEntries(kept), keys });
  return { deflated: deflateRawSync(text, { level: 9 }).toString("base64") };
}

function keptFile(saved: SavedFile, now: string | undefined): KeptFile {
  if (saved === null || "copy" in saved) return saved;
  const { base64: _, ...attributes } = saved;
  const text = savedContents(saved) ?? "";
  if (now === undefined || now === "") return { text, ...attributes };
  const dictionary = Buffer.from(now, "latin1");
  const difference = deflateRawSync(Buffer.from(text, "latin1"), { level: 9, dictionary });
  return { difference: difference.toString("base64"), sha256: sha256(text), ...attributes };
}

/** What a state of any version has kept. */
export function keptPrevious(value: unknown): KeptPrevious {
  if (value === undefined) return NOTHING_BEFORE;
  const { deflated } = value as Partial<PackedPrevious>;
  if (deflated === undefined) return value as Previous;
  return JSON.parse(
    inflateRawSync(Buffer.from(deflated, "base64")).toString("utf8"),
  ) as KeptPrevious;
}

/** A file that was kept; `undefined` where the file on the host is not the one that the difference is to. */
export function openKept(kept: KeptFile, now: FileState | undefined): SavedFile | undefined {
  if (kept === null) return null;
  if ("text" in kept) {
    const { text, ...attributes } = kept;
    return { base64: Buffer.from(text, "latin1").toString("base64"), ...attributes };
  }
  if (!("difference" in kept)) return kept;
  const { difference, sha256: digest, ...attributes } = kept;
  const contents = now === undefined ? undefined : contentsOf(now);
  const bytes = contents === undefined ? undefined : inflatedWith(difference, contents);
  return bytes === undefined || sha256(bytes.toString("latin1")) !== digest
    ? undefined
    : { base64: bytes.toString("base64"), ...attributes };
}

/** With another text than the one it was deflated with, a difference gives an error or other bytes. */
function inflatedWith(difference: string, text: string): Buffer | undefined {
  try {
    const dictionary = Buffer.from(text, "latin1");
    return inflateRawSync(Buffer.from(difference, "base64"), { dictionary });
  } catch {
    return undefined;
  }
}
