import type { Release } from "../../../testing";
import { anything, between, installPostfix, type Row, type Story } from "./row";

const local = (text: string): string => `printf '%s' '${text}' > /etc/rc.conf.local`;

const scripts: readonly Row[] = [
  {
    section: "4.3",
    fact: "check prints name(ok), exit 0",
    script: "/etc/rc.d/smtpd check",
    stdout: "smtpd(ok)\n",
  },
  {
    section: "4.3",
    fact: "check is allowed to everybody, start is not",
    script: "su alice -c '/etc/rc.d/cron check; /etc/rc.d/cron restart'",
    stdout: "cron(ok)\n",
    stderr: "/etc/rc.d/cron: need root privileges\n",
    exit: 1,
  },
  {
    section: "4.3",
    fact: "start of what runs: silence, exit 0",
    script: "/etc/rc.d/smtpd start",
  },
  {
    section: "4.3",
    fact: "reload of smtpd is not supported",
    script: "/etc/rc.d/smtpd reload",
    stderr: "/etc/rc.d/smtpd: reload is not supported\n",
    exit: 1,
  },
  {
    section: "4.3",
    fact: "restart prints the name twice",
    script: "/etc/rc.d/smtpd restart",
    stdout: "smtpd(ok)\nsmtpd(ok)\n",
  },
  {
    section: "4.3",
    fact: "the flags of the start are kept in /var/run/rc.d",
    script: "grep -E '^(daemon_flags|pexp)=' /var/run/rc.d/smtpd",
    stdout: "daemon_flags=\npexp=/usr/sbin/smtpd\n",
  },
  {
    section: "4.3",
    fact: "stop prints name(ok), and again: silence, exit 0",
    script: "/etc/rc.d/smtpd stop; pgrep -x smtpd; /etc/rc.d/smtpd stop",
    stdout: "smtpd(ok)\n",
  },
  {
    section: "4.3",
    fact: "check of what does not run: name(failed), exit 1",
    script: "/etc/rc.d/smtpd check",
    stdout: "smtpd(failed)\n",
    exit: 1,
  },
  {
    section: "4.3",
    fact: "reload of a stopped daemon: name(failed), exit 1",
    script: "/etc/rc.d/syslogd stop >/dev/null; /etc/rc.d/syslogd reload",
    stdout: "syslogd(failed)\n",
    exit: 1,
  },
  {
    section: "4.3",
    fact: "start of a disabled daemon: complaint on stderr, exit 1; with -f it starts",
    script: [
      local("smtpd_flags=NO\n"),
      "/etc/rc.d/smtpd start; echo $?; /etc/rc.d/smtpd -f start; rm /etc/rc.conf.local",
    ].join("\n"),
    stdout: "1\nsmtpd(ok)\n",
    stderr: "/etc/rc.d/smtpd: need -f to force start since smtpd_flags=NO\n",
  },
  {
    section: "4.3",
    fact: "stop works although the flags have become NO",
    script: `${local("smtpd_flags=NO\n")}; /etc/rc.d/smtpd stop; rm /etc/rc.conf.local`,
    stdout: "smtpd(ok)\n",
  },
  {
    section: "4.3",
    fact: "without an action: usage on stderr, exit 1",
    script: "/etc/rc.d/smtpd",
    stderr: /^usage: \/etc\/rc\.d\/smtpd /,
    exit: 1,
  },
];

/** What `rcctl get smtpd flags` makes of a line of rc.conf.local. */
const parsed = (fact: string, text: string, flags: string): Row => ({
  section: "4.2",
  fact,
  script: `${local(text)}; rcctl get smtpd flags; rm /etc/rc.conf.local`,
  stdout: flags === "" ? "" : `${flags}\n`,
});

