/**
 * Owning parts of a text file. Pure: what a file should hold, what to remember of it, and how to take our part out
 * of it again.
 */
import { contentsOf, type FileState } from "../host/host";
import { type Claim, type HostRecord, type Json, savedContents } from "../host/record";
import type { Change, PlanContext, RestoreContext } from "./kind";
import { hideSecrets } from "./hiddenValue";
import { about, KeyedText, same } from "./keyedText";

/** A text file of which some keys are wanted. */
export interface KeyedFile {
  readonly path: string;
  readonly state: FileState;
  readonly text: KeyedText;
  readonly wanted: Readonly<Record<string, Json>>;
  /** For a file that is not there yet. Default 0644. */
  readonly mode?: number;
}

/** The name of a key in the record. */
export function keyName(path: string, key: string): string {
  return `${path}#${key}`;
}

function keyIn(path: string, name: string): string {
  return name.slice(path.length + 1);
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
