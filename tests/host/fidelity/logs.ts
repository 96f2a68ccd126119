import { anything, eventually, installPostfix, smtpDialogue, type Story } from "./row";

const socket = "/var/spool/postfix/dev/log";
const lines = (pattern: string): string => `grep -cE '${pattern}' /var/log/maillog`;

/** Starts Postfix in the base mailer's place, with an empty log. */
const startPostfix = [
  "pkill -x smtpd; pkill -x sendmail",
  eventually("! pgrep -x smtpd && ! pgrep -x sendmail"),
  "sleep 0.2; : > /var/log/maillog",
  "postfix start",
  eventually("! /usr/local/libexec/postfix/master -t"),
  `${smtpDialogue} 'EHLO there' QUIT >/dev/null`,
].join("\n");

export const logs: Story = {
  title: "syslogd and the chroot's log socket",
  releases: ["7.8", "4.7"],
  rows: [
    {
      section: "2.1",
      fact: "mail.info is in /var/log/maillog",
      script: `logger -p mail.info -t probe one; ${eventually("grep -q 'probe.*: one' /var/log/maillog")}`,
    },
    {
      section: "5",
      fact: "two processes, of which one is root's [priv], and the other its child, of _syslogd",
      script:
        "ps -axww -o user,args | grep '[s]yslogd: ' ; ps -axww -o user,args | grep '[/]usr/sbin/syslogd'",
      stdout:
        /^root +syslogd: \[priv\] \(syslogd\)\n_syslogd \/usr\/sbin\/syslogd(?: -a \/var\/empty\/dev\/log)?\n$/,
    },
    {
      section: "5",
      fact: "pgrep -f sees the title alone",
      script: "pgrep -xf 'syslogd: \\[priv\\]' >/dev/null; pgrep -f '\\(syslogd\\)'",
      exit: 1,
    },
    {
      section: "5",
      fact: "a HUP or TERM to [priv] reaches the other one",
      script: [
        ": > /var/log/early; printf 'local2.info\\t/var/log/early\\n' >> /etc/syslog.conf",
        "pkill -HUP -xf 'syslogd: \\[priv\\]'; sleep 0.5; logger -p local2.info found",
        eventually("grep -q found /var/log/early"),
        "pkill -xf 'syslogd: \\[priv\\]'",
        eventually("! pgrep -x syslogd"),
        "rm -f /dev/log; syslogd $(test -d /var/empty/dev && [ $(uname -r) = 4.7 ] && echo -a /var/empty/dev/log); true",
      ].join("\n"),
    },
    {
      section: "5",
      fact: "by default there is no socket but /dev/log",
      releases: ["7.8"],
      script: "test -S /dev/log; test ! -e /var/empty/dev/log; rcctl get syslogd flags",
    },
    {
      section: "5",
      fact: "rc adds a socket in /var/empty",
      releases: ["4.7"],
      script: "test -S /dev/log && test -S /var/empty/dev/log",
    },
    {
      section: "5",
      fact: "sockets are 0666",
      script: "stat -f '%Lp' /dev/log",
      stdout: "666\n",
    },
    {
      section: "10",
      fact: "the chroot has a dev folder without a socket",
      script: `${installPostfix}; ls /var/spool/postfix/dev`,
      stderr: anything,
    },
    {
      section: "5",
      fact: "chrooted daemons are not heard without a socket of their own",
      releases: ["4.7"],
      script: `${startPostfix}\nsleep 0.5; ${lines("postfix/master")}; ${lines("postfix/smtpd")}; postfix stop`,
      stdout: /^[1-9]\d*\n0\n$/,
    },
    {
      section: "5",
      fact: "chrooted daemons are heard without a socket",
      releases: ["7.8"],
      script: `${startPostfix}\n${eventually("grep -q postfix/smtpd /var/log/maillog")}; ls /var/spool/postfix/dev`,
    },
    {
      section: "5",
      fact: "chrooted daemons are heard again after syslogd was restarted",
      releases: ["7.8"],
      script: [
        "rcctl restart syslogd; : > /var/log/maillog",
        `${smtpDialogue} 'EHLO there' QUIT >/dev/null`,
        eventually("grep -q 'postfix/smtpd.*: connect from' /var/log/maillog"),
        "postfix stop",
      ].join("\n"),
      stdout: "syslogd(ok)\nsyslogd(ok)\n",
    },
    {
      section: "5",
      fact: "HUP does not add the sockets that the flags now name",
      script: [
        `echo 'syslogd_flags="-a ${socket}"' > /etc/rc.conf.local`,
        "kill -HUP $(cat /var/run/syslog.pid); sleep 0.5; pgrep -x syslogd >/dev/null",
        `test ! -e ${socket}`,
      ].join("\n"),
    },
    {
      section: "5",
      fact: "HUP reads syslog.conf again",
      script: [
        ": > /var/log/probe; printf 'local3.info\\t/var/log/probe\\n' >> /etc/syslog.conf",
        "kill -HUP $(cat /var/run/syslog.pid); sleep 0.5; logger -p local3.info found",
        eventually("grep -q found /var/log/probe"),
      ].join("\n"),
    },
    {
      section: "5",
      fact: "a restart adds them",
      releases: ["7.8"],
      script: `rcctl restart syslogd >/dev/null; test -S ${socket}`,
    },
    {
      section: "5",
      fact: "a restart leaves two processes, and the socket that is no longer asked for",
      releases: ["7.8"],
      script: `rm /etc/rc.conf.local; rcctl restart syslogd >/dev/null; pgrep -x syslogd | wc -l | tr -d ' '; test -S ${socket}`,
      stdout: "2\n",
    },
    {
      section: "5",
      fact: "ended and started again by hand with the whole list, it has them, and the chroot is heard",
      releases: ["4.7"],
      script: [
        "kill $(cat /var/run/syslog.pid)",
        eventually("! pgrep -x syslogd"),
        `rm -f /dev/log; syslogd -a /var/empty/dev/log -a ${socket}; test -S ${socket}`,
        startPostfix,
        eventually("grep -q 'postfix/smtpd.*: connect from' /var/log/maillog"),
      ].join("\n"),
    },
    {
      section: "8",
      fact: "nothing remarks on compatibility levels, and the version is the port's",
      releases: ["4.7"],
      script:
        "grep -i compat /var/log/maillog; grep -o 'version 2.6.5, configuration /etc/postfix' /var/log/maillog; postfix stop",
      stdout: "version 2.6.5, configuration /etc/postfix\n",
    },
    {
      section: "5",
      fact: "a socket in a folder that is not there is a line in the log, not an end",
      script: [
        "pkill -x syslogd",
        eventually("! pgrep -x syslogd"),
        "syslogd -a /nonexistent/log; pgrep -x syslogd >/dev/null",
        eventually("grep -q /nonexistent/log /var/log/messages"),
      ].join("\n"),
    },
  ],
};
