/** Text formats of which single keys are read and edited. Texts are latin1 strings: one character for each byte. */
import { FormatError } from "../formats/bytes";
import type { Json } from "../host/record";
import { equal } from "../values/json";
import { hasHash, hashOf, strings, stringsIn } from "./hiddenValue";

/** How the keys of a text file are read and edited, with values as the record holds them. */
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
  readonly normal?: (value: string) => string;
  /** Are two values the same in meaning? Default: as JSON. */
  same?(left: Json | undefined, right: Json | undefined): boolean;
}

/** The same in the types of one format: `V` is a key's value, `S` what undoing a key needs. */
export interface TextFormat<V, S> extends Pick<KeyedText, "kind" | "normal"> {
  readonly get: (text: string, key: string) => V | undefined;
  readonly set: (text: string, key: string, value: V, was: S | undefined) => string;
  readonly remove: (text: string, key: string) => string;
  readonly save: (text: string, key: string) => S;
  readonly undo: (text: string, key: string, saved: S) => string;
  readonly same?: (left: V | undefined, right: V | undefined) => boolean;
}

/** A format for the keys of a file. */
export function keyedText<V, S>(format: TextFormat<V, S>): KeyedText {
  // The record carries values as JSON. Each value is given back only to the format that it came from.
  const {
    kind,
    normal,
    get,
    set,
    remove,
    save,
    undo,
    same: isSame,
  } = format as unknown as TextFormat<Json, Json>;
  return {
    ...{ kind, get, save, undo },
    put: (text, key, value, was) =>
      value === null ? remove(text, key) : set(text, key, value, was),
    ...(normal === undefined ? {} : { normal }),
    ...(isSame === undefined ? {} : { same: isSame }),
  };
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
export function about<T>(path: string, key: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw FormatError.isInstance(error) ? new KeyFault(path, key, error) : error;
  }
}

export function same(text: KeyedText, left: Json | undefined, right: Json | undefined): boolean {
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
