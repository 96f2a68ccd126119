/**
 * Building a table's database beside the old one and renaming it into place, so that nobody ever reads half of it:
 * postmap(1) and postalias(1) themselves rewrite a database in place (docs/openbsd.md 16, M9).
 */
import type { ActContext } from "../contract/kind";
import type { Bytes } from "../formats/bytes";
import { contentsOf, fileAt, type FileStat, type HostWriter } from "../host/host";
import { file, Look, lookAt, stat } from "../host/look";
import { programFailed, runOrFail } from "../host/programs";
import { type DatabaseTable, stagedFiles } from "./databaseTable";
import { PROGRAMS, SAMPLES } from "./paths";
import { databasePath } from "./tableTypes";

/** Build the database, set its owner and mode, or only set its time, so that it is no older than its text. */
export type DatabaseTask = "build" | "own" | "touch";

/** Sets a file's owner and mode, syncs it and renames it; needs nothing but the core modules of Perl 5.10. */
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

export async function performTask(
  task: DatabaseTask,
  table: DatabaseTable,
  host: HostWriter,
  { warn }: Pick<ActContext, "warn">,
): Promise<void> {
  const path = databasePath(table);
  const { text, database } = await lookAt(
    host,
    Look.all({ text: file(table.path), database: stat(path) }),
  );
  const attributes = table.attributes ?? attributesOf(task === "touch" ? database : text);
  const from = task === "build" ? await build(table, contentsOf(text) ?? "", host, warn) : path;
  const owner = [attributes.mode.toString(8), String(attributes.uid), String(attributes.gid)];
  await runOrFail(host, `put ${path} in its place`, {
    argv: ["/usr/bin/perl", "-e", PLACE, from, path, ...owner],
  });
}

function attributesOf(state: FileStat): NonNullable<DatabaseTable["attributes"]> {
  return fileAt(state) ?? { mode: 0o644, uid: 0, gid: 0 };
}

/** Returns the path of the new database. The next plan removes what an interrupted build leaves. */
async function build(
  table: DatabaseTable,
  contents: Bytes,
  host: HostWriter,
  warn: (text: string) => void,
): Promise<string> {
  const [text, database] = stagedFiles(table);
  for (const path of [text, database]) await host.remove(path, { anything: true });
  // Readable by root only, and so is the database that is built from it, until it gets its own mode.
  await host.write({ path: text, contents, mode: 0o600, uid: 0, gid: 0, expect: { absent: true } });
  const argv = [PROGRAMS[table.tool], "-c", SAMPLES, `${table.type}:${text}`];
  const result = await host.run({ argv, timeoutMs: 300_000 });
  await host.remove(text, { anything: true });
  if (result.exitCode !== 0) {
    await host.remove(database, { anything: true });
    throw programFailed(host.address, `build ${databasePath(table)}`, argv, result);
  }
  const warnings = result.stderr.replaceAll(text, table.path).trim();
  if (warnings !== "") warn(warnings);
  return database;
}
