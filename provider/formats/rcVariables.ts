import { checkLineText, FormatError, type Bytes } from "./bytes";
import { isAccepted, parsedValue } from "./rcParsed";
import { editable, keyOf, mayAssign, read, unitsOf, type RcValue } from "./rcRead";
import { sourcedValue } from "./rcSourced";
import type { RcSyntax, RcUnit } from "./rcUnits";
import { formerPlace, keyEdits, withLineAt } from "./editor";
import type { Saved } from "./undo";
import { replaceEntries, startsOf, withNewline, withoutKeys } from "./units";

/**
 * The value in force, which is that of the last assignment, with variables expanded that the file sets before it.
 *
 * @param inherited - the value in rc.conf, to which assignments may add (`"${syslogd_flags} -a /path"`)
 */
export function get(text: Bytes, name: string, syntax: RcSyntax, inherited?: Bytes): RcValue {
  return read(unitsOf(text, syntax), keyOf(name, syntax), inherited);
}

/** Refuses the name of a variable that rc(8) does not read. */
export function checkName(name: string, syntax: RcSyntax): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new FormatError(`${JSON.stringify(name)} is not the name of a shell variable`);
  }
  if (syntax !== "sourced" && !isAccepted(name, syntax)) {
    const endings = syntax.endings.map((one) => `_${one}`).join(", ");
    throw new FormatError(
      `${name} is not read by this release: it reads names that end in ${endings}, and ${syntax.names.join(", ")}`,
    );
  }
}

/** Refuses a value that the syntax cannot hold: parsed lines end at "#" even inside quotes. */
export function checkValue(name: string, value: Bytes, syntax: RcSyntax): void {
  checkLineText(`the value of ${name}`, value);
  if (syntax !== "sourced" && value.includes("#")) {
    throw new FormatError(`the value of ${name} must not hold "#": rc(8) ignores what follows it`);
  }
}

/** A value as it is written after `name=`. */
export function plainValue(value: Bytes, syntax: RcSyntax): Bytes {
  return syntax === "sourced" ? sourcedValue(value) : parsedValue(value);
}

/** An entry with another value. An `export`, blanks and a comment after the value stay. */
export function rewritten(unit: RcUnit, value: Bytes): Bytes {
  return withNewline(unit.head + value + unit.rest);
}

/** Refuses a file in which an added line may not be read, for example after an `exit`. */
export function checkEditable(units: readonly RcUnit[]): void {
  const broken = units.find((unit) => unit.fault !== undefined);
  if (broken?.fault !== undefined) {
    throw new FormatError(
      `rc.conf.local, line ${broken.line}: ${broken.fault}; nothing can be added after it`,
    );
  }
}

/** The text with a new line at its end. */
export function append(units: readonly RcUnit[], line: Bytes, syntax: RcSyntax): Bytes {
  const last = units.at(-1);
  // A newline would put the last line in force, which rc(8) ignores without one (see rcParsed.ts).
  const unread = syntax !== "sourced" && last?.role === "start" && !last.raw.endsWith("\n");
  return withLineAt(units, line, unread ? units.length - 1 : undefined);
}

/** Whether another statement uses the variable. Then earlier entries of the variable have an effect, and must stay. */
function isUsed(units: readonly RcUnit[], key: string): boolean {
  const use = new RegExp(`\\$\\{?${key}(?!\\w)`);
  return units.some((unit) => unit.key !== key && use.test(unit.raw));
}

/**
 * Sets a variable. Of several entries one remains, in the place of the one in force. A new entry goes to the end, or
 * to its former place if `was` has one. A text with the value already in force is not changed.
 *
 * @throws FormatError for a name or value that rc(8) would not read back, and for a file to which no line can be
 *   added (an open quote, `exit`)
 */
export function set(text: Bytes, name: string, value: Bytes, syntax: RcSyntax, was?: Saved): Bytes {
  checkName(name, syntax);
  checkValue(name, value, syntax);
  const key = keyOf(name, syntax);
  const units = unitsOf(text, syntax);
  checkEditable(units);
  const used = syntax === "sourced" && isUsed(units, key);
  const starts = startsOf(units, key);
  if ((starts.length <= 1 || used) && read(units, key) === value) return text;
  const at = editable(units, key);
  const unit = at === undefined ? undefined : units[at];
  if (at !== undefined && unit !== undefined) {
    const line = rewritten(unit, plainValue(value, syntax));
    return used ? replaceOne(units, at, line) : replaceEntries(units, key, at, line);
  }
  const line = `${name}=${plainValue(value, syntax)}\n`;
  const place = was && starts.length === 0 ? formerPlace(units, was, "last") : undefined;
  const after = units.slice(place ?? units.length);
  if (place !== undefined && after.every((one) => one.key !== undefined || !mayAssign(one, key))) {
    return withLineAt(units, line, place);
  }
  const others = used ? units : (withoutKeys(units, new Set([key])) as readonly RcUnit[]);
  return append(others, line, syntax);
}

/** The text with one unit changed. */
export function replaceOne(units: readonly RcUnit[], at: number, raw: Bytes): Bytes {
  return units.map((unit, index) => (index === at ? raw : unit.raw)).join("");
}

function editsOf(syntax: RcSyntax): ReturnType<typeof keyEdits> {
  return keyEdits(
    (text) => unitsOf(text, syntax),
    (name) => keyOf(name, syntax),
  );
}

/** Removes the entries of a variable. Assignments inside other shell statements stay. */
export function remove(text: Bytes, name: string, syntax: RcSyntax): Bytes {
  return editsOf(syntax).remove(text, name);
}

/** Saves what `undo` needs to restore the entries of a variable. */
export function save(text: Bytes, name: string, syntax: RcSyntax): Saved {
  return editsOf(syntax).save(text, name);
}

/** Restores the entries of a variable as they were at `save`, and changes nothing else. */
export function undo(text: Bytes, name: string, saved: Saved, syntax: RcSyntax): Bytes {
  return editsOf(syntax).undo(text, name, saved);
}
