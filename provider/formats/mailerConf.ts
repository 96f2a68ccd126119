/**
 * mailer.conf(5) as mailwrapper(8) reads it with fparseln(3): rows of `name program [argument ...]`, `#` to
 * the end of the line is a comment unless a backslash stands before it, a backslash at the end of a line
 * joins the next. Only read here: postfix-enable and postfix-disable write it.
 */
import type { Bytes } from "./bytes";
import { splitLines } from "./units";

/** A row that maps the name a program is called by to the program that is run. */
export interface MailerRow {
  readonly name: Bytes;
  readonly program: Bytes;
  /** Given to the program after the caller's own arguments. */
  readonly args: readonly Bytes[];
  /** Number of its first line, from 1. */
  readonly line: number;
}

/** A row without a program: mailwrapper(8) ends with `parse error in /etc/mailer.conf at line N` there. */
export interface MailerFault {
  readonly name: Bytes;
  /** As mailwrapper counts: the row's last line. */
  readonly line: number;
}

interface Row {
  readonly text: Bytes;
  readonly first: number;
  readonly last: number;
}

/** Up to the first `#` before which no odd number of backslashes stands. */
const uncommented = /^(?:\\[^]|[^\\#])*\\?/;
const continued = /(?<!\\)(?:\\\\)*\\$/;

function logicalRows(text: Bytes): readonly Row[] {
  const rows: Row[] = [];
  let open: { text: Bytes; first: number } | undefined;
  splitLines(text).forEach((raw, index) => {
    const content = uncommented.exec(raw.replace(/\n$/, ""))?.[0] ?? "";
    const goesOn = continued.test(content);
    const joined = (open?.text ?? "") + (goesOn ? content.slice(0, -1) : content);
    const first = open?.first ?? index + 1;
    open = goesOn ? { text: joined, first } : undefined;
    if (!goesOn) rows.push({ text: joined, first, last: index + 1 });
  });
  return open === undefined ? rows : [...rows, { ...open, last: splitLines(text).length }];
}

function wordsOf(row: Row): readonly Bytes[] {
  return row.text
    .replace(/\0[^]*/, "")
    .split(/[ \t\n]+/)
    .filter((word) => word !== "");
}

/** All rows that have a program. */
export function rows(text: Bytes): readonly MailerRow[] {
  return logicalRows(text).flatMap((row) => {
    const [name, program, ...args] = wordsOf(row);
    return name === undefined || program === undefined
      ? []
      : [{ name, program, args, line: row.first }];
  });
}

/** Rows on which mailwrapper(8) fails, for every name that is not mapped before. */
export function faults(text: Bytes): readonly MailerFault[] {
  return logicalRows(text).flatMap((row) => {
    const [name, program] = wordsOf(row);
    return name === undefined || program !== undefined ? [] : [{ name, line: row.last }];
  });
}

/** The row that mailwrapper(8) uses for a name: the first. Undefined when it finds none, or fails before. */
export function mapping(text: Bytes, name: Bytes): MailerRow | undefined {
  const found = rows(text).find((row) => row.name === name);
  const failsAt = faults(text)[0]?.line ?? Infinity;
  return found !== undefined && found.line < failsAt ? found : undefined;
}
