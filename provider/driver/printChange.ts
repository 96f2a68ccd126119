/** Printing a change, as a preview shows it: a unified diff, or one line. */
import { hidesFromOthers, isHidden } from "../contract/hiddenFile";
import type { Change, FileChange } from "../contract/kind";
import { fileAt, type FileState, type FoundFile, isRead } from "../host/host";
import { abridged, SHOWN } from "../values/abridged";
import { jsdiff } from "../values/jsdiff";
import { readable } from "../values/readable";
import { messageHash } from "./secrets/masking";

type Seen = { readonly type: "file"; readonly size: number; readonly sha256?: string };
type Write = Extract<Change, { readonly change: "write" }>;

/** A change as the preview prints it. */
export function printChange(change: Change): string {
  switch (change.change) {
    case "write":
      return printWrite(change);
    case "remove":
      return isOpaque(change) || textOf(change.found) === undefined
        ? `remove ${change.path}`
        : unifiedDiff(change.path, textOf(change.found), undefined);
    case "act":
      return change.text;
  }
}

/** A change in one line, for progress. */
export function nameChange(change: Change): string {
  return change.change === "act" ? change.text : `${change.change} ${change.path}`;
}

/** Is a file only named? So is one that others on the host may not read, before or after the change. */
function isOpaque(change: FileChange): boolean {
  const isHiddenThen =
    change.change === "write" && change.mode !== undefined && hidesFromOthers(change.mode);
  return change.opaque === true || isHidden(change.found) || isHiddenThen;
}

function printWrite(change: Write): string {
  const before = textOf(change.found);
  if (before === change.contents)
    return `set ${change.path} to mode ${octal(change.mode ?? 0o644)}`;
  if (isOpaque(change)) {
    const sets = change.sets === undefined ? "" : `: ${change.sets}`;
    return fileAt<Seen>(change.found) === undefined
      ? `create ${change.path} (${measure(change.contents)})${sets}`
      : `replace ${change.path} (${measureOf(change.found)}, with ${measure(change.contents)})${sets}`;
  }
  if (change.partial) return printNewLines(change);
  const link = change.found.type === "symlink" ? ` (a link to ${change.found.target})` : "";
  return unifiedDiff(`${change.path}${link}`, before, change.contents);
}

/** The lines that will be set in a file that an earlier step brings: nothing else in it is known yet. */
function printNewLines({ path, contents }: Write): string {
  const lines = readable(contents).trimEnd().split("\n");
  return [
    `${path}: comes with an earlier step; lines that will be set in it`,
    ...abridged(
      lines.map((line) => `+${line}`),
      (count) => `… and ${count} more lines, which the program has.`,
    ),
  ].join("\n");
}

/** The difference between a file at the look that a change is based on, and now. */
export function printDifference(change: FileChange, now: FileState): string {
  const { path, found } = change;
  const [before, after] = [textOf(found), textOf(now)];
  const isCarried = [found, now].every(
    (state) => fileAt<Seen>(state) === undefined || textOf(state) !== undefined,
  );
  return isOpaque(change) || isHidden(now) || !isCarried
    ? [found, now].map(measureOf).join(", then ")
    : unifiedDiff(path, before, after, {
        removed: `those that are gone stood in ${path} at that look`,
        added: `those that have come stand in ${path} on the host`,
      });
}

/** The text of a file, as far as it was carried. */
function textOf(state: FoundFile): string | undefined {
  const contents = isRead(state) ? fileAt(state)?.contents : undefined;
  return typeof contents === "string" ? contents : undefined;
}

/** Stands for a file whose contents are not to be shown, or were not carried. */
function measureOf(state: FoundFile): string {
  const text = textOf(state);
  const file = fileAt<Seen>(state);
  if (text !== undefined || file === undefined) return measure(text ?? "");
  const digest = file.sha256 === undefined ? "" : `, sha256 ${file.sha256.slice(0, 12)}`;
  return `${file.size} bytes${digest}`;
}

/** A diff is shown whole up to this number of lines. */
const LONGEST = 100;

/** Texts that differ in more lines than these are compared by counting their lines: a diff would take too long. */
const MOST_EDITS = 1000;

/** Where the lines of a difference stand that are not shown. */
interface Where {
  readonly removed: string;
  readonly added: string;
}

function unifiedDiff(
  path: string,
  before: string | undefined,
  after: string | undefined,
  where: Where = {
    removed: `those that go stand in ${path} on the host`,
    added: "those that come follow from the program",
  },
): string {
  const texts = [readable(before ?? ""), readable(after ?? "")] as const;
  const names = [before, after].map((text) => (text === undefined ? "/dev/null" : path));
  const [oldName = "", newName = ""] = names;
  const [oldHeader, newHeader] = [
    before === undefined ? "" : "now",
    after === undefined ? "" : "after up",
  ];
  const patch = jsdiff().createTwoFilesPatch(oldName, newName, ...texts, oldHeader, newHeader, {
    context: 3,
    maxEditLength: MOST_EDITS,
  });
  if (patch === undefined) {
    const { removed, added } = countedLines(...texts);
    return [
      `--- ${oldName}\t${oldHeader}`,
      `+++ ${newName}\t${newHeader}`,
      ...shortOf(removed, added),
      restOf(where, removed.length, added.length),
    ].join("\n");
  }
  // The lines that jsdiff puts before the two names mean nothing here. A blank last line belongs to the diff and stays.
  const lines = patch
    .replace(/^(Index: .*\n)?=+\n/, "")
    .replace(/\n$/, "")
    .split("\n");
  const [head, body] = [lines.slice(0, 2), lines.slice(2)];
  if (body.length <= LONGEST) return lines.join("\n");
  const count = (mark: string): number => body.filter((line) => line.startsWith(mark)).length;
  return [...head, ...body.slice(0, SHOWN), restOf(where, count("-"), count("+"))].join("\n");
}

/** The first lines of a difference: of those that go at most half, so that some show of those that come. */
function shortOf(removed: readonly string[], added: readonly string[]): readonly string[] {
  const gone = removed.slice(0, Math.max(SHOWN / 2, SHOWN - added.length));
  const come = added.slice(0, SHOWN - gone.length);
  return [...gone.map((line) => `-${line}`), ...come.map((line) => `+${line}`)];
}

/** Says how much of a difference is not shown, and where it stands. */
function restOf(where: Where, removed: number, added: number): string {
  const places = [
    ...(removed > 0 ? [where.removed] : []),
    ...(added > 0 ? [where.added] : []),
  ].join(", ");
  return `… only the beginning is shown of ${removed} lines that go and ${added} that come: ${places}.`;
}

/** The lines that only one of two texts has, or has more often, in their order. */
function countedLines(
  before: string,
  after: string,
): { readonly removed: readonly string[]; readonly added: readonly string[] } {
  const [old, next] = [before, after].map((text) =>
    text === "" ? [] : text.replace(/\n$/, "").split("\n"),
  ) as [string[], string[]];
  return { removed: surplus(old, next), added: surplus(next, old) };
}

function surplus(lines: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Stands for contents that are not to be shown. */
function measure(contents: string): string {
  const lines = contents.split("\n").length - (contents.endsWith("\n") ? 1 : 0);
  return `${lines} ${lines === 1 ? "line" : "lines"}, hash ${messageHash(contents)}`;
}
