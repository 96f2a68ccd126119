/** The texts that are judged: of files as they stand, and of those that the plan changes. */
import { contentsOf, type FileState, type HostReader } from "../host/host";
import { file, Look, lookAt } from "../host/look";
import type { JudgeContext } from "../kind/kind";

/** The text of a file by its path; `undefined` for a file that is not there or was not looked at. */
export type TextAt = (path: string) => string | undefined;

/** Reads files of the host, in one round trip. */
export async function readFiles(host: HostReader, paths: readonly string[]): Promise<TextAt> {
  const found: Readonly<Record<string, FileState | undefined>> = await lookAt(
    host,
    Look.each(paths, file),
  );
  return (path) => textOf(found[path]);
}

/** The text behind a path; a file that is too large to be carried is there all the same. */
function textOf(state: FileState | undefined): string | undefined {
  return state === undefined ? undefined : contentsOf(state);
}

/** Texts that the plan changes, as they were and as they will be; `undefined` for what is not there. */
export interface Texts {
  readonly has: (path: string) => boolean;
  readonly before: (path: string) => string | undefined;
  readonly after: (path: string) => string | undefined;
  readonly differs: (path: string) => boolean;
}

/** The texts that this plan changes, and those that the plans of earlier steps change. */
export function textsOf(context: JudgeContext): Texts {
  const own = new Map(
    context.plan.changes.flatMap((change) =>
      change.change === "act" ? [] : [[change.path, change] as const],
    ),
  );
  const after = (path: string): string | undefined => {
    const change = own.get(path);
    if (change === undefined) return textOf(context.predicted(path));
    return change.change === "write" ? change.contents : undefined;
  };
  const before = (path: string): string | undefined =>
    textOf(context.found(path) ?? own.get(path)?.found);
  const has = (path: string): boolean => own.has(path) || context.predicted(path) !== undefined;
  return { has, before, after, differs: (path) => has(path) && before(path) !== after(path) };
}
