import { anything, before, eventually, smtpDialogue, type Story } from "./row";

/** Those of the story with smtpd. */
const SMTPD = ["7.8", "5.9", "5.8", "5.6"] as const;

const smtpdProcesses =
  "ps -axww -o user,command | grep smtpd | grep -v -e grep -e rc.d | tr -s ' ' | sort";

const withoutMailerConf = (program: string): string =>
  [
    "rm /etc/mailer.conf; mailq >/dev/null; mv /etc/mailer.conf.kept /etc/mailer.conf",
    eventually(
      `grep -q 'cannot open /etc/mailer.conf, using ${program} as default MTA' /var/log/maillog`,
    ),
  ].join("\n");

export const baseMailer: Story = {
  title: "the base system's mail server",
  releases: ["7.8", "5.9", "5.8", "5.6", "5.0", "4.7"],
  rows: [
    {
      section: "3",
      fact: "sendmail, mailq and newaliases are links to mailwrapper",
      script: "readlink /usr/sbin/sendmail /usr/bin/mailq /usr/bin/newaliases",
      stdout: "/usr/sbin/mailwrapper\n".repeat(3),
    },
    {
      section: "3",
      fact: "mailer.conf maps three names to smtpctl, and two to makemap",
      releases: ["5.6", "5.8"],
      script: "grep -v '^#' /etc/mailer.conf | tr -s '\\t' ' '",
      stdout: [
        ...["sendmail", "send-mail", "mailq"].map((name) => `${name} /usr/sbin/smtpctl\n`),
        ...["makemap", "newaliases"].map((name) => `${name} /usr/libexec/smtpd/makemap\n`),
      ].join(""),
    },
    {
      section: "3",
      fact: "mailer.conf maps every name to smtpctl",
      releases: ["5.9", "7.8"],
      script: "grep -v '^#' /etc/mailer.conf | tr -s '\\t' ' '",
      stdout: ["sendmail", "send-mail", "mailq", "makemap", "newaliases"]
        .map((name) => `${name} /usr/sbin/smtpctl\n`)
        .join(""),
    },
    {
      section: "3",
      fact: "mailer.conf maps six names to sendmail and one to makemap",
      releases: before("5.6"),
      script: "grep -v '^#' /etc/mailer.conf | tr -s '\\t' ' '",
      stdout: [
        ...["sendmail", "send-mail", "mailq", "newaliases", "hoststat", "purgestat"].map(
          (name) => `${name} /usr/libexec/sendmail/sendmail\n`,
        ),
        "makemap /usr/libexec/sendmail/makemap\n",
      ].join(""),
    },
    {
      section: "3",
      fact: "mailer.conf is 0644 root:wheel",
      script: "stat -f '%Su:%Sg %Lp' /etc/mailer.conf",
      stdout: "root:wheel 644\n",
    },
    {
      section: "9",
      fact: "smtpd runs under its name and answers on loopback",
      releases: SMTPD,
      script: `pgrep -x smtpd >/dev/null && ${smtpDialogue} QUIT`,
      stdout: /^220 \S+ ESMTP OpenSMTPD\n221 /,
    },
    {
      section: "9",
      fact: "smtpd is root's, its children _smtpd's, and the queue's _smtpq's",
      releases: ["7.8"],
      script: smtpdProcesses,
      stdout: [
        "_smtpd smtpd: control (smtpd)",
        "_smtpd smtpd: crypto (smtpd)",
        "_smtpd smtpd: dispatcher (smtpd)",
        "_smtpd smtpd: lookup (smtpd)",
        "_smtpd smtpd: scheduler (smtpd)",
        "_smtpq smtpd: queue (smtpd)",
        "root /usr/sbin/smtpd\n",
      ].join("\n"),
    },
    {
      section: "9",
      fact: "the first of smtpd's processes has a title, by which its script finds it",
      releases: ["5.8", "5.6"],
      script: `${smtpdProcesses} | grep root; grep pexp /etc/rc.d/smtpd; pgrep -xf 'smtpd: \\[priv\\]' >/dev/null`,
      stdout: 'root smtpd: [priv] (smtpd)\npexp="smtpd: \\[priv\\]"\n',
    },
    {
      section: "9",
      fact: "smtpd.conf has it listen on a socket and on the loopback interface",
      releases: ["7.8"],
      script: "grep '^listen' /etc/mail/smtpd.conf",
      stdout: "listen on socket\nlisten on lo0\n",
    },
    {
      section: "7",
      fact: "newaliases of the base system counts the aliases and makes a database",
      releases: ["7.8"],
      script: "newaliases; ls /etc/mail/aliases.db; rm /etc/mail/aliases.db",
      stdout: "/etc/mail/aliases: 70 aliases\n/etc/mail/aliases.db\n",
    },
    {
      section: "9",
      fact: "sendmail runs under its name, with its title, and answers on loopback",
      releases: before("5.6"),
      script: [
        eventually(`${smtpDialogue} QUIT`),
        "pgrep -x sendmail >/dev/null && pgrep -f '^sendmail: accepting connections' >/dev/null",
        `${smtpDialogue} QUIT`,
      ].join("\n"),
      stdout: /^220 \S+ ESMTP Sendmail [^\n]*\n221 /,
    },
    {
      section: "9",
      fact: "sendmail is still there, and its program serves nobody",
      releases: ["5.6"],
      script: "test -x /usr/libexec/sendmail/sendmail; pgrep -f '^sendmail: accepting'",
      exit: 1,
    },
    {
      section: "13",
      fact: "the guide's pkill Sendmail matches nothing",
      releases: before("5.6"),
      script: "pkill Sendmail",
      exit: 1,
    },
    {
      section: "9",
      fact: "any user may start a program under the mailer's title; whose it is shows in ps, which prints no heads for empty ones",
      script: [
        `su alice -c "perl -e 'exit if fork; close \\$_ for *STDIN, *STDOUT, *STDERR; exec {q(/bin/sleep)} q(smtpd: x), 5'"`,
        eventually("ps -axww -o command= | grep '^smtpd: x'"),
        "ps -axww -o pid= -o ppid= -o uid= -o ruid= -o command= | tr -s ' ' | grep ' 1000 1000 smtpd: x 5 (sleep)$'",
      ].join("\n"),
      stdout: /^ ?\d+ 1 1000 1000 smtpd: x 5 \(sleep\)\n$/,
    },
    {
      section: "9",
      fact: "mail for a local user arrives in /var/mail",
      script: [
        "echo hello | mail -s greeting alice",
        eventually("grep -q hello /var/mail/alice"),
      ].join("\n"),
    },
    {
      section: "9",
      fact: "the mail log has the delivery",
      script: eventually("grep -qE 'stat=(Sent|Delivered)|result=\"?Ok' /var/log/maillog"),
    },
    {
      section: "9",
      fact: "smtpctl show queue lists nothing when nothing waits",
      releases: SMTPD,
      script: `${eventually('test -z "$(smtpctl show queue)"')}\nsmtpctl show queue`,
    },
    {
      section: "9",
      fact: "sendmail -bp tells that the queue is empty",
      releases: before("5.6"),
      script: "/usr/libexec/sendmail/sendmail -bp",
      stdout: /^\/var\/spool\/mqueue is empty\n/,
    },
    {
      section: "9",
      fact: "pkill -x sendmail ends it, and nothing answers any more",
      releases: before("5.6"),
      script: ["pkill -x sendmail", eventually("! pgrep -x sendmail"), `${smtpDialogue} QUIT`].join(
        "\n",
      ),
      stderr: /^connect: /,
      exit: 111,
    },
    {
      section: "3",
      fact: "a name without a row: complaint on stderr, exit 1",
      script:
        "cp -p /etc/mailer.conf /etc/mailer.conf.kept; grep -v ^mailq /etc/mailer.conf.kept > /etc/mailer.conf; mailq",
      stderr: "mailwrapper: no mapping in /etc/mailer.conf\n",
      exit: 1,
    },
    {
      section: "3",
      fact: "a row of nothing but a name is an error that names the line, if it comes first",
      script: "printf '# x\\nbroken\\nmailq /bin/echo\\n' > /etc/mailer.conf; mailq",
      stderr: "mailwrapper: parse error in /etc/mailer.conf at line 2\n",
      exit: 1,
    },
    {
      section: "3",
      fact: "a name with a blank behind it is passed over, with a comment too",
      script:
        "printf 'broken \\nother\\t# x\\nmailq /bin/echo\\n' > /etc/mailer.conf; mailq passed",
      stdout: "passed\n",
    },
    {
      section: "3",
      fact: "such a row of the very name names no program",
      script: "printf 'mailq \\nmailq /bin/echo\\n' > /etc/mailer.conf; mailq",
      stderr: /^mailwrapper: cannot exec : /,
      exit: 1,
    },
    {
      section: "3",
      fact: "the first match wins, extra arguments come after the caller's, lines continue",
      script:
        "printf '  mailq \\\\\\n /bin/echo extra\\nmailq /bin/false\\n' > /etc/mailer.conf; mailq -a b",
      stdout: "-a b extra\n",
    },
    {
      section: "3",
      fact: "a program that is not there: complaint on stderr, exit 1",
      script: "echo 'mailq /nonexistent' > /etc/mailer.conf; mailq",
      stderr: /^mailwrapper: cannot exec /,
      exit: 1,
    },
    {
      section: "3",
      fact: "without mailer.conf sendmail runs, and syslog says so; 5.8 does not have it any more",
      releases: ["4.7", "5.0", "5.6", "5.8"],
      script: withoutMailerConf("/usr/libexec/sendmail/sendmail"),
      stderr: anything,
    },
    {
      section: "3",
      fact: "without mailer.conf smtpctl runs, and syslog says so",
      releases: ["5.9", "7.8"],
      script: withoutMailerConf("/usr/sbin/smtpctl"),
      stderr: anything,
    },
  ],
};
