/**
 * How each OpenBSD release does things. Every question of the kind "how does this release do it" is answered
 * here, once, from the release that the host itself names; no resource compares versions.
 */

/** The four families that differ in how mail, boot and services work. */
export type Family = "4.7-4.9" | "5.0-5.5" | "5.6" | "5.7+";

/** How services are started, stopped and asked about. */
export type ServiceControl = "processes" | "rc.d" | "rcctl";

/** The mailer that came with the base system. */
export interface BaseMailer {
  readonly name: "sendmail" | "smtpd";
  /** Exit status 0 when its daemon runs: never a mere `pgrep -x`, for Postfix has an smtpd and a sendmail as well. */
  readonly running: readonly string[];
  readonly stop: readonly string[];
  /**
   * Ends its processes by their titles, where {@link stop} did not: the rc.subr of 5.0 does nothing at all, and says
   * nothing, for a daemon whose flags are NO (openbsd.md 4.3).
   */
  readonly kill: readonly string[];
  /** Starts it as /etc/rc would, from what rc.conf and rc.conf.local say. */
  readonly start: readonly string[];
  /** Programs that list its queued mail, by the names of the queues. */
  readonly queues: Readonly<Record<string, readonly string[]>>;
}

/** Everything that a resource may ask about the release it works on. */
export interface Platform {
  readonly release: string;
  readonly family: Family;
  /** Set when the release is newer than any that is known here: treated as the newest. */
  readonly warning?: string;
  readonly baseMailer: BaseMailer;
  readonly services: ServiceControl;
  /** Who reads rc.conf.local: a shell that sources it (to 5.5) or rc.subr, which parses single lines (5.6 on). */
  readonly rcConfSyntax: "sourced" | "parsed";
  /** What "Postfix starts at boot" means in rc.conf.local. */
  readonly boot: {
    readonly variables: Readonly<Record<string, string>>;
    readonly packageScripts: readonly string[];
  };
  /** The variable of rc.conf.local that names the daemons of packages, from 4.9 on. */
  readonly packageDaemons: "none" | "rc_scripts" | "pkg_scripts";
  /** Whether a chrooted daemon needs a log socket of its own: sendsyslog(2) made it unnecessary in 5.6. */
  readonly logSocketNeeded: boolean;
  readonly restartSyslogd: readonly string[];
  /** Files that the package copies into the chroot, by their names under /etc. */
  readonly chrootFiles: readonly string[];
  /** Whether root's crontab comes with sendmail's clientmqueue runner. */
  readonly clientQueueRunner: boolean;
  readonly postfix: {
    readonly start: readonly string[];
    readonly stop: readonly string[];
  };
  readonly packages: {
    /** Package names may carry a branch (`postfix--%stable`), and pkg_add knows -I as "never ask". */
    readonly branches: boolean;
    /** Words for pkg_add besides the name: no meter, no questions; -m so that success is printed. */
    readonly addOptions: readonly string[];
    /** Flavors of the port in this release. */
    readonly flavors: readonly string[];
    /** Whether /etc/installurl or /etc/pkg.conf can name the repository, so that PKG_PATH may stay unset. */
    readonly defaultRepository: boolean;
    /** Whether pkg_info(1) may not know -Q, so that a repository is listed with ftp(1). */
    readonly listedByFtp: boolean;
    /** Where pkg_add looks for packages that nobody signed, as those built here: signatures came with 5.5. */
    readonly localPathVariable: "PKG_PATH" | "TRUSTED_PKG_PATH";
  };
}

/** The oldest release that is supported, and the newest that has been described. */
export const OLDEST = "4.7";
export const NEWEST = "7.8";

/** The title of sendmail's daemon (openbsd.md 9); one that hands a message in or lists the queue has another. */
const SENDMAIL_TITLE = "^sendmail: accepting connections";

/** smtpd's parent, by its path or its title, and its children; Postfix's smtpd(8) has neither in its arguments. */
const SMTPD_TITLE = "^(/usr/sbin/smtpd|smtpd: )";

/** The release is older than any that works. */
export class UnsupportedRelease extends Error {
  constructor(readonly release: string) {
    super(`OpenBSD ${release} is not supported: the oldest release that is, is ${OLDEST}.`);
  }
}

/** What `uname -r` prints as one number that can be compared: "4.7" is 47, "7.10" would be 80. */
function ordinal(release: string): number {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (!match) return Number.NaN;
  return Number(match[1]) * 10 + Number(match[2]);
}

/**
 * Is this a release that {@link platformOf} knows how to treat? A name that is no number at all, or a release before
 * {@link OLDEST}, is not.
 */
