/**
 * The database beside a lookup table's text: it is compared with the text by its contents, rebuilt where they differ, and
 * restored with the text. A kind takes {@link databaseLook} into its look, plans with {@link planDatabase}, and undoes
 * with {@link restoreDatabase}.
 */
import type { Change, Plan, RestoreContext } from "../contract/kind";
import { restoreWholeFile } from "../contract/wholeFile";
import type { Bytes } from "../formats/bytes";
import { digestOf, type FileDigest } from "../host/host";
import { digest, Look, probe } from "../host/look";
import { savedContents } from "../host/record";
import { type DatabaseTask, performTask } from "./databaseBuild";
import { type DatabaseTable, stagedFiles } from "./databaseTable";
import { PROGRAMS, SAMPLES } from "./paths";
import { databasePath } from "./tableTypes";

/** A table's database on the host. */
export interface SeenDatabase {
  readonly file: FileDigest;
  /** The keys and values in the database; `null` when it is missing or cannot be read. */
  readonly stored: ReadonlyMap<Bytes, Bytes> | null;
  /** `stored` is only the beginning: the database is too large to be read in whole. */
  readonly partial: boolean;
  /** Files that an interrupted build has left behind. */
  readonly leftovers: readonly (readonly [string, FileDigest])[];
}

/**
 * The keys and values that the tool makes of a text. Versions and builds of Postfix read some texts in different ways:
 * there is one map for each reading.
 */
export type Compiled = readonly ReadonlyMap<Bytes, Bytes>[];

export function databaseLook(table: DatabaseTable): Look<SeenDatabase> {
  const [text, database] = stagedFiles(table);
  return Look.all({
    file: digest(databasePath(table)),
    // The tools need a main.cf, though they use nothing of it here. The host's own main.cf may be missing or wrong.
    stored: probe([PROGRAMS[table.tool], "-c", SAMPLES, "-s", `${table.type}:${table.path}`], {
      // Without a database the tool ends with a fatal error, before which Postfix's tools sleep for a second.
      onlyWith: databasePath(table),
    }),
    leftText: digest(text),
    leftDatabase: digest(database),
  }).map(({ file: found, stored, leftText, leftDatabase }) => {
    const read = found.type !== "absent" && !("notFound" in stored) && stored.exitCode === 0;
    return {
      file: found,
      stored: read ? entriesOf(table, stored.stdout, stored.truncated) : null,
      partial: read && stored.truncated,
      leftovers: [[text, leftText] as const, [database, leftDatabase] as const].filter(
        ([, state]) => state.type !== "absent",
      ),
    };
  });
}

/** Reads the output of `postmap -s` and `postalias -s`: a key and its value on each line, with a tab between them. */
function entriesOf(
  { tool }: DatabaseTable,
  printed: string,
  truncated: boolean,
): ReadonlyMap<Bytes, Bytes> {
  const found = new Map<Bytes, Bytes>();
  const lines = printed.split("\n");
  for (const line of truncated ? lines.slice(0, -1) : lines) {
    const tab = line.indexOf("\t");
    if (tab < 0) continue;
    const key = tool === "postalias" ? line.slice(0, tab).replace(/:$/, "") : line.slice(0, tab);
    // postalias(1) adds the keys of NIS, and newaliases of sendmail adds "@" as a mark.
    if (tool === "postalias" && /^@$|^YP_/.test(key)) continue;
    found.set(folded(key), line.slice(tab + 1).trim());
  }
  return found;
}

/** The key in lower case beyond ASCII too, because some builds of Postfix fold such letters and others do not. */
function folded(key: Bytes): Bytes {
  if (!/[\x80-\xff]/.test(key)) return key;
  const text = Buffer.from(key, "latin1");
  const letters = text.toString("utf8");
  if (!Buffer.from(letters, "utf8").equals(text)) return key;
  return Buffer.from(letters.toUpperCase().toLowerCase(), "utf8").toString("latin1");
}

/** A key and its value as {@link entriesOf} would read them: a quoted key with a tab in it is cut at that tab. */
function asPrinted(key: Bytes, value: Bytes): readonly [Bytes, Bytes] {
  const tab = key.indexOf("\t");
  return tab < 0
    ? [folded(key), value.trim()]
    : [folded(key.slice(0, tab)), `${key.slice(tab + 1)}\t${value}`.trim()];
}

/** Does the database hold what the text says? By its contents: time stamps mislead after a restore or a clock step. */
function isCurrent({ stored, partial }: SeenDatabase, wanted: Compiled): boolean {
  if (stored === null) return false;
  return wanted.some((reading) => {
    const keys = printed(reading);
    if (partial ? stored.size > keys.size : stored.size !== keys.size) return false;
    for (const [key, value] of stored) if (keys.get(key) !== value) return false;
    return true;
  });
}

