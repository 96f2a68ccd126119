/**
 * Files of entries by key, each on one logical line: aliases, lookup tables and main.cf. What these formats have in common
 * is here: a format says how a line is read and written, and gets its edits, of one key and of many.
 */
import type { Bytes } from "./bytes";
import { Editor, type InForce, keyEdits } from "./editor";
import { joinedLine, logicalUnits } from "./logicalLines";
import type { TextEditor } from "./oneByOne";
import type { Saved } from "./undo";
import { remembered, type Unit } from "./units";

/** How one format reads and writes its entries; `V` is a key's value, as the program gives it. */
interface EntryFormat<V> {
  /** The key of a logical line; undefined for one that the readers of the file skip. */
  readonly keyIn: (line: Bytes) => string | undefined;
  /** The value of a logical line that has a key. */
  readonly valueIn: (line: Bytes) => V;
  /** The key of a name, in formats that fold letters. */
  readonly keyOf: (name: string) => string;
  /** Of several entries of one key, the one that the readers of the file use. */
  readonly inForce: InForce;
  /** The value in the spelling of `valueIn`. @throws FormatError for a name or value that the file cannot hold */
  readonly checked: (name: string, value: V) => V;
  /** The line of an entry; `old` is the first line of the entry whose place it takes. */
  readonly written: (name: string, value: V, old: Bytes | undefined) => Bytes;
  readonly same: (left: V, right: V) => boolean;
}

/** Reading and editing a text of entries by their keys. */
interface Entries<V> extends ReturnType<typeof keyEdits> {
  readonly unitsOf: (text: Bytes) => readonly Unit[];
  /**
   * Sets the value of a key. Of several entries one remains, in the place of the one in force. A new entry goes to the end,
   * or to its former place if `was` has one. A text with the value already in force is not changed.
   *
   * @throws FormatError for a key or value that the file cannot hold
   */
  readonly set: (text: Bytes, name: string, value: V, was?: Saved) => Bytes;
  /** Opens a text for work on many keys in one pass, with what the functions for one key would give one after the other. */
  readonly open: (text: Bytes) => TextEditor<V, Saved>;
}

export function entriesOf<V>(format: EntryFormat<V>): Entries<V> {
  const { keyIn, valueIn, keyOf, inForce, checked, written, same } = format;
  const unitsOf = remembered((text: Bytes) => logicalUnits(text, keyIn));

  const open = (text: Bytes): TextEditor<V, Saved> => {
    const editor = new Editor(unitsOf(text), text);
    const valueOf = (lines: readonly Bytes[] | undefined): V | undefined =>
      lines && valueIn(joinedLine(lines));
    return {
      get text() {
        return editor.text;
      },
      get: (name) => valueOf(editor.linesOf(keyOf(name), inForce)),
      set: (name, value, was) => {
        const wanted = checked(name, value);
        const key = keyOf(name);
        const lines = editor.linesOf(key, inForce);
        if (lines === undefined) {
          const place = was && editor.formerPlace(was, inForce);
          editor.insert(key, written(name, wanted, undefined), place);
        } else if (editor.count(key) > 1 || !same(valueIn(joinedLine(lines)), wanted))
          editor.replace(key, inForce, written(name, wanted, lines[0]));
      },
      remove: (name) => editor.remove(keyOf(name)),
      save: (name) => editor.save(keyOf(name)),
      undo: (name, saved) => editor.undo(keyOf(name), saved),
      isUndone: (name, saved) => editor.isUndone(keyOf(name), saved),
      undone: (_name, { entries }) =>
        valueOf(entries.at(inForce === "first" ? 0 : -1)?.lines.map(({ raw }) => raw)),
      placeOf: (name) => editor.indexOf(keyOf(name)),
    };
  };

  return {
    ...keyEdits(unitsOf, keyOf),
    unitsOf,
    open,
    set: (text, name, value, was) => {
      checked(name, value);
      const editor = open(text);
      editor.set(name, value, was);
      return editor.text;
    },
  };
}