export function platformOf(release: string): Platform {
  const number = ordinal(release);
  if (Number.isNaN(number) || number < ordinal(OLDEST)) throw new UnsupportedRelease(release);
  const family = familyOf(number);
  const shared = {
    release,
    family,
    ...(number > ordinal(NEWEST)
      ? {
          warning: `OpenBSD ${release} is newer than ${NEWEST}, the newest known: treated like it.`,
        }
      : {}),
    packageDaemons: number < 49 ? "none" : number < 50 ? "rc_scripts" : "pkg_scripts",
    logSocketNeeded: number < 56,
    rcConfSyntax: number < 56 ? "sourced" : "parsed",
    clientQueueRunner: number < 56,
    // The package copied three files until 28 April 2011 and four since (openbsd.md 10).
    chrootFiles:
      number < 50
        ? ["localtime", "services", "resolv.conf"]
        : ["hosts", "localtime", "resolv.conf", "services"],
    packages: {
      branches: number >= 60,
      // -I meant "do not run scripts" up to 5.1, and -x quietens the meter; -m exists from 4.8 (openbsd.md 1.2).
      addOptions: number >= 53 ? ["-I", "-m"] : ["-x"],
      flavors:
        number >= 50 && number <= 51
          ? ["sasl2", "ldap", "mysql", "pgsql", "db4", "sqlite"]
          : ["sasl2", "ldap", "mysql", "pgsql", "db4"],
      defaultRepository: number >= 61,
      listedByFtp: number < 50,
      localPathVariable: number < 55 ? "PKG_PATH" : "TRUSTED_PKG_PATH",
    },
  } as const;
  const smtpd = {
    name: "smtpd",
    // Not `check` of its rc.d script or by rcctl: that may say no whatever runs once its flags are NO.
    running: ["/usr/bin/pgrep", "-f", SMTPD_TITLE],
    kill: ["/usr/bin/pkill", "-f", SMTPD_TITLE],
    queues: { queue: ["/usr/sbin/smtpctl", "show", "queue"] },
  } as const;
  const sendmail = {
    name: "sendmail",
    running: ["/usr/bin/pgrep", "-f", SENDMAIL_TITLE],
    kill: ["/usr/bin/pkill", "-f", SENDMAIL_TITLE],
    queues: {
      queue: ["/usr/libexec/sendmail/sendmail", "-bp"],
      // What was handed in while no daemon took it: a job in root's crontab runs it (openbsd.md 6 and 9).
      "client queue": ["/usr/libexec/sendmail/sendmail", "-Ac", "-bp"],
    },
  } as const;
  switch (family) {
    case "4.7-4.9":
      return {
        ...shared,
        services: "processes",
        baseMailer: {
          ...sendmail,
          stop: ["/usr/bin/pkill", "-f", SENDMAIL_TITLE],
          start: sourcingRcConf('X=${sendmail_flags}; [ "$X" = NO ] || /usr/sbin/sendmail ${X}'),
        },
        // /etc/rc starts whatever mailer.conf maps sendmail to; -bd makes Postfix's start its daemon (openbsd.md 9).
        boot: { variables: { sendmail_flags: "-bd" }, packageScripts: [] },
        restartSyslogd: restartSyslogdByHand,
        postfix: {
          start: ["/usr/local/sbin/postfix", "start"],
          stop: ["/usr/local/sbin/postfix", "stop"],
        },
      };
    case "5.0-5.5":
      return {
        ...shared,
        services: "rc.d",
        baseMailer: {
          ...sendmail,
          stop: ["/etc/rc.d/sendmail", "stop"],
          start: ["/etc/rc.d/sendmail", "start"],
        },
        boot: { variables: { sendmail_flags: "NO" }, packageScripts: ["postfix"] },
        restartSyslogd: ["/etc/rc.d/syslogd", "restart"],
        postfix: { start: ["/etc/rc.d/postfix", "start"], stop: ["/etc/rc.d/postfix", "stop"] },
      };
    case "5.6":
      return {
        ...shared,
        services: "rc.d",
        baseMailer: {
          ...smtpd,
          stop: ["/etc/rc.d/smtpd", "stop"],
          start: ["/etc/rc.d/smtpd", "start"],
        },
        boot: { variables: { smtpd_flags: "NO" }, packageScripts: ["postfix"] },
        restartSyslogd: ["/etc/rc.d/syslogd", "restart"],
        postfix: { start: ["/etc/rc.d/postfix", "start"], stop: ["/etc/rc.d/postfix", "stop"] },
      };
    case "5.7+":
      return {
        ...shared,
        services: "rcctl",
        baseMailer: {
          ...smtpd,
          stop: ["/usr/sbin/rcctl", "stop", "smtpd"],
          start: ["/usr/sbin/rcctl", "start", "smtpd"],
        },
        boot: { variables: { smtpd_flags: "NO" }, packageScripts: ["postfix"] },
        restartSyslogd: ["/usr/sbin/rcctl", "restart", "syslogd"],
        postfix: {
          start: ["/usr/sbin/rcctl", "start", "postfix"],
          stop: ["/usr/sbin/rcctl", "stop", "postfix"],
        },
      };
  }
}

function familyOf(number: number): Family {
  if (number < 50) return "4.7-4.9";
  if (number < 56) return "5.0-5.5";
  if (number < 57) return "5.6";
  return "5.7+";
}

/** A program line under the variables that /etc/rc would see: rc.conf ends by sourcing rc.conf.local. */
function sourcingRcConf(script: string): readonly string[] {
  return ["/bin/sh", "-c", `. /etc/rc.conf; ${script}`];
}

/**
 * Releases without rc.d restart syslogd as /etc/rc starts it: its sockets are made once, at start, so the HUP of
 * the guide does not do (openbsd.md 5).
 */
const restartSyslogdByHand = sourcingRcConf(
  [
    'kill "$(cat /var/run/syslog.pid)" 2>/dev/null',
    "i=0; while pgrep -x syslogd >/dev/null && [ $i -lt 50 ]; do sleep 0.1 2>/dev/null || sleep 1; i=$((i+1)); done",
    "rm -f /dev/log",
    'if [ "X${named_flags}" != XNO ]; then syslogd_flags="${syslogd_flags} -a /var/named/dev/log"; fi',
    '[ -d /var/empty/dev ] && syslogd_flags="${syslogd_flags} -a /var/empty/dev/log"',
    "syslogd ${syslogd_flags}",
  ].join("; "),
);
