/**
 * Rolling back: when Postfix cannot serve by new files although they have passed all checks, the files by which it last
 * served are put back. The record says so before the first file is written, so that an interrupted run can be finished.
 */
import type { ActContext } from "../contract/kind";
import { HostError } from "../host/errors";
import { writeSaved } from "../contract/wholeFile";
import { digestOf, type HostWriter } from "../host/host";
import { digest, Look, lookAt } from "../host/look";
import { type HostRecord, unsettledAgain } from "../host/record";
import { savedDigest, type SavedFile } from "../host/savedFile";
import { mapValues } from "../values/json";
import { serves } from "./lastServed";
import { isPostfixRunning, whoServes } from "./running";
import { type Way, serve } from "./serving";

/** The paths of files that were put back, and that nobody has written since. */
export function stillRolledBack({ rolledBack = {} }: HostRecord): Look<readonly string[]> {
  return Look.each(Object.keys(rolledBack), digest).map((files) =>
    Object.entries(files)
      .filter(([path, state]) => (digestOf(state) ?? null) === rolledBack[path])
      .map(([path]) => path),
  );
}

/**
 * Puts the files back by which Postfix last served, and has it serve by them again. Returns the error for the user: what
 * failed, which files were put back, and who serves mail now.
 */
export async function rollBack(
  host: HostWriter,
  way: Way,
  error: unknown,
  context: ActContext,
  arm: () => Promise<string | undefined>,
): Promise<unknown> {
  const { served, serving } = context.record;
  const changed = Object.keys(served ?? {});
  // If Postfix did not serve before, its former files are no better than the new ones.
  const canGoBack =
    served !== undefined && changed.length > 0 && (way !== "start" || serving === true);
  if (!HostError.isInstance(error) || error.kind === "lost") return error;
  if (!canGoBack)
    return withOutcome(host, error, [
      `Right now ${await whoServes(host, context.platform)}.`,
      ...[await arm()].flatMap((what) => what ?? []),
      "Fix what the error names and run `pulumi up` again.",
    ]);
  context.progress(
    "Postfix does not serve by the new files: putting back those by which it served",
  );
  try {
    // The time for the proof begins anew: going back takes as long as the change itself.
    await arm();
    const banner = await putBack(host, context);
    await host.disarm();
    return withOutcome(host, error, [
      `These files were put back as they were when Postfix last served: ${changed.join(", ")}.`,
      `Postfix serves again${banner === undefined ? "" : ` ("${banner}")`} by its former files; nothing of this change is in force.`,
      "Fix what the error names and run `pulumi up --refresh`, which tries this change again.",
    ]);
  } catch (second) {
    const why = HostError.isInstance(second) ? second.reason : String(second);
    return withOutcome(host, error, [
      `Putting back the files by which Postfix last served (${changed.join(", ")}) failed as well: ${why}`,
      `Right now ${await whoServes(host, context.platform).catch(() => "it is unknown who serves")}.`,
      "Run `pulumi up --refresh`: it goes on with putting them back.",
    ]);
  }
}

/** Puts back the files by which Postfix last served, and has it serve by them. Returns its greeting. */
export async function putBack(host: HostWriter, context: ActContext): Promise<string | undefined> {
  const served = context.record.served ?? {};
  const digests = mapValues(served, savedDigest);
  await context.setRecord((record) => ({
    ...unsettledAgain(record, record.servedKeys ?? {}, digests),
    rolledBack: { ...record.rolledBack, ...digests },
  }));
  for (const [path, saved] of Object.entries(served)) await putFileBack(host, path, saved);
  const banner = await serve(
    host,
    context.platform,
    // No reload: master(8) goes on throttling a service that has failed, and an interrupted restart may have left it half done.
    (await isPostfixRunning(host)) ? "restart" : "start",
    context.warn,
  );
  await context.setRecord(serves);
  return banner;
}

async function putFileBack(host: HostWriter, path: string, saved: SavedFile): Promise<void> {
  const now = digestOf(await lookAt(host, digest(path)));
  if ((now ?? null) === savedDigest(saved)) return;
  await writeSaved(host, path, saved, now === undefined ? { absent: true } : { sha256: now });
}

/** The error with another advice to the user: what was done about it, and what to do next. */
function withOutcome(host: HostWriter, error: HostError, next: readonly string[]): HostError {
  return new HostError(error.kind, {
    host: host.address,
    during: error.during,
    reason: error.reason,
    changed: "yes",
    next: next.join("\n"),
  });
}
