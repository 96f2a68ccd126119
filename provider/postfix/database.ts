/**
 * The database beside a table's text: compared by what it holds, built beside the old one and renamed in whole, so that
 * nobody ever reads half of it (postmap(1) and postalias(1) themselves rewrite it in place: openbsd.md 16, M9).
 *
 * A kind puts {@link databaseFacts} among its facts, plans with {@link planDatabase}, undoes with
 * {@link restoreDatabase}, and passes the step on to {@link databaseStep}. What was compiled is what the tool makes of
 * the text: one map for each reading that some release or build of Postfix has.
 */
import type { BUILT_TYPES } from "../arguments/lookupTable";
import { programFailed } from "../host/programs";
import { restoreWholeFile } from "../kind/keyedFile";
import { contentsOf } from "../host/host";
import { sha256 } from "../values/digest";
import type { Bytes } from "../formats/bytes";
import type { Answers, FactAnswers, Facts, FileState, HostWriter } from "../host/host";
import { type Json, savedContents } from "../host/record";
import type { Change, RestoreContext, StepContext } from "../kind/kind";
import { runOrFail } from "../host/programs";

/** A table that has a database. */
export interface DatabaseTable {
  /** Which of Postfix's tools makes it. */
  readonly tool: "postmap" | "postalias";
  readonly type: string;
  /** The text. */
  readonly path: string;
  /** Of the database; the text's own where left out. */
  readonly attributes?: { readonly mode: number; readonly uid: number; readonly gid: number };
}

/** What was seen of it. */
export interface SeenDatabase {
  readonly file: FileState;
  /** What it holds; `null` when it is missing or cannot be read. */
  readonly stored: ReadonlyMap<Bytes, Bytes> | null;
  /** It holds more than was read. */
  readonly partial: boolean;
  /** What a build that was cut off left behind. */
  readonly leftovers: readonly (readonly [string, FileState])[];
}

/** What the tool makes of a text, in each of its readings. */
export type Compiled = readonly ReadonlyMap<Bytes, Bytes>[];

const SUFFIX: Readonly<Record<string, string>> = {
  hash: ".db",
  btree: ".db",
  cdb: ".cdb",
  lmdb: ".lmdb",
} satisfies Record<(typeof BUILT_TYPES)[number], string>;

const TOOLS = { postmap: "/usr/local/sbin/postmap", postalias: "/usr/local/sbin/postalias" };

/**
 * The package's samples (openbsd.md 2.1): a configuration to run the tools under. They need a main.cf, read nothing of
 * it that matters here, and that of the host may be gone or yet to be mended.
 */
const SAMPLES = "/usr/local/share/examples/postfix";

/** The database's own path. */
export function databasePath({ path, type }: Pick<DatabaseTable, "path" | "type">): string {
  return path + (SUFFIX[type] ?? "");
}

