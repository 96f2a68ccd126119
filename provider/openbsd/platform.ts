/**
 * What differs between releases of OpenBSD, by the release that uname(1) on the host prints. This is the
 * only file that compares releases (eslint.config.mjs sees to that); the others ask a {@link Platform}.
 */

import type { RcNames, RcSyntax } from "../formats/rcConfLocal";

/** The mailer of the base system. */
export interface BaseMailer {
  readonly name: "sendmail" | "smtpd";
  /**
   * Its processes: the users to whom they belong besides root, and a pattern of their titles. A title without an owner proves nothing,
   * because every user can choose one, and Postfix has programs named smtpd and sendmail, too.
   */
  readonly processes: { readonly owners: readonly string[]; readonly title: string };
  /**
   * Ends the daemon; `undefined` where only a signal does. A signal also follows where the command ends nothing: the rc.subr
   * of 5.0 exits without a word when the daemon's flags are NO (docs/openbsd.md 4.3).
   */
  readonly stop: readonly string[] | undefined;
  /** Starts the daemon as /etc/rc does, with the flags of rc.conf and rc.conf.local. */
  readonly start: readonly string[];
  /**
   * Starts the daemon without asking whether it runs: rc.subr(8) takes any process with the right arguments for it, whoever
   * its owner is, and then starts nothing.
   */
  readonly startAnyway: readonly string[];
  /** By the name of each queue, a program that lists the mail in it. */
  readonly queues: Readonly<Record<string, readonly string[]>>;
  /** What has it deliver what it has. */
  readonly drain: readonly string[];
  /** What has it take no more mail by SMTP, and take mail again, where that is possible. */
  readonly pause?: readonly string[];
  readonly resume?: readonly string[];
  /** What delivers, without the daemon, what is still in its queues after it has ended. */
  readonly lastRun: readonly (readonly string[])[];
  /** The command, for people, that delivers what was left in its queues. */
  readonly deliver: string;
}

/** What the provider needs to know of the release of a host. */
export interface Platform extends FamilyFacts {
  readonly release: string;
  /** Set for a release that is newer than {@link NEWEST} and therefore treated like it. */
  readonly warning?: string;
  /**
   * How rc.conf.local is read: by a shell that sources it (up to 5.5), or line by line by rc.subr(8) (from 5.6), which
   * knows these variables.
   */
  readonly rcConfSyntax: RcSyntax;
  /** The variable of rc.conf.local that lists the rc scripts of packages, from 4.9 on. */
  readonly packageDaemons: "none" | "rc_scripts" | "pkg_scripts";
  /** Whether a chrooted daemon needs a log socket in its chroot: sendsyslog(2) of 5.6 made that unnecessary. */
  readonly logSocketNeeded: boolean;
  /** The files that the Postfix package copies into the chroot, relative to /etc. */
  readonly chrootFiles: readonly string[];
  /** Whether root's crontab of the base system has a job that runs sendmail's client queue. */
  readonly clientQueueRunner: boolean;
  readonly packages: PackageFacts;
  readonly tlsKeys: TlsKeys;
  /** Whether the TLS library speaks nothing newer than TLS 1.0 (docs/openbsd.md 11). */
  readonly onlyOldTls: boolean;
}

/** Which private keys the TLS library of the base system, with which Postfix is linked, can use (docs/openbsd.md 11). */
export interface TlsKeys {
  /** The library's name, for messages. */
  readonly library: string;
  readonly ec: boolean;
  /** "unknown" where the library reads such a key, and nobody has seen whether it serves a client with it. */
  readonly ed25519: false | "unknown";
}

/** What is the same for all releases of a {@link FAMILIES family}. */
interface FamilyFacts {
  readonly baseMailer: BaseMailer;
  /** What starts and stops daemons: nothing but signals and their own programs, scripts in /etc/rc.d, or rcctl(8). */
  readonly services: "processes" | "rc.d" | "rcctl";
  /** What rc.conf.local must say so that Postfix, and not the base system's mailer, is started at boot. */
  readonly boot: {
    readonly variables: Readonly<Record<string, string>>;
    readonly packageScripts: readonly string[];
  };
  readonly restartSyslogd: readonly string[];
  readonly postfix: {
    readonly start: readonly string[];
    readonly stop: readonly string[];
  };
}

/** What differs between releases in packages and the tools for them. */
interface PackageFacts {
  /** Whether a package may be asked for by its branch, as in `postfix--%stable`. */
  readonly branches: boolean;
  /** Options by which pkg_add(1) and pkg_delete(1) ask no question, draw no progress meter, and say what they do. */
  readonly addOptions: readonly string[];
  /** Flavors of the port. */
  readonly flavors: readonly string[];
  /** The file in which a host names its own repository. */
  readonly repositoryFile: "/etc/pkg.conf" | "/etc/installurl";
  /** Whether `pkg_info -aQ` answers for all repositories; otherwise the first that has any match ends the search. */
  readonly queriesAll: boolean;
  /** Whether ftp(1) must list the repository, because this pkg_info(1) may lack -Q. */
  readonly listedByFtp: boolean;
  /** By what variable, and with what options, pkg_add(1) installs a package of a folder that nobody has signed. */
  readonly unsigned: {
    readonly variable: "PKG_PATH" | "TRUSTED_PKG_PATH";
    readonly options: readonly string[];
  };
}

