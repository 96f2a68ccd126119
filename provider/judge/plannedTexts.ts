/** The texts of files that the judgement reads: as they are on the host, and as the plan changes them. */
import type { FileChange, JudgeContext } from "../contract/kind";
import { changeOf } from "../contract/plans";
import { contentsOf, type FileState, type HostReader } from "../host/host";
import { file, Look, lookAt } from "../host/look";

/** The text of a file by its path; `undefined` for a file that does not exist or was not looked at. */
export type TextAt = (path: string) => string | undefined;

/** Reads files of the host, in one round trip. */
export async function readFiles(host: HostReader, paths: readonly string[]): Promise<TextAt> {
  const found: Readonly<Record<string, FileState | undefined>> = await lookAt(
    host,
    Look.each(paths, file),
  );
  return (path) => textOf(found[path]);
}

/** The text of a file; empty for one that is too large to be carried, so that it still counts as existing. */
function textOf(state: FileState | undefined): string | undefined {
  return state === undefined ? undefined : contentsOf(state);
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
  const after = (path: string): string | undefined => {
    const change = own(path);
    if (change === undefined) return textOf(context.predicted(path));
    return change.change === "write" ? change.contents : undefined;
  };
  const before = (path: string): string | undefined =>
    textOf(context.found(path) ?? own(path)?.found);
  const has = (path: string): boolean =>
    own(path) !== undefined || context.predicted(path) !== undefined;
  return { has, before, after, differs: (path) => has(path) && before(path) !== after(path) };
}
