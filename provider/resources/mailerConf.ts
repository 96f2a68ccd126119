/**
 * Guide 2.3, "Enable Postfix": /etc/mailer.conf, which says what /usr/sbin/sendmail is.
 *
 * The files end as `postfix-enable` and `postfix-disable` leave them, with two differences: there is no moment without
 * a mailer.conf, and the saved base mapping is never overwritten by a second enabling (openbsd.md 2.4).
 */
import { contentsOf, restoreWholeFile } from "../files";
import { mapping } from "../formats/mailerConf";
import type { FileState } from "../host/host";
import type { Change, Kind } from "../resource";

export interface MailerConfArgs {
  /** Filled in: whom the row `sendmail` names. */
  readonly mailer?: string;
}

interface Observed {
  readonly current: FileState;
  readonly postfix: FileState;
  readonly saved: FileState;
}

const CURRENT = "/etc/mailer.conf";
const POSTFIX = "/etc/mailer.conf.postfix";
const SAVED = "/etc/mailer.conf.pre-postfix";
const SENDMAIL = "/usr/local/sbin/sendmail";

/** What the package writes to mailer.conf.postfix (openbsd.md 2.2). */
const PORT_ROWS = ["sendmail\t", "send-mail\t", "mailq\t\t", "newaliases\t"]
  .map((name) => `${name}${SENDMAIL}\n`)
  .join("");

function mailerOf(current: FileState): string {
  const contents = contentsOf(current);
  if (contents === undefined) return "none";
  const program = mapping(contents, "sendmail")?.program;
  return program === SENDMAIL ? "postfix" : (program ?? "none");
}

export const mailerConf: Kind<MailerConfArgs, Observed> = {
  name: "MailerConf",
  what: () => "etc/mailer.conf",
  validate: () => [],
  complete: (args) => ({ ...args, mailer: "postfix" }),
  facts: () => ({
    current: { fact: "file", path: CURRENT },
    postfix: { fact: "file", path: POSTFIX },
    saved: { fact: "file", path: SAVED },
  }),
  observe: (answers) => ({
    current: answers["current"] as FileState,
    postfix: answers["postfix"] as FileState,
    saved: answers["saved"] as FileState,
  }),
  live: ({ current }) => ({ mailer: mailerOf(current) }),
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
  plan: ({ current, postfix, saved }, _args, context) => {
    if (mailerOf(current) === "postfix") return [];
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
      contents: contentsOf(postfix) ?? PORT_ROWS,
      ...(base === undefined ? { mode: 0o644, uid: 0, gid: 0 } : {}),
    });
    if (postfix.type !== "absent" || context.coming(POSTFIX))
      changes.push({ change: "remove", path: POSTFIX, found: postfix, opaque: true });
    return changes;
  },
  restore: ({ current, postfix, saved }, _args, context) => [
    ...restoreWholeFile(CURRENT, current, context),
    ...restoreWholeFile(POSTFIX, postfix, context),
    ...restoreWholeFile(SAVED, saved, context),
  ],
};
