/**
 * Owning keys in a text file that others write as well: the contents to write, the claims to record, and how to take the
 * keys out again. All pure.
 */
import { contentsOf, type FileState } from "../host/host";
import {
  type Claim,
  type HostRecord,
  type Json,
  type KeyEntry,
  savedContents,
  type SavedFile,
} from "../host/record";
import { mapValues } from "../values/json";
import { hideSecrets } from "./hashedSecrets";
import { hashedValue, isHidden } from "./hiddenFile";
import type { Change, PlanContext, RestoreContext } from "./kind";
import { type KeyedText, same, workOnKey } from "./keyedText";

/** A text file in which some keys are to have certain values. */
export interface KeyedFile {
  readonly path: string;
  readonly state: FileState;
  readonly text: KeyedText;
  readonly wanted: Readonly<Record<string, Json>>;
  /** The mode of a file that does not exist yet. Default 0644. */
  readonly mode?: number;
}

/** The name of a file's key in the record. */
export function keyName(path: string, key: string): string {
  return `${path}#${key}`;
}

/** The key in the file that a name in the record stands for. */
function keyIn(path: string, name: string): string {
  return name.slice(path.length + 1);
}

/**
 * The text that a plan edits: the file as it is; a file that was deleted, as it was before the first change; else nothing.
 */
export function startingText(
  { path, state }: Pick<KeyedFile, "path" | "state">,
  record: HostRecord,
): string {
  return contentsOf(state) ?? savedContents(record.files[path]?.before ?? null) ?? "";
}

/**
 * The text with the wanted keys put in, and with the keys that the arguments no longer name undone.
 *
 * @param start the text that it is put into
 */
function wantedText(file: KeyedFile, context: PlanContext, start: string): string {
  let text = start;
  for (const [name, entry] of context.dropped)
    if (entry.file === file.path) {
      const key = keyIn(file.path, name);
      text = workOnKey(file.path, key, () => file.text.undo(text, key, entry.before));
    }
  for (const [key, value] of Object.entries(file.wanted)) {
    const was = context.record.keys[keyName(file.path, key)]?.before;
    text = workOnKey(file.path, key, () => file.text.put(text, key, value, was));
  }
  return text;
}

/**
 * The file for the mode "exact": every key that is not wanted is to go. Keys that an earlier apply removed stay claimed,
 * so that they come back only when the mode is left.
 *
 * @param present the keys that stand in the file now
 */
export function alone(
  file: KeyedFile,
  present: Iterable<string>,
  { record, owner }: Pick<PlanContext, "record" | "owner">,
): KeyedFile {
  const removedBefore = Object.entries(record.keys)
    .filter(
      ([, entry]) =>
        entry.file === file.path &&
        entry.applied === null &&
        entry.owner.instance === owner.instance,
    )
    .map(([name]) => keyIn(file.path, name));
  const others = [...present, ...removedBefore].filter((key) => !(key in file.wanted));
  return {
    ...file,
    wanted: { ...file.wanted, ...Object.fromEntries(others.map((key) => [key, null])) },
  };
}

/** The write that gives the file its wanted keys; none where the file has them. */
export function planKeyedFile(file: KeyedFile, context: PlanContext): Change[] {
  const contents = wantedText(file, context, startingText(file, context.record));
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
      ...(current === undefined && context.coming(file.path) ? partOf(file, context) : {}),
      ...(isHidden(file.state) ? { sets: namesOfChanges(file, context) } : {}),
    },
  ];
}

/** Marks the write of a file that an earlier step brings: the preview knows only the lines that this step sets. */
function partOf(
  file: KeyedFile,
  context: PlanContext,
): Pick<Extract<Change, { change: "write" }>, "partial" | "expected"> {
  const brought = context.expected(file.path);
  return {
    partial: true,
    ...(brought === undefined ? {} : { expected: wantedText(file, context, brought) }),
  };
}

/** What a plan sets in a file of which nothing else may be shown: the keys that the program names. */
function namesOfChanges(file: KeyedFile, { dropped }: PlanContext): string {
  const live = liveKeys(file);
  const changed = Object.entries(file.wanted).filter(([key, value]) => live[key] !== value);
  const set = changed.flatMap(([key, value]) => (value === null ? [] : [key]));
  const undone = dropped.filter(([, entry]) => entry.file === file.path);
  const removed = changed.length - set.length + undone.length;
  return [
    ...(set.length > 0 ? [`sets ${set.join(", ")}`] : []),
    ...(removed > 0 ? [`removes or undoes ${removed} more`] : []),
  ].join("; ");
}

/** The claims of the wanted keys. */
export function claimKeyedFile(file: KeyedFile, context: PlanContext): Claim[] {
  const text = startingText(file, context.record);
  return Object.entries(file.wanted).map(([key, applied]) => ({
    key: keyName(file.path, key),
    file: file.path,
    before: workOnKey(file.path, key, () => file.text.save(text, key)),
    ...hideSecrets(file.text, applied, context.isSecret),
  }));
}

