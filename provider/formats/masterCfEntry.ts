import { FormatError, type Bytes } from "./bytes";
import { isIgnored, whiteSpace } from "./logicalLines";
import { splitLines } from "./units";

/**
 * One service of master.cf: its words as master(8) parts them, each with its place in the text, so that one word is
 * changed without touching any other byte. Comments between continuation lines belong to nobody and stay.
 */
export interface Entry {
  readonly raw: Bytes;
  /** What Postfix sees: the lines joined, without newlines, up to a NUL byte. */
  readonly seen: Bytes;
  readonly words: readonly Word[];
  /** Index in `raw` of a character of `seen`. */
  readonly place: (at: number) => number;
  /** Comment and blank lines inside. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

/** A word: from one index of {@link Entry.seen} up to another. */
export interface Word {
  readonly text: Bytes;
  readonly from: number;
  readonly to: number;
}

/** An `-o name=value` among the options. */
export interface Override {
  readonly name: string;
  readonly value: Bytes;
  /** Of the option with its value, in `seen`. */
  readonly from: number;
  readonly to: number;
  /** Of `name=value` alone. */
  readonly valueFrom: number;
}

/** Fields before the arguments: name, type, five columns, and the program. */
export const FIELDS = 8;

const blank = " \t\r\n";

/** Words as mystrtokq parts them from Postfix 3.0 on: a blank between braces parts nothing. */
export function wordsOf(seen: Bytes, most = Infinity): readonly Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < seen.length && words.length < most) {
    if (blank.includes(seen.charAt(at))) {
      at += 1;
      continue;
    }
    const from = at;
    for (let level = 0; at < seen.length; at += 1) {
      const char = seen.charAt(at);
      if (char === "{") level += 1;
      else if (char === "}" && level > 0) level -= 1;
      else if (level === 0 && blank.includes(char)) break;
    }
    words.push({ text: seen.slice(from, at), from, to: at });
  }
  return words;
}

