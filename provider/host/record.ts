/**
 * The record: a file on the host with what was there before this package changed it, and with the owner of each key.
 * It is written before the first change, and removed when no key has an owner. A destroy restores from it, so that
 * the state is not needed for that.
 *
 * A key is one thing that has one owner: a parameter of main.cf, a whole file, a process, the package. Keys of one
 * file share the saved state of that file.
 */
import { sha256 } from "../values/digest";
import { equal, mapValues, rememberedFor, rememberedTexts } from "../values/json";
import {
  contentsOf,
  digestOf,
  type Expectation,
  type FileState,
  type HostWriter,
  MAX_AT_ONCE,
} from "./host";
import { HostError } from "./errors";
import { RECORD_FOLDER, RECORD_PATH } from "./recordPaths";
import { shapeFault } from "./recordShape";
import {
  dropCopies,
  makeCopies,
  savedContents,
  savedCopy,
  savedFile,
  type SavedFile,
} from "./savedFile";
import { toBytes, toText } from "./wire";

export { RECORD_FOLDER, RECORD_PATH };
export { savedContents, savedFile, type SavedFile };

/** The record as it was before it was last written. */
export const PREVIOUS_PATH = `${RECORD_PATH}.previous`;

/** A value of JSON. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The resource that a key belongs to. */
export interface Owner {
  readonly urn: string;
  /** The id of the resource: a replacement has another one under the same URN. */
  readonly instance: string;
}

export interface FileEntry {
  /** The file before the first key in it was claimed. */
  readonly before: SavedFile;
  /** SHA-256 of the contents that were written last; `null` before the first write and after a removal. */
  readonly written: string | null;
  /** Until a change is settled: SHA-256 of the contents that it writes instead; `null` for a removal. */
  readonly unsettled?: readonly (string | null)[];
}

export interface KeyEntry {
  readonly owner: Owner;
  /** Keys are undone in the reverse order in which they were claimed. */
  readonly order: number;
  /** The file that holds the key. */
  readonly file?: string;
  /** What the kind needs to undo the key, in a form of its own. */
  readonly before: Json;
  /** What the kind made of the key, with hashes for secrets. */
  readonly applied: Json;
  /**
   * Until a change of the key is settled: what was applied before, which the host may still have, because the record is
   * written before the change. Empty for a key that the change claims.
   */
  readonly unsettled?: readonly Json[];
  /** For a key with a secret: the kind that finds its value in the file. */
  readonly secret?: string;
}

export interface HostRecord {
  readonly version: 1;
  readonly files: Readonly<Record<string, FileEntry>>;
  readonly keys: Readonly<Record<string, KeyEntry>>;
  /** By the instance that lost its last key to another one: that other one. It has nothing left to restore. */
  readonly moved: Readonly<Record<string, string>>;
  /** The last revision of each resource with keys, by its URN. Another instance of the resource continues from it. */
  readonly revisions?: Readonly<Record<string, number>>;
  /** Changes that the running Postfix does not know of yet. */
  readonly pending?: { readonly need: "reload" | "restart"; readonly because: readonly string[] };
  /** Set when the flags of syslogd changed: it makes its sockets only when it starts. */
  readonly syslogd?: "restart";
  /** Postfix's files as they were when it last served, those that were changed since then. */
  readonly served?: Readonly<Record<string, SavedFile>>;
  /** The keys of these files as they were recorded for the first change since then. */
  readonly servedKeys?: Readonly<Record<string, KeyEntry>>;
  /** Set once Postfix has served with these files: only then does a failed start put the former ones back. */
  readonly serving?: true;
  /** Files that were put back after a failed reload or restart, with the SHA-256 of their contents. */
  readonly rolledBack?: Readonly<Record<string, string | null>>;
}

export const EMPTY_RECORD: HostRecord = { version: 1, files: {}, keys: {}, moved: {} };

