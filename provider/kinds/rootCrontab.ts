/**
 * Guide 2.6, "Complete Disabling Sendmail": lines of root's crontab are commented out, and put back on destroy.
 *
 * The crontab is replaced as crontab(1) does it, by a rename in the spool folder: the folder's new modification time
 * makes cron(8) read the crontab again. The three header lines that crontab(1) adds each time are left out
 * (docs/openbsd.md 6).
 */
import { patternOf, type RootCrontabArgs, rootCrontabArguments } from "../arguments/rootCrontab";
import {
  claimKeyedFile,
  type KeyedFile,
  planKeyedFile,
  restoreKeyedFile,
} from "../contract/keyedFile";
import { keyedText } from "../contract/keyedText";
import type { Kind } from "../contract/kind";
import * as crontabText from "../formats/crontab";
import { contentsOf, type FileState } from "../host/host";
import { file, Look } from "../host/look";

interface Observed {
  readonly file: FileState;
}

const PATH = "/var/cron/tabs/root";
/** A part without blanks of the command of sendmail's clientmqueue runner, whose spacing varies (docs/openbsd.md 6). */
const CLIENT_QUEUE_RUNNER = "sm-msp-queue";

const COMMENTED_OUT = "commented out";

/** The format of the file: a key is a pattern, its value whether the lines that match it are commented out. */
const text = keyedText({
  kind: "RootCrontab",
  get: (contents, pattern) =>
    crontabText.activeMatching(contents, patternOf(pattern)).length === 0
      ? COMMENTED_OUT
      : "active",
  set: commentOut,
  // Undoing compares the rest of a file without its keys: a commented-out line is the same whether it was active or not.
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

/** Has root no crontab? Then there is nothing to comment out, and none is made. */
function isAbsent(observed: Observed): boolean {
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
    // A crontab that was removed (`crontab -r`) may come back: for that, the record keeps the claims on it.
    claims: claimKeyedFile(fileOf(observed, args), context).filter(
      ({ key }) => !isAbsent(observed) || context.record.keys[key] !== undefined,
    ),
    files: { [PATH]: observed.file },
  }),
  plan: (observed, args, context) => ({
    changes: isAbsent(observed) ? [] : planKeyedFile(fileOf(observed, args), context),
  }),
  restore: (observed, _args, context) => ({
    changes: restoreKeyedFile(PATH, observed.file, text, context),
  }),
};
