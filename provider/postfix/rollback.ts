/**
 * When Postfix cannot serve by a candidate that all checks let pass: what it served by before comes back. The record
 * says first what will be put back, so that a run that is cut off is finished by the next one.
 */
import { HostError } from "../host/errors";
import { contentsOf, type Expectation, type HostWriter } from "../host/host";
import { file, Look, lookAt } from "../host/look";
import { type HostRecord, type SavedFile, savedContents } from "../host/record";
import type { ActContext } from "../kind/kind";
import { sha256 } from "../values/digest";
import { isPostfixRunning, whoServes } from "./running";
import { serves } from "./served";
import { type Way, serve } from "./serving";

/** Files that were put back and that nobody has written since. */
export function stillRolledBack({ rolledBack = {} }: HostRecord): Look<readonly string[]> {
  return Look.each(Object.keys(rolledBack), file).map((files) =>
    Object.entries(files)
      .filter(([path, state]) => {
        const contents = contentsOf(state);
        return (contents === undefined ? null : sha256(contents)) === rolledBack[path];
      })
      .map(([path]) => path),
  );
}

/**
 * Puts back what served before, and has Postfix serve by it again. Returns the error for the user: what failed, what
 * was put back, and who serves now.
 */
export async function rollBack(
  host: HostWriter,
  way: Way,
  error: unknown,
  context: ActContext,
): Promise<unknown> {
  const { served, serving } = context.record;
  const changed = Object.keys(served ?? {});
  // A Postfix that has never served has nothing that is worth going back to.
  const worth = served !== undefined && changed.length > 0 && (way !== "start" || serving === true);
  if (!HostError.isInstance(error) || error.kind === "lost") return error;
  if (!worth)
    return told(host, error, [
      `Right now ${await whoServes(host, context.platform)}.`,
      "Fix what it names and run `pulumi up` again.",
    ]);
  context.progress("it failed: putting back what served before");
  try {
    const banner = await putBack(host, context);
    return told(host, error, [
      `Put back as Postfix last served by them: ${changed.join(", ")}.`,
      `Postfix serves again${banner === undefined ? "" : ` ("${banner}")`}, by what it served before; nothing of this change is in force.`,
      "Fix what it names and run `pulumi up --refresh` again, which will try again what was put back.",
    ]);
  } catch (second) {
    const why = HostError.isInstance(second) ? second.reason : String(second);
    return told(host, error, [
      `Putting back what served before (${changed.join(", ")}) failed as well: ${why}`,
      `Right now ${await whoServes(host, context.platform).catch(() => "it is unknown who serves")}.`,
      "Run `pulumi up --refresh` again: it goes on from here.",
    ]);
  }
}

/** Writes the generation that served back, and has Postfix serve by it. Returns its greeting. */
export async function putBack(host: HostWriter, context: ActContext): Promise<string | undefined> {
  const served = context.record.served ?? {};
  const digests = Object.fromEntries(
    Object.entries(served).map(([path, saved]) => {
      const contents = savedContents(saved);
      return [path, contents === null ? null : sha256(contents)];
    }),
  );
  await context.setRecord((record) => ({
    ...record,
    rolledBack: { ...record.rolledBack, ...digests },
  }));
  for (const [path, saved] of Object.entries(served)) await putFileBack(host, path, saved);
  const banner = await serve(
    host,
    context.platform,
    // A master goes on throttling a service that failed (master(8)), and half a restart may have been done.
    (await isPostfixRunning(host)) ? "restart" : "start",
  );
  await context.setRecord(serves);
  return banner;
}

async function putFileBack(host: HostWriter, path: string, saved: SavedFile): Promise<void> {
  const now = contentsOf(await lookAt(host, file(path)));
  const contents = savedContents(saved);
  const expect: Expectation = now === undefined ? { absent: true } : { sha256: sha256(now) };
  if (now === (contents ?? undefined)) return;
  const { written } =
    saved === null || contents === null
      ? await host.remove(path, expect)
      : await host.write({
          path,
          contents,
          mode: saved.mode,
          uid: saved.uid,
          gid: saved.gid,
          expect,
        });
  if (!written)
    throw new HostError("conflict", {
      host: host.address,
      during: `putting ${path} back`,
      reason: "somebody else changed it at the same time",
      changed: "yes",
      next: "Run `pulumi up` again.",
    });
}

function told(host: HostWriter, error: HostError, next: readonly string[]): HostError {
  return new HostError(error.kind, {
    host: host.address,
    during: error.during,
    reason: error.reason,
    changed: "yes",
    next: next.join("\n"),
  });
}
