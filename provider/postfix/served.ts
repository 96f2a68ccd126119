/**
 * What the record says of the running Postfix: what Postfix has not been told yet, and what stood in its files when it
 * last served, so that a change by which it cannot serve can be put back.
 */
import type { FileState } from "../host/host";
import { type HostRecord, savedFile } from "../host/record";
import type { Plan } from "../kind/kind";

type Pending = NonNullable<HostRecord["pending"]>;

/** The record with what Postfix must be told after a plan, see the driver's `Service.noteUntold`. */
export function noteUntold(
  record: HostRecord,
  { changes, tells }: Plan,
  files: Readonly<Record<string, FileState>>,
): HostRecord {
  if (changes.length === 0 || tells === undefined) return record;
  const pending = merged(record.pending, tells);
  return changedSinceServed({ ...record, pending }, changes, files, tells.because);
}

function merged(left: HostRecord["pending"], right: Pending): Pending {
  if (!left) return right;
  return {
    need: left.need === "restart" || right.need === "restart" ? "restart" : "reload",
    because: [...new Set([...left.because, ...right.because])],
  };
}

/**
 * Keeps what stood in Postfix's files, databases beside them included, when Postfix last served: the first change since
 * then finds it. A file that was put back and is now written again counts as put back no longer.
 */
function changedSinceServed(
  record: HostRecord,
  changes: Plan["changes"],
  files: Readonly<Record<string, FileState>>,
  told: readonly string[],
): HostRecord {
  const concerns = (path: string): boolean =>
    told.some((one) => path === one || path.startsWith(`${one}.`));
  const written = new Map(
    changes.flatMap((change) =>
      change.change === "act" ? [] : [[change.path, change.found] as const],
    ),
  );
  const served = { ...record.served };
  for (const [path, state] of [...written, ...Object.entries(files)])
    if (concerns(path) && served[path] === undefined) served[path] = savedFile(state);
  const { rolledBack = {}, ...rest } = record;
  const stillRolledBack = Object.entries(rolledBack).filter(([path]) => !written.has(path));
  return {
    ...rest,
    ...(Object.keys(served).length > 0 ? { served } : {}),
    ...(stillRolledBack.length > 0 ? { rolledBack: Object.fromEntries(stillRolledBack) } : {}),
  };
}

/** The running Postfix has been told everything, and serves. */
export function serves(record: HostRecord): HostRecord {
  const { pending: _pending, served: _served, ...rest } = record;
  return { ...rest, serving: true };
}

/** No file counts as put back any more. */
export function withoutRollback(record: HostRecord): HostRecord {
  const { rolledBack: _, ...rest } = record;
  return rest;
}
