/**
 * Secret values never show: not in a diff, not in a message, not in an output that the state keeps in clear.
 *
 * A secret of one resource stands where another one looks: in the lines around a change of the same file, in the mail
 * log that an error quotes. So whatever is once known to be secret in this process stays so, whoever said it; and what
 * other runs and other stacks wrote is found again by the record on the host, which says of which keys the values are
 * secret ({@link learnFromRecord}).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHmac, randomBytes } from "node:crypto";
import { readable } from "../values/readable";
import { secretsOfKey } from "../kind/keyedText";
import { contentsOf } from "../host/host";
import { decodeUtf8, FormatError } from "../formats/bytes";
import { CONFIGURED, secretOf } from "../host/credentials";
import type { FileState, HostReader } from "../host/host";
import type { HostRecord, KeyEntry } from "../host/record";
import { equal, pathParts, valueAt, valueIn } from "../values/json";
import type { Platform } from "../openbsd/platform";
import type { KeyedText } from "../kind/keyedText";
import { type Values, userError } from "./state";

const HIDDEN = "[secret]";

/** Each spelling of a secret, and the secret itself. */
type Spellings = Map<string, string>;

/** What the method that is running knows: the secrets of its own resource, and those of the host it works on. */
interface Call {
  readonly own: Spellings;
  host: Spellings;
}

const call = new AsyncLocalStorage<Call>();

/** All secrets that this process has come to know. It only grows: what was said once is not unsaid. */
const everywhere: Spellings = new Map();

/** Those that the records of hosts have led to, by the host's key. */
const onHosts = new Map<string, Spellings>();

/** Files of hosts that were read for their secrets, with the keys that they had then. */
const readBefore = new Map<string, string>();

/** Shorter ones hide nothing of another resource's texts: they would be found in all of them by chance. */
const SHORTEST = 4;

/** For whoever makes several runs in one process, as tests do. */
export function forgetSecrets(): void {
  everywhere.clear();
  onHosts.clear();
  readBefore.clear();
}

/**
 * Runs a method of the provider. What is secret in `values`, which are its inputs or its state, stands in nothing that
 * it says, and in no error that comes out of it.
 */
export function keepingSecrets<T>(values: readonly Values[], work: () => Promise<T>): Promise<T> {
  const own: Spellings = new Map();
  add(values.flatMap(secretsIn), own);
  return call.run({ own, host: new Map() }, async () => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (mask(error.message) === error.message) throw withoutStack(error);
      const { message, stack: _stack, ...more } = error;
      throw withoutStack(Object.assign(userError(mask(message)), more));
    }
  });
}

/** The SDK prints an error and its stack one after the other: a stack that is the message would be a second one. */
function withoutStack(error: Error): Error {
  if (error.stack === error.message) error.stack = "";
  return error;
}

function add(secrets: readonly string[], to: Spellings): void {
  for (const secret of secrets)
    for (const spelling of spellings(secret)) {
      to.set(spelling, secret);
      if (spelling.trim().length >= SHORTEST) everywhere.set(spelling, secret);
    }
}

/** Live values under the names of inputs: what stands at a secret's place on the host is one too. */
export function learnSecrets(inputs: Values, live: Values): void {
  const own = call.getStore()?.own;
  if (own) add(secretsIn({ ...live, secretPaths: inputs["secretPaths"] }), own);
}

/** Is a value, as it stands in a file, a secret of the resource that is worked on? */
export function isSecretValue(value: string): boolean {
  const own = call.getStore()?.own ?? new Map<string, string>();
  return own.has(value) || own.has(decodeUtf8(value));
}

/** The format in which a kind's keys stand in their file; `undefined` for a kind that this version does not know. */
type FormatOf = (kind: string, platform: Platform) => KeyedText | undefined;

