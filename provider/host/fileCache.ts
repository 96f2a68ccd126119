/**
 * The contents of files that have passed the line. The agent remembers them too, and sends a file that is still so by its
 * digest alone: each look at a host reads the record, and most looks find the files as the one before did. Of a file that
 * is written, only what is other than before is sent.
 */
import type { FileState } from "./fileState";
import { equal } from "../values/json";
import { jsdiff } from "../values/jsdiff";
import { dictionaryOf } from "./agentAnswers";
import { WireError, type WireValue } from "./wire";

type Dictionary = { readonly [key: string]: WireValue };

/** Bytes of all files that are kept: MAX_KEPT of agent.pl. A host that wants far more to be kept is not believed. */
const MAX_KEPT = 8 * 1024 * 1024;

/** Characters of all large files that this process remembers, of whichever connections. */
const MAX_LARGE = 64 * 1024 * 1024;

type FoundFile = Extract<FileState, { readonly type: "file" }>;

/** A large file that has passed the line. */
interface Large {
  readonly sha256: string;
  readonly contents: string;
  /** As it was last found. */
  found?: FoundFile;
}

/**
 * Files of which the agent sends only the digest, and which it asks nobody to keep. Those that have passed the line last, by
 * connection and path: by their digests alone, a host could name what another one has.
 */
const large = new Map<string, Large>();

function rememberLarge(id: string, file: Large): void {
  large.delete(id);
  large.set(id, file);
  let total = 0;
  for (const { contents } of large.values()) total += contents.length;
  for (const [oldest, { contents }] of large) {
    if (total <= MAX_LARGE) break;
    total -= contents.length;
    large.delete(oldest);
  }
}

let connections = 0;

/** What was last kept of a file. */
interface Kept {
  readonly sha256: WireValue | undefined;
  readonly contents: string;
}

/** A part of a file, and the bytes that come in its place. */
interface Splice {
  readonly at: number;
  readonly drop: number;
  readonly contents: string;
}

/** The files of one connection. The agent decides what is kept (`keep` of agent.pl), so that both know the same. */
export class FileCache {
  readonly #files = new Map<string, Kept>();
  readonly #connection = (connections += 1);

