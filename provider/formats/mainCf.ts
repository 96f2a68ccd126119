/**
 * main.cf: parameters as Postfix reads them (dict_load_fp and split_nameval), edited line by line. `postconf -e` is not
 * used because it loosens the mode of the file, replaces a symbolic link and rewrites the file when nothing changes.
 */
import { checkLineText, FormatError, type Bytes } from "./bytes";
import { entriesOf } from "./entries";
import { logicalLines, whiteSpace } from "./logicalLines";
import { duplicatesIn, remembered, type Duplicate, type Fault } from "./units";

/** A parameter's value, and the line on which its entry in force begins. */
export interface Parameter {
  readonly value: Bytes;
  readonly line: number;
}

const setting = new RegExp(`^([^=${whiteSpace}]+)[${whiteSpace}]*=[${whiteSpace}]*`);

function nameOf(line: Bytes): string | undefined {
  return setting.exec(line)?.[1];
}

/** The value of a line that has a name. */
function valueIn(line: Bytes): Bytes {
  return trimmed(line.slice(setting.exec(line)?.[0].length ?? line.length));
}

/** The value without white space at its end. A regular expression would take quadratic time for some lines. */
function trimmed(value: Bytes): Bytes {
  let end = value.length;
  while (end > 0 && isSpace.test(value.charAt(end - 1))) end -= 1;
  return value.slice(0, end);
}

const isSpace = new RegExp(`[${whiteSpace}]`);
const spaceAtAnEnd = new RegExp(`^[${whiteSpace}]|[${whiteSpace}]$`);

/** All parameters that the file sets. Of several entries of one parameter the last is in force. */
export const parameters = remembered((text): ReadonlyMap<string, Parameter> => {
  const found = new Map<string, Parameter>();
  for (const { text: joined, line } of logicalLines(text)) {
    const name = nameOf(joined);
    if (name !== undefined) found.set(name, { value: valueIn(joined), line });
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
  if (spaceAtAnEnd.test(value)) {
    throw new FormatError(`${what} must not begin or end with white space: Postfix drops it`);
  }
}

const edits = entriesOf<Bytes>({
  keyIn: nameOf,
  valueIn,
  keyOf: (name) => name,
  inForce: "last",
  checked: (name, value) => {
    checkName(name);
    checkValue(name, value);
    return value;
  },
  written: (name, value) => (value === "" ? `${name} =\n` : `${name} = ${value}\n`),
  same: (left, right) => left === right,
});

/** Edits of all entries of a parameter. */
export const { set, remove, save, undo, open } = edits;

/** Makes comments of all entries of a parameter, so that all others keep their line numbers. */
export function commentedOut(text: Bytes, name: string): Bytes {
  return edits
    .unitsOf(text)
    .map(({ raw, key, role }) => (key === name && role !== "gap" ? `#${raw}` : raw))
    .join("");
}

/** Parameters with several entries. Postfix uses the last; from 2.11 on postconf warns of the others. */
export function duplicates(text: Bytes): readonly Duplicate[] {
  return duplicatesIn(edits.unitsOf(text));
}

/** Lines with which Postfix does not start ("missing '=' after attribute name"), and continuations of nothing. */
export function faults(text: Bytes): readonly Fault[] {
  let began = false;
  return edits.unitsOf(text).flatMap(({ role, key, line }) => {
    const orphan = role === "more" && !began;
    began ||= role === "start";
    if (orphan) return [{ line, reason: "starts with white space, but continues no parameter" }];
    return role === "start" && key === undefined ? [{ line, reason: 'is not "name = value"' }] : [];
  });
}