/** The record was written by a newer version of this package. */
export class NewerRecord extends Error {
  constructor(version: unknown) {
    super(
      `the record ${RECORD_PATH} has version ${String(version)}, written by a newer version of ` +
        "pulumi-openbsd-postfix: upgrade the package in this program. Nothing was changed.",
    );
  }
}

/** The record cannot be what this package wrote. */
export class BrokenRecord extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}

/**
 * The first line of a record, with the digest of all that follows. Earlier versions read the record with it and write it
 * without this line, though they keep the field.
 */
const FIRST_LINE = /^\{"sha256": "([0-9a-f]{64})",\n/;

/** What a look has found in the place of the record, read once: a record may have very many keys. */
const readingOf = rememberedFor((state: FileState): HostRecord | BrokenRecord => {
  try {
    return recordIn(state);
  } catch (error) {
    if (error instanceof BrokenRecord) return error;
    throw error;
  }
});

/** @throws BrokenRecord | NewerRecord */
export function parseRecord(state: FileState): HostRecord {
  const reading = readingOf(state);
  if (reading instanceof BrokenRecord) throw reading;
  return reading;
}

/** Why a record cannot be read; `undefined` where it can. */
export function faultIn(state: FileState): string | undefined {
  const reading = readingOf(state);
  return reading instanceof BrokenRecord ? reading.reason : undefined;
}

function recordIn(state: FileState): HostRecord {
  if (state.type === "absent") return EMPTY_RECORD;
  const contents = state.type === "file" ? contentsOf(state) : undefined;
  if (contents === undefined) throw new BrokenRecord("it is no file");
  return recordOfText(contents);
}

/** The resources of a host find the same text one after the other. */
const recordOfText = rememberedTexts((contents): HostRecord => {
  if (contents.trim() === "") throw new BrokenRecord("it is empty");
  const digest = FIRST_LINE.exec(contents);
  if (digest && sha256(contents.slice(digest[0].length)) !== digest[1])
    throw new BrokenRecord("it is not as it was written: its checksum is another");
  const parsed = parsedJson(contents);
  const { version } = parsed as { version?: unknown };
  if (typeof version === "number" && version > 1) throw new NewerRecord(version);
  const fault = shapeFault(parsed);
  if (fault !== undefined) throw new BrokenRecord(fault);
  if (!digest && !contents.startsWith("{\n"))
    throw new BrokenRecord("its first line is not as any version wrote it");
  const { sha256: _, ...record } = parsed as HostRecord & { sha256?: unknown };
  return { ...record, keys: withSharedOwners(record.keys) };
});

/** The keys with one owner in memory for all that it owns, which may be very many. */
function withSharedOwners(keys: HostRecord["keys"]): HostRecord["keys"] {
  const owners = new Map<string, Owner>();
  return mapValues(keys, (entry) => {
    const { urn, instance } = entry.owner;
    const id = `${instance} ${urn}`;
    const owner = owners.get(id) ?? entry.owner;
    owners.set(id, owner);
    return owner === entry.owner ? entry : { ...entry, owner };
  });
}

function parsedJson(contents: string): object {
  try {
    return Object(JSON.parse(toText(contents))) as object;
  } catch (error) {
    throw new BrokenRecord(`it is not JSON (${error instanceof Error ? error.message : ""})`);
  }
}

/** Whether two URNs (`urn:pulumi:<stack>::<project>::…`) are of one stack. */
export function sameStack(left: string, right: string): boolean {
  const stack = (urn: string): string => urn.split("::").slice(0, 2).join("::");
  return stack(left) === stack(right);
}

/** The owner of the key, when it is of another stack, so that `owner` may not take the key over. */
export function foreignOwner(entry: KeyEntry | undefined, owner: Owner): Owner | undefined {
  if (!entry || entry.owner.instance === owner.instance) return undefined;
  return sameStack(entry.owner.urn, owner.urn) ? undefined : entry.owner;
}

/** The keys of an instance in the order in which they are undone: the last claimed first. */
export function keysOf(record: HostRecord, instance: string): readonly [string, KeyEntry][] {
  return Object.entries(record.keys)
    .filter(([, entry]) => entry.owner.instance === instance)
    .sort(([, left], [, right]) => right.order - left.order);
}

/** Whether an instance lost all its keys to another one, and has claimed none since. */
export function isHandedOver(record: HostRecord, instance: string): boolean {
  return record.moved[instance] !== undefined && keysOf(record, instance).length === 0;
}

/** A claim: a key that an owner takes, with what the record says of it. */
export interface Claim {
  readonly key: string;
  readonly file?: string;
  readonly before: Json;
  readonly applied: Json;
  readonly secret?: string;
  /** Set for a claim that the record needs although it changes nothing on the host, because others must see it. */
  readonly noted?: true;
}

/**
 * The record after `owner` has claimed keys, with what the host may have until the change is settled. A key that is in the
 * record keeps its `before` and its order. An instance that loses its last key this way is noted as moved.
 *
 * @param baselines - the files of the claims as they are now
 * @param writes - SHA-256 of the contents that the change writes to files, `null` for a removal
 */
export function claim(
  record: HostRecord,
  owner: Owner,
  claims: readonly Claim[],
  baselines: Readonly<Record<string, SavedFile>>,
  writes: Readonly<Record<string, string | null>> = {},
): HostRecord {
  const keys: Record<string, KeyEntry> = { ...record.keys };
  const files: Record<string, FileEntry> = { ...record.files };
  const formers = new Set<string>();
  // Not Math.max(...): a call takes no more arguments than its stack has room for, and a record may have more keys.
  let order = Object.values(keys).reduce((most, entry) => Math.max(most, entry.order), 0);
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
      ...unsettledBy(one, known),
      ...secretOf(one, known),
    };
    if (one.file !== undefined && !files[one.file])
      files[one.file] = { before: baselines[one.file] ?? null, written: null };
  }
  for (const [path, digest] of Object.entries(writes)) {
    const file = files[path];
    if (file) files[path] = { ...file, unsettled: withValue(file.unsettled ?? [], digest) };
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

/** What the host may have of a key until the claim is settled; nothing where the claim changes nothing. */
function unsettledBy({ applied }: Claim, known: KeyEntry | undefined): Pick<KeyEntry, "unsettled"> {
  if (known === undefined) return { unsettled: [] };
  const { unsettled } = known;
  if (unsettled === undefined && equal(known.applied, applied)) return {};
  const formers = withValue(unsettled ?? [], known.applied);
  return { unsettled: formers.filter((former) => !equal(former, applied)) };
}

/** The kind that finds a key's secret, also one that the file may still have from before. */
function secretOf({ secret }: Claim, known: KeyEntry | undefined): Pick<KeyEntry, "secret"> {
  const found = secret ?? known?.secret;
  return found === undefined ? {} : { secret: found };
}

function withValue<T extends Json>(values: readonly T[], value: T): readonly T[] {
  return values.some((one) => equal(one, value)) ? values : [...values, value];
}

/**
 * The record once files are about to be put back as an earlier change found them.
 *
 * @param formers - the keys of the files as they were recorded for that change
 * @param digests - SHA-256 of what is put back; `null` for a removal
 */
export function unsettledAgain(
  record: HostRecord,
  formers: Readonly<Record<string, KeyEntry>>,
  digests: Readonly<Record<string, string | null>>,
): HostRecord {
  const keys: Record<string, KeyEntry> = { ...record.keys };
  const files: Record<string, FileEntry> = { ...record.files };
  for (const [path, digest] of Object.entries(digests)) {
    const file = files[path];
    if (file) files[path] = { ...file, unsettled: withValue(file.unsettled ?? [], digest) };
  }
  for (const [key, former] of Object.entries(formers)) {
    // A key whose file nobody owns any more was given back, and has nobody who could undo it.
    if (former.file === undefined || !files[former.file]) continue;
    const entry = keys[key] ?? former;
    const values = [...(entry.unsettled ?? []), former.applied, ...(former.unsettled ?? [])];
    const others = values.reduce<readonly Json[]>(withValue, []);
    const unsettled = others.filter((value) => !equal(value, entry.applied));
    keys[key] = { ...entry, unsettled };
  }
  return { ...record, keys, files };
}

/** Is a change of the instance's keys not settled? */
export function isUnsettled(record: HostRecord, instance: string): boolean {
  return keysOf(record, instance).some(
    ([, { unsettled, file }]) =>
      unsettled !== undefined ||
      (file !== undefined && record.files[file]?.unsettled !== undefined),
  );
}

/** What an instance has once everything of it is as wanted. */
export interface Settlement {
  readonly claims: readonly Claim[];
  /** Keys that the instance had, and that are undone. */
  readonly released: readonly string[];
  /** SHA-256 of the files' contents; `null` where there is no file. */
  readonly written: Readonly<Record<string, string | null>>;
}

/** The record once a change is settled: the host has what was applied last, and nothing else of ours. */
export function settled(
  record: HostRecord,
  instance: string,
  { claims, released, written }: Settlement,
): HostRecord {
  const secrets = new Map(claims.map(({ key, secret }) => [key, secret]));
  const keys = Object.fromEntries(
    Object.entries(record.keys).map(([key, entry]) => {
      if (entry.owner.instance !== instance) return [key, entry];
      const { unsettled: _, secret: known, ...rest } = entry;
      const secret = secrets.has(key) ? secrets.get(key) : known;
      return [key, { ...rest, ...(secret === undefined ? {} : { secret }) }];
    }),
  );
  const files = { ...record.files };
  for (const [path, digest] of Object.entries(written)) {
    const file = files[path];
    if (file) files[path] = { before: file.before, written: digest };
  }
  return release({ ...record, keys, files }, released);
}

/**
 * The next revision of a resource. It is larger than all that any instance of it had, because resources that depend
 * on it act when its revision changes.
 *
 * @param known - the revision in the state; 0 for a resource that is being created
 */
export function nextRevision(record: HostRecord, { urn, instance }: Owner, known: number): number {
  const former = Object.values(record.keys).some(
    ({ owner }) => owner.urn === urn && owner.instance !== instance,
  );
  // Records of earlier versions have no revisions, and those versions counted from 1.
  const noted = record.revisions?.[urn] ?? (former ? Math.floor(Date.now() / 1000) : 0);
  return Math.max(known, noted) + 1;
}

/** The record with the revision of a resource, if the resource has keys. */
export function withRevision(record: HostRecord, owner: Owner, revision: number): HostRecord {
  if (keysOf(record, owner.instance).length === 0) return record;
  return { ...record, revisions: { ...record.revisions, [owner.urn]: revision } };
}

/** The record without some keys, and without the saved files that no key is left in. */
export function release(record: HostRecord, released: readonly string[]): HostRecord {
  const gone = new Set(released);
  const keys =
    gone.size === 0
      ? record.keys
      : Object.fromEntries(Object.entries(record.keys).filter(([key]) => !gone.has(key)));
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

/**
 * Writes the record and, in the same round trip, a copy of what it was before; or removes both when it has no keys. Its
 * folder is removed at the end of the write section.
 *
 * @param found - the file of the record as it is on the host
 */
export async function saveRecord(
  host: HostWriter,
  record: HostRecord,
  found: FileState,
): Promise<FileState> {
  return (await sendRecord(host, host, record, found)).saved;
}

/** A record on its way to the host. */
export interface SentRecord {
  /** The file of the record, once it is saved. */
  readonly saved: Promise<FileState>;
  /** Are there requests left to be made once it is saved? */
  readonly hasMore: boolean;
}

/**
 * Sends the record as {@link saveRecord} does, without waiting for the replies.
 *
 * @param ordered - the section in which what follows is carried out only once the record is saved
 */
export async function sendRecord(
  host: HostWriter,
  ordered: HostWriter,
  record: HostRecord,
  found: FileState,
): Promise<SentRecord> {
  const sent = (saved: Promise<FileState>, hasMore = false): SentRecord => {
    // Whoever sends it may have to wait for something else first.
    saved.catch(() => undefined);
    return { saved, hasMore };
  };
  const expect: Expectation =
    found.type === "file" && found.sha256 ? { sha256: found.sha256 } : { absent: true };
  if (isEmpty(record)) {
    const removed =
      found.type === "file"
        ? [host.remove(PREVIOUS_PATH, { anything: true }), ordered.remove(RECORD_PATH, expect)]
        : [];
    return sent(Promise.all(removed).then(() => ({ type: "absent" })));
  }
  // Compared by value, so that another order of keys is no change.
  const isSound = found.type === "file" && faultIn(found) === undefined;
  if (isSound && equal(parseRecord(found), record)) return sent(Promise.resolve(found));
  const state = recordFile(record);
  const { contents } = state;
  const [known, needed] = [isSound ? parseRecord(found) : EMPTY_RECORD, record].map(savedIn) as [
    Saved,
    Saved,
  ];
  const formerCopies = new Set(known.map(([, saved]) => savedCopy(saved)));
  // A copy is there before the record names it, and until after the record has named it for the last time.
  await makeCopies(
    host,
    needed.filter(([, saved]) => !formerCopies.has(savedCopy(saved))),
  );
  const former = isSound ? copyOf(found, record) : undefined;
  const attributes = { mode: 0o600, uid: 0, gid: 0 };
  // The record is whole without its copy, so a copy that cannot be written is no reason to stop.
  const copied =
    former !== undefined
      ? host
          .write({
            path: PREVIOUS_PATH,
            // What is on the host already need not be sent.
            ...(former === contentsOf(found)
              ? { from: RECORD_PATH, sha256: digestOf(found) ?? "" }
              : { contents: former }),
            ...attributes,
            expect: { anything: true },
          })
          .catch(() => undefined)
      : undefined;
  const written = ordered.write({ path: RECORD_PATH, contents, ...attributes, expect });
  const kept = new Set(needed.map(([, saved]) => savedCopy(saved)));
  const hasMore =
    contents.length > MAX_AT_ONCE || [...formerCopies].some((copy) => !kept.has(copy));
  const saved = async (): Promise<FileState> => {
    const outcome = await written;
    await copied;
    if (!outcome.written)
      throw new HostError("conflict", {
        host: host.address,
        during: `writing ${RECORD_PATH}`,
        reason: "another program changed it during this write section",
        changed: "unknown",
        next: "Find out which program writes it, and run the same command again",
      });
    if (hasMore)
      await dropCopies(
        host,
        needed.map(([, one]) => one),
      );
    return { ...state, sha256: outcome.sha256 };
  };
  return sent(saved(), hasMore);
}

type Saved = readonly (readonly [path: string, saved: SavedFile])[];

/** All saved files of a record. */
function savedIn({ files, served = {} }: HostRecord): Saved {
  return [
    ...Object.entries(files).map(([path, { before }]) => [path, before] as const),
    ...Object.entries(served),
  ];
}

/**
 * The text of the former record to keep beside the new one; `undefined` for what earlier versions wrote, because they wrote
 * secrets in clear. What Postfix last served by goes with the reload that succeeded: it may hold secrets that stand nowhere
 * else by then.
 */
function copyOf(found: FileState, record: HostRecord): string | undefined {
  const contents = contentsOf(found);
  if (contents === undefined || !FIRST_LINE.test(contents)) return undefined;
  const { served, ...former } = parseRecord(found);
  return served !== undefined && record.served === undefined
    ? recordFile(former).contents
    : contents;
}

/** The file of a record. */
export function recordFile(record: HostRecord): FileState & { type: "file"; contents: string } {
  const rest = toBytes(`${JSON.stringify(record, null, 1)}\n`.replace(/^\{\n/, ""));
  const contents = `{"sha256": "${sha256(rest)}",\n${rest}`;
  return { type: "file", mode: 0o600, uid: 0, gid: 0, contents, size: contents.length };
}