  /**
   * The answers to facts with their contents put in. Answers must come here in the order in which they were sent.
   *
   * @throws WireError for a file that was never kept
   */
  restored(answers: WireValue): WireValue {
    const entries = Object.entries(dictionaryOf(answers, "the facts"));
    return Object.fromEntries(entries.map(([name, answer]) => [name, this.#withContents(answer)]));
  }

  /** Notes the contents of a write, if the agent's answer says so. Returns that answer. */
  written(answer: WireValue, contents: string): WireValue {
    if (!isDictionary(answer)) return answer;
    const { keep, unkept, sha256 } = answer;
    if (typeof unkept === "string") this.#files.delete(unkept);
    if (typeof keep === "string") this.#keep(keep, sha256, contents);
    return answer;
  }

  /** A large file with the contents that have passed the line, where it still has them. */
  large(path: string, state: FoundFile): FoundFile | undefined {
    const known = large.get(this.#large(path));
    if (known === undefined || known.sha256 !== state.sha256) return undefined;
    const found = { ...state, contents: known.contents };
    // The same object as before, where it is the same: what was made of it is remembered by it.
    if (!equal(known.found, found)) known.found = found;
    return known.found;
  }

  /** Notes the contents of a large file that have passed the line. */
  passed(path: string, sha256: string, contents: string, found?: FoundFile): void {
    rememberLarge(this.#large(path), { sha256, contents, ...(found && { found }) });
  }

  #large(path: string): string {
    return `${this.#connection} ${path}`;
  }

  /**
   * What is to be sent of new contents in place of a file that has a digest: the parts that differ, in their order; or, where
   * that is not less, all of them.
   */
  toSend(
    path: string,
    sha256: string | undefined,
    contents: string,
  ): { readonly contents: string } | { readonly splices: readonly WireValue[] } {
    const known = [this.#files.get(path), large.get(this.#large(path))].find(
      (one) => one !== undefined && one.sha256 === sha256,
    );
    if (known === undefined) return { contents };
    const splices = splicesOf(known.contents, contents);
    const size = splices.reduce((sum, splice) => sum + splice.contents.length, 0);
    return size < contents.length / 2
      ? { splices: splices.map((one) => ({ ...one })) }
      : { contents };
  }

  /** @throws WireError where that would be too much */
  #keep(path: string, sha256: WireValue | undefined, contents: string): void {
    this.#files.set(path, { sha256, contents });
    // Each has a name as well, so that as many empty files as one likes are too much too.
    let total = 0;
    for (const [name, kept] of this.#files) total += name.length + kept.contents.length;
    if (total > 2 * MAX_KEPT) throw new WireError(`the agent wants ${total} bytes to be kept`);
  }

  #withContents(answer: WireValue): WireValue {
    if (!isDictionary(answer)) return answer;
    if (answer.type === "symlink" && answer.file !== undefined)
      return { ...answer, file: this.#withContents(answer.file) };
    const { keep, kept, unkept, ...file } = answer;
    if (typeof unkept === "string") this.#files.delete(unkept);
    if (typeof keep === "string" && typeof file.contents === "string")
      // A copy of its own: a part of the answer's text would hold all of that in memory.
      this.#keep(keep, file.sha256, Buffer.from(file.contents, "latin1").toString("latin1"));
    if (typeof kept !== "string") return file;
    const known = this.#files.get(kept);
    if (known === undefined || known.sha256 !== file.sha256)
      throw new WireError(`the agent's answer lacks the contents of ${kept}`);
    return { ...file, contents: known.contents };
  }
}

/** In two texts that differ in more lines, no parts are looked for: to find them takes the square of their number. */
const MAX_EDITS = 500;

/** So many lines from a difference on are compared, and four times as many where they have nothing in common. */
const WINDOW = 256;

/**
 * The lines in which two texts differ. A change of the record touches a few of its places: its first line, which is a digest
 * of the rest, what is owned, and revisions. Texts may be long, so only the lines around a difference are told apart.
 */
export function splicesOf(former: string, contents: string): readonly Splice[] {
  const splices: Splice[] = [];
  let [at, to] = [0, 0];
  let edits = 0;
  for (let window = WINDOW; ;) {
    const same = commonLines(former, at, contents, to);
    at += same;
    to += same;
    if (at === former.length && to === contents.length) return splices;
    const [old, now] = [linesFrom(former, at, window), linesFrom(contents, to, window)];
    const parts = jsdiff().diffArrays([...old.lines], [...now.lines], {
      maxEditLength: MAX_EDITS - edits,
    });
    if (parts === undefined) break;
    const isEnd = old.end === former.length && now.end === contents.length;
    const stop = isEnd ? parts.length : longestCommon(parts);
    if (stop === undefined) {
      window *= 4;
      continue;
    }
    window = WINDOW;
    for (const { added, removed, value } of parts.slice(0, stop)) {
      const text = value.join("");
      if (removed) splices.push({ at, drop: text.length, contents: "" });
      else if (added) splices.push({ at, drop: 0, contents: text });
      if (!added) at += text.length;
      if (!removed) to += text.length;
      if (added || removed) edits += value.length;
    }
    if (edits >= MAX_EDITS) break;
  }
  return [...splices, { at, drop: former.length - at, contents: contents.slice(to) }];
}

/** How many bytes are the same in both texts from two places on, in whole lines. */
function commonLines(former: string, at: number, contents: string, to: number): number {
  const longest = Math.min(former.length - at, contents.length - to);
  const isSame = (from: number, size: number): boolean =>
    former.slice(at + from, at + from + size) === contents.slice(to + from, to + from + size);
  let found = 0;
  // In steps that double as long as nothing differs, and then in halves, so that hardly a byte is compared twice.
  for (let size = WINDOW; found < longest; size *= 2) {
    const step = Math.min(size, longest - found);
    if (isSame(found, step)) {
      found += step;
      continue;
    }
    for (let half = step; half > 1;) {
      half = Math.ceil(half / 2);
      if (found + half <= longest && isSame(found, half)) found += half;
    }
    break;
  }
  const isWhole = at + found === former.length && to + found === contents.length;
  if (isWhole || found === 0) return found;
  return former.lastIndexOf("\n", at + found - 1) + 1 - at;
}

/** So many lines of a text from a place on, and where they end. */
function linesFrom(
  text: string,
  from: number,
  count: number,
): { readonly lines: readonly string[]; readonly end: number } {
  const lines: string[] = [];
  let end = from;
  while (lines.length < count && end < text.length) {
    const next = text.indexOf("\n", end) + 1 || text.length;
    lines.push(text.slice(end, next));
    end = next;
  }
  return { lines, end };
}

/** The index of the longest part that both texts have; `undefined` where there is none. */
function longestCommon(
  parts: readonly { readonly added: boolean; readonly removed: boolean; readonly count: number }[],
): number | undefined {
  let longest: number | undefined;
  for (const [index, { added, removed, count }] of parts.entries())
    if (!added && !removed && count > (longest === undefined ? 0 : (parts[longest]?.count ?? 0)))
      longest = index;
  return longest;
}

function isDictionary(value: WireValue): value is Dictionary {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
