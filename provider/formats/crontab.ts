/**
 * crontab(5): comments single jobs out, and in again. The text is that of a file in /var/cron/tabs; the header that
 * crontab(1) adds to it are comments like others.
 */
import type { Bytes } from "./bytes";
import { splitLines } from "./units";

/** A line that cron(8) acts on, without its newline. */
export interface CrontabLine {
  readonly line: number;
  readonly text: Bytes;
}

/** Jobs that were commented out: the text of each, and its number among the lines with that text, active or not. */
export interface SavedCrontab {
  readonly commented: readonly { readonly text: Bytes; readonly nth: number }[];
}

const withoutNewline = (raw: Bytes): Bytes => raw.replace(/\n$/, "");

/** A job begins with its minutes or with `@daily` and the like; a variable with a name, a comment with `#`. */
function isJob(content: Bytes): boolean {
  return /^[ \t]*[0-9*~@]/.test(content);
}

function matches(content: Bytes, pattern: RegExp | Bytes): boolean {
  // A copy, because an expression with "g" or "y" remembers where it stopped.
  return typeof pattern === "string"
    ? content.includes(pattern)
    : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")).test(content);
}

/** Jobs whose line contains the text or matches the expression. */
export function activeMatching(text: Bytes, pattern: RegExp | Bytes): readonly CrontabLine[] {
  return splitLines(text).flatMap((raw, index) => {
    const content = withoutNewline(raw);
    return isJob(content) && matches(content, pattern) ? [{ line: index + 1, text: content }] : [];
  });
}

/** Puts `#` before each job that matches. */
export function commentOut(text: Bytes, pattern: RegExp | Bytes): Bytes {
  const found = new Set(activeMatching(text, pattern).map(({ line }) => line));
  return splitLines(text)
    .map((raw, index) => (found.has(index + 1) ? `#${raw}` : raw))
    .join("");
}

/** By job, the indexes of its lines, active or commented out; by the index of a line, its number among them. */
interface Standing {
  readonly of: (job: Bytes) => readonly number[];
  readonly nth: (index: number) => number;
}

function standing(contents: readonly Bytes[]): Standing {
  const places = new Map<Bytes, number[]>();
  const nth: number[] = [];
  const note = (job: Bytes, index: number): number => {
    const known = places.get(job);
    if (known === undefined) places.set(job, [index]);
    else known.push(index);
    return known === undefined ? 0 : known.length - 1;
  };
  contents.forEach((content, index) => {
    nth.push(note(content, index));
    if (content.startsWith("#")) note(content.slice(1), index);
  });
  return { of: (job) => places.get(job) ?? [], nth: (index) => nth[index] ?? 0 };
}

/** What `undo` needs to restore the jobs that `commentOut` comments out. */
export function save(text: Bytes, pattern: RegExp | Bytes): SavedCrontab {
  const { nth } = standing(splitLines(text).map(withoutNewline));
  return {
    commented: activeMatching(text, pattern).map(({ line, text: job }) => ({
      text: job,
      nth: nth(line - 1),
    })),
  };
}

/** Restores jobs that are still commented out, and changes nothing else. */
export function undo(text: Bytes, saved: SavedCrontab): Bytes {
  const lines = splitLines(text);
  const contents = lines.map(withoutNewline);
  const { of } = standing(contents);
  const ours = new Set<number>();
  for (const { text: job, nth } of saved.commented) {
    const found = of(job);
    const index = found[Math.min(nth, found.length - 1)];
    if (index !== undefined && contents[index] === `#${job}`) ours.add(index);
  }
  return lines.map((raw, index) => (ours.has(index) ? raw.slice(1) : raw)).join("");
}