export function parseEntry(raw: Bytes): Entry {
  const pieces: { readonly seen: number; readonly raw: number }[] = [];
  const gaps: { from: number; to: number }[] = [];
  const parts: Bytes[] = [];
  let rawAt = 0;
  let seenAt = 0;
  for (const line of splitLines(raw)) {
    const content = line.replace(/\n$/, "");
    if (isIgnored(content)) gaps.push({ from: rawAt, to: rawAt + line.length });
    else {
      pieces.push({ seen: seenAt, raw: rawAt });
      parts.push(content);
      seenAt += content.length;
    }
    rawAt += line.length;
  }
  const seen = parts.join("").replace(/\0[^]*/, "");
  const place = (at: number): number => {
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((pieces[middle]?.seen ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    const piece = pieces[low] ?? { seen: 0, raw: 0 };
    return piece.raw + at - piece.seen;
  };
  return { raw, seen, words: wordsOf(seen), place, gaps };
}

const setting = new RegExp(
  `^([^=${whiteSpace}]+)[${whiteSpace}]*=[${whiteSpace}]*([^]*?)[${whiteSpace}]*$`,
);

/** Index of the brace that closes the one with which the word begins; -1 where none does. */
function braceEnd(word: Bytes): number {
  let level = 0;
  for (let at = 0; at < word.length; at += 1) {
    if (word.charAt(at) === "{") level += 1;
    else if (word.charAt(at) === "}" && --level === 0) return at;
  }
  return -1;
}

/** `name=value`, or `{ name = value }` from Postfix 3.0 on; undefined for what is neither. */
export function nameAndValue(word: Bytes): { name: string; value: Bytes } | undefined {
  let inner = word;
  if (word.startsWith("{")) {
    if (braceEnd(word) !== word.length - 1) return undefined;
    inner = word.slice(1, -1).replace(new RegExp(`^[${whiteSpace}]+`), "");
  }
  const [, name, value] = setting.exec(inner) ?? [];
  return name === undefined || value === undefined ? undefined : { name, value };
}

interface Options {
  readonly overrides: readonly Override[];
  /** All that is no override, options first as they stand. */
  readonly args: readonly { readonly text: Bytes; readonly from: number; readonly to: number }[];
  /** What stands after an -o and is no `name=value`: the daemon stops at it. */
  readonly faulty: readonly Word[];
  /** End of the last option, or of the program: where a new override goes. */
  readonly end: number;
}

/** The options as the daemons read them: up to the first word that is none. */
export function optionsOf(entry: Entry): Options {
  const { words } = entry;
  const overrides: Override[] = [];
  const args: { text: Bytes; from: number; to: number }[] = [];
  const faulty: Word[] = [];
  let end = words[FIELDS - 1]?.to ?? entry.seen.length;
  let at = FIELDS;
  for (; at < words.length; at += 1) {
    const word = words[at] as Word;
    if (!word.text.startsWith("-") || word.text === "-" || word.text === "--") break;
    const o = word.text.indexOf("o", 1);
    if (o < 0) {
      args.push(word);
      end = word.to;
      continue;
    }
    const inside = o + 1 < word.text.length;
    const value = inside
      ? { text: word.text.slice(o + 1), from: word.from + o + 1, to: word.to }
      : words[at + 1];
    if (value === undefined) break;
    const pair = nameAndValue(value.text);
    // Other options may stand before it in the same word: -vo name=value.
    const bundled = o > 1;
    if (bundled) args.push({ text: word.text.slice(0, o), from: word.from, to: word.from + o });
    if (pair === undefined) {
      args.push({ ...word, from: word.from + (bundled ? o : 0) }, ...(inside ? [] : [value]));
      faulty.push(value);
    } else
      overrides.push({
        ...pair,
        from: word.from + (bundled ? o : 0),
        to: value.to,
        valueFrom: value.from,
      });
    end = value.to;
    if (!inside) at += 1;
  }
  return { overrides, args: [...args, ...words.slice(at)], faulty, end };
}

/** How many lines below the first of the entry an index of {@link Entry.seen} stands. */
export function lineWithin({ raw, place }: Entry, at: number): number {
  return raw.slice(0, place(at)).split("\n").length - 1;
}

/**
 * The entry with what stands between two indexes of `seen` replaced. Comments in between move behind the line, which
 * is where they stand when nothing is left of their own.
 */
export function replaceBetween(entry: Entry, from: number, to: number, text: Bytes): Bytes {
  const { raw, place, gaps } = entry;
  const start = from === 0 ? place(0) : place(from - 1) + 1;
  const end = to === from ? start : place(to - 1) + 1;
  const kept = gaps
    .filter((gap) => gap.from >= start && gap.to <= end)
    .map((gap) => raw.slice(gap.from, gap.to))
    .join("");
  const before = raw.slice(0, start) + text;
  if (kept === "") return before + raw.slice(end);
  const newline = raw.indexOf("\n", end);
  return newline < 0
    ? `${before}${raw.slice(end)}\n${kept}`
    : before + raw.slice(end, newline + 1) + kept + raw.slice(newline + 1);
}

/** Takes a word away with the blanks before it, up to the word that it follows. */
export function removeBetween(entry: Entry, from: number, to: number): Bytes {
  const before = entry.words.filter((word) => word.to <= from).at(-1);
  // Options that stand in one word with an override, as in -vo name=value: the hyphen is the override's as well.
  if (entry.words.some((word) => word.from === from && to < word.to))
    return replaceBetween(entry, from + 1, to, "");
  // Inside a word there is nothing before it to take away.
  const within = entry.words.some((word) => word.from < from && from < word.to);
  return replaceBetween(entry, within || before === undefined ? from : before.to, to, "");
}

/**
 * `name=value` as one word, in braces where it holds blanks.
 *
 * @throws FormatError for a value that cannot be read back: one with braces that do not close.
 */
export function overrideWord(name: string, value: Bytes, braces = false): Bytes {
  const word = braces || /[ \t\r]/.test(value) ? `{ ${name} = ${value} }` : `${name}=${value}`;
  const read = wordsOf(word);
  const pair = nameAndValue(word);
  if (read.length !== 1 || pair?.name !== name || pair.value !== value || !closes(word))
    throw new FormatError(
      `the value of -o ${name} has braces that do not match, which master.cf cannot carry`,
    );
  return word;
}

/** Whether every brace that opens in a word closes in it: else it would take in the words after it. */
export function closes(word: Bytes): boolean {
  let level = 0;
  for (const char of word) {
    if (char === "{") level += 1;
    else if (char === "}" && level > 0) level -= 1;
  }
  return level === 0;
}
