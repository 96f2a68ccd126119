/** Parses sh(1) as far as a sourced configuration file needs it: into statements and simple assignments. Runs nothing. */
import type { Bytes } from "./bytes";

/** A part of a word. */
export type Part =
  | { readonly literal: Bytes }
  | { readonly variable: string }
  /** An expansion that only a shell can do; also that of `~`. */
  | { readonly dynamic: Bytes };

export interface Word {
  readonly parts: readonly Part[];
  readonly from: number;
  readonly to: number;
}

/** Lines that a shell reads as a whole. */
export interface Statement {
  readonly from: number;
  readonly to: number;
  /** Its simple commands. */
  readonly commands: readonly (readonly Word[])[];
  /** Whether it has nothing else: no pipes, redirections, conditions and so on. */
  readonly plain: boolean;
}

const metacharacter = /[ \t\n;&|<>()]/;
export const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=/;

/** The index after the bracket that closes the one before `from`; undefined without one. */
function closing(text: Bytes, from: number, open: string, close: string): number | undefined {
  let depth = 1;
  let at = from;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "\\") at += 2;
    else if (char === "'" || char === '"' || char === "`") {
      const end = quoteEnd(text, at);
      if (end === undefined) return undefined;
      at = end;
    } else {
      if (char === open) depth += 1;
      if (char === close) depth -= 1;
      at += 1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}

/** The index after the quote that closes the one at `from`; undefined without one. */
function quoteEnd(text: Bytes, from: number): number | undefined {
  const quote = text.charAt(from);
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === quote) return at + 1;
    if (quote !== "'" && text[at] === "\\") at += 1;
    if (quote === '"' && text[at] === "$" && text[at + 1] === "(") {
      const end = closing(text, at + 2, "(", ")");
      if (end === undefined) return undefined;
      at = end - 1;
    }
  }
  return undefined;
}

