/**
 * Guide 2.6, "Complete Disabling Sendmail": lines of root's crontab commented out, and back in on destroy.
 *
 * The tab is replaced as crontab(1) replaces it, by a rename in the spool folder, whose new time makes cron(8) read
 * it again; but without the three header lines that crontab(1) puts on top each time (openbsd.md 6).
 */
import {
  claimKeyedFile,
  type KeyedFile,
  type KeyedText,
  planKeyedFile,
  restoreKeyedFile,
} from "../kind/keyedFile";
import { patternOf, type RootCrontabArgs, rootCrontabArguments } from "../arguments/rootCrontab";
import { contentsOf } from "../host/host";
import * as crontabText from "../formats/crontab";
import type { FileState } from "../host/host";
import type { Json } from "../host/record";
import type { Kind } from "../kind/kind";

interface Observed {
  readonly file: FileState;
}

const PATH = "/var/cron/tabs/root";
/** The command of sendmail's clientmqueue runner, whatever its white space (openbsd.md 6). */
const CLIENT_QUEUE_RUNNER = "sm-msp-queue";

const text: KeyedText = {
  kind: "RootCrontab",
  get: (contents, pattern) =>
    crontabText.activeMatching(contents, patternOf(pattern)).length === 0
      ? "commented out"
      : "active",
  // Removing the key leaves nothing of its lines to compare by, which is what a commented-out line is.
  put: (contents, pattern) => crontabText.commentOut(contents, patternOf(pattern)),
  save: (contents, pattern) => crontabText.save(contents, patternOf(pattern)) as unknown as Json,
  undo: (contents, _pattern, saved) => crontabText.undo(contents, saved as never),
};

function fileOf(observed: Observed, args: RootCrontabArgs): KeyedFile {
  const wanted = Object.fromEntries(
    (args.commentOut ?? []).map((pattern) => [pattern, "commented out"]),
  );
  return { path: PATH, state: observed.file, text, wanted, mode: 0o600 };
}

/** Without a tab there is nothing to comment out, and none is made. */
function isGone({ file }: Observed): boolean {
  return contentsOf(file) === undefined;
}

export const rootCrontab: Kind<RootCrontabArgs, Observed> = {
  name: "RootCrontab",
  what: () => "var/cron/tabs/root",
  arguments: rootCrontabArguments,
  complete: (args, platform) => ({
    ...args,
    commentOut: args.commentOut ?? (platform.clientQueueRunner ? [CLIENT_QUEUE_RUNNER] : []),
  }),
  facts: () => ({ file: { fact: "file", path: PATH } }),
  observe: (answers) => ({ file: answers["file"] as FileState }),
  live: ({ file }, args) => ({
    commentOut: (args.commentOut ?? []).filter(
      (pattern) => text.get(contentsOf(file) ?? "", pattern) === "commented out",
    ),
  }),
  outputs: () => ({}),
  // A tab that is gone (`crontab -r`) may come back: what stood in it before us is not forgotten for that.
  claims: (observed, args, context) =>
    claimKeyedFile(fileOf(observed, args), context).filter(
      ({ key }) => !isGone(observed) || context.record.keys[key] !== undefined,
    ),
  baselines: ({ file }) => ({ [PATH]: file }),
  plan: (observed, args, context) =>
    isGone(observed) ? [] : planKeyedFile(fileOf(observed, args), context),
  restore: ({ file }, _args, context) => restoreKeyedFile(PATH, file, text, context),
};