/**
 * Learns the secrets that the record on a host tells of, whichever resource of whichever stack put them there: their
 * values as they stand in the files now. A file that `seen` does not have is read, once in a process.
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
  const unread = [...new Set(held.flatMap(([, { file }]) => (file === undefined ? [] : [file])))]
    .filter((path) => !files.has(path))
    .filter((path) => !isReadBefore(host.fingerprint, record, path));
  if (unread.length > 0) {
    const facts = Object.fromEntries(unread.map((path) => [path, { fact: "file", path } as const]));
    for (const [path, state] of Object.entries(await host.read(facts))) files.set(path, state);
  }
  for (const [name, entry] of held)
    add(liveSecrets(name, entry, formatOf(entry.secret ?? "", platform), files), known);
}

function isReadBefore(fingerprint: string, record: HostRecord, path: string): boolean {
  const keys = Object.entries(record.keys).filter(([, { file }]) => file === path);
  const digest = JSON.stringify(keys.map(([name, { applied }]) => [name, applied]));
  const id = `${fingerprint} ${path}`;
  if (readBefore.get(id) === digest) return true;
  readBefore.set(id, digest);
  return false;
}

function liveSecrets(
  name: string,
  { file = "", applied }: KeyEntry,
  text: KeyedText | undefined,
  files: ReadonlyMap<string, FileState>,
): string[] {
  const contents = contentsOf(files.get(file) ?? { type: "absent" });
  if (text === undefined || contents === undefined) return [];
  try {
    return secretsOfKey(text, contents, name.slice(file.length + 1), applied).map(decodeUtf8);
  } catch (error) {
    // A file that nobody can read the key in any more is the owner's to complain of.
    if (FormatError.isInstance(error)) return [];
    throw error;
  }
}

/** A text, to be said, without any secret that is known. */
export function mask(text: string): string {
  const own = call.getStore()?.own ?? new Map<string, string>();
  return replaced(text, new Map([...everywhere, ...own]), measured);
}

/** A text, to be kept, without the secrets of the resource itself: it is the same in each run. */
export function maskOwn(text: string): string {
  return replaced(text, call.getStore()?.own ?? new Map<string, string>(), () => HIDDEN);
}

/** Outputs that are no inputs are kept in clear: without any secret that is known, in whatever depth. */
export function maskAll<T>(value: T): T {
  const own = call.getStore()?.own ?? new Map<string, string>();
  return maskedBy(value, new Map([...everywhere, ...own]));
}

/**
 * Outputs that a refresh finds. What is hidden in them must not depend on what else this process has come across, or
 * they would differ by chance: so the secrets of the resource and of the host, and what was hidden before.
 */
export function maskAgain<T>(before: Values, outputs: T): T {
  const store = call.getStore();
  const known: Spellings = new Map([
    ...[...(store?.host ?? [])].filter(([spelling]) => spelling.trim().length >= SHORTEST),
    ...(store?.own ?? []),
  ]);
  return stillHidden(before, maskedBy(outputs, known));
}

function maskedBy<T>(value: T, known: Spellings): T {
  if (typeof value === "string") return replaced(value, known, () => HIDDEN) as T;
  if (Array.isArray(value)) return value.map((item) => maskedBy<unknown>(item, known)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, maskedBy<unknown>(item, known)]),
  ) as T;
}

/** A text that is as before but for what was hidden in it stays as it was. */
function stillHidden<T>(before: unknown, now: T): T {
  if (typeof now === "string") {
    if (typeof before !== "string" || !before.includes(HIDDEN)) return now;
    const parts = before.split(HIDDEN).map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
    return new RegExp(`^${parts.join("[^]+")}$`).test(now) ? (before as T) : now;
  }
  if (Array.isArray(now))
    return now.map((item: unknown, index) =>
      stillHidden(valueIn(before, String(index)), item),
    ) as T;
  if (typeof now !== "object" || now === null) return now;
  return Object.fromEntries(
    Object.entries(now).map(([key, item]) => [key, stillHidden(valueIn(before, key), item)]),
  ) as T;
}

/** The longest first. In two steps, so that nothing is found in what stands for another secret. */
function replaced(text: string, known: Spellings, label: (secret: string) => string): string {
  const found = [...known.keys()]
    .filter((spelling) => text.includes(spelling))
    .sort((left, right) => right.length - left.length);
  if (found.length === 0) return text;
  // Characters for private use, which no file and no log has: U+E000 and the number in digits from U+E010 on.
  const numbered = found.reduce(
    (masked, spelling, index) => masked.replaceAll(spelling, placeOf(index)),
    text,
  );
  return numbered.replace(/\uE000([\uE010-\uE019]+)\uE001/g, (_place, digits: string) => {
    const index = Number(digits.replace(/./g, (digit) => String(digit.charCodeAt(0) - 0xe010)));
    return label(known.get(found[index] ?? "") ?? "");
  });
}

function placeOf(index: number): string {
  const digits = String(index).replace(/./g, (digit) =>
    String.fromCharCode(0xe010 + Number(digit)),
  );
  return `\uE000${digits}\uE001`;
}

