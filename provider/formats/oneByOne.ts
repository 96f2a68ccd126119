import type { Bytes } from "./bytes";

/** A text whose keys are worked on one after the other. `V` is a key's value, `S` is what undoing a key needs. */
export interface TextEditor<V, S> {
  /** The text as it is now. */
  readonly text: Bytes;
  readonly get: (name: string) => V | undefined;
  readonly set: (name: string, value: V, was?: S) => void;
  readonly remove: (name: string) => void;
  readonly save: (name: string) => S;
  readonly undo: (name: string, saved: S) => void;
  /** Would undoing the key change nothing? */
  readonly isUndone: (name: string, saved: S) => boolean;
  /** The value that the key would have if it were undone now. */
  readonly undone: (name: string, saved: S) => V | undefined;
  /** Where the key stood when the text was opened, as a number that rises with the lines; undefined where that is not told. */
  readonly placeOf: (name: string) => number | undefined;
}

/** The functions of a format that work on one key of a text. */
export interface KeyFunctions<V, S> {
  readonly get: (text: Bytes, name: string) => V | undefined;
  readonly set: (text: Bytes, name: string, value: V, was?: S) => Bytes;
  readonly remove: (text: Bytes, name: string) => Bytes;
  readonly save: (text: Bytes, name: string) => S;
  readonly undo: (text: Bytes, name: string, saved: S) => Bytes;
}

/**
 * An editor for formats that have functions for one key only: each edit takes as long as the text is. That does for
 * master.cf, rc.conf.local and crontabs, of which a program sets tens of keys, and whose keys depend on each other.
 */
export function oneByOne<V, S>(
  { get, set, remove, save, undo }: KeyFunctions<V, S>,
  opened: Bytes,
): TextEditor<V, S> {
  let text = opened;
  return {
    get text() {
      return text;
    },
    get: (name) => get(text, name),
    set: (name, value, was) => {
      text = set(text, name, value, was);
    },
    remove: (name) => {
      text = remove(text, name);
    },
    save: (name) => save(text, name),
    undo: (name, saved) => {
      text = undo(text, name, saved);
    },
    isUndone: (name, saved) => undo(text, name, saved) === text,
    undone: (name, saved) => get(undo(text, name, saved), name),
    placeOf: () => undefined,
  };
}
