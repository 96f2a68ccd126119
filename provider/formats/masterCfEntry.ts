import { FormatError, type Bytes } from "./bytes";
import { isIgnored, whiteSpace } from "./logicalLines";
import { splitLines } from "./units";

/**
 * The entry of a service in master.cf, split into words as master(8) does it. Each word has its place in the text, so
 * that it can be changed without touching another byte. Comments between continuation lines are not part of it, and
 * stay.
 */
export interface Entry {
  readonly raw: Bytes;
  /** The text that Postfix sees: the lines without comments, joined without newlines, up to a NUL byte. */
  readonly seen: Bytes;
  readonly words: readonly Word[];
  /** The index in `raw` of a character of `seen`. */
  readonly place: (at: number) => number;
  /** The comment and blank lines in `raw`. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

/** A word and its indexes in {@link Entry.seen}. */
export interface Word {
  readonly text: Bytes;
  readonly from: number;
  readonly to: number;
}

/** An `-o name=value` among the options. */
export interface Override {
  readonly name: string;
  readonly value: Bytes;
  /** The indexes in `seen` of the option with its value. */
  readonly from: number;
  readonly to: number;
  /** The index of `name=value`. */
  readonly valueFrom: number;
}

/** The number of fields before the arguments: name, type, five columns and the program. */
export const FIELDS = 8;

const blank = " \t\r\n";

/** Words as mystrtokq of Postfix 3.0 and later splits them: not at blanks between braces. */
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

/** The index of the brace that closes the first one of the word; -1 without one. */
function braceEnd(word: Bytes): number {
  let level = 0;
  for (let at = 0; at < word.length; at += 1) {
    if (word.charAt(at) === "{") level += 1;
    else if (word.charAt(at) === "}" && --level === 0) return at;
  }
  return -1;
}

/** The parts of `name=value` or, from Postfix 3.0 on, `{ name = value }`; undefined for other words. */
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
  /** All other words, in their order. */
  readonly args: readonly Word[];
  /** Words after an -o that are no `name=value`; a daemon stops at such a word. */
  readonly faulty: readonly Word[];
  /** The index after the last option, or after the program: the place for a new override. */
  readonly end: number;
}

/** The options as the daemons read them, which is up to the first word that is no option. */
export function optionsOf(entry: Entry): Options {
  const { words } = entry;
  const overrides: Override[] = [];
  const args: Word[] = [];
  const faulty: Word[] = [];
  let end = words[FIELDS - 1]?.to ?? entry.seen.length;
  let at = FIELDS;
  for (; at < words.length; at += 1) {
    const word = words[at] as Word;
    if (!isOption(word.text)) break;
    const o = word.text.indexOf("o", 1);
    if (o < 0) {
      args.push(word);
      end = word.to;
      continue;
    }
    const inside = o + 1 < word.text.length;
    const value = inside ? tailOf(word, o + 1) : words[at + 1];
    if (value === undefined) break;
    // In -vo name=value, another option comes before it in the same word.
    const bundled = o > 1;
    const from = word.from + (bundled ? o : 0);
    if (bundled) args.push({ text: word.text.slice(0, o), from: word.from, to: from });
    const pair = nameAndValue(value.text);
    if (pair === undefined) {
      args.push({ ...word, from }, ...(inside ? [] : [value]));
      faulty.push(value);
    } else overrides.push({ ...pair, from, to: value.to, valueFrom: value.from });
    end = value.to;
    if (!inside) at += 1;
  }
  return { overrides, args: [...args, ...words.slice(at)], faulty, end };
}

/** Whether a word is an option, as getopt(3) sees it. */
export function isOption(word: Bytes): boolean {
  return word.startsWith("-") && word !== "-" && word !== "--";
}

function tailOf(word: Word, at: number): Word {
  return { text: word.text.slice(at), from: word.from + at, to: word.to };
}

/** The number of the line, counted from 0 in the entry, of an index of {@link Entry.seen}. */
export function lineWithin({ raw, place }: Entry, at: number): number {
  return raw.slice(0, place(at)).split("\n").length - 1;
}

/**
 * The entry with the text between two indexes of `seen` replaced. Comments in between are kept and go after the line.
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

/** Removes a word and the blanks before it. */
export function removeBetween(entry: Entry, from: number, to: number): Bytes {
  const before = entry.words.filter((word) => word.to <= from).at(-1);
  // For the other options in -vo name=value: the hyphen stays, because the override needs it.
  if (entry.words.some((word) => word.from === from && to < word.to))
    return replaceBetween(entry, from + 1, to, "");
  // In the middle of a word there are no blanks before it.
  const within = entry.words.some((word) => word.from < from && from < word.to);
  return replaceBetween(entry, within || before === undefined ? from : before.to, to, "");
}

/**
 * `name=value` as one word, in braces where the value has blanks.
 *
 * @throws FormatError for a value that Postfix would not read back, because its braces do not match
 */
export function overrideWord(name: string, value: Bytes, braces = false): Bytes {
  const word = braces || /[ \t\r]/.test(value) ? `{ ${name} = ${value} }` : `${name}=${value}`;
  const read = wordsOf(word);
  const pair = nameAndValue(word);
  if (read.length !== 1 || pair?.name !== name || pair.value !== value || !closes(word))
    throw new FormatError(
      `the value of -o ${name} has braces that do not match, which master.cf cannot hold`,
    );
  return word;
}

/** Whether all braces that open in a word close in it. If not, the word goes on over the blanks after it. */
export function closes(word: Bytes): boolean {
  let level = 0;
  for (const char of word) {
    if (char === "{") level += 1;
    else if (char === "}" && level > 0) level -= 1;
  }
  return level === 0;
}
