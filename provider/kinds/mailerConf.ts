/**
 * Guide 2.3, "Enable Postfix": /etc/mailer.conf, which says what /usr/sbin/sendmail is.
 *
 * The files end as `postfix-enable` and `postfix-disable` leave them, with two differences: there is no moment without
 * a mailer.conf, and the saved base mapping is never overwritten by a second enabling (openbsd.md 2.4).
 */
import { type MailerConfArgs, mailerConfArguments } from "../arguments/mailerConf";
import { restoreWholeFile } from "../kind/keyedFile";
import { contentsOf } from "../host/host";
import { mapping } from "../formats/mailerConf";
import type { FileState } from "../host/host";
import { parseRecord } from "../host/record";
import type { Change, Kind } from "../kind/kind";

interface Completed extends MailerConfArgs {
  /** Filled in: whom the row `sendmail` names. */
  readonly mailer?: string;
}

interface Observed {
  readonly current: FileState;
  readonly postfix: FileState;
  readonly saved: FileState;
  /** Enabled by us, and cut before mailer.conf.postfix went. */
  readonly unfinished: boolean;
}

const CURRENT = "/etc/mailer.conf";
const POSTFIX = "/etc/mailer.conf.postfix";
const SAVED = "/etc/mailer.conf.pre-postfix";
const SENDMAIL = "/usr/local/sbin/sendmail";

/** What the package writes to mailer.conf.postfix (openbsd.md 2.2). */
const PORT_ROWS = ["sendmail\t", "send-mail\t", "mailq\t\t", "newaliases\t"]
  .map((name) => `${name}${SENDMAIL}\n`)
  .join("");

function maps(contents: string | undefined): boolean {
  return contents !== undefined && mapping(contents, "sendmail")?.program === SENDMAIL;
}

function mailerOf(current: FileState): string {
  const contents = contentsOf(current);
  if (contents === undefined) return "none";
  const program = mapping(contents, "sendmail")?.program;
  return program === SENDMAIL ? "postfix" : (program ?? "none");
}

export const mailerConf: Kind<Completed, Observed> = {
  name: "MailerConf",
  switches: true,
  what: () => "etc/mailer.conf",
  arguments: mailerConfArguments,
  complete: (args) => ({ ...args, mailer: "postfix" }),
  facts: () => ({
    current: { fact: "file", path: CURRENT },
    postfix: { fact: "file", path: POSTFIX },
    saved: { fact: "file", path: SAVED },
  }),
  observe: (answers) => {
    const current = answers["current"] as FileState;
    const postfix = answers["postfix"] as FileState;
    const ours = parseRecord(answers["record"] as FileState).keys[POSTFIX] !== undefined;
    return {
      current,
      postfix,
      saved: answers["saved"] as FileState,
      unfinished: ours && mailerOf(current) === "postfix" && postfix.type !== "absent",
    };
  },
  live: ({ current, unfinished }) => ({
    mailer: unfinished ? `postfix, with ${POSTFIX} left over` : mailerOf(current),
  }),
  outputs: () => ({}),
  claims: () =>
    [CURRENT, POSTFIX, SAVED].map((path) => ({
      key: path,
      file: path,
      before: null,
      applied: null,
    })),
  baselines: ({ current, postfix, saved }) => ({
    [CURRENT]: current,
    [POSTFIX]: postfix,
    [SAVED]: saved,
  }),
  plan: ({ current, postfix, saved, unfinished }, _args, context) => {
    // With that file still there, postfix-enable would put the saved base mapping out of the world (openbsd.md 2.4).
    const removal: Change = { change: "remove", path: POSTFIX, found: postfix, opaque: true };
    if (unfinished) return [removal];
    if (mailerOf(current) === "postfix") return [];
    const offered = contentsOf(postfix);
    const base = contentsOf(current);
    const attributes =
      current.type === "file" ? { mode: current.mode, uid: current.uid, gid: current.gid } : {};
    const changes: Change[] = [];
    if (base !== undefined && base !== contentsOf(saved))
      changes.push({ change: "write", path: SAVED, found: saved, contents: base, ...attributes });
    changes.push({
      change: "write",
      path: CURRENT,
      found: current,
      contents: offered !== undefined && maps(offered) ? offered : PORT_ROWS,
      ...(base === undefined ? { mode: 0o644, uid: 0, gid: 0 } : {}),
    });
    if (postfix.type !== "absent" || context.coming(POSTFIX)) changes.push(removal);
    return changes;
  },
  restore: ({ current, postfix, saved }, _args, context) => [
    ...restoreWholeFile(CURRENT, current, context),
    ...restoreWholeFile(POSTFIX, postfix, context),
    ...restoreWholeFile(SAVED, saved, context),
  ],
};