/** The oldest release that is supported. */
export const OLDEST = "4.7";
/** The newest release that this file describes. */
export const NEWEST = "7.8";

/** A release before {@link OLDEST}, or a name that is no release. */
export class UnsupportedRelease extends Error {
  constructor(readonly release: string) {
    super(`OpenBSD ${release} is not supported: the oldest release that is, is ${OLDEST}.`);
  }
}

/** Whether a release is the named one or a later one. */
type Since = (first: string) => boolean;

/** @throws UnsupportedRelease */
export function platformOf(release: string): Platform {
  const number = ordinal(release);
  const since: Since = (first) => number >= ordinal(first);
  const family = FAMILIES.find(([first]) => since(first));
  if (family === undefined) throw new UnsupportedRelease(release);
  return {
    release,
    ...(number > ordinal(NEWEST)
      ? {
          warning: `OpenBSD ${release} is newer than ${NEWEST}, the newest known: treated like it.`,
        }
      : {}),
    ...family[1],
    packageDaemons: since("5.0") ? "pkg_scripts" : since("4.9") ? "rc_scripts" : "none",
    logSocketNeeded: !since("5.6"),
    rcConfSyntax: since("5.6") ? parsedNames(since) : "sourced",
    clientQueueRunner: !since("5.6"),
    // The port copied three files until 28 April 2011 and has copied four since (docs/openbsd.md 10).
    chrootFiles: since("5.0")
      ? ["hosts", "localtime", "resolv.conf", "services"]
      : ["localtime", "services", "resolv.conf"],
    packages: packageFacts(since),
    tlsKeys: {
      library: since("5.6") ? "LibreSSL" : since("4.9") ? "OpenSSL 1.0" : "OpenSSL 0.9.8",
      ec: since("4.9"),
      ed25519: since("7.3") ? "unknown" : false,
    },
    onlyOldTls: !since("5.3"),
  };
}

/** A release as a number that can be compared: 47 for "4.7", 80 for "7.10"; NaN for a name that is no release. */
function ordinal(release: string): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(major) * 10 + Number(minor);
}

/** What `_rc_parse_conf` of rc.subr(8) reads (docs/openbsd.md 4.2). */
function parsedNames(since: Since): RcNames {
  return {
    // A logger and a folder came between 6.9 and 7.3. A line that rc.subr(8) does not know yet has no effect.
    endings: [
      ...["flags", "user", "timeout"],
      ...(since("6.0") ? ["rtable"] : []),
      ...(since("6.9") ? ["logger", "execdir"] : []),
    ],
    names: [
      ...["accounting", "amd_master", "check_quotas", "ipsec"],
      ...(since("5.8") ? [] : ["ipsec_rules"]),
      ...(since("6.2") ? ["library_aslr"] : []),
      ...(since("5.9") ? ["multicast"] : ["multicast_host", "multicast_router"]),
      "nfs_server",
      ...(since("6.0") ? ["pexp"] : []),
      "pf",
      ...(since("5.8") ? [] : ["pf_rules"]),
      ...["pkg_scripts", "shlib_dirs", "spamd_black"],
    ],
  };
}

function packageFacts(since: Since): PackageFacts {
  const flavors = ["sasl2", "ldap", "mysql", "pgsql", "db4"];
  return {
    branches: since("6.0"),
    // Up to 5.1, -I meant "do not run scripts", and -x turns the meter off. -m would force the meter, whose frames end with
    // carriage returns; -v prints whole lines (docs/openbsd.md 1.2).
    addOptions: since("5.3") ? ["-I", "-v"] : ["-x"],
    flavors: since("5.0") && !since("5.2") ? [...flavors, "sqlite"] : flavors,
    repositoryFile: since("6.1") ? "/etc/installurl" : "/etc/pkg.conf",
    queriesAll: since("6.7"),
    listedByFtp: !since("5.0"),
    // Packages are signed from 5.5 on. TRUSTED_PKG_PATH came with 6.1 only; before, it is passed over, and the package is
    // not found (docs/openbsd.md 1.4).
    unsigned: since("6.1")
      ? { variable: "TRUSTED_PKG_PATH", options: [] }
      : { variable: "PKG_PATH", options: since("5.5") ? ["-D", "unsigned"] : [] },
  };
}

const sendmail = {
  name: "sendmail",
  processes: {
    owners: [],
    // The daemon's title, also while the load is high; a sendmail that submits mail or lists a queue has another one.
    title: "^sendmail: (accepting|rejecting) connections",
  },
  queues: {
    queue: ["/usr/libexec/sendmail/sendmail", "-bp"],
    // Mail that was submitted while no daemon ran; a job in root's crontab delivers it (docs/openbsd.md 6 and 9).
    "client queue": ["/usr/libexec/sendmail/sendmail", "-Ac", "-bp"],
  },
  // The client queue goes to the daemon while that runs.
  drain: ["/usr/libexec/sendmail/sendmail", "-Ac", "-q"],
  lastRun: [["/usr/libexec/sendmail/sendmail", "-q"]],
  deliver: "/usr/libexec/sendmail/sendmail -q; /usr/libexec/sendmail/sendmail -Ac -q",
} as const;

