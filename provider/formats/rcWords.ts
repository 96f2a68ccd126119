import { FormatError, type Bytes } from "./bytes";
import { oneLineFault } from "./rcParsed";
import { editable, keyOf, read, unitsOf, type RcValue } from "./rcRead";
import { addingValue } from "./rcSourced";
import { literalOf, addsToItself, type RcSyntax, type RcUnit } from "./rcUnits";
import {
  append,
  checkEditable,
  checkName,
  checkValue,
  get,
  plainValue,
  replaceOne,
  rewritten,
  save,
  set,
  undo,
} from "./rcVariables";
import type { Saved } from "./undo";
import { startsOf } from "./units";
import { containsWords, withoutWords, withWords } from "./words";

/** What `undoWords` needs to remove words. */
export interface SavedWords {
  /** Whether the value had the words already, which therefore stay. */
  readonly had: boolean;
  /** The value; null when the file does not set the variable. */
  readonly value: Bytes | { readonly unreadable: Bytes } | null;
  readonly variable: Saved;
}

function withLiteral(unit: RcUnit, literal: Bytes, syntax: RcSyntax): Bytes {
  const value = addsToItself(unit)
    ? addingValue(unit.key ?? "", literal)
    : plainValue(literal, syntax);
  return rewritten(unit, value);
}

/** Whether the value in force has the words, next to each other. */
export function hasWords(
  text: Bytes,
  name: string,
  words: Bytes,
  syntax: RcSyntax,
  inherited: Bytes = "",
): boolean {
  const value = get(text, name, syntax, inherited) ?? inherited;
  return containsWords(
    typeof value === "string" ? value : value.unreadable.replace(/["']/g, " "),
    words,
  );
}

/**
 * Adds words (`-a /path`, the script of a package) to the value of a variable.
 *
 * @param inherited - the value in rc.conf, to which a first entry in this file adds
 * @throws FormatError when the value is `NO`: the daemon is off, and flags would turn it on
 */
export function addWords(
  text: Bytes,
  name: string,
  words: Bytes,
  syntax: RcSyntax,
  inherited: Bytes = "",
): Bytes {
  checkName(name, syntax);
  checkValue(name, words, syntax);
  if (words.trim() === "") throw new FormatError(`no words to add to ${name}`);
  if (hasWords(text, name, words, syntax, inherited)) return text;
  const key = keyOf(name, syntax);
  const units = unitsOf(text, syntax);
  checkEditable(units);
  const now = read(units, key, inherited) ?? inherited;
  if (now === "NO") {
    throw new FormatError(`${name} is NO, so its daemon is off: set the variable as a whole`);
  }
  if (syntax !== "sourced") checkOneLine(name, now, lastAssigning(units, key));
  // In the parsed syntax rc(8) ignores a last line without a newline, although it is an entry here.
  const seen = units.filter(
    (one) => one.role === "gap" || one.key !== key || one.assigns.length > 0,
  );
  const at = editable(seen, key);
  const unit = at === undefined ? undefined : seen[at];
  if (at !== undefined && unit !== undefined) {
    const literal = addsToItself(unit)
      ? literalOf(unit) + ` ${words}`
      : withWords(literalOf(unit), words);
    return replaceOne(units, at, withLiteral(unit, literal, syntax));
  }
  if (read(units, key) === undefined) return set(text, name, withWords(inherited, words), syntax);
  // rc.subr(8) expands nothing, so what is added to is written out.
  if (syntax !== "sourced" && typeof now === "string")
    return append(units, `${name}=${plainValue(withWords(now, words), syntax)}\n`, syntax);
  return append(units, `${name}=${addingValue(name, ` ${words}`)}\n`, syntax);
}

/** The unit of the assignment in force. */
function lastAssigning(units: readonly RcUnit[], key: string): RcUnit | undefined {
  return units.filter(({ assigns }) => assigns.some(({ name }) => name === key)).at(-1);
}

/**
 * Refuses to add words to a value that rc.subr(8) reads otherwise than it was meant: it takes a line by itself, with
 * quotes that do not end, a backslash or a carriage return (docs/openbsd.md 4.2).
 */
function checkOneLine(name: string, value: RcValue, unit: RcUnit | undefined): void {
  const where = unit === undefined ? "rc.conf" : `rc.conf.local, line ${unit.line}`;
  if (typeof value === "object")
    throw new FormatError(
      `${name} is set by ${JSON.stringify(value.unreadable)}, which only a shell can tell: set the variable as a whole`,
    );
  const fault = oneLineFault(value ?? "");
  if (fault !== undefined) throw new FormatError(`${where}, ${name}: ${fault}`);
}

/** Removes words from the entries of a variable. An entry stays even if its value is empty then. */
export function removeWords(text: Bytes, name: string, words: Bytes, syntax: RcSyntax): Bytes {
  const key = keyOf(name, syntax);
  const units = unitsOf(text, syntax);
  const holding = startsOf(units, key).filter((index) => {
    const unit = units[index];
    return unit !== undefined && containsWords(literalOf(unit), words);
  });
  const at = holding.at(-1);
  const unit = at === undefined ? undefined : units[at];
  if (at === undefined || unit === undefined) return text;
  const literal = withoutWords(literalOf(unit), words);
  return replaceOne(units, at, withLiteral(unit, literal, syntax));
}

export function saveWords(
  text: Bytes,
  name: string,
  words: Bytes,
  syntax: RcSyntax,
  inherited: Bytes = "",
): SavedWords {
  return {
    had: hasWords(text, name, words, syntax, inherited),
    value: get(text, name, syntax, inherited) ?? null,
    variable: save(text, name, syntax),
  };
}

/**
 * Undoes `addWords`: removes the words, and if the variable then has its former value, restores its lines to the
 * byte. Words that were there before stay.
 */
export function undoWords(
  text: Bytes,
  name: string,
  words: Bytes,
  saved: SavedWords,
  syntax: RcSyntax,
  inherited: Bytes = "",
): Bytes {
  if (saved.had) return text;
  const rest = removeWords(text, name, words, syntax);
  const left = get(rest, name, syntax, inherited);
  const before = saved.value ?? undefined;
  const shown = (value: RcValue) => (typeof value === "object" ? value.unreadable : value);
  const same = typeof left === typeof before && shown(left) === shown(before);
  return same || (before === undefined && left === inherited)
    ? undo(rest, name, saved.variable, syntax)
    : rest;
}
