/**
 * The record on the host: what was there before us, and whose it is now. It is written and synced before the first
 * change, it is what destroy restores from, with or without a state, and it goes when the last owner goes.
 *
 * A key is one thing that has one owner: a parameter of main.cf, a whole file, a process, the package. Several keys
 * may lie in one file; that file has one baseline for all of them.
 */
import { equal } from "../values/json";
import type { Expectation, FileState, HostWriter } from "./host";

export const RECORD_FOLDER = "/var/db/pulumi-openbsd-postfix";
export const RECORD_PATH = `${RECORD_FOLDER}/record.json`;

/** Values that JSON carries. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Who a key belongs to. */
export interface Owner {
  readonly urn: string;
  readonly instance: string;
}

/** A file as it was, bytes in base64; `null` when nothing was there. */
export type SavedFile = {
  readonly base64: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
} | null;

export interface FileEntry {
  /** What was there when the first of our keys came. */
  readonly before: SavedFile;
  /** SHA-256 of what we wrote last; `null` when we removed it or have not written yet. */
  readonly written: string | null;
}

export interface KeyEntry {
  readonly owner: Owner;
  /** Keys are undone in the reverse order of their coming. */
  readonly order: number;
  /** The file that the key lies in. */
  readonly file?: string;
  /** What undoing needs, in the shape that the kind gives it. */
  readonly before: Json;
  /** What we made of it; hashes in the place of what is secret. */
  readonly applied: Json;
  /** It holds a secret: the kind in whose format its value is found in the file. */
  readonly secret?: string;
}

export interface HostRecord {
  readonly version: 1;
  readonly files: Readonly<Record<string, FileEntry>>;
  readonly keys: Readonly<Record<string, KeyEntry>>;
  /** Instances that were taken over under another id: the former one has nothing left to restore. */
  readonly moved: Readonly<Record<string, string>>;
  /** The revision of each resource that wrote and has keys, by its URN: it goes on when another instance has them. */
  readonly revisions?: Readonly<Record<string, number>>;
  /** What the running Postfix has not been told yet. */
  readonly pending?: { readonly need: "reload" | "restart"; readonly because: readonly string[] };
  /** What syslogd is owed since its flags were changed: sockets are made once, at its start. */
  readonly syslogd?: "restart";
  /** What stood in Postfix's files when it last served, for those that were changed since. */
  readonly served?: Readonly<Record<string, SavedFile>>;
  /** Postfix has served at least once since we came: what stood before a failed start is worth putting back. */
  readonly serving?: true;
  /** Files that were put back after a failed reload or restart, by the SHA-256 of what was put back. */
  readonly rolledBack?: Readonly<Record<string, string | null>>;
}

export const EMPTY_RECORD: HostRecord = { version: 1, files: {}, keys: {}, moved: {} };

/** A record written by a newer version of this package than the one that reads it. */
export class NewerRecord extends Error {
  constructor(version: unknown) {
    super(
      `the record ${RECORD_PATH} has version ${String(version)}, written by a newer version of ` +
        "pulumi-openbsd-postfix: upgrade the package in this program. Nothing was changed.",
    );
  }
}

export function parseRecord(state: FileState): HostRecord {
  if (state.type !== "file" || state.contents === undefined || state.contents.trim() === "")
    return EMPTY_RECORD;
  const parsed = JSON.parse(Buffer.from(state.contents, "latin1").toString("utf8")) as HostRecord;
  if ((parsed.version as number) !== 1) throw new NewerRecord(parsed.version);
  return parsed;
}

/** The two owners are resources of one stack: `urn:pulumi:<stack>::<project>::…`. */
export function sameStack(left: string, right: string): boolean {
  const stack = (urn: string): string => urn.split("::").slice(0, 2).join("::");
  return stack(left) === stack(right);
}

/** Does the key belong to somebody whom `owner` may not simply follow? */
export function foreignOwner(entry: KeyEntry | undefined, owner: Owner): Owner | undefined {
  if (!entry || entry.owner.instance === owner.instance) return undefined;
  return sameStack(entry.owner.urn, owner.urn) ? undefined : entry.owner;
}

/** The keys of an instance, youngest first: the order in which they are undone. */
export function keysOf(record: HostRecord, instance: string): readonly [string, KeyEntry][] {
  return Object.entries(record.keys)
    .filter(([, entry]) => entry.owner.instance === instance)
    .sort(([, left], [, right]) => right.order - left.order);
}

/**
 * Did all that an instance had pass to another one? One that has keys left, or has claimed some since, has them to
 * undo, whatever was noted of it.
 */
export function isHandedOver(record: HostRecord, instance: string): boolean {
  return record.moved[instance] !== undefined && keysOf(record, instance).length === 0;
}

/** A key as it is about to be claimed. */
export interface Claim {
  readonly key: string;
  readonly file?: string;
  readonly before: Json;
  readonly applied: Json;
  readonly secret?: string;
  /** To be written down also where nothing on the host changes, because others are to see it. */
  readonly noted?: true;
}

/**
 * Claims keys for `owner`. A key that is there already keeps what it was before anyone touched it; an instance that is
 * left without any is noted as moved.
 */
