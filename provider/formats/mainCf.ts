/**
 * main.cf: parameters as Postfix reads them (dict_load_fp and split_nameval), edited line by line. `postconf -e` is not
 * used because it loosens the mode of the file, replaces a symbolic link and rewrites the file when nothing changes.
 */
import { checkLineText, FormatError, type Bytes } from "./bytes";
import { logicalLines, logicalUnits, whiteSpace } from "./logicalLines";
import { formerPlace, keyEdits, withLineAt, type Saved } from "./undo";
import {
  duplicatesIn,
  remembered,
  replaceEntries,
  startsOf,
  type Duplicate,
  type Fault,
  type Unit,
} from "./units";

/** A parameter's value, and the line on which its entry in force begins. */
export interface Parameter {
  readonly value: Bytes;
  readonly line: number;
}

const setting = new RegExp(`^([^=${whiteSpace}]+)[${whiteSpace}]*=[${whiteSpace}]*`);

function nameOf(line: Bytes): string | undefined {
  return setting.exec(line)?.[1];
}

/** The value without white space at its end. A regular expression would take quadratic time for some lines. */
function trimmed(value: Bytes): Bytes {
  let end = value.length;
  while (end > 0 && isSpace.test(value.charAt(end - 1))) end -= 1;
  return value.slice(0, end);
}

const isSpace = new RegExp(`[${whiteSpace}]`);

const unitsOf = remembered((text): readonly Unit[] => logicalUnits(text, nameOf));

/** All parameters that the file sets. Of several entries of one parameter the last is in force. */
export const parameters = remembered((text): ReadonlyMap<string, Parameter> => {
  const found = new Map<string, Parameter>();
  for (const { text: joined, line } of logicalLines(text)) {
    const [head, name] = setting.exec(joined) ?? [];
    if (head !== undefined && name !== undefined)
      found.set(name, { value: trimmed(joined.slice(head.length)), line });
  }
  return found;
});

/**
 * The value in force, with continuation lines joined as Postfix does it; undefined for a parameter that is not set.
 * `postconf` of 2.9 and later prints each run of white space in it as one blank (measured).
 */
export function get(text: Bytes, name: string): Bytes | undefined {
  return parameters(text).get(name)?.value;
}

/**
 * Refuses a name that Postfix would not read back. Names that Postfix makes from those of services may hold `-`, `.`,
 * `:`, `@` and `+` (`policyd-spf_time_limit`).
 */
export function checkName(name: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:@+-]*$/.test(name)) {
    throw new FormatError(
      `${JSON.stringify(name)} is no parameter name: letters, digits, "_" and, after the first, "-.:@+"`,
    );
  }
}

/** Refuses a value that Postfix would not read back unchanged. */
export function checkValue(name: string, value: Bytes): void {
  const what = `the value of ${JSON.stringify(name)}`;
  checkLineText(what, value);
  if (new RegExp(`^[${whiteSpace}]|[${whiteSpace}]$`).test(value)) {
    throw new FormatError(`${what} must not begin or end with white space: Postfix drops it`);
  }
}

/**
 * Sets a parameter. Of several entries one remains, in the place of the one in force. A new entry goes to the end of
 * the file, or to its former place if `was` has one. A text with the value already in force is not changed.
 *
 * @throws FormatError for a name or value that main.cf cannot hold
 */
export function set(text: Bytes, name: string, value: Bytes, was?: Saved): Bytes {
  checkName(name);
  checkValue(name, value);
  const units = unitsOf(text);
  const starts = startsOf(units, name);
  const line = value === "" ? `${name} =\n` : `${name} = ${value}\n`;
  const inForce = starts.at(-1);
  if (inForce === undefined)
    return withLineAt(text, units, line, was && formerPlace(units, was, "last"));
  if (starts.length === 1 && get(text, name) === value) return text;
  return replaceEntries(units, name, inForce, line);
}

/** Edits of all entries of a parameter. */
export const { remove, save, undo } = keyEdits(unitsOf);

/** Makes comments of all entries of a parameter, so that all others keep their line numbers. */
export function commentedOut(text: Bytes, name: string): Bytes {
  return unitsOf(text)
    .map(({ raw, key, role }) => (key === name && role !== "gap" ? `#${raw}` : raw))
    .join("");
}

/** Parameters with several entries. Postfix uses the last; from 2.11 on postconf warns of the others. */
export function duplicates(text: Bytes): readonly Duplicate[] {
  return duplicatesIn(unitsOf(text));
}

/** Lines with which Postfix does not start ("missing '=' after attribute name"), and continuations of nothing. */
export function faults(text: Bytes): readonly Fault[] {
  let began = false;
  return unitsOf(text).flatMap(({ role, key, line }) => {
    const orphan = role === "more" && !began;
    began ||= role === "start";
    if (orphan) return [{ line, reason: "starts with white space, but continues no parameter" }];
    return role === "start" && key === undefined ? [{ line, reason: 'is not "name = value"' }] : [];
  });
}
