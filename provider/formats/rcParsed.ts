import type { Bytes } from "./bytes";
import { shellUnit } from "./rcSourced";
import type { Assignment, RcNames, RcUnit } from "./rcUnits";
import { assignment, endsInside, readStatement, type Statement } from "./shell";
import { splitLines } from "./units";

/**
 * An assignment in rc.conf.local, as `_rc_parse_conf` of rc.subr(8) reads it from OpenBSD 5.6 on: one on each line,
 * without expansion or continuation, up to the first `#` even inside quotes, with one pair of quotes removed. The
 * function loops over `read`, so it ignores a last line without a newline.
 */
const line = /^[ \t]*([^#= \t][^=]*?)[ \t]*=[ \t]*/;

const identifier = /^[a-z_][a-z0-9_]*$/;

/**
 * Whether rc.subr(8) takes what stands before the `=` for a variable; it ignores all else without a word. Of a name that
 * it does not know as a whole, it looks at the end only.
 */
export function isAccepted(name: string, { endings, names }: RcNames): boolean {
  const key = name.toLowerCase();
  return names.includes(key) || endings.some((one) => key.endsWith(`_${one}`));
}

export function parsedUnits(text: Bytes, accepted: RcNames): readonly RcUnit[] {
  return splitLines(text).map((raw, index) => unitOf(raw, index + 1, accepted));
}

/** Without object spread, which takes several times as long in a file of many lines. */
function unitOf(raw: Bytes, number: number, accepted: RcNames): RcUnit {
  const content = raw.endsWith("\n") ? raw.slice(0, -1) : raw;
  const [head, name] = line.exec(content) ?? [];
  if (head === undefined || name === undefined || !isAccepted(name, accepted))
    return gap(raw, number);
  const value = content
    .slice(head.length)
    .replace(/#[^]*/, "")
    .replace(/[ \t]+$/, "");
  const literal = /^("[^]*"|'[^]*')$/.test(value) ? value.slice(1, -1) : value;
  const key = name.toLowerCase();
  const isRead = raw.endsWith("\n");
  if (!identifier.test(key)) return commandUnit({ raw, number, key, literal, isRead });
  return {
    raw,
    role: "start",
    key,
    line: number,
    head,
    rest: raw.slice(head.length + value.length),
    assigns: isRead ? [{ name: key, parts: [{ literal }] }] : [],
    opaque: "no",
    fault: undefined,
  };
}

function gap(raw: Bytes, number: number): RcUnit {
  return {
    raw,
    role: "gap",
    key: undefined,
    line: number,
    head: "",
    rest: "",
    assigns: [],
    opaque: "no",
    fault: undefined,
  };
}

interface Command {
  readonly raw: Bytes;
  readonly number: number;
  readonly key: Bytes;
  readonly literal: Bytes;
  readonly isRead: boolean;
}

/**
 * A line that assigns by more than a name: `export syslogd_flags=x`, `[ -x FILE ] && foo_flags=x`. rc.subr(8) passes what
 * stands before the `=`, in small letters, to eval, so it is a command (docs/openbsd.md 4.2). It is never edited.
 */
function commandUnit({ raw, number, key, literal, isRead }: Command): RcUnit {
  // The value reaches eval as `${_val}`, so the shell makes nothing of it.
  const code = `${key}='${literal.replaceAll("'", "'\\''")}'`;
  // One word that is no name: the shell looks for a program of that name, and finds none.
  if (/^[^\s;&|<>()$`"'\\{}]+$/.test(key)) return gap(raw, number);
  const unit: RcUnit = {
    ...shellUnit(code, number),
    raw,
    code,
    key: undefined,
    head: "",
    rest: "",
  };
  if (!isRead) return { ...unit, role: "start", assigns: none, opaque: "no", fault: undefined };
  return { ...unit, role: "start", fault: unit.fault ?? faultOf(code, readStatement(code, 0)) };
}

const none: readonly Assignment[] = [];

/** Commands that neither end the reading of the file nor read on in it, which is their standard input. */
const harmless = new Set(["[", "test", "true", "false", ":", "export", "unset", "echo", "print"]);

/** Why the lines after a command may not be read. */
function faultOf(code: Bytes, statement: Statement | undefined): string | undefined {
  const commands = statement?.commands ?? [];
  const firsts = commands.map(([word]) => code.slice(word?.from, word?.to));
  const other = firsts.find((first) => !harmless.has(first) && !assignment.test(first));
  if (other !== undefined)
    return `it is run as a command, and "${other}" may read on in the file, or end its reading`;
  const substitutes = commands
    .flat()
    .some(({ parts }) => parts.some((part) => "dynamic" in part && /^(\$\(|`)/.test(part.dynamic)));
  return substitutes ? "it runs a command, which may read on in the file" : undefined;
}

/**
 * A value as it is written. The quotes are for a shell that sources the file. A value with a double quote that does not
 * end, or with a backslash at its end, is written as it is, because one more quote would only look like a part of it.
 */
export function parsedValue(value: Bytes): Bytes {
  if (/^(|NO|YES)$/.test(value)) return value;
  const isReadBack = !/^[ \t]|[ \t]$/.test(value) && !/^("[^]*"|'[^]*')$/.test(value);
  const isOpen = /"|\\$/.test(value) && endsInside(value) !== undefined;
  return isReadBack && isOpen ? value : `"${value}"`;
}

/** Why words cannot be added to a value of one line, which its author meant to go on or to end elsewhere. */
export function oneLineFault(value: Bytes): string | undefined {
  if (value.includes("\r"))
    return "its carriage return is a part of the value to this release: end the lines of the file in a newline alone";
  const inside = endsInside(value);
  if (inside === undefined) return undefined;
  return `this release reads one line and no further, so the value is ${JSON.stringify(value)}, with ${inside}: write it on one line, without a backslash at its end`;
}
