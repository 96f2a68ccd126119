/** The texts of files that the judgement reads: as they are on the host, and as the plan changes them. */
import type { FileChange, JudgeContext } from "../contract/kind";
import { changeOf } from "../contract/plans";
import { type Contents } from "../host/fileState";
import { fileAt, type FileState, type HostReader, isRead } from "../host/host";
import { file, Look, lookAt } from "../host/look";

/** The text of a file by its path; `undefined` for a file that does not exist or was not looked at. */
export type TextAt = (path: string) => Contents;

/** The text of a file that a rule looks into; `undefined` also for one that is too large: of that, nothing is known. */
export function readableAt(read: TextAt, path: string): string | undefined {
  const text = read(path);
  return typeof text === "string" ? text : undefined;
}

/** Reads files of the host, in one round trip. */
export async function readFiles(host: HostReader, paths: readonly string[]): Promise<TextAt> {
  const found: Readonly<Record<string, FileState | undefined>> = await lookAt(
    host,
    Look.each(paths, file),
  );
  return (path) => textOf(found[path]);
}

function textOf(state: FileState | undefined): Contents {
  return state === undefined ? undefined : fileAt(state)?.contents;
}

/** Texts that a plan changes, as they were and as they will be; `undefined` for a file that does not exist. */
export interface Texts {
  readonly has: (path: string) => boolean;
  readonly before: TextAt;
  readonly after: TextAt;
  readonly differs: (path: string) => boolean;
}

/** The texts that the judged plan and the plans of earlier steps change. */
export function textsOf(context: JudgeContext): Texts {
  const own = (path: string): FileChange | undefined => changeOf(context.plan.changes, path);
  const after = (path: string): Contents => {
    const change = own(path);
    if (change === undefined) return textOf(context.predicted(path));
    if (change.change !== "write") return undefined;
    return change.expected ?? change.contents;
  };
  const before = (path: string): Contents => {
    const found = context.found(path) ?? own(path)?.found;
    return found !== undefined && isRead(found) ? textOf(found) : undefined;
  };
  const has = (path: string): boolean =>
    own(path) !== undefined || context.predicted(path) !== undefined;
  return { has, before, after, differs: (path) => has(path) && before(path) !== after(path) };
}
