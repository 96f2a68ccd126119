import type { Bytes } from "./bytes";
import type { RcUnit, Assignment } from "./rcUnits";
import { assignment, readStatement, readWord, type Statement, type Word } from "./shell";

/** rc.conf.local as rc(8) sources it up to OpenBSD 5.5: any shell code. */

/** Commands that run code which is not in the file. */
const runsOther = new Set([".", "source", "eval"]);
const endsReading = new Set(["return", "exit", "exec"]);

interface Located extends Assignment {
  readonly value: Word;
}

/** The assignment that a word is, with the place of its value; undefined for another word. */
function located(text: Bytes, word: Word): Located | undefined {
  const raw = text.slice(word.from, word.to);
  const name = assignment.exec(raw)?.[1];
  if (name === undefined) return undefined;
  const value = readWord(text, word.from + name.length + 1);
  return value === undefined ? undefined : { name, value, parts: value.parts };
}

/** The assignments of a command that does nothing else; undefined for another command. */
function assignmentsOf(text: Bytes, command: readonly Word[]): readonly Located[] | undefined {
  const raws = command.map((word) => text.slice(word.from, word.to));
  const exporting = raws[0] === "export";
  const words = exporting
    ? command.slice(1).filter((_, nth) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(raws[nth + 1] ?? ""))
    : command;
  const all = words.flatMap((word) => located(text, word) ?? []);
  return all.length === words.length ? all : undefined;
}

/** Whether an assignment can be edited: its value is text, or a reference to the variable itself and text. */
function isEntry({ name, parts }: Assignment): boolean {
  return parts.every(
    (part, nth) => "literal" in part || (nth === 0 && "variable" in part && part.variable === name),
  );
}

/** An expansion that assigns: `${name:=value}`. */
const assigns = /\$\{[A-Za-z_][A-Za-z0-9_]*:?=/;

function assignsInside({ parts }: Word): boolean {
  return parts.some((part) => "dynamic" in part && assigns.test(part.dynamic));
}

function unitOf(text: Bytes, statement: Statement, line: number): RcUnit {
  const { commands, plain } = statement;
  const each = commands.map((command) => assignmentsOf(text, command));
  return !plain || each.includes(undefined) || commands.flat().some(assignsInside)
    ? opaqueUnit(text, statement, line)
    : assigningUnit(
        text,
        statement,
        line,
        each.flatMap((some) => some ?? []),
      );
}

function firstWords(text: Bytes, { commands }: Statement): readonly Bytes[] {
  return commands.map((command) => text.slice(command[0]?.from, command[0]?.to));
}

/** The unit of a statement that does more than assign, or assigns in a way that only a shell understands. */
function opaqueUnit(text: Bytes, statement: Statement, line: number): RcUnit {
  const first = firstWords(text, statement);
  const stop = first.find((word) => endsReading.has(word));
  const fixes = first.find((word) => word === "readonly" || word === "typeset");
  return {
    raw: text.slice(statement.from, statement.to),
    role: "start",
    key: undefined,
    line,
    head: "",
    rest: "",
    assigns: [],
    opaque: first.some((word) => runsOther.has(word)) ? "anything" : "mentioned",
    fault:
      statement.plain && stop !== undefined
        ? `"${stop}" ends the reading of the file`
        : fixes && `"${fixes}" may forbid a later assignment`,
  };
}

/** The unit of a statement that does nothing but assign, or nothing at all. */
function assigningUnit(
  text: Bytes,
  statement: Statement,
  line: number,
  assigns: readonly Located[],
): RcUnit {
  const { from, to, commands } = statement;
  const [only] = assigns;
  const words = commands.reduce((sum, command) => sum + command.length, 0);
  const exported =
    words === 2 && commands.length === 1 && firstWords(text, statement)[0] === "export";
  const alone = assigns.length === 1 && (words === 1 || exported);
  return {
    raw: text.slice(from, to),
    role: commands.length === 0 ? "gap" : "start",
    key: only !== undefined && alone && isEntry(only) ? only.name : undefined,
    line,
    head: only === undefined ? "" : text.slice(from, only.value.from),
    rest: only === undefined ? "" : text.slice(only.value.to, to),
    assigns,
    opaque: "no",
    fault: undefined,
  };
}

const definition =
  /(?<![\w$])(?:([A-Za-z_][A-Za-z0-9_]*)[ \t]*\([ \t]*\)|function[ \t]+([A-Za-z_][A-Za-z0-9_]*))/g;

/** The units with the functions that each runs: those defined before it that it mentions, and what these run. */
function withFunctions(units: readonly RcUnit[]): readonly RcUnit[] {
  const defined = new Map<string, { readonly unit: RcUnit; readonly mentions: RegExp }>();
  return units.map((unit) => {
    // Plain assignments, comments and blank lines neither define nor run functions.
    if (unit.opaque === "no") return unit;
    const run = new Set<RcUnit>();
    const queue = [unit];
    for (const one of queue)
      for (const { unit: body, mentions } of defined.values())
        if (body !== one && !run.has(body) && mentions.test(one.raw)) {
          run.add(body);
          queue.push(body);
        }
    for (const [, name, other] of unit.raw.matchAll(definition)) {
      const own = name ?? other ?? "";
      defined.set(own, { unit, mentions: new RegExp(`(?<![$\\w])${own}(?![\\w=])`) });
    }
    if (run.size === 0) return unit;
    const bodies = [...run];
    const opaque = bodies.some((one) => one.opaque === "anything") ? "anything" : unit.opaque;
    return { ...unit, opaque, code: [unit, ...bodies].map(({ raw }) => raw).join("") };
  });
}

/** The statement at the beginning of a text, as a unit; the rest of the text where none can be told. */
function unitAt(text: Bytes, at: number, line: number): RcUnit {
  const statement = readStatement(text, at);
  if (statement !== undefined) return unitOf(text, statement, line);
  return {
    raw: text.slice(at),
    role: "start",
    key: undefined,
    line,
    head: "",
    rest: "",
    assigns: [],
    opaque: "anything",
    fault: "has a quote, bracket or block that does not end, or a here-document",
  };
}

/** A line of shell as a unit. */
export function shellUnit(code: Bytes, line: number): RcUnit {
  return unitAt(code, 0, line);
}

export function sourcedUnits(text: Bytes): readonly RcUnit[] {
  const units: RcUnit[] = [];
  let line = 1;
  for (let at = 0; at < text.length;) {
    const unit = unitAt(text, at, line);
    units.push(unit);
    at += unit.raw.length;
    line += unit.raw.split("\n").length - 1;
  }
  return withFunctions(units);
}

const escaped = (value: Bytes): Bytes => value.replace(/[$`"\\]/g, "\\$&");

/** A value as it is written: where possible in a form that rc.subr(8) of later releases reads alike. */
export function sourcedValue(value: Bytes): Bytes {
  if (/^(|NO|YES)$/.test(value)) return value;
  if (!/[$`"\\]/.test(value)) return `"${value}"`;
  return value.includes("'") ? `"${escaped(value)}"` : `'${value}'`;
}

/** A value that adds text to the former value of the variable. */
export function addingValue(name: string, addition: Bytes): Bytes {
  return `"\${${name}}${escaped(addition)}"`;
}