const smtpd = {
  name: "smtpd",
  // Not the check of its rc.d script, also by rcctl(8): that may fail for a running daemon whose flags are NO.
  processes: {
    owners: ["_smtpd", "_smtpq"],
    // The parent, by its path or its title, and its children; Postfix's smtpd(8) has neither in its arguments.
    title: "^(/usr/sbin/smtpd( |$)|smtpd: )",
  },
  queues: { queue: ["/usr/sbin/smtpctl", "show", "queue"] },
  drain: ["/usr/sbin/smtpctl", "schedule", "all"],
  pause: ["/usr/sbin/smtpctl", "pause", "smtp"],
  resume: ["/usr/sbin/smtpctl", "resume", "smtp"],
  lastRun: [],
  deliver: "postfix stop && /usr/sbin/smtpd && smtpctl schedule all",
} as const;

/** Postfix's rc script at boot, in the place of the base system's mailer with these flags. */
const scriptAtBoot = (flags: string): FamilyFacts["boot"] => ({
  variables: { [flags]: "NO" },
  packageScripts: ["postfix"],
});

const byScript = (daemon: string, action: string) => [`/etc/rc.d/${daemon}`, action];
const byRcctl = (daemon: string, action: string) => ["/usr/sbin/rcctl", action, daemon];

function startedBy(command: (daemon: string, action: string) => readonly string[]) {
  return {
    restartSyslogd: command("syslogd", "restart"),
    postfix: { start: command("postfix", "start"), stop: command("postfix", "stop") },
  };
}

/** A line of shell with the variables that /etc/rc would see: rc.conf ends by sourcing rc.conf.local. */
function sourcingRcConf(script: string): readonly string[] {
  return ["/bin/sh", "-c", `. /etc/rc.conf; ${script}`];
}

/** Sendmail by its own path, because /usr/sbin/sendmail is whatever mailer.conf(5) names. */
const startSendmail = sourcingRcConf(
  'X=${sendmail_flags}; [ "$X" = NO ] || /usr/libexec/sendmail/sendmail ${X}',
);

/** The same while rc.conf.local has the flags that start Postfix instead: then with those of rc.conf. */
const startSendmailAnyway = sourcingRcConf(
  [
    "X=${sendmail_flags}",
    `case "$X" in NO|-bd) eval "$(grep '^sendmail_flags=' /etc/rc.conf)"; X=\${sendmail_flags};; esac`,
    "/usr/libexec/sendmail/sendmail ${X}",
  ].join("; "),
);

/**
 * Without a script in rc.d, syslogd is restarted as /etc/rc starts it. The HUP that the guide sends it is not enough:
 * syslogd makes its sockets only when it starts (docs/openbsd.md 5).
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

/** Families of releases by the first of each, newest first: they differ in mailer, boot and daemons. */
const FAMILIES: readonly (readonly [first: string, facts: FamilyFacts])[] = [
  [
    "5.7",
    {
      services: "rcctl",
      baseMailer: {
        ...smtpd,
        stop: byRcctl("smtpd", "stop"),
        start: byRcctl("smtpd", "start"),
        startAnyway: [
          "/bin/sh",
          "-c",
          'X=$(/usr/sbin/rcctl get smtpd flags); [ "X$X" != XNO ] || X=; exec /usr/sbin/smtpd $X',
        ],
      },
      boot: scriptAtBoot("smtpd_flags"),
      ...startedBy(byRcctl),
    },
  ],
  [
    "5.6",
    {
      services: "rc.d",
      baseMailer: {
        ...smtpd,
        stop: byScript("smtpd", "stop"),
        start: byScript("smtpd", "start"),
        startAnyway: ["/usr/sbin/smtpd"],
      },
      boot: scriptAtBoot("smtpd_flags"),
      ...startedBy(byScript),
    },
  ],
  [
    "5.0",
    {
      services: "rc.d",
      baseMailer: {
        ...sendmail,
        stop: byScript("sendmail", "stop"),
        start: byScript("sendmail", "start"),
        startAnyway: startSendmailAnyway,
      },
      boot: scriptAtBoot("sendmail_flags"),
      ...startedBy(byScript),
    },
  ],
  [
    OLDEST,
    {
      services: "processes",
      baseMailer: {
        ...sendmail,
        stop: undefined,
        start: startSendmail,
        startAnyway: startSendmailAnyway,
      },
      // /etc/rc starts the sendmail that mailer.conf names; Postfix's starts its daemons for -bd (docs/openbsd.md 9).
      boot: { variables: { sendmail_flags: "-bd" }, packageScripts: [] },
      restartSyslogd: restartSyslogdByHand,
      postfix: {
        start: ["/usr/local/sbin/postfix", "start"],
        stop: ["/usr/local/sbin/postfix", "stop"],
      },
    },
  ],
];
