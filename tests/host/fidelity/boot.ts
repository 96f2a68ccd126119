import {
  anything,
  before,
  between,
  eventually,
  installPostfix,
  since,
  smtpDialogue,
  type Story,
  tried,
} from "./row";

export const boot: Story = {
  title: "starting the machine again",
  releases: tried,
  rows: [
    {
      section: "9",
      fact: "the base system's mail server is there again",
      reboot: true,
      script: `${eventually(`${smtpDialogue} QUIT`)}\n${smtpDialogue} QUIT | grep -cE 'OpenSMTPD|Sendmail'; pgrep -x cron >/dev/null`,
      stdout: "1\n",
    },
    {
      section: "9",
      fact: "smtpd_flags=NO and pkg_scripts make it Postfix, by rcctl",
      releases: since("5.7"),
      script: `${installPostfix}; postfix-enable >/dev/null; rcctl disable smtpd; rcctl enable postfix`,
    },
    {
      section: "4.1",
      fact: "smtpd_flags=NO and pkg_scripts make it Postfix, by rc.conf.local as text",
      releases: ["5.6"],
      script: [
        `${installPostfix}; postfix-enable >/dev/null`,
        `printf '%s\\n' 'smtpd_flags=NO' 'pkg_scripts="postfix" # mine' > /etc/rc.conf.local`,
      ].join("\n"),
    },
    {
      section: "9",
      fact: "sendmail_flags=NO and pkg_scripts make it Postfix; rc.conf.local is sourced",
      releases: between("5.0", "5.6"),
      script: [
        `${installPostfix}; postfix-enable >/dev/null; newaliases`,
        `printf '%s\\n' 'sendmail_flags=NO' 'more="-a /var/spool/postfix/dev/log"' 'syslogd_flags="\${syslogd_flags} \${more}"' 'pkg_scripts="\${pkg_scripts} postfix"' > /etc/rc.conf.local`,
      ].join("\n"),
    },
    {
      section: "4.1",
      fact: 'rc.conf.local is sourced: sendmail_flags="-bd" and a switched mailer.conf make it Postfix',
      releases: before("5.0"),
      script: [
        `${installPostfix}; postfix-enable >/dev/null; newaliases`,
        `printf '%s\\n' 'more="-a /var/spool/postfix/dev/log"' 'syslogd_flags="\${syslogd_flags} \${more}"' "sendmail_flags='-bd'" > /etc/rc.conf.local`,
      ].join("\n"),
    },
    {
      section: "9",
      fact: "Postfix answers after the next start, and the base system's mail server is not there",
      reboot: true,
      script: [
        eventually(`${smtpDialogue} QUIT`),
        `${smtpDialogue} QUIT; pgrep -fl '^/usr/sbin/smtpd|^sendmail: accepting'; true`,
      ].join("\n"),
      stdout: /^220 mx1\.example\.org ESMTP Postfix\n221 2\.0\.0 Bye\n$/,
    },
    {
      section: "5",
      fact: "syslogd has the chroot's socket after the start",
      releases: before("5.6"),
      script: "test -S /var/spool/postfix/dev/log",
    },
    {
      section: "9",
      fact: "mail for a local user is delivered by Postfix and followed by its queue id in the log",
      script: [
        "[ -f /etc/mail/aliases.db ] || /usr/local/sbin/newaliases",
        "echo hello | mail -s greeting alice",
        eventually("grep -q hello /var/mail/alice"),
        eventually("grep -qE 'postfix/qmgr.*: [0-9A-Za-z]+: removed' /var/log/maillog"),
        "grep -oE 'status=sent .*' /var/log/maillog",
      ].join("\n"),
      stdout: "status=sent (delivered to mailbox)\n",
    },
    {
      section: "4.1",
      fact: "sendmail_flags=NO starts nothing",
      releases: before("5.6"),
      script: "echo 'sendmail_flags=NO' > /etc/rc.conf.local",
    },
    {
      section: "4.1",
      fact: "smtpd_flags=NO alone starts nothing",
      releases: ["5.6"],
      script: "echo 'smtpd_flags=NO' > /etc/rc.conf.local",
    },
    {
      section: "4.1",
      fact: "pkg_scripts without Postfix starts nothing",
      releases: since("5.7"),
      script: "rcctl disable postfix",
    },
    {
      section: "9",
      fact: "then nothing answers after the next start",
      reboot: true,
      script: `sleep 1; ${smtpDialogue} QUIT`,
      stderr: anything,
      exit: 111,
    },
  ],
};
