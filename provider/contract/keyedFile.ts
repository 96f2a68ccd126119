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
import { abridged } from "../values/abridged";
import { mapValues } from "../values/json";
import { hideSecrets } from "./hashedSecrets";
import { hashedValue, isHidden } from "./hiddenFile";
import type { Change, PlanContext, RestoreContext } from "./kind";
import { type KeyedEditor, type KeyedText, same, workOnKey } from "./keyedText";

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
  const editor = file.text.open(start);
  for (const [name, entry] of context.dropped)
    if (entry.file === file.path) {
      const key = keyIn(file.path, name);
      workOnKey(file.path, key, () => editor.undo(key, entry.before));
    }
  for (const [key, value] of Object.entries(file.wanted)) {
    const was = context.record.keys[keyName(file.path, key)]?.before;
    workOnKey(file.path, key, () => editor.put(key, value, was));
  }
  return editor.text;
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
  const others = [...present, ...removedBefore].filter((key) => !Object.hasOwn(file.wanted, key));
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
    ...(set.length > 0
      ? [`sets ${abridged(set, (count) => `${count} more keys that the program names`).join(", ")}`]
      : []),
    ...(removed > 0 ? [`removes or undoes ${removed} more`] : []),
  ].join("; ");
}

/**
 * The claims of the wanted keys. Those that the file has come in its order: keys are undone in the reverse of the order in
 * which they were claimed, and so an entry that was removed finds its neighbour, whichever others were removed with it.
 */
export function claimKeyedFile(file: KeyedFile, context: PlanContext): Claim[] {
  const editor = file.text.open(startingText(file, context.record));
  const placed = Object.entries(file.wanted).map(([key, applied]) => {
    const name = keyName(file.path, key);
    // What was there before the first change is in the record, and stays.
    const known = context.record.keys[name];
    return {
      place: editor.placeOf(key) ?? Number.MAX_SAFE_INTEGER,
      claim: {
        key: name,
        file: file.path,
        before: known?.before ?? workOnKey(file.path, key, () => editor.save(key)),
        ...hideSecrets(file.text, applied, context.isSecret),
      },
    };
  });
  return placed.sort((left, right) => left.place - right.place).map(({ claim }) => claim);
}

/**
 * Live values of the wanted keys: `null` for a missing key, the wanted spelling where a value means the same. In a file
 * that others may not read, a hash stands for a value that somebody else has set.
 */
export function liveKeys(file: KeyedFile): Record<string, Json> {
  const editor = file.text.open(contentsOf(file.state) ?? "");
  return mapValues(file.wanted, (wanted, key) => {
    const found = workOnKey(file.path, key, () => editor.get(key));
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
  const withoutKeys = (contents: string): string => {
    const editor = text.open(contents);
    for (const [name] of owned) editor.put(keyIn(path, name), null);
    return editor.text;
  };
  const [now, then] = [text.open(current), text.open(original)];
  const areKeysOurs = owned.every(([name, entry]) => {
    const key = keyIn(path, name);
    return isAsApplied(text, now, key, entry) || same(text, now.get(key), then.get(key));
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
  const [now, then] = [text.open(current), text.open(original)];
  return owned.every(([name, { before }]) => {
    const key = keyIn(path, name);
    return same(text, now.undone(key, before), then.get(key));
  });
}

/** Is the key as it was applied: last, or before a change that is not settled? */
function isAsApplied(
  text: KeyedText,
  contents: KeyedEditor,
  key: string,
  { applied, unsettled = [] }: KeyEntry,
): boolean {
  const found = contents.get(key);
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
  const editor = text.open(current);
  const left: string[] = [];
  for (const [name, entry] of owned) {
    const key = keyIn(path, name);
    if (isAsApplied(text, editor, key, entry)) editor.undo(key, entry.before);
    else if (!editor.isUndone(key, entry.before)) left.push(key);
  }
  const warnings = left.map(
    (key) => `${path}: ${key} was changed by somebody else meanwhile and is left as it is.`,
  );
  const rest = (count: number): string =>
    `${path}: ${count} more keys were changed by somebody else meanwhile and stand there as they are.`;
  for (const warning of abridged(warnings, rest)) warn(warning);
  return editor.text;
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