/** Where it is built: in the same folder, because a rename does not leave a file system. */
function stagedPath({ path }: DatabaseTable): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}.${path.slice(slash)}.pulumi-openbsd-postfix`;
}

function stagedFiles(table: DatabaseTable): readonly string[] {
  const staged = stagedPath(table);
  return [staged, databasePath({ path: staged, type: table.type })];
}

export function databaseFacts(table: DatabaseTable): Facts {
  const [text, database] = stagedFiles(table) as [string, string];
  return {
    database: { fact: "file", path: databasePath(table) },
    stored: {
      fact: "probe",
      argv: [TOOLS[table.tool], "-c", SAMPLES, "-s", `${table.type}:${table.path}`],
      // Without a database it would be a fatal error, for which Postfix's tools take a second.
      onlyWith: databasePath(table),
    },
    leftText: { fact: "file", path: text },
    leftDatabase: { fact: "file", path: database },
  };
}

export function observeDatabase(table: DatabaseTable, answers: Answers<Facts>): SeenDatabase {
  const [text, database] = stagedFiles(table) as [string, string];
  const file = answers["database"] as FileState;
  const stored = answers["stored"] as FactAnswers["probe"];
  const read = file.type !== "absent" && !("notFound" in stored) && stored.exitCode === 0;
  return {
    file,
    stored: read ? entriesOf(table, stored.stdout, stored.truncated) : null,
    partial: read && stored.truncated,
    leftovers: [
      [text, answers["leftText"] as FileState] as const,
      [database, answers["leftDatabase"] as FileState] as const,
    ].filter(([, state]) => state.type !== "absent"),
  };
}

/** What `-s` prints: key and value, with a tab between them. */
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
    // What postalias(1) adds for NIS, and newaliases of sendmail as its mark.
    if (tool === "postalias" && /^@$|^YP_/.test(key)) continue;
    found.set(folded(key), line.slice(tab + 1).trim());
  }
  return found;
}

/** One spelling for a key, whether or not the host's Postfix folds letters beyond ASCII. */
function folded(key: Bytes): Bytes {
  if (!/[\x80-\xff]/.test(key)) return key;
  const text = Buffer.from(key, "latin1");
  const letters = text.toString("utf8");
  if (!Buffer.from(letters, "utf8").equals(text)) return key;
  return Buffer.from(letters.toUpperCase().toLowerCase(), "utf8").toString("latin1");
}

/** A key and its value as they are told from a printed line: a quoted key may hold a tab itself. */
function asPrinted(key: Bytes, value: Bytes): readonly [Bytes, Bytes] {
  const tab = key.indexOf("\t");
  return tab < 0
    ? [folded(key), value.trim()]
    : [folded(key.slice(0, tab)), `${key.slice(tab + 1)}\t${value}`.trim()];
}

/** Does the database hold what the text says? Asked by content: time stamps lie after a restore or a clock step. */
export function isCurrent({ stored, partial }: SeenDatabase, wanted: Compiled): boolean {
  if (stored === null) return false;
  return wanted.some((reading) => {
    const keys = new Map([...reading].map(([key, value]) => asPrinted(key, value)));
    if (partial ? stored.size > keys.size : stored.size !== keys.size) return false;
    return [...stored].every(([key, value]) => keys.get(key) === value);
  });
}

/** Has it the owner and mode that it is to have? */
function hasAttributes({ file }: SeenDatabase, wanted: DatabaseTable["attributes"]): boolean {
  return (
    wanted === undefined ||
    (file.type === "file" &&
      file.mode === wanted.mode &&
      file.uid === wanted.uid &&
      file.gid === wanted.gid)
  );
}

/** Nothing to do: it holds what the text says, is whose it should be, and nothing lies about. */
export function isSettled(table: DatabaseTable, seen: SeenDatabase, wanted: Compiled): boolean {
  return (
    isCurrent(seen, wanted) && hasAttributes(seen, table.attributes) && seen.leftovers.length === 0
  );
}

export const DATABASE_STEP = "database";

/** The database as something that the changes bring, for the plans after this one. */
export function databaseBrought(
  table: Pick<DatabaseTable, "path" | "type">,
  changes: readonly Change[],
): readonly string[] {
  return changes.some((change) => change.change === "step" && change.step === DATABASE_STEP)
    ? [databasePath(table)]
    : [];
}

/**
 * What makes the database hold what the text says; it comes after the text's own write.
 *
 * @param rewritten the plan writes the text
 */
export function planDatabase(
  table: DatabaseTable,
  seen: SeenDatabase,
  wanted: Compiled,
  rewritten: boolean,
): Change[] {
  const path = databasePath(table);
  const built = isCurrent(seen, wanted) && !(seen.partial && rewritten);
  if (!built) return [step(table, "build", `rebuild ${path} with ${table.tool}`)];
  const cleared = seen.leftovers.map(([left, found]): Change => {
    return { change: "remove", path: left, found, opaque: true };
  });
  if (!hasAttributes(seen, table.attributes))
    return [...cleared, step(table, "own", `set the owner and mode of ${path}`)];
  // Else Postfix warns that the database is older than its text.
  return rewritten
    ? [...cleared, step(table, "touch", `note that ${path} is up to date`)]
    : cleared;
}

function step(table: DatabaseTable, task: Task, text: string): Change {
  return {
    change: "step",
    text,
    step: DATABASE_STEP,
    detail: { task, table: table as unknown as Json },
  };
}

/**
 * Puts the database of before back beside the text of before, to the byte; beside any other text it is built from it.
 *
 * @param contents the text as it will stand; undefined when it goes
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
  // Whoever rebuilt it meanwhile did so from our text, which goes.
  const rebuilt = { ...context, record: asWritten(context, path, seen.file) };
  const changes = restoreWholeFile(path, seen.file, rebuilt, { opaque: true });
  const mode =
    before !== null && changes.length === 0 && !hasAttributes(seen, before)
      ? [step({ ...table, attributes: before }, "own", `set the owner and mode of ${path}`)]
      : [];
  return [...cleared, ...changes, ...mode];
}

/** The record as if what stands there now was written by us. */
function asWritten(
  { record }: RestoreContext,
  path: string,
  now: FileState,
): RestoreContext["record"] {
  const file = record.files[path];
  const contents = contentsOf(now);
  if (file === undefined || contents === undefined) return record;
  return {
    ...record,
    files: { ...record.files, [path]: { ...file, written: sha256(contents) } },
  };
}

/** `build` it, or give it its owner and mode, or only a time stamp that is not older than its text's. */
type Task = "build" | "own" | "touch";

/** Gives a file its owner and mode, syncs it and renames it; core modules of Perl 5.10 only, no shell. */
const PLACE = `
use strict;
use warnings;
use Fcntl qw(O_RDWR);
use IO::Handle;
my ($from, $to, $mode, $uid, $gid) = @ARGV;
sysopen my $file, $from, O_RDWR or die "cannot open $from: $!\\n";
my @now = stat $file;
$uid == $now[4] && $gid == $now[5] or chown $uid, $gid, $file or die "cannot give $from to $uid:$gid: $!\\n";
chmod oct $mode, $file or die "cannot set the mode of $from: $!\\n";
$file->sync or die "cannot sync $from: $!\\n";
$from eq $to or rename $from, $to or die "cannot rename $from to $to: $!\\n";
utime undef, undef, $to or die "cannot set the time of $to: $!\\n";
`;

/** Does the step that {@link planDatabase} and {@link restoreDatabase} plan. */
export async function databaseStep(
  detail: Json | undefined,
  host: HostWriter,
  { warn }: Pick<StepContext, "warn">,
): Promise<void> {
  const { task, table } = detail as unknown as { task: Task; table: DatabaseTable };
  const path = databasePath(table);
  const { text, database } = await host.read({
    text: { fact: "file", path: table.path },
    database: { fact: "file", path, stat: true },
  });
  const attributes = table.attributes ?? attributesOf(task === "touch" ? database : text);
  const from = task === "build" ? await build(table, contentsOf(text) ?? "", host, warn) : path;
  const owner = [attributes.mode.toString(8), String(attributes.uid), String(attributes.gid)];
  await runOrFail(host, `put ${path} in its place`, {
    argv: ["/usr/bin/perl", "-e", PLACE, from, path, ...owner],
  });
}

function attributesOf(state: FileState): NonNullable<DatabaseTable["attributes"]> {
  const file = state.type === "symlink" ? state.file : state;
  return file?.type === "file" ? file : { mode: 0o644, uid: 0, gid: 0 };
}

/** Builds beside: a cut line leaves files of ours, which the next plan knows and takes away. */
async function build(
  table: DatabaseTable,
  contents: Bytes,
  host: HostWriter,
  warn: (text: string) => void,
): Promise<string> {
  const [text, database] = stagedFiles(table) as [string, string];
  for (const path of [text, database]) await host.remove(path, { anything: true });
  // Readable for root only, and so is what is built from it until it gets its own mode.
  await host.write({ path: text, contents, mode: 0o600, uid: 0, gid: 0, expect: { absent: true } });
  const argv = [TOOLS[table.tool], "-c", SAMPLES, `${table.type}:${text}`];
  const result = await host.run({ argv, timeoutMs: 300_000 });
  await host.remove(text, { anything: true });
  if (result.exitCode !== 0) {
    await host.remove(database, { anything: true });
    throw programFailed(host.address, `build ${databasePath(table)}`, argv, result);
  }
  const said = result.stderr.replaceAll(text, table.path).trim();
  if (said !== "") warn(said);
  return database;
}
