/** What lookup tables answer whose contents can be read: entry by entry, and to a client of whom they know nothing. */
import { logicalLines } from "../formats/logicalLines";
import { tableType, type TableType, typedTable } from "../postfix/tableTypes";
import { unbraced, words } from "../postfix/values";
import { coversInternet, networkOf } from "./networks";
import { readableAt, type TextAt } from "./plannedTexts";

/** An entry of a table. */
interface Answer {
  readonly key: string;
  readonly result: string;
  /** The line in the table's file; `undefined` for a table that is written out in main.cf. */
  readonly line: number | undefined;
}

/** The table that a word of a list names, without `proxy:` and without settings of its own in braces. */
export function tableOf(word: string): { type: string; name: string } | undefined {
  const plain = word.startsWith("{") ? (words(unbraced(word))[0] ?? "") : word;
  const table = typedTable(plain.replace(/^(?:proxy:)*/, ""));
  return table === undefined || table.name === "" ? undefined : table;
}

/** An entry of a table, by what the table's text holds. Blanks in quotes belong to the key of an entry (postmap(1)). */
const ENTRIES: Readonly<Partial<Record<TableType["text"], RegExp>>> = {
  entries: /^(?<key>(?:"(?:\\[^]|[^"\\])*"|\\[^]|[^\s"\\])+)\s+(?<result>[^]+)$/,
  networks: /^(?<key>\S+)\s+(?<result>[^]+)$/,
  patterns:
    /^(?<key>!?(?<quote>[^\w\s!])(?:\\[^]|(?!\k<quote>)[^])*\k<quote>\w*)\s+(?<result>[^]+)$/,
};

/** The entries of a table in their order; none for a table whose text cannot be read. */
export function answersOf(type: string, name: string, read: TextAt): Answer[] {
  const lines = name.startsWith("{")
    ? words(unbraced(name)).map((text) => ({ text: unbraced(text), line: undefined }))
    : logicalLines(readableAt(read, name) ?? "");
  const holds = tableType(type)?.text ?? "settings";
  const entry = ENTRIES[holds];
  const found: Answer[] = [];
  // Lines between `if` and `endif` are asked only under a condition (pcre_table(5), cidr_table(5)): they do not count.
  let depth = 0;
  for (const { text, line } of lines) {
    const trimmed = text.trim();
    // In a table of entries, a key may begin like a condition, as if.example.org does.
    if (holds !== "entries" && /^if\b/i.test(trimmed)) depth += 1;
    else if (holds !== "entries" && /^endif\b/i.test(trimmed)) depth -= 1;
    else if (depth === 0) {
      const { key, result } = entry?.exec(trimmed)?.groups ?? {};
      if (key !== undefined && result !== undefined) found.push({ key, result, line });
    }
  }
  return found;
}

/** Patterns that match every key. */
const ANYTHING = new Set([
  ...["", "^", "$", ".", ".*", ".+", "^.", "^.*", "^.+", ".$", ".*$", ".+$", "^.*$", "^.+$"],
  ...["(.*)", "(.+)", "^(.*)", "^(.+)", "^(.*)$", "^(.+)$"],
]);

/** The width of an address in bits. */
type Bits = 32 | 128;

/** What a table answers to every client whose address has this width; `undefined` if it does not answer to all. */
export function answerToAll(word: string, read: TextAt, bits: Bits): string | undefined {
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

/** The actions of access(5), besides restrictions and numbers. */
export const ACTIONS = [
  ...["OK", "REJECT", "DEFER", "DEFER_IF_REJECT", "DEFER_IF_PERMIT", "BCC", "DISCARD", "DUNNO"],
  ...["FILTER", "HOLD", "INFO", "PREPEND", "REDIRECT", "WARN"],
];
