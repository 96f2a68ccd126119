/** Which paths may be the text of a table: spelt in one way, and none of a file of the system that is no table. */
import { BUILT_TYPES, databasePath } from "../postfix/tableTypes";

/** Files and folders of the system, and of Postfix, that hold other things than tables (hier(7)). */
const TAKEN = new RegExp(
  `^(${[
    "/(altroot|bin|boot|bsd[^/]*|dev|home/[^/]+/\\.ssh|mnt|obsd|ofwboot|proc|root/\\.ssh|sbin|stand|sys|tmp)",
    "/usr/(?!local/|home/)[^/]+",
    "/usr/local/(bin|include|info|lib|libdata|libexec|man|sbin|share)",
    "/var/(account|audit|authpf|backups|cache|crash|cron|db|empty|games|log|mail|nsd|postfix|quotas|run|rwho|sysmerge|tmp|unbound|yp)",
    "/var/spool/(?!postfix/etc/)[^/]+",
    // Accounts and rights.
    "/etc/(master\\.passwd|passwd|s?pwd\\.db|group|login\\.conf(\\.d)?|login_conf\\.db|doas\\.conf|sudoers(\\.d)?|skel|ssh|ssl|isakmpd|iked|kerberosV|ypldap\\.conf)",
    // The start of the system, and its programs.
    "/etc/(boot\\.conf|changelist|crontab|daily|daily\\.local|disktab|exports|fbtab|firmware|fstab|ftpusers|gettytab|hostname\\.[^/]+|inetd\\.conf|installurl|ksh\\.kshrc|ld\\.so\\.[^/]+|mailer\\.conf[^/]*|monthly|monthly\\.local|mtree|mygate|myname|netstart|newsyslog\\.conf|pf\\.conf|pkg\\.conf|printcap|profile|protocols|rc|rc\\.[^/]+|remote|resolv\\.conf|rpc|security|services|shells|signify|sysctl\\.conf|syslog\\.conf|termcap|ttys|weekly|weekly\\.local)",
    "/etc/postfix/(main\\.cf|master\\.cf|dynamicmaps\\.cf|main\\.cf\\.proto|master\\.cf\\.proto|postfix-files|makedefs\\.out|post-install|postfix-script)",
  ].join("|")})(/|$)`,
);

/** Why a path cannot be that of a table's text; `undefined` where it can. */
export function tablePathFault(path: unknown): string | undefined {
  if (typeof path !== "string" || !/^\/[^\s\0:,]*[^\s\0:,/]$/.test(path))
    return "must be the absolute path of the text, without blanks, colons and commas.";
  const plain = plainPath(path);
  if (plain !== path)
    return `must be written as ${plain}: a path has one spelling, by which its owner is known.`;
  const files = [path, ...BUILT_TYPES.map((type) => databasePath({ path, type }))];
  const taken = files.find((file) => TAKEN.test(file));
  return taken === undefined
    ? undefined
    : `cannot be the text of a table: ${taken} belongs to the system. Tables are best kept in /etc/postfix.`;
}

/** The path without empty and dot parts. */
function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