const printedBefore = new WeakMap<ReadonlyMap<Bytes, Bytes>, ReadonlyMap<Bytes, Bytes>>();

/** A reading as the tool prints it. It is remembered, because a plan asks several times, and a table may be large. */
function printed(reading: ReadonlyMap<Bytes, Bytes>): ReadonlyMap<Bytes, Bytes> {
  const before = printedBefore.get(reading);
  if (before !== undefined) return before;
  const found = new Map<Bytes, Bytes>();
  for (const [key, value] of reading) found.set(...asPrinted(key, value));
  printedBefore.set(reading, found);
  return found;
}

/** Has the database the wanted owner and mode? */
function hasAttributes({ file }: SeenDatabase, wanted: DatabaseTable["attributes"]): boolean {
  return (
    wanted === undefined ||
    (file.type === "file" &&
      file.mode === wanted.mode &&
      file.uid === wanted.uid &&
      file.gid === wanted.gid)
  );
}

/** Is there nothing to do: contents, owner and mode are right, and no build has left anything behind? */
export function isSettled(table: DatabaseTable, seen: SeenDatabase, wanted: Compiled): boolean {
  return (
    isCurrent(seen, wanted) && hasAttributes(seen, table.attributes) && seen.leftovers.length === 0
  );
}

/** The database's path if the changes build it, for the plans of later steps, which may name it. */
export function broughtDatabase(
  table: Pick<DatabaseTable, "path" | "type">,
  changes: Plan["changes"],
): readonly string[] {
  return changes.some(({ change }) => change === "act") ? [databasePath(table)] : [];
}

/**
 * The changes that make the database hold what the text says. They come after the change that writes the text.
 *
 * @param rewritten does the plan write the text?
 */
export function planDatabase(
  table: DatabaseTable,
  seen: SeenDatabase,
  wanted: Compiled,
  rewritten: boolean,
): Change[] {
  const path = databasePath(table);
  const built = isCurrent(seen, wanted) && !(seen.partial && rewritten);
  if (!built) return [act(table, "build", `rebuild ${path} with ${table.tool}`)];
  const cleared = seen.leftovers.map(([left, found]): Change => {
    return { change: "remove", path: left, found, opaque: true };
  });
  if (!hasAttributes(seen, table.attributes))
    return [...cleared, act(table, "own", `set the owner and mode of ${path}`)];
  // Postfix warns of a database that is older than its text.
  return rewritten ? [...cleared, act(table, "touch", `note that ${path} is up to date`)] : cleared;
}

function act(table: DatabaseTable, task: DatabaseTask, text: string): Change {
  return {
    change: "act",
    text,
    places: [{ path: databasePath(table) }],
    act: (host, context) => performTask(task, table, host, context),
  };
}

/**
 * The changes that restore the database. Where the original text comes back, so does the original database, to the byte;
 * for any other text, the database is built from that text.
 *
 * @param contents the text as it will be; undefined when it is removed
 */
export function restoreDatabase(
  table: DatabaseTable,
  seen: SeenDatabase,
  contents: Bytes | undefined,
  compiled: (text: Bytes) => Compiled,
  context: RestoreContext,
): Change[] {
  const path = databasePath(table);
  const original = savedContents(context.record.files[table.path]?.before ?? null);
  if (contents !== undefined && contents !== original)
    return planDatabase(table, seen, compiled(contents), true);
  const cleared = seen.leftovers.map(([left, found]): Change => {
    return { change: "remove", path: left, found, opaque: true };
  });
  const known = context.keys.some(([, entry]) => entry.file === path);
  const before = context.record.files[path]?.before ?? null;
  if (!known) return cleared;
  // If somebody has rebuilt the database since, it was from the text that now goes: it counts as written by us.
  const rebuilt = { ...context, record: asWritten(context, path, seen.file) };
  const changes = restoreWholeFile(path, seen.file, rebuilt, { opaque: true });
  const mode =
    before !== null && changes.length === 0 && !hasAttributes(seen, before)
      ? [act({ ...table, attributes: before }, "own", `set the owner and mode of ${path}`)]
      : [];
  return [...cleared, ...changes, ...mode];
}

/** The record as it would be if this provider had written the present contents of the file. */
function asWritten(
  { record }: RestoreContext,
  path: string,
  now: FileDigest,
): RestoreContext["record"] {
  const file = record.files[path];
  const written = digestOf(now);
  if (file === undefined || written === undefined) return record;
  return { ...record, files: { ...record.files, [path]: { ...file, written } } };
}
