import type { Bytes } from "./bytes";
import { splitLines, type Unit } from "./units";

/**
 * A logical line, as Postfix's readlline(3) joins them for main.cf, master.cf, aliases and lookup tables: a line that
 * starts with white space continues the one before, comment and blank lines are skipped also in between, and a NUL byte
 * ends the line.
 */
export interface LogicalLine {
  /** Its physical lines, joined without their newlines. */
  readonly text: Bytes;
  /** The number of the first one, from 1. */
  readonly line: number;
}

/** White space to isspace(3) in the C locale, for use in regular expressions. */
export const whiteSpace = " \\t\\n\\v\\f\\r";

const ignored = new RegExp(`^[${whiteSpace}]*(#|$)`);

/** Whether a line, given without its newline, is a comment or blank. */
export function isIgnored(content: Bytes): boolean {
  return ignored.test(content);
}

const continues = new RegExp(`^[${whiteSpace}]`);

interface Physical {
  readonly raw: Bytes;
  readonly role: Unit["role"];
  /** The logical line it belongs to; undefined for a continuation of nothing. */
  readonly of: { text: Bytes; line: number } | undefined;
}

function physicalLines(text: Bytes): readonly Physical[] {
  let current: { text: Bytes; line: number } | undefined;
  return splitLines(text).map((raw, index): Physical => {
    const content = raw.replace(/\n$/, "");
    if (isIgnored(content)) return { raw, role: "gap", of: undefined };
    if (continues.test(content)) {
      if (current !== undefined) current.text += content;
      return { raw, role: "more", of: current };
    }
    current = { text: content, line: index + 1 };
    return { raw, role: "start", of: current };
  });
}

const visible = (text: Bytes): Bytes => text.replace(/\0[^]*/, "");

/** The logical line that physical lines make, of which the first begins it and the others continue it. */
export function joinedLine(raws: readonly Bytes[]): Bytes {
  return visible(raws.map((raw) => (raw.endsWith("\n") ? raw.slice(0, -1) : raw)).join(""));
}

/** The logical lines of a text. */
export function logicalLines(text: Bytes): readonly LogicalLine[] {
  return physicalLines(text).flatMap(({ role, of }) =>
    role === "start" && of !== undefined ? [{ text: visible(of.text), line: of.line }] : [],
  );
}

/** The units of a text. `keyOf` returns the key of a logical line, or undefined for one in error. */
export function logicalUnits(
  text: Bytes,
  keyOf: (line: Bytes) => string | undefined,
): readonly Unit[] {
  let key: string | undefined;
  return physicalLines(text).map(({ raw, role, of }, index) => {
    if (role === "start" && of !== undefined) key = keyOf(visible(of.text));
    return { raw, role, key: role === "gap" ? undefined : key, line: index + 1 };
  });
}
