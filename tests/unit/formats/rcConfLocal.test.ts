import fc from "fast-check";
import { FormatError } from "../../../provider/formats/bytes";
import * as rcConfLocal from "../../../provider/formats/rcConfLocal";
import type { Saved } from "../../../provider/formats/undo";
import { describeLaws, holds, type KeyedFormat } from "./laws";
import { flags, foreignLine, names, texts, values } from "./rcConfLocalTexts";

const {
  get,
  set,
  remove,
  save,
  undo,
  undoAll,
  hasWords,
  addWords,
  removeWords,
  saveWords,
  undoWords,
} = rcConfLocal;

describe.each(["parsed", "sourced"] as const)("rc.conf.local, %s", (syntax) => {
  const format: KeyedFormat<string, Saved> = {
    get: (text, name) => get(text, name, syntax),
    set: (text, name, value, was) => set(text, name, value, syntax, was),
    remove: (text, name) => remove(text, name, syntax),
    save: (text, name) => save(text, name, syntax),
    undo: (text, name, saved) => undo(text, name, saved, syntax),
    undoAll: (text, keys) => undoAll(text, keys, syntax),
  };
  const refused = (text: string): boolean => {
    try {
      set(text, "pf", "x", syntax);
      return false;
    } catch (error) {
      if (FormatError.isInstance(error)) return true;
      throw error;
    }
  };
  // What other shell assigns stays when a variable is removed.
  const removable = (text: string): boolean =>
    names.every((name) => get(remove(text, name, syntax), name, syntax) === undefined);
  describeLaws({
    format,
    texts: texts[syntax],
    keys: names,
    values: values(syntax),
    foreignLine,
    refused,
    removable,
  });

  const whole = texts[syntax].filter((text) => !refused(text));
  const name = fc.constantFrom(...names);
  const added = fc
    .tuple(whole, name, flags)
    .filter(([text, variable]) => get(text, variable, syntax, "") !== "NO");

  test("words that were added are there, once", () => {
    holds(added, ([text, variable, words]) => {
      const once = addWords(text, variable, words, syntax);
      expect(hasWords(once, variable, words, syntax)).toBe(true);
      expect(addWords(once, variable, words, syntax)).toBe(once);
    });
  });

  test("undoing added words gives the bytes that were there before", () => {
    holds(added, ([text, variable, words]) => {
      const saved = saveWords(text, variable, words, syntax);
      const once = addWords(text, variable, words, syntax);
      expect(undoWords(once, variable, words, saved, syntax)).toBe(text);
    });
  });

  test("several words saved before are undone in any order, to the byte", () => {
    const args = fc.tuple(added, fc.shuffledSubarray(["-p", "-q /r", "s"], { minLength: 1 }));
    holds(args, ([[text, variable], all]) => {
      const saved = new Map(all.map((one) => [one, saveWords(text, variable, one, syntax)]));
      const edited = [...all]
        .sort()
        .reduce((now, one) => addWords(now, variable, one, syntax), text);
      const undone = [...saved].reduce(
        (now, [one, was]) => undoWords(now, variable, one, was, syntax),
        edited,
      );
      expect(undone).toBe(text);
    });
  });

  test("words added to a readable value leave what it held, and removing them brings it back", () => {
    holds(added, ([text, variable, words]) => {
      const before = get(text, variable, syntax, "") ?? "";
      if (typeof before !== "string" || hasWords(text, variable, words, syntax)) return;
      const once = addWords(text, variable, words, syntax);
      const now = get(once, variable, syntax, "");
      expect(typeof now === "string" && now.startsWith(before) && now.endsWith(words)).toBe(true);
      expect(get(removeWords(once, variable, words, syntax), variable, syntax, "")).toBe(before);
    });
  });
});
