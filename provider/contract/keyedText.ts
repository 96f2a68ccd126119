/** Text formats of which single keys are read and edited. Texts are latin1 strings: one character for each byte. */
import { FormatError } from "../formats/bytes";
import { type KeyFunctions, oneByOne, type TextEditor } from "../formats/oneByOne";
import type { Json, KeyEntry } from "../host/record";
import { equal, stringsIn } from "../values/json";
import { hasHash, hashOf, isHash, mapStrings } from "./hashedSecrets";

/** How the keys of a text file are read and edited, with values as the record holds them. */
export interface KeyedText {
  /** The kind that the format belongs to. The record names it with a secret, whose value this format then finds. */
  readonly kind: string;
  /** The key's value in force; `undefined` where it has none. */
  get(text: string, key: string): Json | undefined;
  /**
   * Puts `value` in force; `null` removes the key. `was` is what {@link save} returned before the first change: with it,
   * a key that was deleted meanwhile goes back to its former place.
   */
  put(text: string, key: string, value: Json, was?: Json): string;
  /** What {@link undo} needs to bring the key back as it is now. */
  save(text: string, key: string): Json;
  undo(text: string, key: string, saved: Json): string;
  /** Opens a text for work on many of its keys: the same as one after the other, and for large files in one pass. */
  open(text: string): KeyedEditor;
  /** The canonical spelling of a string in a value. Default: as it is. */
  readonly normal?: (value: string) => string;
  /** Do two values mean the same? Default: equality as JSON. */
  same?(left: Json | undefined, right: Json | undefined): boolean;
}

/** A text under edit by its keys. */
export interface KeyedEditor extends Omit<TextEditor<Json, Json>, "set" | "remove"> {
  /** Puts `value` in force, as {@link KeyedText.put} does. */
  readonly put: (key: string, value: Json, was?: Json) => void;
}

/** A {@link KeyedText} in the types of one format: `V` is a key's value, `S` is what undoing a key needs. */
export interface TextFormat<V, S> extends Pick<KeyedText, "kind" | "normal">, KeyFunctions<V, S> {
  /** Default: one key after the other. */
  readonly open?: (text: string) => TextEditor<V, S>;
  readonly same?: (left: V | undefined, right: V | undefined) => boolean;
}

/** A format with its values as JSON, as the record holds them. */
export function keyedText<V, S>(format: TextFormat<V, S>): KeyedText {
  // The types hold because the record gives each value back only to the format that it came from.
  const functions = format as unknown as TextFormat<Json, Json>;
  const { kind, normal, get, set, remove, save, undo, same: isSame } = functions;
  return {
    ...{ kind, get, save, undo },
    put: (text, key, value, was) =>
      value === null ? remove(text, key) : set(text, key, value, was),
    open: (text) => keyedEditor(functions.open?.(text) ?? oneByOne(functions, text)),
    ...(normal === undefined ? {} : { normal }),
    ...(isSame === undefined ? {} : { same: isSame }),
  };
}

function keyedEditor(editor: TextEditor<Json, Json>): KeyedEditor {
  return Object.assign(editor, {
    put: (key: string, value: Json, was?: Json): void =>
      value === null ? editor.remove(key) : editor.set(key, value, was),
  });
}

/** A key or a value that a file's format refuses, with the file and the key. */
export class KeyFault extends Error {
  constructor(
    readonly path: string,
    readonly key: string,
    override readonly cause: FormatError,
  ) {
    super(cause.message);
  }
}

/** Works on one key of a file: a refusal by the file's format names the key. */
export function workOnKey<T>(path: string, key: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw FormatError.isInstance(error) ? new KeyFault(path, key, error) : error;
  }
}

/** Do two values of a key mean the same, of which either may hold hashes? */
export function same(text: KeyedText, left: Json | undefined, right: Json | undefined): boolean {
  // So it is with nearly all keys of a large file.
  if (left !== undefined && equal(left, right)) return true;
  const normal = (value: string): string => text.normal?.(value) ?? value;
  // A hash can be compared with a hash only, so where one side has hashes, the strings of both are hashed.
  const isHashed = [left, right].some((value) => value !== undefined && hasHash(value));
  const comparable = (value: Json | undefined): Json | undefined =>
    value === undefined
      ? undefined
      : mapStrings(value, (string) => (isHashed ? hashOf(normal(string)) : normal(string)));
  const [comparedLeft, comparedRight] = [comparable(left), comparable(right)];
  return text.same
    ? text.same(comparedLeft, comparedRight)
    : equal(comparedLeft ?? null, comparedRight ?? null);
}

/** A key in a file, with what the record says of it. */
export type HeldKey = readonly [key: string, entry: Pick<KeyEntry, "applied" | "unsettled">];

/**
 * The secrets in the values of keys as they stand in a file: the strings that the record does not hold in clear. Where the
 * file spells a secret in another way (continued, quoted), also the key's lines from the value on. A key that the format
 * refuses has none: the resource that owns it reports that.
 */
export function secretsOfKeys(
  text: KeyedText,
  contents: string,
  keys: readonly HeldKey[],
): readonly string[] {
  const plain = plainValues(contents);
  const editor = text.open(contents);
  return keys.flatMap(([key, entry]) => {
    try {
      return secretsOfKey(text, contents, key, entry, { editor, plain });
    } catch (error) {
      if (FormatError.isInstance(error)) return [];
      throw error;
    }
  });
}

function secretsOfKey(
  text: KeyedText,
  contents: string,
  key: string,
  { applied, unsettled = [] }: HeldKey[1],
  {
    editor,
    plain,
  }: { readonly editor: KeyedEditor; readonly plain: ReturnType<typeof plainValues> },
): readonly string[] {
  const found = editor.get(key);
  if (found === undefined) return [];
  const clear = new Set([applied, ...unsettled].flatMap((value) => stringsIn(value, isHash)));
  const secrets = stringsIn(found, isHash).filter(
    (value) => !clear.has(text.normal?.(value) ?? value),
  );
  if (secrets.length === 0 || clear.size > 0) return secrets;
  const [only, ...more] = secrets;
  if (more.length === 0 && only !== undefined && plain.get(key.toLowerCase()) === only)
    return secrets;
  const otherLines = new Set(text.put(contents, key, null).split("\n"));
  const spelledOtherwise = contents
    .split("\n")
    .filter((line) => !otherLines.has(line) && !secrets.some((value) => line.includes(value)));
  return [...secrets, ...spelledOtherwise.map(valueOfLine)];
}

/** What stands in a line behind the key. */
function valueOfLine(line: string): string {
  return line.replace(/^[^\s=:]+\s*[=:]?/, "").trim();
}

/**
 * The values of keys that have one line alone, by the keys in lower case. To find the lines of any other key takes a look at
 * the whole file.
 */
function plainValues(contents: string): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  let last: string | undefined;
  for (const line of contents.split("\n")) {
    const [key] = /^[^\s=:#][^\s=:]*/.exec(line) ?? [];
    if (key !== undefined) {
      last = key.toLowerCase();
      found.set(last, found.has(last) ? null : valueOfLine(line));
    } else if (last !== undefined && /^\s+[^\s#]/.test(line)) found.set(last, null);
  }
  return found;
}
