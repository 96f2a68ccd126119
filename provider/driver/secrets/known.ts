/**
 * Which values are secret. Secrets never show: not in a diff, not in a message, not in an output that the state keeps in
 * clear.
 *
 * A secret of one resource may appear in texts of another: in the lines around a change of the same file, or in lines of
 * the mail log that an error quotes. So a value that was once known to be secret stays so in this process, for all
 * resources. Secrets that other runs and other stacks have written are found by the record on the host, which marks the
 * keys with secret values ({@link learnFromRecord}).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type HeldKey, type KeyedText, secretsOfKeys } from "../../contract/keyedText";
import { decodeUtf8, FormatError } from "../../formats/bytes";
import { CONFIGURED } from "../../arguments/connection";
import { secretOf } from "../../host/ssh/credentials";
import { fileAt, type FileState, type HostReader } from "../../host/host";
import { file, Look, lookAt } from "../../host/look";
import type { HostRecord } from "../../host/record";
import type { Platform } from "../../openbsd/platform";
import { stringsIn, valueAt } from "../../values/json";
import type { Values } from "../state";
import { spellings } from "./spellings";

/** Each spelling of a secret, and the secret itself. */
export type Spellings = Map<string, string>;

/** The secrets that the running method knows: those of its resource, and those of its host. */
interface Call {
  readonly own: Spellings;
  host: Spellings;
}

const call = new AsyncLocalStorage<Call>();

/** Runs `work` as a method of a resource with these secrets. */
export function callWith<T>(own: Spellings, work: () => Promise<T>): Promise<T> {
  return call.run({ own, host: new Map() }, work);
}

/** The secrets of the running method; none outside of one. */
export function secretsOfCall(): Readonly<Call> {
  return call.getStore() ?? { own: new Map(), host: new Map() };
}

/** All secrets that this process has come to know. The map only grows: a value that was secret once stays so. */
export const everywhere: Spellings = new Map();

/** Secrets that were found by the records of hosts, by the fingerprints of the hosts' keys. */
const onHosts = new Map<string, Spellings>();

/** Files that were read for their secrets, by host and path, with the keys that the record had in them at that time. */
const readBefore = new Map<string, string>();

/** Secrets below this length are hidden only in texts of their own resource: elsewhere they would match by chance. */
export const SHORTEST = 4;

/** Forgets all secrets: for tests, which make several runs in one process. */
export function forgetSecrets(): void {
  everywhere.clear();
  onHosts.clear();
  readBefore.clear();
}

/** Adds secrets in all their spellings. */
export function add(secrets: readonly string[], to: Spellings): void {
  for (const secret of secrets)
    for (const spelling of spellings(secret)) {
      to.set(spelling, secret);
      if (spelling.trim().length >= SHORTEST) everywhere.set(spelling, secret);
    }
}

/** Learns the live value of each secret input: such a value is secret as well. `live` is by the names of the inputs. */
export function learnSecrets(inputs: Values, live: Values): void {
  const own = call.getStore()?.own;
  if (own) add(secretsIn({ ...live, secretPaths: inputs["secretPaths"] }), own);
}

/** Is a value, as it stands in a file, a secret of the resource that the method is about? */
export function isSecretValue(value: string): boolean {
  const { own } = secretsOfCall();
  return own.has(value) || own.has(decodeUtf8(value));
}

/** The format of a kind's keys; `undefined` for a kind that this version of the provider does not know. */
type FormatOf = (kind: string, platform: Platform) => KeyedText | undefined;

/**
 * Learns the secrets of all keys that the record on a host marks, whichever stack owns them: their values in the files
 * now. Files that are not in `seen` are read, once in a process.
 */
export async function learnFromRecord(
  host: HostReader,
  platform: Platform,
  record: HostRecord,
  seen: ReadonlyMap<string, FileState>,
  formatOf: FormatOf,
): Promise<void> {
  const store = call.getStore();
  if (!store) return;
  const known: Spellings = onHosts.get(host.fingerprint) ?? new Map<string, string>();
  onHosts.set(host.fingerprint, known);
  store.host = known;
  const held = Object.entries(record.keys).filter(([, entry]) => entry.secret !== undefined);
  const files = new Map(seen);
  const unread = [
    ...new Set(held.flatMap(([, { file: path }]) => (path === undefined ? [] : [path]))),
  ]
    .filter((path) => !files.has(path))
    .filter((path) => !isReadBefore(host.fingerprint, record, path));
  const read = await lookAt(host, Look.each(unread, file));
  for (const [path, state] of Object.entries(read)) files.set(path, state);
  // All keys of a file are searched at once, because a file may have very many.
  const byFile = new Map<string, Map<string, HeldKey[]>>();
  for (const [name, entry] of held) {
    const { file: path = "", secret = "" } = entry;
    const byFormat = byFile.get(path) ?? new Map<string, HeldKey[]>();
    byFile.set(path, byFormat);
    const keys = byFormat.get(secret) ?? [];
    byFormat.set(secret, keys);
    keys.push([name.slice(path.length + 1), entry]);
  }
  for (const [path, byFormat] of byFile)
    for (const [kind, keys] of byFormat)
      add(liveSecrets(keys, formatOf(kind, platform), files.get(path)), known);
}

function isReadBefore(fingerprint: string, record: HostRecord, path: string): boolean {
  const keys = Object.entries(record.keys).filter(([, entry]) => entry.file === path);
  const digest = JSON.stringify(
    keys.map(([name, { applied, unsettled }]) => [name, applied, unsettled]),
  );
  const id = `${fingerprint} ${path}`;
  if (readBefore.get(id) === digest) return true;
  readBefore.set(id, digest);
  return false;
}

function liveSecrets(
  keys: readonly HeldKey[],
  text: KeyedText | undefined,
  state: FileState = { type: "absent" },
): readonly string[] {
  const contents = fileAt(state)?.contents;
  // What is too large to be carried is shown nowhere.
  if (text === undefined || typeof contents !== "string") return [];
  try {
    return secretsOfKeys(text, contents, keys).map(decodeUtf8);
  } catch (error) {
    // The resource that owns the file reports that it can no longer be read.
    if (FormatError.isInstance(error)) return [];
    throw error;
  }
}

/** The property paths of the inputs that are secret in the program. */
export function secretPathsOf(values: Values): readonly string[] {
  return (values["secretPaths"] as readonly string[] | undefined) ?? [];
}

/** The secret strings in inputs or in a state. */
export function secretsIn(values: Values): string[] {
  const given = secretPathsOf(values).flatMap((path) => stringsIn(valueAt(values, path)));
  const hops = [valueAt(values, "connection"), valueAt(values, "connection.proxy")];
  // The credentials of a connection are secret whether or not the program marked them.
  const credentials = hops.flatMap((hop) =>
    typeof hop === "object" && hop !== null
      ? CONFIGURED.flatMap((field) => secretOf(hop as Values, field))
      : [],
  );
  return [...given, ...credentials.filter((secret) => typeof secret === "string")];
}