const reading: readonly Row[] = [
  parsed("quotes around a value go, one pair", `smtpd_flags="-v -v"\n`, "-v -v"),
  parsed("blanks around name and value go", ` \tsmtpd_flags \t=  -v  \n`, "-v"),
  parsed("names are lower-cased", "SMTPD_FLAGS=-v\n", "-v"),
  parsed("the last line wins", "smtpd_flags=-a\nsmtpd_flags=-b\n", "-b"),
  parsed("a value ends at #, inside quotes too", `smtpd_flags="-a # b"\n`, `"-a`),
  parsed("nothing is expanded", `smtpd_flags="\${smtpd_flags} -v"\n`, "${smtpd_flags} -v"),
  parsed("a line without a newline at its end is not read", "smtpd_flags=-a", ""),
  parsed("what stands before the = may be a command", "export smtpd_flags=-a\n", "-a"),
  parsed("a condition decides", "[ -x /nonexistent ] && smtpd_flags=-a\n", ""),
  parsed("a condition that holds", "[ -x /bin/sh ] && smtpd_flags=-a\n", "-a"),
  parsed("a name that no shell variable can have assigns nothing", "x-smtpd_flags=-a\n", ""),
  parsed("comments are passed over", "#smtpd_flags=-a\n", ""),
  parsed("a value does not go on in the next line", 'smtpd_flags="-a \\\n-b"\n', '"-a \\'),
  parsed("a carriage return is a part of the value", 'smtpd_flags="-a"\r\n', '"-a"\r'),
];

const printed = (names: readonly string[]): string =>
  names.map((name) => `"${name}=$${name}"`).join(" ");

/** A daemon whose arguments begin like those of another process, and whether it is said to run. */
const otherArguments = [
  "sed -e 's,^daemon=.*,daemon=/bin/sleep; daemon_flags=3,' /etc/rc.d/cron > /etc/rc.d/probe",
  "chmod 755 /etc/rc.d/probe; /bin/sleep 33 & sleep 0.2; /etc/rc.d/probe check; echo $?; kill $!",
].join("\n");

/** What rc.subr takes from rc.conf.local, if each of these is set to `mine` there. */
const taken = (releases: readonly Release[], names: readonly string[], read: string): Row => ({
  section: "4.2",
  fact: `of ${names.join(", ")} it reads ${read}`,
  releases,
  script: [
    `for name in ${names.join(" ")}; do echo $name=mine; done > /etc/rc.conf.local`,
    "daemon=/nonexistent; . /etc/rc.d/rc.subr; rm /etc/rc.conf.local",
    `printf '%s\\n' ${printed(names)} | sed -n 's/=mine$//p' | tr '\\n' ' '`,
  ].join("\n"),
  stdout: `${read} `,
});

/** Which names count, by release; only the end of a name is looked at. */
export const namesByRelease: Story = {
  title: "the names in rc.conf.local",
  releases: ["5.6", "5.8", "5.9", "6.0", "6.2", "7.3", "7.8"],
  rows: [
    taken(["5.6"], ["x_flags", "x_user", "x_timeout", "x_rtable"], "x_flags x_user x_timeout"),
    taken(["5.9"], ["x_y_flags", "x_rtable", "flags"], "x_y_flags"),
    taken(["6.0"], ["x_flags", "x_rtable", "x_logger", "x_class"], "x_flags x_rtable"),
    taken(
      ["7.3", "7.8"],
      ["x_rtable", "x_logger", "x_execdir", "x_class"],
      "x_rtable x_logger x_execdir",
    ),
    taken(["5.6"], ["pf_rules", "multicast_host", "multicast"], "pf_rules multicast_host"),
    taken(["5.8"], ["pf_rules", "multicast_router", "multicast"], "multicast_router"),
    taken(["5.9", "6.0"], ["multicast_host", "multicast", "library_aslr"], "multicast"),
    taken(["6.2", "7.8"], ["library_aslr", "pkg_scripts", "sendmail"], "library_aslr pkg_scripts"),
    {
      section: "4.3",
      fact: "a package's script starts its daemon by ${rcexec}",
      releases: ["5.6", "5.8", "5.9", "6.0", "6.2"],
      script: "daemon=/nonexistent; . /etc/rc.d/rc.subr; ${rcexec} 'echo started'",
      stdout: "started\n",
    },
    {
      section: "4.3",
      fact: "a package's script starts its daemon by rc_exec, and ${rcexec} is gone",
      releases: ["7.3", "7.8"],
      script:
        "daemon=/nonexistent; . /etc/rc.d/rc.subr; rc_exec 'echo started'; ${rcexec} 'echo never'",
      stdout: "started\n",
      stderr: anything,
      exit: 127,
    },
    {
      section: "4.3",
      fact: "a daemon is found by how its arguments begin",
      releases: ["5.6"],
      script: otherArguments,
      stdout: "0\n",
    },
    {
      section: "4.3",
      fact: "a daemon is found by the whole of its arguments",
      releases: ["5.8", "7.8"],
      script: otherArguments,
      stdout: /1\n$/,
    },
    {
      section: "2.5",
      fact: "what package scripts of the release find master by",
      releases: ["5.6"],
      script: `${installPostfix}; grep '^pexp' /etc/rc.d/postfix`,
      stdout: 'pexp="${daemon}"\n',
      stderr: anything,
    },
    {
      section: "2.5",
      fact: "what package scripts of the release find master by",
      releases: ["5.8", "7.8"],
      script: `${installPostfix}; grep '^pexp' /etc/rc.d/postfix`,
      stdout: 'pexp="${daemon}.*"\n',
      stderr: anything,
    },
  ],
};

