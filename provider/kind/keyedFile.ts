/**
 * Owning parts of a text file. Pure: what a file should hold, what to remember of it, and how to take our part out
 * of it again.
 */
import { FormatError } from "../formats/bytes";
import { contentsOf, type FileState } from "../host/host";
import {
  type Claim,
  type HostRecord,
  type Json,
  type KeyEntry,
  savedContents,
} from "../host/record";
import { equal } from "../values/json";
import type { Change, PlanContext, RestoreContext } from "./kind";
import { sha256 } from "../values/digest";

/** How the keys of a text file are read and edited; texts are latin1 strings, one character a byte. */
export interface KeyedText {
  /** The kind whose format it is, by which the record says how a secret value is found again. */
  readonly kind: string;
  /** The value in force, or `undefined` where there is none. */
  get(text: string, key: string): Json | undefined;
  /**
   * Makes `value` the one in force; `null` removes the key. `was` is what {@link save} gave before the first change:
   * a key that was deleted meanwhile goes back to its former place.
   */
  put(text: string, key: string, value: Json, was?: Json): string;
  save(text: string, key: string): Json;
  undo(text: string, key: string, saved: Json): string;
  /** The one spelling of a string in a value. Default: as it is. */
  normal?(value: string): string;
  /** Are two values the same in meaning? Default: as JSON. */
  same?(left: Json | undefined, right: Json | undefined): boolean;
}

/** A text file of which some keys are wanted. */
export interface KeyedFile {
  readonly path: string;
  readonly state: FileState;
  readonly text: KeyedText;
  readonly wanted: Readonly<Record<string, Json>>;
  /** For a file that is not there yet. Default 0644. */
  readonly mode?: number;
}

/** What a file's format cannot carry, with the key that it is about. */
export class KeyFault extends Error {
  constructor(
    readonly path: string,
    readonly key: string,
    override readonly cause: FormatError,
  ) {
    super(cause.message);
  }
}

/** Does something with one key of a file; what its format refuses then names the key. */
function about<T>(path: string, key: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw FormatError.isInstance(error) ? new KeyFault(path, key, error) : error;
  }
}

/** The name of a key in the record. */
export function keyName(path: string, key: string): string {
  return `${path}#${key}`;
}

function keyIn(path: string, name: string): string {
  return name.slice(path.length + 1);
}

function same(text: KeyedText, left: Json | undefined, right: Json | undefined): boolean {
  const normal = (value: string): string => text.normal?.(value) ?? value;
  // Where one side has hashes, so has the other to have them.
  const digested = [left, right].some((value) => value !== undefined && hasHash(value));
  const comparable = (value: Json | undefined): Json | undefined =>
    value === undefined
      ? undefined
      : strings(value, (one) => (digested ? hashOf(normal(one)) : normal(one)));
  const [one, other] = [comparable(left), comparable(right)];
  return text.same ? text.same(one, other) : equal(one ?? null, other ?? null);
}

/** What stands in the record for a secret: who may read the record may read the file that holds the secret itself. */
interface Hash {
  readonly [key: string]: Json;
  readonly sha256: string;
}

function hashOf(value: string): Hash {
  return { sha256: sha256(value) };
}

/** Does this stand for a secret? */
export function isHash(value: Json | undefined): value is Hash {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).join() === "sha256" &&
    typeof (value as Hash).sha256 === "string"
  );
}

function hasHash(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isHash(value) || Object.values<Json>(value).some(hasHash);
}

/** A value with something else in the place of its strings; what was hashed stays so. */
function strings(value: Json, change: (one: string) => Json): Json {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null || isHash(value)) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => strings(item, change));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, strings(item, change)]),
  );
}

/** What of a value may stand in the record. */
export function hideSecrets(
  text: Pick<KeyedText, "kind" | "normal">,
  applied: Json,
  isSecret: (value: string) => boolean,
): Pick<Claim, "applied" | "secret"> {
  const hidden = strings(applied, (one) =>
    isSecret(one) ? hashOf(text.normal?.(one) ?? one) : one,
  );
  return { applied: hidden, ...(hasHash(hidden) ? { secret: text.kind } : {}) };
}

