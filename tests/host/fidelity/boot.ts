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
      section: "17",
      fact: "sysctl tells when that was, as a date or, with -n, in seconds",
      script: [
        "sysctl kern.boottime; seconds=$(sysctl -n kern.boottime)",
        `perl -e 'printf "%d\\nkern.boottime=%s\\n", abs(time - $ARGV[0]) < 60, scalar localtime $ARGV[0]' $seconds`,
      ].join("\n"),
      stdout: /^(kern\.boottime=[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\n)1\n\1$/,
    },
    {
      section: "17",
      fact: "shutdown and reboot are root's, and of whom the group of shutdown has",
      script: [
        "ls -l /sbin/shutdown | cut -d ' ' -f 1,3; test -x /sbin/halt",
        "su alice -c '/sbin/shutdown -r now'; echo $?; su alice -c '/sbin/reboot'; echo $?",
      ].join("\n"),
      stdout: "-r-sr-x--- root\n126\n1\n",
      stderr: /Permission denied\nreboot: Operation not permitted\n$/,
    },
    {
      section: "17",
      fact: "shutdown with -k says all that it says, logs it, and ends nothing",
      script: [
        "shutdown -k +0 gone for tea; sleep 3",
        "grep -o 'shutdown: .*' /var/log/authlog; ls /etc/nologin; rm /etc/nologin",
      ].join("\n"),
      stdout:
        /^Shutdown NOW!\nshutdown: \[pid \d+\]\n\r\nSystem shutdown time has arrived\x07\x07\r\n\rbut you'll have to do it yourself\r\nshutdown: shutdown by root: gone for tea *\n\/etc\/nologin\n$/,
    },
    {
      section: "17",
      fact: "a shutdown that waits names the time, and a signal takes it back",
      script:
        "shutdown -r +9 >/tmp/said; cat /tmp/said | head -1; pkill -x shutdown; sleep 0.3; pgrep -x shutdown",
      stdout:
        /^Shutdown at [A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:[A-Z]+ )?\d{4}\.\n$/,
      exit: 1,
    },
    {
      section: "17",
      fact: "wrong words are refused",
      script: [
        "for words in '' '-r soon' '-h -r now'; do shutdown $words; echo $?; done 2>&1",
        "reboot now 2>&1; echo $?",
      ].join("\n"),
      stdout: [
        "usage: shutdown [-] [-dfhknpr] time [warning-message ...]\n1\n",
        "shutdown: bad time format.\n1\n",
        "shutdown: incompatible switches -h and -r.\n",
        "usage: shutdown [-] [-dfhknpr] time [warning-message ...]\n1\n",
        "usage: reboot [-dnq]\n1\n",
      ].join(""),
    },
    {
      section: "17",
      fact: "an offset that is no number is bad, or invalid",
      script: "shutdown -r +x",
      stderr: /^shutdown: (?:bad time format\.|relative offset is invalid: \+x)\n$/,
      exit: 1,
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
