/**
 * Parses sh(1) as far as a sourced configuration file needs it: into statements and simple assignments. Runs nothing.
 */
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

/** The parts of a word, in which adjacent literals are one. */
class Parts {
  readonly list: Part[] = [];

  add(part: Part): void {
    const last = this.list.at(-1);
    if ("literal" in part && last !== undefined && "literal" in last)
      this.list.splice(-1, 1, { literal: last.literal + part.literal });
    else this.list.push(part);
  }
}

/** Reads a word; undefined when a quote or bracket in it is never closed. */
export function readWord(text: Bytes, from: number): Word | undefined {
  const parts = new Parts();
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
      parts.add({ literal: text.slice(at + 1, end - 1) });
      at = end;
    } else if (char === "\\") {
      if (joinsTheEnd(text, at)) return undefined;
      const next = text.charAt(at + 1);
      if (next !== "\n")
        parts.add({ literal: inQuotes && !/[$`"\\]/.test(next) ? char + next : next });
      at += 2;
    } else if (char === "~" && !inQuotes && (at === from || text[at - 1] === ":")) {
      parts.add({ dynamic: char });
      at += 1;
    } else if ((char === "$" || char === "`") && !(inQuotes && isDollarQuote(text, at))) {
      const found = expansion(text, at);
      if (found === undefined) return undefined;
      parts.add(found.part);
      at = found.to;
    } else {
      parts.add({ literal: char });
      at += 1;
    }
  }
  return inQuotes ? undefined : { parts: parts.list, from, to: at };
}

function isDollarQuote(text: Bytes, at: number): boolean {
  return /^\$['"]/.test(text.slice(at, at + 2));
}

/** What a text ends inside of, where a shell would want more of it. */
export function endsInside(text: Bytes): string | undefined {
  const rest = /^(?:[^"'\\]|\\[^]|"(?:[^"\\]|\\[^])*"|'[^']*')*/.exec(text)?.[0].length ?? 0;
  if (rest === text.length) return undefined;
  return text.charAt(rest) === "\\" ? "a backslash at its end" : "a quote that does not end";
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
 * Reads the statement that begins at `from`; undefined when it never ends, or has a here-document, which this cannot
 * tell from statements.
 */
export function readStatement(text: Bytes, from: number): Statement | undefined {
  return new StatementReader(text, from).read();
}

/** Reads one statement. Its methods return false when the text cannot be read as one. */
class StatementReader {
  private readonly commands: (readonly Word[])[] = [];
  /** The words that close what is open. */
  private readonly open: string[] = [];
  /** The words of the current command. */
  private words: Word[] = [];
  private plain = true;
  /** Whether the last operator needs another command. */
  private unfinished = false;
  /** Whether the next word begins a command. */
  private atCommand = true;
  /** Whether the next word is the name of a function, or the file of a redirection. */
  private nameNext = false;
  private at: number;

  constructor(
    private readonly text: Bytes,
    private readonly from: number,
  ) {
    this.at = from;
  }

  read(): Statement | undefined {
    while (this.at < this.text.length) {
      const endsLine = this.text[this.at] === "\n";
      if (!this.next()) return undefined;
      if (endsLine && this.isComplete) return this.statement;
    }
    this.endCommand();
    return this.isComplete ? this.statement : undefined;
  }

  private get isComplete(): boolean {
    return this.open.length === 0 && !this.unfinished;
  }

  private get statement(): Statement {
    return { from: this.from, to: this.at, commands: this.commands, plain: this.plain };
  }

  private endCommand(): void {
    if (this.words.length > 0) this.commands.push(this.words);
    this.words = [];
    this.atCommand = true;
  }

  private next(): boolean {
    const { text, at } = this;
    const char = text.charAt(at);
    switch (char) {
      case " ":
      case "\t":
        this.at += 1;
        return true;
      case "\\":
        if (joinsTheEnd(text, at)) return false;
        if (text[at + 1] !== "\n") return this.word();
        this.at += 2;
        return true;
      case "#": {
        const end = text.indexOf("\n", at);
        this.at = end < 0 ? text.length : end;
        return true;
      }
      case "\n":
      case ";":
        this.endCommand();
        this.at += 1;
        return true;
      case "&":
      case "|":
        return this.operator(char);
      case "<":
      case ">":
        return this.redirection();
      case "(":
      case ")":
        return this.parenthesis(char);
      default:
        return this.word();
    }
  }

  private operator(char: "&" | "|"): boolean {
    const found = /^(&&|\|\||\|&)/.exec(this.text.slice(this.at, this.at + 2))?.[0] ?? char;
    this.endCommand();
    this.plain = false;
    this.unfinished = found !== "&";
    this.at += found.length;
    return true;
  }

  private redirection(): boolean {
    if (this.text.startsWith("<<", this.at)) return false;
    this.plain = false;
    this.nameNext = true;
    this.at += /^[<>&|]+/.exec(this.text.slice(this.at, this.at + 3))?.[0].length ?? 1;
    return true;
  }

  private parenthesis(char: "(" | ")"): boolean {
    if (char === "(") this.open.push(")");
    else if (this.open.at(-1) === ")") this.open.pop();
    else if (this.open.at(-1) !== "esac") return false;
    this.endCommand();
    this.plain = false;
    this.unfinished = false;
    this.at += 1;
    return true;
  }

  private word(): boolean {
    const word = readWord(this.text, this.at);
    if (word === undefined) return false;
    const raw = this.text.slice(this.at, word.to);
    this.at = word.to;
    this.unfinished = false;
    const end = this.atCommand ? ends.get(raw) : undefined;
    if (this.nameNext) this.nameNext = false;
    else if (end !== undefined) {
      this.open.push(end);
      this.plain = false;
      this.atCommand = !takesName.has(raw);
    } else if (this.atCommand && closers.has(raw)) {
      if (this.open.pop() !== raw) return false;
      this.plain = false;
      this.atCommand = false;
    } else if (this.atCommand && (goesOn.has(raw) || raw === "function")) {
      this.plain = false;
      this.nameNext = raw === "function";
    } else {
      this.words.push(word);
      this.atCommand &&= assignment.test(raw);
    }
    return true;
  }
}