/**
 * What of a key's value in a file is secret: what does not stand in clear in the record. Besides the strings of the
 * value, lines in which it stands in another way (continued, quoted), from where it begins in them.
 */
export function secretsOfKey(
  text: KeyedText,
  contents: string,
  key: string,
  applied: Json,
): string[] {
  const found = text.get(contents, key);
  if (found === undefined) return [];
  const clear = new Set(stringsIn(applied));
  const secret = stringsIn(found).filter((one) => !clear.has(text.normal?.(one) ?? one));
  if (secret.length === 0 || clear.size > 0) return secret;
  const rest = text.put(contents, key, null).split("\n");
  const own = contents
    .split("\n")
    .filter((line) => !rest.includes(line) && !secret.some((value) => line.includes(value)));
  return [...secret, ...own.map((line) => line.replace(/^[^\s=:]+\s*[=:]?/, "").trim())];
}

function stringsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || isHash(value)) return [];
  return Object.values<Json>(value).flatMap(stringsIn);
}

/**
 * What the plan starts from: the file as it is; where it was deleted meanwhile, as it was before us; else nothing.
 */
function startingText(file: KeyedFile, record: HostRecord): string {
  return contentsOf(file.state) ?? savedContents(record.files[file.path]?.before ?? null) ?? "";
}

/** The text with our keys in it, and with those that the arguments no longer name taken out. */
function wantedText(file: KeyedFile, context: PlanContext): string {
  let text = startingText(file, context.record);
  for (const [name, entry] of context.dropped)
    if (entry.file === file.path) {
      const key = keyIn(file.path, name);
      text = about(file.path, key, () => file.text.undo(text, key, entry.before));
    }
  for (const [key, value] of Object.entries(file.wanted)) {
    const was = context.record.keys[keyName(file.path, key)]?.before;
    text = about(file.path, key, () => file.text.put(text, key, value, was));
  }
  return text;
}

/**
 * The file as the only owner of its keys wants it: every other key that stands in it is to go. What went before stays
 * claimed, so that it is given back only when this mode is left.
 *
 * @param present the keys that stand in the file now
 */
export function alone(
  file: KeyedFile,
  present: Iterable<string>,
  { record, owner }: Pick<PlanContext, "record" | "owner">,
): KeyedFile {
  const gone = Object.entries(record.keys)
    .filter(
      ([, entry]) =>
        entry.file === file.path &&
        entry.applied === null &&
        entry.owner.instance === owner.instance,
    )
    .map(([name]) => keyIn(file.path, name));
  const others = [...present, ...gone].filter((key) => !(key in file.wanted));
  return {
    ...file,
    wanted: { ...file.wanted, ...Object.fromEntries(others.map((key) => [key, null])) },
  };
}

/** The write that makes the file hold what is wanted, or nothing where it does. */
export function planKeyedFile(file: KeyedFile, context: PlanContext): Change[] {
  const contents = wantedText(file, context);
  const current = contentsOf(file.state);
  if (current === contents || (current === undefined && contents === "")) return [];
  const before = context.record.files[file.path]?.before;
  const attributes =
    current !== undefined
      ? {}
      : before
        ? { mode: before.mode, uid: before.uid, gid: before.gid }
        : { mode: file.mode ?? 0o644, uid: 0, gid: 0 };
  return [
    {
      change: "write",
      path: file.path,
      found: file.state,
      contents,
      ...attributes,
      ...(current === undefined && context.coming(file.path) ? { partial: true } : {}),
    },
  ];
}

/** What to remember of each wanted key. */
export function claimKeyedFile(file: KeyedFile, context: PlanContext): Claim[] {
  const text = startingText(file, context.record);
  return Object.entries(file.wanted).map(([key, applied]) => ({
    key: keyName(file.path, key),
    file: file.path,
    before: about(file.path, key, () => file.text.save(text, key)),
    ...hideSecrets(file.text, applied, context.isSecret),
  }));
}