const stopDisabled = (daemon: string): string =>
  `${local(`${daemon}_flags=NO\n`)}; /etc/rc.d/${daemon} start; echo $?; /etc/rc.d/${daemon} check >/dev/null; echo $?; /etc/rc.d/${daemon} stop; echo $?`;

/** `rcctl` and what it says; the file starts absent. */
const rcctl = (fact: string, script: string, outcome: Partial<Row>): Row => ({
  section: "4.4",
  fact,
  script: `rm -f /etc/rc.conf.local\n${script}`,
  ...outcome,
});

const control: readonly Row[] = [
  rcctl("no arguments: usage on stderr with get|getdef|set, exit 1", "rcctl", {
    stderr: /^usage:\trcctl get\|getdef\|set /,
    exit: 1,
  }),
  rcctl("an unknown service: complaint on stderr, exit 2", "rcctl get postfix", {
    stderr: "rcctl: service postfix does not exist\n",
    exit: 2,
  }),
  rcctl(
    "enabling or starting an unknown service: exit 2",
    "rcctl enable postfix; echo $?; rcctl start postfix",
    {
      stdout: "2\n",
      stderr: "rcctl: service postfix does not exist\n".repeat(2),
      exit: 2,
    },
  ),
  rcctl(
    "disabling an unknown service is accepted",
    "rcctl disable postfix; ls /etc/rc.conf.local",
    {
      stderr: anything,
      exit: 2,
    },
  ),
  rcctl("get prints seven sorted variables, exit 0 when enabled", "rcctl get smtpd", {
    stdout:
      "smtpd_class=daemon\nsmtpd_execdir=\nsmtpd_flags=\nsmtpd_logger=\nsmtpd_rtable=0\nsmtpd_timeout=30\nsmtpd_user=root\n",
  }),
  rcctl(
    "get of a disabled service shows flags=NO, exit 1",
    "rcctl disable smtpd; rcctl get smtpd | grep flags; rcctl get smtpd >/dev/null",
    {
      stdout: "smtpd_flags=NO\n",
      exit: 1,
    },
  ),
  rcctl(
    "get flags: nothing when empty, NO when disabled, exit 0",
    "rcctl get smtpd flags; rcctl disable smtpd; rcctl get smtpd flags",
    {
      stdout: "NO\n",
    },
  ),
  rcctl(
    "get status: silence, exit 0 or 1",
    "rcctl get smtpd status; echo $?; rcctl disable smtpd; rcctl get smtpd status",
    {
      stdout: "0\n",
      exit: 1,
    },
  ),
  rcctl(
    "set flags replaces the whole value and writes it without quotes",
    "rcctl set syslogd flags -Z; rcctl set syslogd flags -a /var/spool/postfix/dev/log; cat /etc/rc.conf.local",
    {
      stdout: "syslogd_flags=-a /var/spool/postfix/dev/log\n",
    },
  ),
  rcctl(
    "set flags to nothing goes back to the default and removes an empty file",
    "rcctl set syslogd flags -Z; rcctl set syslogd flags; test ! -e /etc/rc.conf.local",
    {},
  ),
  rcctl(
    "set on a disabled service: complaint, exit 1",
    "rcctl disable smtpd; rcctl set smtpd flags -v",
    {
      stderr: "rcctl: smtpd is not enabled\n",
      exit: 1,
    },
  ),
  rcctl("set flags NO is refused", "rcctl set smtpd flags NO", {
    stderr: 'rcctl: "flags NO" contradicts "set"\n',
    exit: 1,
  }),
  rcctl(
    "disable writes flags=NO and removes the service's other lines; twice is once",
    "rcctl set smtpd flags -v; rcctl set smtpd timeout 60; rcctl disable smtpd; rcctl disable smtpd; cat /etc/rc.conf.local",
    {
      stdout: "smtpd_flags=NO\n",
    },
  ),
  rcctl(
    "enable removes flags=NO",
    "rcctl disable smtpd; rcctl enable smtpd; test ! -e /etc/rc.conf.local",
    {},
  ),
  rcctl(
    "enable and disable start and stop nothing",
    "rcctl disable cron; rcctl check cron; rcctl enable cron",
    {
      stdout: "cron(ok)\n",
    },
  ),
  rcctl(
    "every edit sorts the file and drops duplicates, comments included",
    `printf '# z mine\\nsyslogd_flags=-Z\\n# a mine\\n# z mine\\n' > /etc/rc.conf.local; rcctl disable smtpd; cat /etc/rc.conf.local`,
    { stdout: "# a mine\n# z mine\nsmtpd_flags=NO\nsyslogd_flags=-Z\n" },
  ),
  rcctl("only root may edit", "su alice -c 'rcctl enable smtpd'", {
    stderr: 'rcctl: "enable" needs root privileges\n',
    exit: 1,
  }),
  rcctl("anybody may ask", "su alice -c 'rcctl get smtpd status'", {}),
  rcctl("ls off lists what is disabled", "rcctl disable smtpd; rcctl ls off | grep -x smtpd", {
    stdout: "smtpd\n",
  }),
  rcctl(
    "ls failed exits 1 if it lists any",
    "rcctl stop cron >/dev/null; rcctl ls failed | grep -x cron; rcctl ls failed >/dev/null; echo $?; rcctl start cron",
    {
      stdout: "cron\n1\ncron(ok)\n",
    },
  ),
  rcctl(
    "start, stop, restart print what rc.d prints",
    "rcctl restart cron; rcctl stop cron; rcctl stop cron; rcctl start cron; rcctl start cron",
    {
      stdout: "cron(ok)\ncron(ok)\ncron(ok)\ncron(ok)\n",
    },
  ),
];

