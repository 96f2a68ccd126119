/** What tables say whose contents are known: line by line, and to somebody of whom they know nothing. */
import { logicalLines } from "../formats/logicalLines";
import { type TableType, tableType } from "../postfix/tableTypes";
import { coversInternet, networkOf } from "./networks";
import { unbraced, words } from "../postfix/values";

export type Read = (path: string) => string | undefined;

/** A line of a table: what it is asked for, and what it answers. */
interface Answer {
  readonly key: string;
  readonly result: string;
  /** In the table's file; `undefined` for what stands in main.cf itself. */
  readonly line: number | undefined;
}

/** A table as a restriction or list names it: its type and its name. */
export function tableOf(word: string): { type: string; name: string } | undefined {
  const plain = word.startsWith("{") ? (words(unbraced(word))[0] ?? "") : word;
  const [, type, name] = /^(?:proxy:)*([a-z][a-z0-9_-]*):([^]+)$/.exec(plain) ?? [];
  return type === undefined || name === undefined ? undefined : { type, name };
}

/** A line of a text that is a list of keys and answers, by what the text holds. */
const LINES: Readonly<Partial<Record<TableType["text"], RegExp>>> = {
  entries: /^(?<key>\S+)\s+(?<result>[^]+)$/,
  networks: /^(?<key>\S+)\s+(?<result>[^]+)$/,
  patterns:
    /^(?<key>!?(?<quote>[^\w\s!])(?:\\[^]|(?!\k<quote>)[^])*\k<quote>\w*)\s+(?<result>[^]+)$/,
};

/** The lines of a table in the order in which they are asked; nothing for one that cannot be read as text. */
export function answersOf(type: string, name: string, read: Read): Answer[] {
  const lines = name.startsWith("{")
    ? words(unbraced(name)).map((text) => ({ text: unbraced(text), line: undefined }))
    : logicalLines(read(name) ?? "");
  const holds = tableType(type)?.text ?? "settings";
  const found: Answer[] = [];
  // What stands between if and endif is asked under a condition only (pcre_table(5), cidr_table(5)).
  let depth = 0;
  for (const { text, line } of lines) {
    const trimmed = text.trim();
    if (/^if\b/i.test(trimmed)) depth += 1;
    else if (/^endif\b/i.test(trimmed)) depth -= 1;
    else if (depth === 0) {
      const { key, result } = LINES[holds]?.exec(trimmed)?.groups ?? {};
      if (key !== undefined && result !== undefined) found.push({ key, result, line });
    }
  }
  return found;
}

/** Patterns that match whatever they are asked. */
const ANYTHING = new Set([
  ...["", "^", "$", ".", ".*", ".+", "^.", "^.*", "^.+", ".$", ".*$", ".+$", "^.*$", "^.+$"],
  ...["(.*)", "(.+)", "^(.*)", "^(.+)", "^(.*)$", "^(.+)$"],
]);

/** Width of an address in bits. */
type Bits = 32 | 128;

/** What the table answers to anybody, who comes from an address of that width. */
export function answerToAll(word: string, read: Read, bits: Bits): string | undefined {
  const table = tableOf(word);
  if (table === undefined) return undefined;
  const { type, name } = table;
  if (type === "static") return unbraced(name).trim();
  return answersOf(type, name, read).find(({ key }) => {
    if (tableType(type)?.text === "patterns")
      return !key.startsWith("!") && ANYTHING.has(key.slice(1).replace(/[^]\w*$/, ""));
    const network = type === "cidr" ? networkOf(key) : undefined;
    return network !== undefined && network.bits === bits && coversInternet(network);
  })?.result;
}

/** What access(5) knows besides restrictions and numbers. */
export const ACTIONS = [
  ...["OK", "REJECT", "DEFER", "DEFER_IF_REJECT", "DEFER_IF_PERMIT", "BCC", "DISCARD", "DUNNO"],
  ...["FILTER", "HOLD", "INFO", "PREPEND", "REDIRECT", "WARN"],
];
