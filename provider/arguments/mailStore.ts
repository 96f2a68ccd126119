/** The arguments of `MailStore`. */
import { flag, number, optional, single, step, text } from "./schema";

/** Arguments of `MailStore`. */
export interface MailStoreArgs {
  /**
   * The absolute path of the folder in which virtual(8) keeps mailboxes: the value for `virtual_mailbox_base`. The folder
   * above it must be there, or come with an earlier step; the folder itself must be below a folder of the file system's
   * top, and no folder of the system. @defaultValue "/var/vmail"
   */
  readonly path?: string;
  /** The user that owns the mailboxes. @defaultValue "_vmail" */
  readonly user?: string;
  /**
   * The user's number, for `virtual_uid_maps`. virtual(8) delivers for none below `virtual_minimum_uid`, which is 100.
   * @defaultValue 901
   */
  readonly uid?: number;
  /** The group of the mailboxes. @defaultValue the name of the user */
  readonly group?: string;
  /** The group's number, for `virtual_gid_maps`. @defaultValue the number of the user */
  readonly gid?: number;
  /** The mode of the folder in octal digits, which gives its owner all rights and others none. @defaultValue "0770" */
  readonly mode?: string;
  /**
   * `true`: a folder that the step has made goes with all mail in it, when the resource is destroyed or its {@link path}
   * changes. Otherwise both are refused while a file is below the folder. @defaultValue false
   */
  readonly discardMail?: boolean;
}

export const DEFAULT_PATH = "/var/vmail";
export const DEFAULT_USER = "_vmail";
export const DEFAULT_ID = 901;
export const DEFAULT_MODE = "0770";

/** Folders with other contents than mailboxes of virtual(8), which must not get another owner (hier(7)). */
const FORBIDDEN = new RegExp(
  `^/(${[
    "altroot|bin|boot|bsd[^/]*|dev|etc|proc|root|sbin|stand|sys|tmp",
    "home/[^/]+/\\.[^/]+",
    "usr/(?!home/)[^/]+",
    "var/(account|audit|authpf|backups|cache|crash|cron|db|empty|games|log|mail|mysql|named|nsd|postfix|postgresql|quotas|run|rwho|sysmerge|tmp|unbound|www|yp)",
    "var/spool/(at|calendar|clientmqueue|ftp|lock|lpd|mqueue|output|smtpd|spamd|uucp|uucppublic)",
    "var/spool/postfix/(active|bounce|corrupt|defer|deferred|dev|etc|flush|hold|incoming|lib|maildrop|pid|private|public|saved|trace|usr)",
  ].join("|")})(/|$)`,
);

/** Folders in which others have theirs, and of which the step can only have one below. */
const SHARED = /^\/(usr\/home|var\/spool|var\/spool\/postfix)$/;

function pathFault(path: unknown): string | undefined {
  if (typeof path !== "string" || !/^(\/[^/\s\0:,]+)+$/.test(path) || /\/\.\.?(\/|$)/.test(path))
    return 'must be an absolute path without a slash at its end, "." and "..", blanks, colons and commas.';
  if (path.split("/").length < 3 || SHARED.test(path))
    return "must be a folder below one of the system's, as in /var/vmail: the step gives it an owner and a mode of its own.";
  return FORBIDDEN.test(path)
    ? "is no place for mailboxes: the folder belongs to the system, and the step would give it another owner."
    : undefined;
}

/** Users of the base system and of Postfix, whose rights no mailbox must have. */
const OTHERS = ["root", "daemon", "operator", "bin", "nobody", "wheel", "_postfix", "_postdrop"];

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,30}$/;

const name = single<string>((value) => {
  if (typeof value !== "string" || !NAME.test(value))
    return "must be a name of at most 31 letters, digits, dots, hyphens and underscores, as in passwd(5).";
  return OTHERS.includes(value)
    ? "belongs to the system or to Postfix: mailboxes need an owner of their own."
    : undefined;
});

/** Of nobody, and of Postfix's own user and group (docs/openbsd.md 2.1). */
const TAKEN = [32_767, 507, 508];

const id = number(
  (value) =>
    Number.isInteger(value) && value >= 100 && value < 2_147_483_647 && !TAKEN.includes(value),
  "must be a whole number from 100 on, below which virtual(8) delivers for nobody (virtual_minimum_uid), and neither nobody's nor Postfix's own (507 and 508).",
);

/** What each argument of `MailStore` may be. */
export const mailStoreArguments = step<MailStoreArgs>({
  path: optional(single<string>(pathFault)),
  user: optional(name),
  uid: optional(id),
  group: optional(name),
  gid: optional(id),
  mode: optional(
    text(
      /^0?7[0-7]0$/,
      'must be octal digits that give the owner all rights and others than the group none, as in "0770" and "0700".',
    ),
  ),
  discardMail: optional(flag),
});
