/**
 * Building a table's database beside the old one and renaming it into place, so that nobody ever reads half of it:
 * postmap(1) and postalias(1) themselves rewrite a database in place (docs/openbsd.md 16, M9).
 */
import type { ActContext } from "../contract/kind";
import { HostError } from "../host/errors";
import { digestOf, fileAt, type FileDigest, type FileStat, type HostWriter } from "../host/host";
import { digest, Look, lookAt, stat } from "../host/look";
import { programFailed } from "../host/programs";
import { inTheirOrder } from "../host/replies";
import { type DatabaseTable, stagedFiles } from "./databaseTable";
import { PROGRAMS, SAMPLES } from "./paths";
import { databasePath } from "./tableTypes";

/** Build the database, set its owner and mode, or only set its time, so that it is no older than its text. */
export type DatabaseTask = "build" | "own" | "touch";

export async function performTask(
  task: DatabaseTask,
  table: DatabaseTable,
  host: HostWriter,
  { warn }: Pick<ActContext, "warn">,
): Promise<void> {
  const path = databasePath(table);
  const found = await lookAt(host, Look.all({ text: digest(table.path), database: stat(path) }));
  const { mode, uid, gid } =
    table.attributes ?? attributesOf(task === "touch" ? found.database : found.text);
  if (task !== "build") return host.setAttributes(path, mode, uid, gid);
  const { built, state } = await build(table, found.text, host, warn);
  const sha256 = requiredDigest(host, built, state);
  const expect = { anything: true } as const;
  const ordered = host.inOrder();
  await inTheirOrder([
    ordered.write({ path, from: built, sha256, mode, uid, gid, expect }),
    ordered.remove(built, expect),
  ]);
}

function attributesOf(state: FileStat): NonNullable<DatabaseTable["attributes"]> {
  return fileAt(state) ?? { mode: 0o644, uid: 0, gid: 0 };
}

function requiredDigest(host: HostWriter, path: string, state: FileDigest): string {
  const found = digestOf(state);
  if (found !== undefined) return found;
  throw new HostError("program", {
    host: host.address,
    during: `building ${path}`,
    reason: "the tool has said nothing, and has made no such file",
    changed: "yes",
    next: "Look at the free space of the disk, then run `pulumi up` again.",
  });
}

/** Returns the new database, with its path. The next plan removes what an interrupted build leaves. */
async function build(
  table: DatabaseTable,
  contents: FileDigest,
  host: HostWriter,
  warn: (text: string) => void,
): Promise<{ readonly built: string; readonly state: FileDigest }> {
  const [text, database] = stagedFiles(table);
  const sha256 = digestOf(contents);
  const argv = [PROGRAMS[table.tool], "-c", SAMPLES, `${table.type}:${text}`];
  const ordered = host.inOrder();
  const before = [
    ...[text, database].map((path) => ordered.remove(path, { anything: true })),
    // Readable by root only, and so is the database that is built from it, until it gets its own mode.
    ordered.write({
      ...(sha256 === undefined ? { contents: "" } : { from: table.path, sha256 }),
      ...{ path: text, mode: 0o600, uid: 0, gid: 0, expect: { absent: true } },
    }),
  ];
  const running = ordered.run({ argv, timeoutMs: 300_000 });
  await inTheirOrder([...before, running]);
  const result = await running;
  const [, state] = await Promise.all([
    host.remove(text, { anything: true }),
    lookAt(host, digest(database)),
  ]);
  if (result.exitCode !== 0) {
    await host.remove(database, { anything: true });
    throw programFailed(host.address, `build ${databasePath(table)}`, argv, result);
  }
  const warnings = result.stderr.replaceAll(text, table.path).trim();
  if (warnings !== "") warn(warnings);
  return { built: database, state };
}
