/**
 * Lookup tables as postmap(1) reads them: `key value`, keys without regard to case. Of several entries of one key the
 * first is in force: postmap(1) warns of the others and ignores them. Tables of type regexp, pcre and cidr have another
 * grammar, in which the order counts.
 */
import { checkLineText, FormatError, type Bytes } from "./bytes";
import { logicalLines, logicalUnits, whiteSpace } from "./logicalLines";
import type { Fault } from "./mainCf";
import { formerPlace, insertLines, saveKey, undoKey, type Saved } from "./undo";
import {
  duplicatesIn,
  joinUnits,
  remembered,
  replaceEntries,
  startsOf,
  withNewline,
  withoutKeys,
  type Duplicate,
  type Unit,
} from "./units";

/** A key's value, and the line on which the entry that is in force begins. */
export interface TableEntry {
  readonly value: Bytes;
  readonly line: number;
}

interface Line {
  readonly key: string;
  readonly value: Bytes;
}

const blank = new RegExp(`[${whiteSpace}]`);
const edges = new RegExp(`^[${whiteSpace}]+|[${whiteSpace}]+$`, "g");

/** Postfix folds ASCII only where it is built without EAI, as the port is. */
export function foldKey(key: Bytes): Bytes {
  return key.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Where the key ends: at the first white space, which later releases of Postfix do not look for inside quotes. */
function keyEnd(line: Bytes, quotes: boolean): number | "unbalanced" {
  let quoted = false;
  let at = 0;
  for (; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (quotes && char === "\\") at += 1;
    else if (quotes && char === '"') quoted = !quoted;
    else if (!quoted && blank.test(char)) break;
  }
  return quoted ? "unbalanced" : Math.min(at, line.length);
}

/** Takes a logical line apart as postmap(1) does; the text says what it finds wrong. */
function parse(line: Bytes, quotes = true): Line | string {
  const end = keyEnd(line, quotes);
  if (end === "unbalanced") return "has a quote that does not close";
  const value = line.slice(end).replace(edges, "");
  if (end === 0 || value === "") return 'is not "key value"';
  return { key: foldKey(line.slice(0, end)), value };
}

const unitsOf = remembered((text): readonly Unit[] =>
  logicalUnits(text, (line) => {
    const entry = parse(line);
    return typeof entry === "string" ? undefined : entry.key;
  }),
);

/** All keys, in lower case, with the value in force. */
export function entries(text: Bytes): ReadonlyMap<string, TableEntry> {
  const found = new Map<string, TableEntry>();
  for (const { text: joined, line } of logicalLines(text)) {
    const entry = parse(joined);
    if (typeof entry !== "string" && !found.has(entry.key))
      found.set(entry.key, { value: entry.value, line });
  }
  return found;
}

/** The value in force, continuation lines joined as Postfix joins them. */
export function get(text: Bytes, key: Bytes): Bytes | undefined {
  return entries(text).get(foldKey(key))?.value;
}

/** Refuses a key that not every release of Postfix would read back. */
export function checkKey(key: Bytes): void {
  const what = `the key ${JSON.stringify(key)}`;
  checkLineText(what, key);
  if (key === "" || blank.test(key)) throw new FormatError(`${what} must be one word`);
  if (key.startsWith("#")) throw new FormatError(`${what} would be a comment`);
  if (/["\\]/.test(key))
    throw new FormatError(
      `${what} holds a quote or a backslash, which not all releases of Postfix read alike: give the table as text`,
    );
  if (key.endsWith(":"))
    throw new FormatError(
      `${what} ends with a colon, of which postmap warns: that is how aliases are written`,
    );
}

/** Refuses a value that could not be read back as it is. */
export function checkValue(key: Bytes, value: Bytes): void {
  const what = `the value of ${JSON.stringify(key)}`;
  checkLineText(what, value);
  if (value === "")
    throw new FormatError(`${what} must not be empty: where only the key counts, write any word`);
  if (value.replace(edges, "") !== value)
    throw new FormatError(`${what} must not begin or end with white space: Postfix drops it`);
}

/** The key with the white space after it, as the file had them where that is plain. */
function written(key: Bytes, old: Bytes | undefined): Bytes {
  const before = /^[^\s"\\#]+[ \t]+(?=[^\s])/.exec(old ?? "");
  return before === null ? `${key}\t` : before[0];
}

/**
 * Sets a key's value: one entry remains, in the place of the one in force. A new one goes to the end, or to its former
 * place when `was` tells it. The text stays as it is when it already says so.
 *
 * @throws FormatError for a key or value that the file cannot carry.
 */
export function set(text: Bytes, key: Bytes, value: Bytes, was?: Saved): Bytes {
  checkKey(key);
  checkValue(key, value);
  const name = foldKey(key);
  const units = unitsOf(text);
  const starts = startsOf(units, name);
  const first = starts[0];
  if (first === undefined) {
    const line = `${written(key, undefined)}${value}\n`;
    const place = was && formerPlace(units, was, "first");
    return place === undefined
      ? withNewline(text) + line
      : insertLines(units, [{ at: place, raw: line }]);
  }
  if (starts.length === 1 && get(text, name) === value) return text;
  return replaceEntries(units, name, first, `${written(key, units[first]?.raw)}${value}\n`);
}

/** Takes all entries of a key away. */
export function remove(text: Bytes, key: Bytes): Bytes {
  return joinUnits(withoutKeys(unitsOf(text), new Set([foldKey(key)])));
}

/** What `undo` needs to bring a key's entries back. */
export function save(text: Bytes, key: Bytes): Saved {
  return saveKey(text, unitsOf(text), foldKey(key));
}

/** Brings a key's entries back to what they were at `save`, and leaves all else as it is now. */
export function undo(text: Bytes, key: Bytes, saved: Saved): Bytes {
  return undoKey(text, unitsOf, foldKey(key), saved);
}

/** Keys with several entries, of which postmap(1) stores the first. */
export function duplicates(text: Bytes): readonly Duplicate[] {
  return duplicatesIn(unitsOf(text));
}

/** Lines that postmap(1) warns of and skips, with exit status 0, and continuations of nothing. */
export function faults(text: Bytes): readonly Fault[] {
  const first = unitsOf(text).find((unit) => unit.role !== "gap");
  const orphan =
    first?.role === "more"
      ? [{ line: first.line, reason: "starts with white space, but continues no entry" }]
      : [];
  const lines = logicalLines(text).flatMap(({ text: joined, line }): readonly Fault[] => {
    const entry = parse(joined);
    if (typeof entry === "string") return [{ line, reason: entry }];
    return entry.key.endsWith(":")
      ? [{ line, reason: 'has a key with a colon, as in an alias file: "key value" is meant' }]
      : [];
  });
  return [...orphan, ...lines];
}

/**
 * What postmap(1) makes of the text: the keys and values that its database then holds. Which of these readings it is
 * depends on the release and on how it was built: whether quotes keep a key together, and whether lines that are not
 * UTF-8 are left out (smtputf8_enable).
 */
export function compiled(text: Bytes): readonly ReadonlyMap<string, Bytes>[] {
  const lines = logicalLines(text).map((line) => line.text);
  const valid = lines.filter((line) => isUtf8(line));
  const read = (some: readonly Bytes[], quotes: boolean): ReadonlyMap<string, Bytes> => {
    const found = new Map<string, Bytes>();
    for (const line of some) {
      const entry = parse(line, quotes);
      if (typeof entry !== "string" && !found.has(entry.key)) found.set(entry.key, entry.value);
    }
    return found;
  };
  const sources = valid.length === lines.length ? [lines] : [lines, valid];
  const quotes = /["\\]/.test(text) ? [true, false] : [true];
  return sources.flatMap((some) => quotes.map((one) => read(some, one)));
}

function isUtf8(line: Bytes): boolean {
  if (!/[\x80-\xff]/.test(line)) return true;
  const bytes = Buffer.from(line, "latin1");
  return bytes.equals(Buffer.from(bytes.toString("utf8"), "utf8"));
}
