/**
 * Guide 2.3, "Enable Postfix": /etc/mailer.conf, which maps /usr/sbin/sendmail to a program.
 *
 * The files end as `postfix-enable` and `postfix-disable` leave them. But there is always a mailer.conf in between, and
 * enabling Postfix again does not overwrite the saved mapping of the base system (docs/openbsd.md 2.4).
 */
import { type MailerConfArgs, mailerConfArguments } from "../arguments/mailerConf";
import type { Change, Kind, Plan, PlanContext } from "../contract/kind";
import { claimWholeFile, restoreWholeFile } from "../contract/wholeFile";
import { mapping } from "../formats/mailerConf";
import { contentsOf, type FileState } from "../host/host";
import { file, Look } from "../host/look";
import { RECORD } from "../host/recordLook";
import {
  BASE_MAILER_CONF as SAVED,
  isPostfixEnabled,
  MAILER_CONF as CURRENT,
  MAILER_ROWS,
  POSTFIX_MAILER_CONF as POSTFIX,
} from "../postfix/mailerConf";
import { PROGRAMS } from "../postfix/paths";

/** The arguments, with those that `complete` fills in. */
interface Completed extends MailerConfArgs {
  /** "postfix", "none", or the program that the row `sendmail` names. */
  readonly mailer?: string;
}

interface Observed {
  readonly current: FileState;
  readonly postfix: FileState;
  readonly saved: FileState;
  /** Did an earlier apply enable Postfix, but end before it removed mailer.conf.postfix? */
  readonly unfinished: boolean;
}

function mailerOf(current: FileState): string {
  const contents = contentsOf(current);
  if (contents === undefined) return "none";
  const program = mapping(contents, "sendmail")?.program;
  return program === PROGRAMS.sendmail ? "postfix" : (program ?? "none");
}

function look(): Look<Observed> {
  return Look.all({
    current: file(CURRENT),
    postfix: file(POSTFIX),
    saved: file(SAVED),
    record: RECORD,
  }).map(({ record, ...files }) => {
    const isOwned = record.keys[POSTFIX] !== undefined;
    const isEnabled = mailerOf(files.current) === "postfix";
    return { ...files, unfinished: isOwned && isEnabled && files.postfix.type !== "absent" };
  });
}

function plan(
  { current, postfix, saved, unfinished }: Observed,
  _args: Completed,
  { coming }: PlanContext,
): Plan {
  // If mailer.conf.postfix stayed, postfix-enable would overwrite the saved base mapping (docs/openbsd.md 2.4).
  const removal: Change = { change: "remove", path: POSTFIX, found: postfix, opaque: true };
  if (unfinished) return { changes: [removal] };
  if (mailerOf(current) === "postfix") return { changes: [] };
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
    contents: offered !== undefined && isPostfixEnabled(offered) ? offered : MAILER_ROWS,
    ...(base === undefined ? { mode: 0o644, uid: 0, gid: 0 } : {}),
  });
  if (postfix.type !== "absent" || coming(POSTFIX)) changes.push(removal);
  return { changes };
}

export const mailerConf: Kind<Completed, Observed> = {
  name: "MailerConf",
  traits: { switches: true },
  subject: () => CURRENT.slice(1),
  arguments: mailerConfArguments,
  complete: (args) => ({ ...args, mailer: "postfix" }),
  look,
  live: ({ current, unfinished }) => ({
    mailer: unfinished ? `postfix, with ${POSTFIX} left over` : mailerOf(current),
  }),
  outputs: () => ({}),
  owns: ({ current, postfix, saved }) => ({
    claims: [CURRENT, POSTFIX, SAVED].map(claimWholeFile),
    files: { [CURRENT]: current, [POSTFIX]: postfix, [SAVED]: saved },
  }),
  plan,
  restore: ({ current, postfix, saved }, _args, context) => ({
    changes: [
      ...restoreWholeFile(CURRENT, current, context),
      ...restoreWholeFile(POSTFIX, postfix, context),
      ...restoreWholeFile(SAVED, saved, context),
    ],
  }),
};