export function claim(
  record: HostRecord,
  owner: Owner,
  claims: readonly Claim[],
  baselines: Readonly<Record<string, SavedFile>>,
): HostRecord {
  const keys: Record<string, KeyEntry> = { ...record.keys };
  const files: Record<string, FileEntry> = { ...record.files };
  const formers = new Set<string>();
  let order = Math.max(0, ...Object.values(keys).map((entry) => entry.order));
  for (const one of claims) {
    const known = keys[one.key];
    if (known && known.owner.instance !== owner.instance) formers.add(known.owner.instance);
    order += 1;
    keys[one.key] = {
      owner,
      order: known?.order ?? order,
      ...(one.file === undefined ? {} : { file: one.file }),
      before: known ? known.before : one.before,
      applied: one.applied,
      ...(one.secret === undefined ? {} : { secret: one.secret }),
    };
    if (one.file !== undefined && !files[one.file])
      files[one.file] = { before: baselines[one.file] ?? null, written: null };
  }
  const holders = new Set(Object.values(keys).map((entry) => entry.owner.instance));
  const moved = Object.fromEntries(
    [
      ...Object.entries(record.moved),
      ...[...formers].map((former) => [former, owner.instance] as const),
    ].filter(([former]) => !holders.has(former)),
  );
  return { ...record, keys, files, moved };
}

/**
 * The revision that comes after all that a resource had, under whatever instance: whoever goes by it must not find one
 * that it has seen.
 *
 * @param known - the one that the state has; 0 for a resource that is being made
 */
export function nextRevision(record: HostRecord, { urn, instance }: Owner, known: number): number {
  const former = Object.values(record.keys).some(
    ({ owner }) => owner.urn === urn && owner.instance !== instance,
  );
  // Earlier versions noted none: what they have made had a small one.
  const noted = record.revisions?.[urn] ?? (former ? Math.floor(Date.now() / 1000) : 0);
  return Math.max(known, noted) + 1;
}

/** The record with the revision of a resource, where it has keys. */
export function withRevision(record: HostRecord, owner: Owner, revision: number): HostRecord {
  if (keysOf(record, owner.instance).length === 0) return record;
  return { ...record, revisions: { ...record.revisions, [owner.urn]: revision } };
}

/** Gives keys back; a file without keys has no baseline any more, and a record without keys holds nothing. */
export function release(record: HostRecord, released: readonly string[]): HostRecord {
  const keys = Object.fromEntries(
    Object.entries(record.keys).filter(([key]) => !released.includes(key)),
  );
  const used = new Set(Object.values(keys).map((entry) => entry.file));
  const files = Object.fromEntries(Object.entries(record.files).filter(([path]) => used.has(path)));
  if (Object.keys(keys).length === 0 && !record.pending)
    return { ...EMPTY_RECORD, moved: record.moved };
  const { revisions = {}, ...rest } = record;
  const owners = new Set(Object.values(keys).map((entry) => entry.owner.urn));
  const left = Object.entries(revisions).filter(([urn]) => owners.has(urn));
  return {
    ...rest,
    keys,
    files,
    ...(left.length > 0 ? { revisions: Object.fromEntries(left) } : {}),
  };
}

/** Nothing in it that anyone could need. */
function isEmpty(record: HostRecord): boolean {
  return Object.keys(record.keys).length === 0;
}

/** Writes the record, or removes it when it holds nothing; the folder itself goes with the write section. */
export async function saveRecord(
  host: HostWriter,
  record: HostRecord,
  found: FileState,
): Promise<FileState> {
  const expect: Expectation =
    found.type === "file" && found.sha256 ? { sha256: found.sha256 } : { absent: true };
  if (isEmpty(record)) {
    if (found.type === "file") await host.remove(RECORD_PATH, expect);
    return { type: "absent" };
  }
  const state = recordFile(record);
  const { contents } = state;
  // The same in another order is the same: a run that changes nothing writes nothing.
  if (found.type === "file" && equal(parseRecord(found), parseRecord(state))) return found;
  const outcome = await host.write({
    path: RECORD_PATH,
    contents,
    mode: 0o600,
    uid: 0,
    gid: 0,
    expect,
  });
  if (!outcome.written)
    throw new Error(`${RECORD_PATH} was changed by somebody else during this write section.`);
  return { ...state, sha256: outcome.sha256 };
}

/** The record as the file that holds it. */
export function recordFile(record: HostRecord): FileState & { type: "file"; contents: string } {
  const contents = Buffer.from(`${JSON.stringify(record, null, 1)}\n`, "utf8").toString("latin1");
  return { type: "file", mode: 0o600, uid: 0, gid: 0, contents, size: contents.length };
}

export function savedFile(state: FileState): SavedFile {
  const file = state.type === "symlink" ? state.file : state;
  if (file?.type !== "file" || file.contents === undefined) return null;
  return {
    base64: Buffer.from(file.contents, "latin1").toString("base64"),
    mode: file.mode,
    uid: file.uid,
    gid: file.gid,
  };
}

export function savedContents(saved: SavedFile): string | null {
  return saved === null ? null : Buffer.from(saved.base64, "base64").toString("latin1");
}
