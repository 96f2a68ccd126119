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
  parsed("export is no part of the syntax", "export smtpd_flags=-a\n", ""),
  parsed("comments are passed over", "#smtpd_flags=-a\n", ""),
];

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
    "rcctl get ntpd 2>/dev/null || rcctl disable smtpd; rcctl get smtpd | grep flags; rcctl get smtpd >/dev/null",
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
      script: [
        local("sendmail_flags=NO\n"),
        "for action in check stop start restart reload; do /etc/rc.d/sendmail $action; echo $?; done",
        "pgrep -f '^sendmail: accepting' >/dev/null; echo $?; rm /etc/rc.conf.local",
      ].join("\n"),
      stdout: "1\n1\n1\n1\n1\n0\n",
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

const stopDisabled = (daemon: string): string =>
  `${local(`${daemon}_flags=NO\n`)}; /etc/rc.d/${daemon} start; echo $?; /etc/rc.d/${daemon} check >/dev/null; echo $?; /etc/rc.d/${daemon} stop; echo $?`;

/** When rc.subr began to stop what is disabled is unconfirmed: both answers, on both sides of ours. */
export const disabledServices: readonly Story[] = [
  {
    title: "rc.d that refuses only to start what is disabled",
    releases: ["5.5"],
    facts: { rc_disabled: "start" },
    rows: [
      {
        section: "4.3",
        fact: "start says why, exit 1; check and stop work",
        script: stopDisabled("sendmail"),
        stdout: "1\n0\nsendmail(ok)\n0\n",
        stderr: "/etc/rc.d/sendmail: need -f to force start since sendmail_flags=NO\n",
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
  {
    title: "rc.d that does nothing with what is disabled",
    releases: ["5.6"],
    facts: { rc_disabled: "silent" },
    rows: [
      {
        section: "4.3",
        fact: "every action is exit 1 without a word",
        script: stopDisabled("smtpd"),
        stdout: "1\n1\n1\n",
        exit: 0,
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

/** The rcctl of 5.7 (rcctl.sh 1.52 to 1.55). */
export const firstRcctl: Story = {
  title: "the first rcctl",
  releases: ["5.7"],
  rows: [
    first("no arguments: usage on stderr without get, set and ls, exit 1", "rcctl", {
      stderr:
        "usage: rcctl [-df] enable|disable|status|default|order|action\n             [service | daemon [flags [arguments]] | daemons]\n",
      exit: 1,
    }),
    ...["get smtpd", "getdef smtpd", "ls on"].map((words) =>
      first(`${words}: usage or no such service`, `rcctl ${words}`, {
        stderr: /^usage: rcctl |^rcctl: service on does not exist\n$/,
        exit: words === "ls on" ? 2 : 1,
      }),
    ),
    first("an unknown service: complaint on stderr, exit 2", "rcctl status postfix", {
      stderr: "rcctl: service postfix does not exist\n",
      exit: 2,
    }),
    first(
      "status prints the flags, nothing where they are empty, NO where it is off; exit 0 or 1",
      "rcctl status smtpd; echo $?; rcctl enable syslogd flags -Z; rcctl status syslogd; rcctl disable smtpd; rcctl status smtpd",
      { stdout: "0\n-Z\nNO\n", exit: 1 },
    ),
    first(
      "default prints what it would be without rc.conf.local",
      "rcctl disable smtpd; rcctl default smtpd; echo $?",
      {
        stdout: "0\n",
      },
    ),
    first(
      "enable with flags replaces the whole value, written without quotes; without flags it keeps them",
      "rcctl enable syslogd flags -Z; rcctl enable syslogd flags -a /var/spool/postfix/dev/log; rcctl enable syslogd; cat /etc/rc.conf.local",
      { stdout: "syslogd_flags=-a /var/spool/postfix/dev/log\n" },
    ),
    first("flags belong to enable only", "rcctl disable smtpd flags -v; rcctl set smtpd flags -v", {
      stderr: 'rcctl: "flags" can only be set with "enable"\n'.repeat(2),
      exit: 1,
    }),
    first("flags NO is refused", "rcctl enable smtpd flags NO", {
      stderr: 'rcctl: "flags NO" contradicts "enable"\n',
      exit: 1,
    }),
    first(
      "disable writes flags=NO, enable takes it away, and an empty file goes",
      "rcctl disable smtpd; cat /etc/rc.conf.local; rcctl enable smtpd; test ! -e /etc/rc.conf.local",
      { stdout: "smtpd_flags=NO\n" },
    ),
    first(
      "every edit sorts the file, comments included, and puts a new file in its place",
      `printf '# z\\nsyslogd_flags=-Z\\n# a\\n' > /etc/rc.conf.local; ls -i /etc/rc.conf.local > /tmp/i; rcctl disable smtpd; cat /etc/rc.conf.local; ls -i /etc/rc.conf.local | cmp -s - /tmp/i`,
      { stdout: "# a\n# z\nsmtpd_flags=NO\nsyslogd_flags=-Z\n", exit: 1 },
    ),
    first("only root may edit; the complaint has no quotes", "su alice -c 'rcctl enable smtpd'", {
      stderr: "rcctl enable: need root privileges\n",
      exit: 1,
    }),
    first("check, start, stop and restart are rc.d's", "rcctl check cron; rcctl restart cron", {
      stdout: "cron(ok)\ncron(ok)\n",
    }),
    first(
      "a package's script is off until it is enabled, which starts nothing",
      `${installPostfix}\nrcctl status postfix; rcctl enable postfix; cat /etc/rc.conf.local; rcctl order; pgrep -x master; rcctl disable postfix; test ! -e /etc/rc.conf.local`,
      { stdout: "NO\npkg_scripts=postfix\npostfix\n" },
    ),
  ],
};