export const services: Story = {
  title: "rc.d, rc.conf.local and rcctl",
  releases: ["7.8"],
  rows: [
    ...scripts,
    ...reading,
    {
      section: "4.3",
      fact: "rc.d reads rc.conf.local as rcctl does: quotes and comments alike",
      script: [
        "/etc/rc.d/syslogd stop >/dev/null",
        `printf '%s\\n' 'Syslogd_Flags = "-a /tmp/extra" # more' > /etc/rc.conf.local`,
        "/etc/rc.d/syslogd start; test -S /tmp/extra; rm /etc/rc.conf.local",
        "/etc/rc.d/syslogd restart",
      ].join("\n"),
      stdout: "syslogd(ok)\nsyslogd(ok)\nsyslogd(ok)\n",
    },
    ...control,
    {
      section: "2.5",
      fact: "the package's script starts although it is not in pkg_scripts, once",
      script: `${installPostfix}\nrm -f /etc/rc.conf.local; rcctl start postfix; rcctl start postfix; rcctl check postfix`,
      stdout: "postfix(ok)\npostfix(ok)\n",
    },
    {
      section: "4.4",
      fact: "a package's script is off until it is in pkg_scripts, and shows flags=NO",
      script:
        "rcctl get postfix flags; rcctl get postfix status; echo $?; rcctl enable postfix; rcctl get postfix; cat /etc/rc.conf.local",
      stdout:
        "NO\n1\npostfix_class=daemon\npostfix_execdir=\npostfix_flags=\npostfix_logger=\npostfix_rtable=0\npostfix_timeout=30\npostfix_user=root\npkg_scripts=postfix\n",
    },
    {
      section: "4.4",
      fact: "disabling the last package daemon removes the file",
      script: "rcctl disable postfix; test ! -e /etc/rc.conf.local",
    },
    {
      section: "2.5",
      fact: "reload by rc.d is a HUP to master; stop ends it",
      script: "rcctl reload postfix; rcctl stop postfix; pgrep -x master",
      stdout: "postfix(ok)\npostfix(ok)\n",
      exit: 1,
    },
    {
      section: "2.5",
      fact: "what the postfix command says is not shown, nor why it failed",
      script:
        "mv /etc/postfix/master.cf /etc/postfix/m; rcctl start postfix; mv /etc/postfix/m /etc/postfix/master.cf",
      stdout: "postfix(failed)\n",
      exit: 0,
    },
  ],
};

