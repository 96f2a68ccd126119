/**
 * What the record says of the running Postfix: the changes that it does not serve by yet, and the contents of its files
 * when it last served, so that a change by which it cannot serve can be rolled back.
 */
import type { Plan } from "../contract/kind";
import type { FoundFile } from "../host/host";
import { type HostRecord, savedFile } from "../host/record";

type Pending = NonNullable<HostRecord["pending"]>;

/** The record with what a plan makes necessary: a reload or restart of Postfix. For the driver's `Service.noteUntold`. */
export function noteUntold(
  record: HostRecord,
  { changes, tells }: Plan,
  files: Readonly<Record<string, FoundFile>>,
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
 * Keeps the contents that Postfix's files, and the databases beside them, had when Postfix last served: a file still has
 * them when the first change since then is made. A file that was put back and is written again no longer counts as put
 * back.
 */
function changedSinceServed(
  record: HostRecord,
  changes: Plan["changes"],
  files: Readonly<Record<string, FoundFile>>,
  because: readonly string[],
): HostRecord {
  const isPostfixs = (path: string): boolean =>
    because.some((file) => path === file || path.startsWith(`${file}.`));
  const written = new Map(
    changes.flatMap((change) =>
      change.change === "act" ? [] : [[change.path, change.found] as const],
    ),
  );
  const served = { ...record.served };
  const servedKeys = { ...record.servedKeys };
  for (const [path, state] of [...written, ...Object.entries(files)]) {
    if (!isPostfixs(path) || served[path] !== undefined) continue;
    served[path] = savedFile(state);
    for (const [key, entry] of Object.entries(record.keys))
      if (entry.file === path) servedKeys[key] = entry;
  }
  const { rolledBack = {}, ...rest } = record;
  const stillRolledBack = Object.entries(rolledBack).filter(([path]) => !written.has(path));
  return {
    ...rest,
    ...(Object.keys(served).length > 0 ? { served } : {}),
    ...(Object.keys(servedKeys).length > 0 ? { servedKeys } : {}),
    ...(stillRolledBack.length > 0 ? { rolledBack: Object.fromEntries(stillRolledBack) } : {}),
  };
}

/** The record of a Postfix that serves by all of its files as they are. */
export function serves(record: HostRecord): HostRecord {
  const { pending: _pending, served: _served, servedKeys: _servedKeys, ...rest } = record;
  return { ...rest, serving: true };
}

/** The record in which no file counts as put back any more. */
export function withoutRollback(record: HostRecord): HostRecord {
  const { rolledBack: _, ...rest } = record;
  return rest;
}
