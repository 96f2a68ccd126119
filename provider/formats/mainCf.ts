/**
 * main.cf: parameters as Postfix reads them (dict_load_fp and split_nameval), edited line by line.
 * Replaces `postconf -e`, which loosens the file's mode, replaces symbolic links and rewrites the file
 * also when nothing changes.
 */
import { checkLineText, FormatError, type Bytes } from "./bytes";
import { logicalLines, logicalUnits, whiteSpace } from "./logicalLines";
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

/** A parameter's value as read, and the line on which the entry that is in force begins. */
export interface Parameter {
  readonly value: Bytes;
  readonly line: number;
}

/** A line that Postfix refuses to start with, or ignores. */
export interface Fault {
  readonly line: number;
  readonly reason: string;
}

const setting = new RegExp(`^([^=${whiteSpace}]+)[${whiteSpace}]*=[${whiteSpace}]*`);

function nameOf(line: Bytes): string | undefined {
  return setting.exec(line)?.[1];
}

/** Without the white space at the end; a regular expression would take quadratic time for some lines. */
function trimmed(value: Bytes): Bytes {
  let end = value.length;
  while (end > 0 && isSpace.test(value.charAt(end - 1))) end -= 1;
  return value.slice(0, end);
}

const isSpace = new RegExp(`[${whiteSpace}]`);

const unitsOf = remembered((text): readonly Unit[] => logicalUnits(text, nameOf));

/** All parameters that the file sets; of several entries the last is in force. */
export function parameters(text: Bytes): ReadonlyMap<string, Parameter> {
  const found = new Map<string, Parameter>();
  for (const { text: joined, line } of logicalLines(text)) {
    const [head, name] = setting.exec(joined) ?? [];
    if (head !== undefined && name !== undefined)
      found.set(name, { value: trimmed(joined.slice(head.length)), line });
  }
  return found;
}

/**
 * The value in force, continuation lines joined as Postfix joins them; undefined when it is not set.
 * `postconf` of 2.9 and later prints each run of white space in it as one blank (measured).
 */
export function get(text: Bytes, name: string): Bytes | undefined {
  return parameters(text).get(name)?.value;
}

/**
 * Refuses a name that could not be read back as this parameter. Besides letters, digits and `_`, names
 * that Postfix makes from service names hold `-`, `.`, `:`, `@` and `+` (`policyd-spf_time_limit`).
 */
export function checkName(name: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:@+-]*$/.test(name)) {
    throw new FormatError(
      `${JSON.stringify(name)} is no parameter name: letters, digits, "_" and, after the first, "-.:@+"`,
    );
  }
}

/** Refuses a value that could not be read back as it is. */
export function checkValue(name: string, value: Bytes): void {
  const what = `the value of ${JSON.stringify(name)}`;
  checkLineText(what, value);
  if (new RegExp(`^[${whiteSpace}]|[${whiteSpace}]$`).test(value)) {
    throw new FormatError(`${what} must not begin or end with white space: Postfix drops it`);
  }
}

/**
 * Sets a parameter: one entry remains, in the place of the one in force. A new one goes to the end of the
 * file, or to its former place when `was` tells it. The text stays as it is when it already says so.
 *
 * @throws FormatError for a name or value that main.cf cannot carry.
 */
export function set(text: Bytes, name: string, value: Bytes, was?: Saved): Bytes {
  checkName(name);
  checkValue(name, value);
  const units = unitsOf(text);
  const starts = startsOf(units, name);
  const line = value === "" ? `${name} =\n` : `${name} = ${value}\n`;
  const inForce = starts.at(-1);
  if (inForce === undefined) {
    const place = was && formerPlace(units, was, "last");
    return place === undefined
      ? withNewline(text) + line
      : insertLines(units, [{ at: place, raw: line }]);
  }
  if (starts.length === 1 && get(text, name) === value) return text;
  return replaceEntries(units, name, inForce, line);
}

/** Takes all entries of a parameter away. */
export function remove(text: Bytes, name: string): Bytes {
  return joinUnits(withoutKeys(unitsOf(text), new Set([name])));
}

/** Makes comments of all entries of a parameter, so that everything else keeps its line. */
export function commentedOut(text: Bytes, name: string): Bytes {
  return unitsOf(text)
    .map(({ raw, key, role }) => (key === name && role !== "gap" ? `#${raw}` : raw))
    .join("");
}

/** What `undo` needs to bring a parameter's entries back. */
export function save(text: Bytes, name: string): Saved {
  return saveKey(text, unitsOf(text), name);
}

/** Brings a parameter's entries back to what they were at `save`, and leaves all else as it is now. */
export function undo(text: Bytes, name: string, saved: Saved): Bytes {
  return undoKey(text, unitsOf, name, saved);
}

/** Parameters with several entries. Postfix takes the last; from 2.11 on postconf warns of them. */
export function duplicates(text: Bytes): readonly Duplicate[] {
  return duplicatesIn(unitsOf(text));
}

/** Lines that make Postfix stop ("missing '=' after attribute name"), and continuations of nothing. */
export function faults(text: Bytes): readonly Fault[] {
  let began = false;
  return unitsOf(text).flatMap(({ role, key, line }) => {
    const orphan = role === "more" && !began;
    began ||= role === "start";
    if (orphan) return [{ line, reason: "starts with white space, but continues no parameter" }];
    return role === "start" && key === undefined ? [{ line, reason: 'is not "name = value"' }] : [];
  });
}