const mailer = "sendmail";

/** rc.d where rc.conf.local is sourced: scripts of the base system since 5.0. */
export const sourcedServices: Story = {
  title: "rc.d, and rc.conf.local as shell",
  releases: between("5.0", "5.6"),
  rows: [
    {
      section: "4.3",
      fact: "check prints nothing; its exit status tells",
      script: `/etc/rc.d/${mailer} check; echo $?; /etc/rc.d/${mailer} stop; /etc/rc.d/${mailer} check`,
      stdout: "0\nsendmail(ok)\n",
      exit: 1,
    },
    {
      section: "4.3",
      fact: "stop of what does not run: silence, exit 0; start prints name(ok), and again: silence, exit 0",
      script: `/etc/rc.d/${mailer} stop; /etc/rc.d/${mailer} start; /etc/rc.d/${mailer} start`,
      stdout: "sendmail(ok)\n",
    },
    {
      section: "4.3",
      fact: "reload of a stopped daemon: silence, exit 0",
      script: "/etc/rc.d/syslogd stop; /etc/rc.d/syslogd reload; echo $?; /etc/rc.d/syslogd start",
      stdout: "syslogd(ok)\n0\nsyslogd(ok)\n",
    },
    {
      section: "4.3",
      fact: "only root may ask anything; the complaint is on stdout at first",
      releases: ["5.0"],
      script: "su alice -c '/etc/rc.d/cron check'",
      stdout: "/etc/rc.d/cron: need root privileges\n",
      exit: 1,
    },
    {
      section: "4.3",
      fact: "only root may ask anything; the complaint is on stderr since -d and -f are known",
      releases: ["5.5"],
      script: "su alice -c '/etc/rc.d/cron check'",
      stderr: "/etc/rc.d/cron: need root privileges\n",
      exit: 1,
    },
    {
      section: "4.3",
      fact: "-f is no option yet",
      releases: ["5.0"],
      script: "/etc/rc.d/cron -f start",
      stdout: /^usage: \/etc\/rc\.d\/cron \{/,
      exit: 1,
    },
    {
      section: "4.3",
      fact: "with flags NO every action is exit 1 without a word, stop and check too",
      releases: ["5.0"],
      script: [
        local("sendmail_flags=NO\n"),
        "for action in check stop start restart reload; do /etc/rc.d/sendmail $action; echo $?; done",
        "pgrep -f '^sendmail: accepting' >/dev/null; echo $?; rm /etc/rc.conf.local",
      ].join("\n"),
      stdout: "1\n1\n1\n1\n1\n0\n",
    },
    {
      section: "4.3",
      fact: "with flags NO start says why, exit 1; check and stop work",
      releases: ["5.5"],
      script: `${stopDisabled("sendmail")}; rm /etc/rc.conf.local; /etc/rc.d/sendmail start`,
      stdout: "1\n0\nsendmail(ok)\n0\nsendmail(ok)\n",
      stderr: "/etc/rc.d/sendmail: need -f to force start since sendmail_flags=NO\n",
    },
    {
      section: "4.3",
      fact: "-f overrides that",
      releases: ["5.5"],
      script: `${local("sendmail_flags=NO\n")}; /etc/rc.d/sendmail -f check; echo $?; rm /etc/rc.conf.local`,
      stdout: "0\n",
    },
    {
      section: "4.1",
      fact: "rc.conf.local is shell: quotes, expansion and several lines; the last assignment wins",
      script: [
        `printf '%s\\n' 'syslogd_flags=NO' 'more="-a /tmp/one' '-a /tmp/two"' 'syslogd_flags="$more"' > /etc/rc.conf.local`,
        "/etc/rc.d/syslogd restart; ls /tmp/one /tmp/two; rm /etc/rc.conf.local",
        "/etc/rc.d/syslogd restart; rm /tmp/one /tmp/two",
      ].join("\n"),
      stdout: "syslogd(ok)\nsyslogd(ok)\n/tmp/one\n/tmp/two\nsyslogd(ok)\nsyslogd(ok)\n",
    },
    {
      section: "5",
      fact: "rc.d/syslogd adds sockets for the web server's chroot and for /var/empty",
      script:
        "ls /var/www/dev /var/empty/dev | grep -c log; ps -axww -o args | grep -c '[s]yslogd.* -a /var/www/dev/log -a /var/empty/dev/log'",
      stdout: "2\n1\n",
    },
    {
      section: "2.5",
      fact: "the package's script starts although it is not in pkg_scripts, and stops",
      script: [
        `${installPostfix}; /etc/rc.d/sendmail stop; /etc/rc.d/postfix start; /etc/rc.d/postfix start`,
        "/etc/rc.d/postfix check; echo $?; /etc/rc.d/postfix reload; /etc/rc.d/postfix stop; pgrep -x master",
      ].join("\n"),
      stdout: "sendmail(ok)\npostfix(ok)\n0\npostfix(ok)\npostfix(ok)\n",
      exit: 1,
    },
    {
      section: "2.5",
      fact: "rc.d/sendmail with Postfix as the mailer starts it and never finds what it started",
      releases: ["5.0"],
      script: [
        `postfix-enable >/dev/null; ${local("sendmail_flags=-bd\n")}; /etc/rc.d/sendmail start`,
        "/etc/rc.d/sendmail check; echo $?; postfix stop",
      ].join("\n"),
      stdout: "sendmail(failed)\n1\n",
    },
  ],
};

/** When, after 5.0, rc.subr began to stop what is disabled is unconfirmed: the other answer, and the first rc.subr that parses. */
export const disabledServices: readonly Story[] = [
  {
    title: "rc.d that does nothing with what is disabled",
    releases: ["5.5"],
    facts: { rc_disabled: "silent" },
    rows: [
      {
        section: "4.3",
        fact: "every action is exit 1 without a word",
        script: stopDisabled("sendmail"),
        stdout: "1\n1\n1\n",
      },
    ],
  },
  {
    title: "rc.d as it comes",
    releases: ["5.6"],
    rows: [
      {
        section: "4.3",
        fact: "check prints nothing; its exit status tells",
        script:
          "/etc/rc.d/smtpd check; echo $?; /etc/rc.d/smtpd stop; /etc/rc.d/smtpd check; echo $?",
        stdout: "0\nsmtpd(ok)\n1\n",
      },
      {
        section: "4.3",
        fact: "reload of a stopped daemon: silence, exit 0",
        script:
          "/etc/rc.d/syslogd stop; /etc/rc.d/syslogd reload; echo $?; /etc/rc.d/syslogd start",
        stdout: "syslogd(ok)\n0\nsyslogd(ok)\n",
      },
      {
        section: "4.3",
        fact: "start of what is disabled says why, exit 1; check and stop work",
        script: `/etc/rc.d/smtpd start >/dev/null; ${stopDisabled("smtpd")}`,
        stdout: "1\n0\nsmtpd(ok)\n0\n",
        stderr: "/etc/rc.d/smtpd: need -f to force start since smtpd_flags=NO\n",
      },
      {
        section: "4.2",
        fact: "rc.conf.local is data: # ends a value, and the quotes around it go",
        script: [
          `printf '%s\\n' ' Syslogd_Flags = "-a /tmp/extra" # mine' > /etc/rc.conf.local`,
          "/etc/rc.d/syslogd restart; test -S /tmp/extra; rm /etc/rc.conf.local",
        ].join("\n"),
        stdout: "syslogd(ok)\nsyslogd(ok)\n",
      },
      {
        section: "5",
        fact: "syslogd has no additional sockets",
        script: "ls /var/empty/dev /var/www/dev 2>/dev/null | grep log",
        exit: 1,
      },
    ],
  },
];

const first = (fact: string, script: string, outcome: Partial<Row>): Row => ({
  section: "4.4",
  fact,
  script: `rm -f /etc/rc.conf.local\n${script}`,
  ...outcome,
});

const keptFile = [
  "echo syslogd_flags=-Z > /etc/rc.conf.local; chmod 600 /etc/rc.conf.local; ls -i /etc/rc.conf.local > /tmp/inode",
  "rcctl disable smtpd; stat -f %Lp /etc/rc.conf.local; ls -i /etc/rc.conf.local | cmp -s - /tmp/inode && echo kept; true",
].join("\n");

const rootSays = (release: "5.7" | "7.8"): string =>
  release === "7.8"
    ? 'rcctl: "enable" needs root privileges\n'
    : "rcctl enable: need root privileges\n";

/** What rcctl knew in each release. */
export const rcctlByRelease: Story = {
  title: "rcctl",
  releases: ["5.7", "5.8", "6.0", "7.3", "7.8"],
  rows: [
    first("ls is unknown at first", "rcctl ls on", {
      releases: ["5.7"],
      stderr: /^usage: /,
      exit: 1,
    }),
    first(
      "ls faulty",
      "rcctl stop cron >/dev/null; rcctl ls faulty | grep -x cron; rcctl start cron >/dev/null; rcctl ls failed 2>&1 | head -1",
      {
        releases: ["5.8"],
        stdout: "cron\nusage: rcctl [-df] action|get|getdef|ls|order|set\n",
      },
    ),
    first(
      "ls failed, and no rogue",
      "rcctl stop cron >/dev/null; rcctl ls failed | grep -x cron; rcctl start cron >/dev/null; rcctl ls rogue 2>&1 | tail -1",
      {
        releases: ["6.0"],
        stdout: "cron\n\trcctl ls all|failed|off|on|started|stopped\n",
      },
    ),
    first(
      "ls rogue is what runs although it is off",
      "rcctl disable cron; rcctl ls rogue; echo $?; rcctl enable cron; rcctl ls rogue",
      { releases: ["7.3", "7.8"], stdout: "cron\n1\n" },
    ),
    ...(
      [
        ["5.7", "flags=\nsyslogd_timeout=30\nsyslogd_user=root"],
        ["5.8", "class=daemon\nsyslogd_flags=\nsyslogd_timeout=30\nsyslogd_user=root"],
        [
          "6.0",
          "class=daemon\nsyslogd_flags=\nsyslogd_rtable=0\nsyslogd_timeout=30\nsyslogd_user=root",
        ],
      ] as const
    ).map(([release, variables]) =>
      first("the variables that get prints", "rcctl get syslogd", {
        releases: [release],
        stdout: `syslogd_${variables}\n`,
      }),
    ),
    first(
      "get and set are there from the beginning",
      "rcctl set syslogd flags -Z; rcctl get syslogd flags; cat /etc/rc.conf.local",
      {
        stdout: "-Z\nsyslogd_flags=-Z\n",
      },
    ),
    first(
      "getdef prints what holds without rc.conf.local",
      "rcctl set syslogd flags -Z; rcctl getdef syslogd flags; rcctl disable smtpd; rcctl getdef smtpd flags",
      {},
    ),
    first(
      "flags behind enable are not looked at",
      "rcctl enable syslogd flags -Z; echo $?; ls /etc/rc.conf.local",
      {
        releases: ["5.7", "5.8"],
        stdout: "0\n",
        stderr: anything,
        exit: 2,
      },
    ),
    first("status is no command", "rcctl status smtpd", { stderr: /^usage: ?\t?rcctl /, exit: 1 }),
    first(
      "multicast_host is a service, multicast is none",
      "rcctl get multicast_host; rcctl get multicast",
      {
        releases: ["5.7", "5.8"],
        stdout: "multicast_host=NO\n",
        stderr: "rcctl: service multicast does not exist\n",
        exit: 2,
      },
    ),
    first(
      "multicast is a service, nfs_server is none",
      "rcctl get multicast; rcctl get nfs_server",
      {
        releases: ["6.0", "7.3", "7.8"],
        stdout: "multicast=NO\n",
        stderr: "rcctl: service nfs_server does not exist\n",
        exit: 2,
      },
    ),
    first(
      "library_aslr is a service",
      "rcctl get library_aslr; rcctl disable library_aslr; cat /etc/rc.conf.local",
      {
        releases: ["7.3", "7.8"],
        stdout: "library_aslr=YES\nlibrary_aslr=NO\n",
      },
    ),
    first("it is none yet", "rcctl get library_aslr", {
      releases: ["5.7", "5.8", "6.0"],
      stderr: "rcctl: service library_aslr does not exist\n",
      exit: 2,
    }),
    first("only root may edit", "su alice -c 'rcctl enable smtpd'", {
      releases: ["5.7", "5.8"],
      stderr: rootSays("5.7"),
      exit: 1,
    }),
    first("only root may edit", "su alice -c 'rcctl enable smtpd'", {
      releases: ["6.0", "7.3", "7.8"],
      stderr: rootSays("7.8"),
      exit: 1,
    }),
    first("disabling an unknown service fails", "rcctl disable postfix", {
      releases: ["5.7", "5.8"],
      stderr: "rcctl: service postfix does not exist\n",
      exit: 2,
    }),
    first("disabling an unknown service is accepted", "rcctl disable postfix", {
      releases: ["6.0", "7.3", "7.8"],
    }),
    first(
      "what order and set refuse",
      "rcctl order smtpd; rcctl set smtpd timeout 0; rcctl set smtpd user nobody2; rcctl set smtpd status maybe",
      {
        stderr:
          'rcctl: smtpd is not a pkg script\nrcctl: "0" is not a positive integer\nrcctl: user "nobody2" does not exist\nrcctl: invalid status "maybe"\n',
        exit: 1,
      },
    ),
    first(
      "a daemon of the base system that is not there exists, and does not run",
      "rcctl get ntpd >/dev/null; echo $?; rcctl check ntpd",
      { releases: ["7.8"], stdout: "0\nntpd(failed)\n", exit: 1 },
    ),
    first(
      "what rc.conf has off: enable writes empty flags, disable takes them away",
      "rcctl enable nsd; cat /etc/rc.conf.local; rcctl disable nsd; test ! -e /etc/rc.conf.local",
      { stdout: "nsd_flags=\n" },
    ),
    first(
      "an indented line is read, and neither changed nor removed",
      "printf ' smtpd_flags=-v\\n' > /etc/rc.conf.local; rcctl get smtpd flags; rcctl disable smtpd; cat /etc/rc.conf.local",
      { stdout: "-v\n smtpd_flags=-v\nsmtpd_flags=NO\n" },
    ),
    first(
      "what begins like pkg_scripts is taken for it",
      `${installPostfix}\nprintf '%s\\n' pkg_scripts=x pkg_scripts_of_old=1 > /etc/rc.conf.local; rcctl enable postfix; cat /etc/rc.conf.local; rcctl order`,
      {
        releases: ["5.7", "5.8", "6.0", "7.3"],
        stdout: "pkg_scripts=x postfix\nx postfix\n",
        stderr: anything,
      },
    ),
    first(
      "what begins like pkg_scripts is let be",
      `${installPostfix}\nprintf '%s\\n' pkg_scripts=x pkg_scripts_of_old=1 > /etc/rc.conf.local; rcctl enable postfix; cat /etc/rc.conf.local; rcctl order`,
      {
        releases: ["7.8"],
        stdout: "pkg_scripts=x postfix\npkg_scripts_of_old=1\nx postfix\n",
        stderr: anything,
      },
    ),
    first("an edit keeps the file, with its mode", keptFile, {
      releases: ["5.8", "6.0", "7.3"],
      stdout: "600\nkept\n",
    }),
    first("an edit puts a new file in its place", keptFile, { releases: ["7.8"], stdout: "644\n" }),
    first(
      "-q says nothing, and goes with -d not at all",
      "rcctl -q check cron; rcctl -q check ntpd; echo $?; rcctl -dq check cron",
      {
        releases: ["7.8"],
        stdout: "1\n",
        stderr: /^usage:\trcctl get\|getdef\|set daemon\|service /,
        exit: 1,
      },
    ),
    first("-q is unknown", "rcctl -q check cron", {
      releases: ["5.7", "5.8", "6.0", "7.3"],
      stderr: /^usage:/,
      exit: 1,
    }),
    first("-d prints each step", "rcctl -d check cron | grep -c '^doing '", { stdout: /^[1-9]/ }),
    first("check, start, stop and restart are rc.d's", "rcctl check cron; rcctl restart cron", {
      stdout: "cron(ok)\ncron(ok)\ncron(ok)\n",
    }),
    first(
      "for a moment after a restart the script is still there, with nobody as its parent",
      "rcctl restart cron; ps -axww -o ppid= -o command= | grep -c '^ *1 /bin/ksh /etc/rc.d/cron start$'",
      { releases: ["7.8"], stdout: "cron(ok)\ncron(ok)\n1\n" },
    ),
  ],
};
