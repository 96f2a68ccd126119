/** Adjacent words in a list, such as a package in `pkg_scripts`, or `-a /path` in the flags of a daemon. */
import type { Bytes } from "./bytes";

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

function pattern(words: Bytes): RegExp {
  const list = words.split(/\s+/).filter((word) => word !== "");
  return new RegExp(`(?<![^ \\t\\n])${list.map(escape).join("[ \\t\\n]+")}(?![^ \\t\\n])`, "g");
}

export function containsWords(value: Bytes, words: Bytes): boolean {
  return pattern(words).test(value);
}

/** The value with the words added at its end, unless it has them already. */
export function withWords(value: Bytes, words: Bytes): Bytes {
  if (containsWords(value, words)) return value;
  return value === "" ? words : `${value} ${words}`;
}

/** The value without the last occurrence of the words, and without the blank between them and other words. */
export function withoutWords(value: Bytes, words: Bytes): Bytes {
  const last = [...value.matchAll(pattern(words))].at(-1);
  if (last === undefined) return value;
  const before = value.slice(0, last.index);
  const after = value.slice(last.index + last[0].length);
  return before === "" ? after.replace(/^[ \t\n]/, "") : before.slice(0, -1) + after;
}