/**
 * Live values of the wanted keys: `null` for a missing key, the wanted spelling where a value means the same. In a file
 * that others may not read, a hash stands for a value that somebody else has set.
 */
export function liveKeys(file: KeyedFile): Record<string, Json> {
  const text = contentsOf(file.state) ?? "";
  return mapValues(file.wanted, (wanted, key) => {
    const found = workOnKey(file.path, key, () => file.text.get(text, key));
    const asWanted = workOnKey(file.path, key, () => same(file.text, found, wanted ?? undefined));
    if (asWanted) return wanted;
    const live = found ?? null;
    return isHidden(file.state) ? (hashedValue(live, wanted) as Json) : live;
  });
}

/**
 * Takes a resource's keys out of a file. Where nobody else changed the file, it becomes what it was before the first
 * change, with its bytes, owner and mode. Otherwise each key is undone by itself, and a key that somebody changed
 * meanwhile is left and named.
 */
export function restoreKeyedFile(
  path: string,
  state: FileState,
  text: KeyedText,
  context: RestoreContext,
): Change[] {
  const owned = context.keys.filter(([, entry]) => entry.file === path);
  if (owned.length === 0) return [];
  const names = new Set(owned.map(([name]) => name));
  const isShared = Object.entries(context.record.keys).some(
    ([name, entry]) => entry.file === path && !names.has(name),
  );
  const before = context.record.files[path]?.before ?? null;
  const original = savedContents(before);
  const current = contentsOf(state);
  if (current === undefined)
    return original === null ? [] : writeBack(path, state, original, before);
  // An interrupted destroy put the file back already. Without this, the missing keys would look changed by somebody.
  const isWhole = !isShared && hasKeysOfBefore(path, text, current, original ?? "", owned);
  if (current === original && isWhole) return [];

  const isUntouched = isWhole && isOnlyOurWork(path, text, current, original ?? "", owned);
  const undone = isUntouched ? (original ?? "") : undoKeys(path, text, current, owned, context);
  const isEmpty = isUntouched || (!isShared && undone.trim() === "");
  return original === null && isEmpty
    ? [{ change: "remove", path, found: state }]
    : writeBack(path, state, undone, before);
}

type Owned = readonly (readonly [name: string, entry: KeyEntry])[];

/** Does the file differ from its original by the applied keys alone, and by no more than these? */
function isOnlyOurWork(
  path: string,
  text: KeyedText,
  current: string,
  original: string,
  owned: Owned,
): boolean {
  const withoutKeys = (contents: string): string =>
    owned.reduce((rest, [name]) => text.put(rest, keyIn(path, name), null), contents);
  const areKeysOurs = owned.every(([name, entry]) => {
    const key = keyIn(path, name);
    return (
      isAsApplied(text, current, key, entry) ||
      same(text, text.get(current, key), text.get(original, key))
    );
  });
  const isRestAsBefore = withoutKeys(current) === withoutKeys(original);
  return areKeysOurs && isRestAsBefore;
}

/**
 * Does each key have in the original what it had when it was claimed? The original is of the first claim in the file, by
 * whomever, and an admin may have set the key after that.
 */
function hasKeysOfBefore(
  path: string,
  text: KeyedText,
  current: string,
  original: string,
  owned: Owned,
): boolean {
  return owned.every(([name, { before }]) => {
    const key = keyIn(path, name);
    return same(text, text.get(text.undo(current, key, before), key), text.get(original, key));
  });
}

/** Is the key as it was applied: last, or before a change that is not settled? */
function isAsApplied(
  text: KeyedText,
  contents: string,
  key: string,
  { applied, unsettled = [] }: KeyEntry,
): boolean {
  const found = text.get(contents, key);
  return [applied, ...unsettled].some((value) => same(text, found, value ?? undefined));
}

/** Undoes each key that is still as it was applied, and warns of the others. */
function undoKeys(
  path: string,
  text: KeyedText,
  current: string,
  owned: Owned,
  { warn }: Pick<RestoreContext, "warn">,
): string {
  return owned.reduce((contents, [name, entry]) => {
    const key = keyIn(path, name);
    const undone = text.undo(contents, key, entry.before);
    if (undone === contents || isAsApplied(text, contents, key, entry)) return undone;
    warn(`${path}: ${key} was changed by somebody else meanwhile and is left as it is.`);
    return contents;
  }, current);
}

/** Writes the file where its contents differ; with the original contents it gets its former owner and mode too. */
function writeBack(path: string, found: FileState, contents: string, before: SavedFile): Change[] {
  if (contents === contentsOf(found)) return [];
  const attributes =
    before && contents === savedContents(before)
      ? { mode: before.mode, uid: before.uid, gid: before.gid }
      : {};
  return [{ change: "write", path, found, contents, ...attributes }];
}
