/**
 * The contents of files that have passed the line. The agent remembers them too, and sends a file that is still so by its
 * digest alone: each look at a host reads the record, and most looks find the files as the one before did. Of a file that
 * is written, only what is other than before is sent.
 */
import { jsdiff } from "../values/jsdiff";
import { dictionaryOf } from "./agentAnswers";
import { WireError, type WireValue } from "./wire";

type Dictionary = { readonly [key: string]: WireValue };

/** Bytes of all files that are kept: MAX_KEPT of agent.pl. A host that wants far more to be kept is not believed. */
const MAX_KEPT = 8 * 1024 * 1024;

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

  /**
   * What is to be sent of new contents in place of a file that has a digest: the parts that differ, in their order; or, where
   * that is not less, all of them.
   */
  toSend(
    path: string,
    sha256: string | undefined,
    contents: string,
  ): { readonly contents: string } | { readonly splices: readonly WireValue[] } {
    const known = this.#files.get(path);
    if (known === undefined || known.sha256 !== sha256) return { contents };
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

/**
 * The lines in which two texts differ. A change of the record touches a few of its places: its first line, which is a digest
 * of the rest, what is owned, and revisions.
 */
function splicesOf(former: string, contents: string): readonly Splice[] {
  const [old, now] = [former, contents].map((text) => text.split(/(?<=\n)/)) as [
    string[],
    string[],
  ];
  const parts = jsdiff().diffArrays(old, now, { maxEditLength: MAX_EDITS });
  if (parts === undefined) return [{ at: 0, drop: former.length, contents }];
  const splices: Splice[] = [];
  let at = 0;
  for (const { added, removed, value } of parts) {
    const text = value.join("");
    if (removed) splices.push({ at, drop: text.length, contents: "" });
    else if (added) splices.push({ at, drop: 0, contents: text });
    if (!added) at += text.length;
  }
  return splices;
}

function isDictionary(value: WireValue): value is Dictionary {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
