/**
 * mailer.conf(5) as mailwrapper(8) reads it with fparseln(3): rows of `name program [argument ...]`. A `#` without a
 * backslash before it begins a comment, and a backslash at the end of a line joins the next one. This package only
 * reads it; postfix-enable and postfix-disable write it.
 */
import type { Bytes } from "./bytes";
import { splitLines } from "./units";

/** The text up to the first `#` that has no odd number of backslashes before it. */
const uncommented = /^(?:\\[^]|[^\\#])*\\?/;
const continued = /(?<!\\)(?:\\\\)*\\$/;

function logicalRows(text: Bytes): readonly Bytes[] {
  const rows: Bytes[] = [];
  let open = "";
  for (const raw of splitLines(text)) {
    const content = uncommented.exec(raw.replace(/\n$/, ""))?.[0] ?? "";
    const goesOn = continued.test(content);
    const joined = open + (goesOn ? content.slice(0, -1) : content);
    open = goesOn ? joined : "";
    if (!goesOn) rows.push(joined);
  }
  return [...rows, open];
}

/** A name, and what follows it and at least one blank: the program, or nothing. */
const rowOf = /^[ \t\n]*([^ \t\n]+)(?:[ \t\n]+([^ \t\n]*))?/;

/**
 * The row that mailwrapper(8) uses for a name, which is the first. Undefined when there is none, when it names no program,
 * or when a row with nothing but a name stands before it: there mailwrapper ends with `parse error in /etc/mailer.conf`.
 * A name with blanks after it, and perhaps a comment, is no such error: mailwrapper passes over the row of another name
 * (docs/openbsd.md 3).
 */
export function mapping(text: Bytes, name: Bytes): { readonly program: Bytes } | undefined {
  for (const row of logicalRows(text)) {
    const [, mapped, program] = rowOf.exec(row.replace(/\0[^]*/, "")) ?? [];
    if (mapped === undefined) continue;
    if (program === undefined) return undefined;
    if (mapped === name) return program === "" ? undefined : { program };
  }
  return undefined;
}