/**
 * The plain hash of a secret would let whoever reads the output try passwords against it. With a key that ends with
 * this process it tells two values in one output apart, and nothing else.
 */
const hashKey = randomBytes(32);

function measured(secret: string): string {
  const hash = createHmac("sha256", hashKey).update(secret).digest("hex").slice(0, 8);
  return `[secret, ${secret.length} characters, hash ${hash}]`;
}

/** What a refresh says of secrets that are not as they were applied: the engine shows `[secret]` for both. */
export function driftedSecrets(given: Values, live: Values): string[] {
  const shown = (value: unknown): string => {
    if (value === undefined || value === null) return "nothing";
    return measured(typeof value === "string" ? value : JSON.stringify(value));
  };
  return secretPathsOf(given).flatMap((path) => {
    const [wanted, found] = [valueAt(given, path), valueAt(live, path)];
    if (found === undefined || equal(found, wanted)) return [];
    return [`${path} has drifted: the host has ${shown(found)}, applied was ${shown(wanted)}`];
  });
}

/**
 * Live values as a refresh may keep and show them. The engine knows that an input is secret by the value that it gave,
 * not by one that it gets back: what stands on the host instead of a secret is told by its hash.
 */
export function hashDrift(inputs: Values, live: Values): Values {
  return secretPathsOf(inputs).reduce<Values>(
    (hashed, path) => replaceAt(hashed, inputs, pathParts(path)) as Values,
    live,
  );
}

function replaceAt(live: unknown, given: unknown, [part, ...rest]: readonly string[]): unknown {
  if (part === undefined) return equal(live, given) ? live : hashed(live, given);
  if (Array.isArray(live))
    return live.map((item: unknown, index) =>
      String(index) === part ? replaceAt(item, valueIn(given, part), rest) : item,
    );
  if (typeof live !== "object" || live === null || !(part in live)) return live;
  const own = (live as Values)[part];
  return { ...live, [part]: replaceAt(own, valueIn(given, part), rest) };
}

/**
 * In the shape that it has: whoever reads the state goes on finding lists where lists were. The hash has to be the same
 * at the next refresh, and is made with the value that was given, which the state holds encrypted.
 */
function hashed(value: unknown, given: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => hashed(item, given));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, hashed(item, given)]),
    );
  if (value === null || typeof value === "boolean") return value;
  const digest = createHmac("sha256", JSON.stringify(given ?? null))
    .update(typeof value === "string" ? value : JSON.stringify(value))
    .digest("hex");
  return `[another value, hash ${digest.slice(0, 12)}]`;
}

function secretPathsOf(values: Values): readonly string[] {
  return (values["secretPaths"] as readonly string[] | undefined) ?? [];
}

function secretsIn(values: Values): string[] {
  const given = secretPathsOf(values).flatMap((path) => leaves(valueAt(values, path)));
  const hops = [valueAt(values, "connection"), valueAt(values, "connection.proxy")];
  // What is secret in a connection is so whether or not the program said so.
  const credentials = hops.flatMap((hop) =>
    typeof hop === "object" && hop !== null
      ? CONFIGURED.flatMap((field) => secretOf(hop as Values, field))
      : [],
  );
  return [...given, ...credentials.filter((one) => typeof one === "string")];
}

/** A setting of a table's client: `password = …` (mysql_table(5)), `bind_pw = …` (ldap_table(5)). */
const PASSWORD = /^\s*\w*(?:pass|pw)\w*\s*=\s*(.*\S)/i;

/**
 * A secret as it may stand in a text: as it is, without the blanks around it, line by line, in the quotes of JSON, of
 * aliases(5) or of a message, as local(8) logs a command, and as we print it.
 */
function spellings(secret: string): string[] {
  const trimmed = secret.trim();
  const bare = trimmed.replace(/^"(.*)"$/s, (_all, inner: string) => inner.replace(/\\(.)/g, "$1"));
  const forms = [secret, trimmed, trimmed.replace(/\s+/g, " "), bare, bare.replace(/^\|\s*/, "")];
  const quoted = forms.flatMap((form) => [
    form.replace(/["\\]/g, "\\$&"),
    JSON.stringify(form).slice(1, -1),
    readable(Buffer.from(form).toString("latin1")),
  ]);
  const lines = secret.split("\n").filter((line) => line.trim().length >= 8);
  const passwords = lines.flatMap((line) => PASSWORD.exec(line)?.[1] ?? []);
  return [...forms, ...quoted, ...lines, ...passwords].filter((one) => one.trim() !== "");
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}
