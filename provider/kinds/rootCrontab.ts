/**
 * Guide 2.6, "Complete Disabling Sendmail": lines of root's crontab commented out, and back in on destroy.
 *
 * The tab is replaced as crontab(1) replaces it, by a rename in the spool folder, whose new time makes cron(8) read
 * it again; but without the three header lines that crontab(1) puts on top each time (docs/openbsd.md 6).
 */
import { patternOf, type RootCrontabArgs, rootCrontabArguments } from "../arguments/rootCrontab";
import * as crontabText from "../formats/crontab";
import { contentsOf, type FileState } from "../host/host";
import { file, Look } from "../host/look";
import { claimKeyedFile, type KeyedFile, planKeyedFile, restoreKeyedFile } from "../kind/keyedFile";
import { keyedText } from "../kind/keyedText";
import type { Kind } from "../kind/kind";

interface Observed {
  readonly file: FileState;
}

const PATH = "/var/cron/tabs/root";
/** The command of sendmail's clientmqueue runner, whatever its white space (docs/openbsd.md 6). */
const CLIENT_QUEUE_RUNNER = "sm-msp-queue";

const COMMENTED_OUT = "commented out";

/** The key is a pattern; its value is whether the lines that match it are commented out. */
const text = keyedText({
  kind: "RootCrontab",
  get: (contents, pattern) =>
    crontabText.activeMatching(contents, patternOf(pattern)).length === 0
      ? COMMENTED_OUT
      : "active",
  set: commentOut,
  // Removing the key leaves nothing of its lines to compare by, as commenting them out does.
  remove: commentOut,
  save: (contents, pattern) => crontabText.save(contents, patternOf(pattern)),
  undo: (contents, _pattern, saved) => crontabText.undo(contents, saved),
});

function commentOut(contents: string, pattern: string): string {
  return crontabText.commentOut(contents, patternOf(pattern));
}

function fileOf(observed: Observed, args: RootCrontabArgs): KeyedFile {
  const wanted = Object.fromEntries(
    (args.commentOut ?? []).map((pattern) => [pattern, COMMENTED_OUT]),
  );
  return { path: PATH, state: observed.file, text, wanted, mode: 0o600 };
}

/** Without a tab there is nothing to comment out, and none is made. */
function isGone(observed: Observed): boolean {
  return contentsOf(observed.file) === undefined;
}

export const rootCrontab: Kind<RootCrontabArgs, Observed> = {
  name: "RootCrontab",
  subject: () => PATH.slice(1),
  arguments: rootCrontabArguments,
  complete: (args, platform) => ({
    ...args,
    commentOut: args.commentOut ?? (platform.clientQueueRunner ? [CLIENT_QUEUE_RUNNER] : []),
  }),
  look: () => Look.all({ file: file(PATH) }),
  live: (observed, args) => ({
    commentOut: (args.commentOut ?? []).filter(
      (pattern) => text.get(contentsOf(observed.file) ?? "", pattern) === COMMENTED_OUT,
    ),
  }),
  outputs: () => ({}),
  owns: (observed, args, context) => ({
    // A tab that is gone (`crontab -r`) may come back: what stood in it before the first change is kept for that.
    claims: claimKeyedFile(fileOf(observed, args), context).filter(
      ({ key }) => !isGone(observed) || context.record.keys[key] !== undefined,
    ),
    files: { [PATH]: observed.file },
  }),
  plan: (observed, args, context) => ({
    changes: isGone(observed) ? [] : planKeyedFile(fileOf(observed, args), context),
  }),
  restore: (observed, _args, context) => ({
    changes: restoreKeyedFile(PATH, observed.file, text, context),
  }),
};
