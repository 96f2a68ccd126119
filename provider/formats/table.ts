/**
 * Lookup tables as postmap(1) reads them: `key value`, with keys without regard to case. Of several entries of one
 * key the first is in force; postmap(1) warns of the others and ignores them. Not for tables of type regexp, pcre and
 * cidr, which have another syntax.
 */
import { checkLineText, foldKey, FormatError, type Bytes } from "./bytes";
import { entriesOf } from "./entries";
import { logicalLines, whiteSpace } from "./logicalLines";
import { duplicatesIn, orphanFault, remembered, type Duplicate, type Fault } from "./units";

export { foldKey };

/** A key's value, and the line on which its entry in force begins. */
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

/** The end of the key: the first white space, with `quotes` outside of quotes, as in later releases of Postfix. */
function keyEnd(line: Bytes, quotes: boolean): number | "unbalanced" {
  // Most lines have no quote, and then one search of the line is many times faster.
  if (!quotes || !/["\\]/.test(line)) {
    const end = line.search(blank);
    return end < 0 ? line.length : end;
  }
  let quoted = false;
  let at = 0;
  for (; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (char === "\\") at += 1;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && blank.test(char)) break;
  }
  return quoted ? "unbalanced" : Math.min(at, line.length);
}

/** Parses a logical line as postmap(1) does; a string is the reason why that would skip it. */
function parse(line: Bytes, quotes = true): Line | string {
  const end = keyEnd(line, quotes);
  if (end === "unbalanced") return "has a quote that does not close";
  const value = line.slice(end).replace(edges, "");
  if (end === 0 || value === "") return 'is not "key value"';
  return { key: foldKey(line.slice(0, end)), value };
}

/** All keys, in lower case, with the value in force. */
export const entries = remembered((text: Bytes): ReadonlyMap<string, TableEntry> => {
  const found = new Map<string, TableEntry>();
  for (const { text: joined, line } of logicalLines(text)) {
    const entry = parse(joined);
    if (typeof entry !== "string" && !found.has(entry.key))
      found.set(entry.key, { value: entry.value, line });
  }
  return found;
});

/** The value in force, with continuation lines joined as Postfix does it. */
export function get(text: Bytes, key: Bytes): Bytes | undefined {
  return entries(text).get(foldKey(key))?.value;
}

/** Refuses a key that some release of Postfix would not read back. */
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

/** Refuses a value that Postfix would not read back unchanged. */
export function checkValue(key: Bytes, value: Bytes): void {
  const what = `the value of ${JSON.stringify(key)}`;
  checkLineText(what, value);
  if (value === "")
    throw new FormatError(`${what} must not be empty: where only the key counts, write any word`);
  if (value.replace(edges, "") !== value)
    throw new FormatError(`${what} must not begin or end with white space: Postfix drops it`);
}

/** The beginning of an entry up to its value, as the old entry has it where that is simple. */
function written(key: Bytes, old: Bytes | undefined): Bytes {
  const before = /^[^\s"\\#]+[ \t]+(?=[^\s])/.exec(old ?? "");
  return before === null ? `${key}\t` : before[0];
}

const edits = entriesOf<Bytes>({
  keyIn: (line) => {
    const entry = parse(line);
    return typeof entry === "string" ? undefined : entry.key;
  },
  valueIn: (line) => {
    const entry = parse(line);
    return typeof entry === "string" ? "" : entry.value;
  },
  keyOf: foldKey,
  inForce: "first",
  checked: (key, value) => {
    checkKey(key);
    checkValue(key, value);
    return value;
  },
  written: (key, value, old) => `${written(key, old)}${value}\n`,
  same: (left, right) => left === right,
});

/** Edits of all entries of a key. */
export const { set, remove, save, undo, open } = edits;

/** Keys with several entries, of which postmap(1) stores the first. */
export function duplicates(text: Bytes): readonly Duplicate[] {
  return duplicatesIn(edits.unitsOf(text));
}

/** Lines that postmap(1) skips with a warning and exit status 0, and continuations of nothing. */
export function faults(text: Bytes): readonly Fault[] {
  const lines = logicalLines(text).flatMap(({ text: joined, line }): readonly Fault[] => {
    const entry = parse(joined);
    if (typeof entry === "string") return [{ line, reason: entry }];
    return entry.key.endsWith(":")
      ? [{ line, reason: 'has a key with a colon, as in an alias file: "key value" is meant' }]
      : [];
  });
  return [...orphanFault(edits.unitsOf(text), "entry"), ...lines];
}

/**
 * The keys and values of the database that postmap(1) makes of the text: one map for each way in which a release of
 * Postfix may read it. They differ in whether quotes keep a key together, and in whether lines that are not UTF-8 are
 * left out (smtputf8_enable).
 */
export const compiled = remembered((text: Bytes): readonly ReadonlyMap<string, Bytes>[] => {
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
});

function isUtf8(line: Bytes): boolean {
  if (!/[\x80-\xff]/.test(line)) return true;
  const bytes = Buffer.from(line, "latin1");
  return bytes.equals(Buffer.from(bytes.toString("utf8"), "utf8"));
}