/** The expansion that begins at `from` with `$` or a backquote. */
function expansion(text: Bytes, from: number): { part: Part; to: number } | undefined {
  const rest = text.slice(from, from + 200);
  const name = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/.exec(rest);
  if (name !== null) {
    return { part: { variable: name[1] ?? name[2] ?? "" }, to: from + name[0].length };
  }
  const until = (to: number | undefined) =>
    to === undefined ? undefined : { part: { dynamic: text.slice(from, to) }, to };
  if (rest.startsWith("`")) return until(quoteEnd(text, from));
  if (rest.startsWith("$(")) return until(closing(text, from + 2, "(", ")"));
  if (rest.startsWith("${")) return until(closing(text, from + 2, "{", "}"));
  if (/^\$[0-9@*#?$!'"-]/.test(rest)) {
    // Shells differ in whether $'…' and $"…" are a quote with a dollar sign before it, or a syntax of their own.
    return /^\$['"]/.test(rest) ? until(from + 1) : until(from + 2);
  }
  return { part: { literal: "$" }, to: from + 1 };
}

/** Whether the backslash would join the last line with a line that is added to the text. */
function joinsTheEnd(text: Bytes, at: number): boolean {
  return at + 1 >= text.length || (text[at + 1] === "\n" && at + 2 >= text.length);
}

/** Reads a word; undefined when a quote or bracket in it is never closed. */
export function readWord(text: Bytes, from: number): Word | undefined {
  const parts: Part[] = [];
  const add = (literal: Bytes): void => {
    const last = parts.at(-1);
    if (last !== undefined && "literal" in last)
      parts.splice(-1, 1, { literal: last.literal + literal });
    else parts.push({ literal });
  };
  let inQuotes = false;
  let at = from;
  while (at < text.length) {
    const char = text.charAt(at);
    if (!inQuotes && metacharacter.test(char)) break;
    if (char === '"') {
      inQuotes = !inQuotes;
      at += 1;
    } else if (char === "'" && !inQuotes) {
      const end = quoteEnd(text, at);
      if (end === undefined) return undefined;
      add(text.slice(at + 1, end - 1));
      at = end;
    } else if (char === "\\") {
      if (joinsTheEnd(text, at)) return undefined;
      const next = text.charAt(at + 1);
      if (next !== "\n") add(inQuotes && !/[$`"\\]/.test(next) ? char + next : next);
      at += 2;
    } else if (char === "~" && !inQuotes && (at === from || text[at - 1] === ":")) {
      parts.push({ dynamic: char });
      at += 1;
    } else if (char === "$" || char === "`") {
      if (inQuotes && /^\$['"]/.test(text.slice(at, at + 2))) {
        add(char);
        at += 1;
        continue;
      }
      const found = expansion(text, at);
      if (found === undefined) return undefined;
      if ("literal" in found.part) add(found.part.literal);
      else parts.push(found.part);
      at = found.to;
    } else {
      add(char);
      at += 1;
    }
  }
  return inQuotes ? undefined : { parts, from, to: at };
}

const ends = new Map([
  ["if", "fi"],
  ["while", "done"],
  ["until", "done"],
  ["for", "done"],
  ["select", "done"],
  ["case", "esac"],
  ["{", "}"],
]);
const closers = new Set(ends.values());
const takesName = new Set(["for", "select", "case"]);
const goesOn = new Set(["then", "do", "else", "elif", "!", "time"]);

/**
 * Reads the statement that begins at `from`; undefined when it never ends, or holds a here-document, whose
 * text cannot be told from statements this way.
 */
export function readStatement(text: Bytes, from: number): Statement | undefined {
  const commands: (readonly Word[])[] = [];
  const open: string[] = [];
  let words: Word[] = [];
  let plain = true;
  let unfinished = false;
  let atCommand = true;
  let nameNext = false;
  let at = from;
  const endCommand = (): void => {
    if (words.length > 0) commands.push(words);
    words = [];
    atCommand = true;
  };
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === " " || char === "\t") at += 1;
    else if (char === "\\" && joinsTheEnd(text, at)) return undefined;
    else if (char === "\\" && text[at + 1] === "\n") at += 2;
    else if (char === "#") {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else if (char === "\n") {
      endCommand();
      at += 1;
      if (open.length === 0 && !unfinished) return { from, to: at, commands, plain };
    } else if (char === ";") {
      endCommand();
      at += 1;
    } else if (char === "&" || char === "|") {
      endCommand();
      plain = false;
      const operator = /^(&&|\|\||\|&|[&|])/.exec(text.slice(at, at + 2))?.[0] ?? char;
      unfinished = operator !== "&";
      at += operator.length;
    } else if (char === "<" || char === ">") {
      if (text.startsWith("<<", at)) return undefined;
      plain = false;
      nameNext = true;
      at += /^[<>&|]+/.exec(text.slice(at, at + 3))?.[0].length ?? 1;
    } else if (char === "(" || char === ")") {
      if (char === "(") open.push(")");
      else if (open.at(-1) === ")") open.pop();
      else if (open.at(-1) !== "esac") return undefined;
      endCommand();
      plain = false;
      unfinished = false;
      at += 1;
    } else {
      const word = readWord(text, at);
      if (word === undefined) return undefined;
      const raw = text.slice(at, word.to);
      at = word.to;
      unfinished = false;
      const end = atCommand ? ends.get(raw) : undefined;
      if (nameNext) nameNext = false;
      else if (end !== undefined) {
        open.push(end);
        plain = false;
        atCommand = !takesName.has(raw);
      } else if (atCommand && closers.has(raw)) {
        if (open.pop() !== raw) return undefined;
        plain = false;
        atCommand = false;
      } else if (atCommand && (goesOn.has(raw) || raw === "function")) {
        plain = false;
        nameNext = raw === "function";
      } else {
        words.push(word);
        atCommand &&= assignment.test(raw);
      }
    }
  }
  endCommand();
  return open.length > 0 || unfinished ? undefined : { from, to: at, commands, plain };
}
