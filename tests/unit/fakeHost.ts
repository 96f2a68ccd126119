/** A host that answers looks from what a test says it has. */
import type { Fact, FileState } from "../../provider/host/host";
import { type AnswerTo, type Look, take } from "../../provider/host/look";
import { type HostRecord, RECORD_PATH, recordFile } from "../../provider/host/record";
import { sha256 } from "../../provider/values/digest";

export const ABSENT: FileState = { type: "absent" };

export function file(
  contents: string,
  attributes: { readonly mode?: number; readonly uid?: number } = {},
): FileState {
  const { mode = 0o644, uid = 0 } = attributes;
  const digest = sha256(contents);
  return { type: "file", mode, uid, gid: 0, contents, sha256: digest, size: contents.length };
}

/** What a test host has; what is not named is not there. */
export interface Has {
  readonly files?: Readonly<Record<string, FileState>>;
  readonly record?: HostRecord;
  /** The numbers of its users. */
  readonly users?: Readonly<Record<string, number>>;
  /** What programs print, by a text that their words hold; the first that fits. */
  readonly prints?: readonly (readonly [string, string])[];
}

/** Takes a look at such a host. */
export function seen<T>(look: Look<T>, has: Has): Promise<T> {
  const answer = (fact: Fact): unknown => {
    if (fact.fact === "file" || fact.fact === "digest" || fact.fact === "stat") {
      if (fact.path === RECORD_PATH && has.record) return recordFile(has.record);
      return has.files?.[fact.path] ?? ABSENT;
    }
    if (fact.fact === "user") {
      const uid = has.users?.[fact.name];
      return uid === undefined ? null : { uid, gid: uid };
    }
    if (fact.fact !== "probe") return null;
    const words = fact.argv.join(" ");
    const stdout = has.prints?.find(([part]) => words.includes(part))?.[1];
    return { exitCode: stdout === undefined ? 1 : 0, stdout: stdout ?? "", stderr: "" };
  };
  return take(look, () => Promise.resolve(answer as AnswerTo));
}