/** Live values of the wanted keys. A key that is not there is `null`; equal in meaning keeps the wanted spelling. */
export function liveKeys(file: KeyedFile): Record<string, Json> {
  const text = contentsOf(file.state) ?? "";
  return Object.fromEntries(
    Object.entries(file.wanted).map(([key, wanted]) => {
      const found = about(file.path, key, () => file.text.get(text, key));
      const asWanted = about(file.path, key, () => same(file.text, found, wanted ?? undefined));
      return [key, asWanted ? wanted : (found ?? null)];
    }),
  );
}

/** The file without any of the recorded keys: what others wrote in it. */
function remainder(text: KeyedText, contents: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => text.put(rest, key, null), contents);
}

/**
 * Takes our keys out of a file. Where nobody else changed anything, that is the file of before, to the byte, owner
 * and mode; else each key is undone by itself, and one that somebody changed meanwhile is left and named.
 */
export function restoreKeyedFile(
  path: string,
  state: FileState,
  text: KeyedText,
  context: RestoreContext,
): Change[] {
  const ours = context.keys.filter(([, entry]) => entry.file === path);
  if (ours.length === 0) return [];
  const names = new Set(ours.map(([name]) => name));
  const shared = Object.entries(context.record.keys).some(
    ([name, entry]) => entry.file === path && !names.has(name),
  );
  const before = context.record.files[path]?.before ?? null;
  const original = savedContents(before);
  const current = contentsOf(state);
  const change = (contents: string): Change[] =>
    contents === current
      ? []
      : [
          {
            change: "write",
            path,
            found: state,
            contents,
            ...(before && contents === original
              ? { mode: before.mode, uid: before.uid, gid: before.gid }
              : {}),
          },
        ];
  if (current === undefined) return original === null ? [] : change(original);
  // A destroy that was cut off has put it back before: what was applied is gone by our own hand.
  if (current === original && !shared) return [];

  const keys = ours.map(([name]) => keyIn(path, name));
  const asApplied = ours.every(([name, entry]) =>
    same(text, text.get(current, keyIn(path, name)), entry.applied ?? undefined),
  );
  const untouched = remainder(text, current, keys) === remainder(text, original ?? "", keys);
  if (!shared && asApplied && untouched)
    return original === null ? [{ change: "remove", path, found: state }] : change(original);

  const undone = ours.reduce((rest, [name, entry]) => {
    const key = keyIn(path, name);
    const before = text.undo(rest, key, entry.before);
    if (before === rest || same(text, text.get(rest, key), entry.applied ?? undefined))
      return before;
    context.warn(`${path}: ${key} was changed by somebody else meanwhile and is left as it is.`);
    return rest;
  }, current);
  return original === null && !shared && undone.trim() === ""
    ? [{ change: "remove", path, found: state }]
    : change(undone);
}

/** Puts a file that is ours as a whole back, unless somebody else changed it meanwhile. */
export function restoreWholeFile(
  path: string,
  state: FileState,
  context: RestoreContext,
  options: { readonly opaque?: boolean } = {},
): Change[] {
  const entry: readonly [string, KeyEntry] | undefined = context.keys.find(
    ([, known]) => known.file === path,
  );
  const file = context.record.files[path];
  if (!entry || !file) return [];
  const current = contentsOf(state);
  const original = savedContents(file.before);
  if ((current ?? null) === original) return [];
  if (current !== undefined && file.written !== null && sha256(current) !== file.written) {
    context.warn(`${path} was changed by somebody else meanwhile and is left as it is.`);
    return [];
  }
  if (original === null) return [{ change: "remove", path, found: state, ...options }];
  return [
    {
      change: "write",
      path,
      found: state,
      contents: original,
      ...(file.before
        ? { mode: file.before.mode, uid: file.before.uid, gid: file.before.gid }
        : {}),
      ...options,
    },
  ];
}
