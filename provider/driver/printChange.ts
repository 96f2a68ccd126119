/** Printing a change, as a preview shows it: a unified diff, or one line. */
import { hidesFromOthers, isHidden } from "../contract/hiddenFile";
import type { Change, FileChange } from "../contract/kind";
import { fileAt, type FileState, type FoundFile, isRead } from "../host/host";
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
    ...lines.map((line) => `+${line}`),
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
    : unifiedDiff(path, before, after);
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

function unifiedDiff(path: string, before: string | undefined, after: string | undefined): string {
  // Loaded here, because most runs find nothing that differs.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { createTwoFilesPatch } = require("diff") as typeof import("diff");
  const patch = createTwoFilesPatch(
    before === undefined ? "/dev/null" : path,
    after === undefined ? "/dev/null" : path,
    readable(before ?? ""),
    readable(after ?? ""),
    before === undefined ? "" : "now",
    after === undefined ? "" : "after up",
    { context: 3 },
  );
  // The lines that jsdiff puts before the two names mean nothing here. A blank last line belongs to the diff and stays.
  return patch.replace(/^(Index: .*\n)?=+\n/, "").replace(/\n$/, "");
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Stands for contents that are not to be shown. */
function measure(contents: string): string {
  const lines = contents.split("\n").length - (contents.endsWith("\n") ? 1 : 0);
  return `${lines} ${lines === 1 ? "line" : "lines"}, hash ${messageHash(contents)}`;
}
