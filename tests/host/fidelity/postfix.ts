import {
  anything,
  before,
  eventually,
  installPostfix,
  type Row,
  smtpDialogue,
  type Story,
} from "./row";

const onTerminal = (command: string): string => `script -qec '${command}' /dev/null </dev/null`;

// Postfix waits for a main.cf that is only a moment old; rows that append to one date it back.
const running = eventually("! /usr/local/libexec/postfix/master -t");

/** How many sockets listen on port 25, by their addresses. */
const listening = "awk '$4 == \"0A\" { print $2 }' /proc/net/tcp | sed -n 's/:0019$//p' | sort";

const switching: readonly Row[] = [
  {
    section: "8",
    fact: "start succeeds while smtpd listens on 127.0.0.1: Postfix has all addresses, and smtpd still greets there",
    releases: ["7.8"],
    script: `postfix start\n${running}\n${listening}; ${smtpDialogue} QUIT | grep -c OpenSMTPD; postfix stop`,
    stdout: "00000000\n0100007F\n1\n",
  },
  {
    section: "9",
    fact: "the same address twice is refused: Postfix ends, and the log says that the address is in use",
    releases: ["7.8"],
    script: [
      "cp /etc/postfix/main.cf /tmp/m; echo 'inet_interfaces = 127.0.0.1' >> /etc/postfix/main.cf",
      "touch -t 200001010000 /etc/postfix/main.cf; postfix start",
      eventually("grep -q 'bind 127.0.0.1 port 25: Address already in use' /var/log/maillog"),
      "/usr/local/libexec/postfix/master -t; cat /tmp/m > /etc/postfix/main.cf",
    ].join("\n"),
    stdout: anything,
    exit: 0,
  },
  {
    section: "2.4",
    fact: "postfix-enable switches, tells so on stdout and reminds of what is left to do",
    script: "postfix-enable",
    stdout:
      /^old \/etc\/mailer\.conf saved as \/etc\/mailer\.conf\.pre-postfix\npostfix \/etc\/mailer\.conf enabled\n\nNOTE: /,
  },
  {
    section: "2.4",
    fact: "the notes are of the release: sendmail_flags, syslogd_flags, crontab",
    releases: ["4.7"],
    script:
      "grep -cE 'sendmail_flags=\"-bd\"|syslogd_flags|clientmqueue' /usr/local/sbin/postfix-enable",
    stdout: "3\n",
  },
  {
    section: "2.4",
    fact: "the notes are of the release: rcctl",
    releases: ["7.8"],
    script:
      "grep -cE 'rcctl (stop|disable|enable|start)' /usr/local/sbin/postfix-enable; grep -c _flags /usr/local/sbin/postfix-enable",
    stdout: "2\n0\n",
    exit: 1,
  },
  {
    section: "2.4",
    fact: "a second time it finds nothing, changes nothing, exit 0",
    script: "cat /etc/mailer.conf > /tmp/m; postfix-enable; cmp /tmp/m /etc/mailer.conf",
    stdout: "can't find /etc/mailer.conf.postfix, postfix not enabled\n",
  },
  {
    section: "2.4",
    fact: "enabled again with a new mailer.conf.postfix, the base system's mapping is lost",
    script: [
      "cp -p /etc/mailer.conf.pre-postfix /tmp/base; cp -p /etc/mailer.conf /etc/mailer.conf.postfix",
      "postfix-enable >/dev/null; cmp -s /etc/mailer.conf.pre-postfix /tmp/base; echo $?",
      "cp -p /tmp/base /etc/mailer.conf.pre-postfix",
    ].join("\n"),
    stdout: "1\n",
  },
  {
    section: "3",
    fact: "makemap has no mapping while Postfix is enabled",
    script: "makemap",
    stderr: "mailwrapper: no mapping in /etc/mailer.conf\n",
    exit: 1,
  },
  {
    section: "2.4",
    fact: "postfix-disable puts the old file back and keeps the other",
    script:
      "postfix-disable; cmp /etc/mailer.conf /tmp/base; grep -c usr/local /etc/mailer.conf.postfix",
    stdout: "postfix mailer.conf disabled, old mailer.conf enabled\n4\n",
  },
  {
    section: "2.4",
    fact: "postfix-disable without anything to put back: complaint on stdout, exit 1",
    script: "postfix-disable",
    stdout: "can't find /etc/mailer.conf.pre-postfix, postfix not disabled\n",
    exit: 1,
  },
  {
    section: "2.4",
    fact: "postfix-disable without mailer.conf: complaint on stdout, nothing is moved, exit 0",
    script: [
      "cd /etc; mv mailer.conf mailer.conf.pre-postfix",
      "postfix-disable; echo $?; ls mailer.conf*; mv mailer.conf.pre-postfix mailer.conf",
    ].join("\n"),
    stdout:
      "can't find /etc/mailer.conf, postfix not disabled\n0\nmailer.conf.postfix\nmailer.conf.pre-postfix\n",
  },
];

const aliases: readonly Row[] = [
  {
    section: "7",
    fact: "newaliases is silent and makes /etc/mail/aliases.db",
    script: "rm -f /etc/mail/aliases.db; /usr/local/sbin/newaliases; test -f /etc/mail/aliases.db",
  },
  {
    section: "13",
    fact: "the guide's postalias /etc/aliases fails",
    script: "/usr/local/sbin/postalias /etc/aliases",
    stderr: "postalias: fatal: open /etc/aliases: No such file or directory\n",
    exit: 1,
  },
  {
    section: "7",
    fact: "the sample's aliases are the port's",
    script:
      "postalias hash:/etc/postfix/aliases; for name in postmaster abuse postfix root; do postalias -q $name hash:/etc/postfix/aliases; echo $?; done",
    stdout: "root\n0\npostmaster\n0\nroot\n0\n1\n",
  },
  {
    section: "7",
    fact: "a bad line is a warning and exit 0",
    script: "printf 'postmaster: root\\nbroken\\n' > /tmp/aliases; postalias hash:/tmp/aliases",
    stderr: /^postalias: warning: \/tmp\/aliases, line 2: need name:value pair\n$/,
  },
  {
    section: "16",
    fact: "M8: a duplicate key is a warning and exit 0, and the first counts",
    script:
      "printf 'a: one\\na: two\\n' > /tmp/aliases; postalias hash:/tmp/aliases; postalias -q a hash:/tmp/aliases",
    stdout: "one\n",
    stderr: /duplicate entry: "a"/,
  },
  {
    section: "16",
    fact: "M9: the database is rewritten in place",
    script:
      "ls -i /tmp/aliases.db > /tmp/i; postalias hash:/tmp/aliases 2>/dev/null; ls -i /tmp/aliases.db | cmp - /tmp/i",
  },
];

const commands: readonly Row[] = [
  {
    section: "8",
    fact: "only root may say postfix anything, and the reason goes to no one without a terminal",
    script: "su alice -c '/usr/local/sbin/postfix status'",
    exit: 1,
    stderr: anything,
  },
  {
    section: "8",
    fact: "status of what does not run: exit 1, silence",
    script: "postfix status",
    exit: 1,
  },
  {
    section: "8",
    fact: "status tells a terminal why",
    script: onTerminal("postfix status"),
    stdout: /the Postfix mail system is not running/,
    exit: 1,
  },
  {
    section: "8",
    fact: "master -t: exit 0 when it does not run",
    script: "/usr/local/libexec/postfix/master -t",
  },
  {
    section: "8",
    fact: "stop and reload of what does not run: exit 1",
    script: "postfix stop; echo $?; postfix reload",
    stdout: "1\n",
    exit: 1,
  },
  {
    section: "8",
    fact: "an unknown command: exit 1",
    script: "postfix nonsense",
    stderr: anything,
    exit: 1,
  },
  {
    section: "8",
    fact: "start: silence, exit 0; the log has the version and the configuration",
    script: [
      "pkill -x smtpd; pkill -x sendmail",
      eventually("! pgrep -x smtpd && ! pgrep -x sendmail"),
      "postfix start",
      running,
      eventually(
        "grep -qE 'daemon started -- version [0-9.]+, configuration /etc/postfix$' /var/log/maillog",
      ),
    ].join("\n"),
  },
  {
    section: "8",
    fact: "master -t: exit 1 when it runs; the pid file is padded",
    script:
      "/usr/local/libexec/postfix/master -t 2>/dev/null; echo $?; cat /var/spool/postfix/pid/master.pid",
    stdout: /^1\n +\d+\n$/,
  },
  {
    section: "8",
    fact: "start of what runs: exit 1; a terminal is told",
    script: `postfix start; echo $?; ${onTerminal("postfix start")}`,
    stdout: /^1\n[\s\S]*fatal: the Postfix mail system is already running/,
    exit: 1,
  },
  {
    section: "8",
    fact: "status of what runs: exit 0; a terminal sees the process id",
    script: `postfix status; ${onTerminal("postfix status")}`,
    stdout: /the Postfix mail system is running: PID: \d+/,
  },
  {
    section: "8",
    fact: "stop: silence, exit 0",
    script: "postfix stop; /usr/local/libexec/postfix/master -t",
  },
  {
    section: "8",
    fact: "sendmail -bd -q30m returns at once with exit 0, and Postfix is there a moment later",
    script: `/usr/local/sbin/sendmail -bd -q30m\n${running}\npostfix stop`,
  },
  {
    section: "8",
    fact: "sendmail -bd exits 0 although nothing can start",
    script: [
      "mv /etc/postfix/master.cf /etc/postfix/m; /usr/local/sbin/sendmail -bd",
      // What it has started goes on by itself for a while, and must not find the file again.
      "echo $?; sleep 0.5; while pgrep -x 'postfix|postfix-script' >/dev/null; do sleep 0.1; done",
      "/usr/local/libexec/postfix/master -t; echo $?",
      "mv /etc/postfix/m /etc/postfix/master.cf",
    ].join("\n"),
    stdout: "0\n0\n",
    stderr: anything,
  },
  {
    section: "16",
    fact: "M13: from 3.8 on, check gives its reason on stderr without a terminal too, and start what it does",
    releases: ["7.8"],
    script: [
      "mkdir /tmp/told; cp /etc/postfix/*.cf /etc/postfix/postfix-files /tmp/told",
      "echo 'message_size_limit = lots' >> /tmp/told/main.cf; touch -t 200001010000 /tmp/told/main.cf",
      "postfix -c /tmp/told check 2>&1; postfix status 2>&1; rm -r /tmp/told",
    ].join("\n"),
    stdout:
      "postfix: fatal: bad numerical configuration: message_size_limit = lots\n" +
      "postfix/postlog: the Postfix mail system is not running\n",
  },
  {
    section: "16",
    fact: "M13: before 3.8, check gives its reason to a terminal only",
    releases: before("7.8"),
    script: [
      "mkdir /tmp/told; cp /etc/postfix/*.cf /etc/postfix/postfix-files /tmp/told",
      "echo 'message_size_limit = lots' >> /tmp/told/main.cf; touch -t 200001010000 /tmp/told/main.cf",
      "postfix -c /tmp/told check 2>&1; postfix status 2>&1; rm -r /tmp/told",
    ].join("\n"),
  },
  {
    section: "16",
    fact: "M13: check gives its reason to a terminal",
    script: [
      "mkdir /tmp/candidate; cp /etc/postfix/*.cf /etc/postfix/postfix-files /tmp/candidate",
      "cp /tmp/candidate/main.cf /tmp/candidate/main.cf.good",
      "echo 'message_size_limit = lots' >> /tmp/candidate/main.cf; touch -t 200001010000 /tmp/candidate/main.cf",
      "postfix -c /tmp/candidate check; echo $?",
      onTerminal("postfix -c /tmp/candidate check"),
    ].join("\n"),
    stdout: /^1\n[\s\S]*fatal: bad numerical configuration: message_size_limit = lots/,
    exit: 1,
  },
  {
    section: "16",
    fact: "M3: a line without an equals sign is fatal, exit 1",
    script:
      "cp /tmp/candidate/main.cf.good /tmp/candidate/main.cf; echo nonsense >> /tmp/candidate/main.cf; touch -t 200001010000 /tmp/candidate/main.cf; postconf -c /tmp/candidate -n >/dev/null",
    stderr: /^postconf: fatal: .*missing '=' after attribute name: "nonsense"\n$/,
    exit: 1,
  },
  {
    section: "16",
    fact: "M4: a bad number is exit 0 for postconf and 1 for check",
    script:
      "cp /tmp/candidate/main.cf.good /tmp/candidate/main.cf; echo 'message_size_limit = lots' >> /tmp/candidate/main.cf; touch -t 200001010000 /tmp/candidate/main.cf; postconf -c /tmp/candidate -n >/dev/null; echo $?; postfix -c /tmp/candidate check",
    stdout: "0\n",
    exit: 1,
  },
  {
    section: "16",
    fact: "M5: a misspelt restriction and an unknown map type pass both",
    script:
      "cp /tmp/candidate/main.cf.good /tmp/candidate/main.cf; printf '%s\\n' 'smtpd_recipient_restrictions = permit_my_network' 'alias_maps = hsh:/x' >> /tmp/candidate/main.cf; touch -t 200001010000 /tmp/candidate/main.cf; postconf -c /tmp/candidate -n >/dev/null && postfix -c /tmp/candidate check",
  },
  {
    section: "16",
    fact: "M10: a service with a field too few is exit 1 for check",
    script:
      "cp /tmp/candidate/main.cf.good /tmp/candidate/main.cf; echo 'x unix - - n -' >> /tmp/candidate/master.cf; postfix -c /tmp/candidate check",
    stderr: /postconf: fatal: file \/tmp\/candidate\/master\.cf: line \d+: bad field count\n/,
    exit: 1,
  },
  {
    section: "10",
    fact: "check warns in the log of a chroot file that differs from its source, exit 0",
    script: [
      "echo '# changed' >> /etc/resolv.conf; postfix check; echo $?",
      eventually(
        "grep -q '/var/spool/postfix/etc/resolv.conf and /etc/resolv.conf differ' /var/log/maillog",
      ),
    ].join("\n"),
    stdout: "0\n",
  },
  {
    section: "8",
    fact: "a command that another version of it would not know is not there: postconf -X",
    releases: ["4.7"],
    script:
      "for option in -X -M -F -P -C -f -x -p -o -H -T; do postconf $option >/dev/null 2>&1; echo $?; done | sort | uniq -c | tr -d ' '",
    stdout: "111\n",
  },
];

const parameters: readonly Row[] = [
  {
    section: "8",
    fact: "the version is the port's",
    releases: ["4.7"],
    script: "postconf -h mail_version",
    stdout: "2.6.5\n",
  },
  {
    section: "8",
    fact: "an unknown name: a warning on stderr, exit 0",
    script: "postconf nonsense",
    stderr: "postconf: warning: nonsense: unknown parameter\n",
  },
  {
    section: "16",
    fact: "M1: a misspelt parameter is exit 0, missing from stdout, a warning on stderr",
    releases: ["7.8"],
    script:
      "echo 'myhostnam = x' >> /etc/postfix/main.cf; touch -t 200001010000 /etc/postfix/main.cf; postconf -n | grep myhostnam",
    stderr: /warning: \/etc\/postfix\/main\.cf: unused parameter: myhostnam=x\n/,
    exit: 1,
  },
  {
    section: "8",
    fact: "a misspelt parameter is passed over in silence",
    releases: ["4.7"],
    script:
      "echo 'myhostnam = x' >> /etc/postfix/main.cf; touch -t 200001010000 /etc/postfix/main.cf; postconf -n | grep myhostnam",
    exit: 1,
  },
  {
    section: "16",
    fact: "M2: a parameter that is set twice is a warning, exit 0, the last counts",
    releases: ["7.8"],
    script:
      "printf 'mydomain = a\\nmydomain = b\\n' >> /etc/postfix/main.cf; touch -t 200001010000 /etc/postfix/main.cf; postconf -h mydomain",
    stdout: "b\n",
    stderr: /overriding earlier entry: mydomain=a/,
  },
  {
    section: "8",
    fact: "a parameter that is set twice is passed over in silence, the last counts",
    releases: ["4.7"],
    script:
      "printf 'mydomain = a\\nmydomain = b\\n' >> /etc/postfix/main.cf; touch -t 200001010000 /etc/postfix/main.cf; postconf -h mydomain",
    stdout: "b\n",
  },
  {
    section: "8",
    fact: "an empty value is printed as name, equals sign, blank",
    releases: ["4.7"],
    script:
      "postconf -e 'parent_domain_matches_subdomains ='; postconf parent_domain_matches_subdomains",
    stdout: "parent_domain_matches_subdomains = \n",
  },
  {
    section: "8",
    fact: "the defaults of old versions: subnet, relay for mydestination, append_dot_mydomain",
    releases: ["4.7"],
    script: "postconf -d mynetworks_style relay_domains append_dot_mydomain",
    stdout:
      "mynetworks_style = subnet\nrelay_domains = $mydestination\nappend_dot_mydomain = yes\n",
  },
  {
    section: "8",
    fact: "parameters that came later are not known",
    releases: ["4.7"],
    script:
      "postconf -d | grep -cE '^(smtpd_relay_restrictions|smtputf8_enable|maillog_file|compatibility_level) ='; postconf smtpd_relay_restrictions",
    stdout: "0\n",
    stderr: "postconf: warning: smtpd_relay_restrictions: unknown parameter\n",
  },
  {
    section: "8",
    fact: "-e appends a new name at the end and keeps comments",
    script:
      "grep -c '^#' /etc/postfix/main.cf > /tmp/c; postconf -e 'relayhost = [192.0.2.1]' 2>/dev/null; tail -1 /etc/postfix/main.cf; grep -c '^#' /etc/postfix/main.cf | cmp - /tmp/c",
    stdout: "relayhost = [192.0.2.1]\n",
  },
  {
    section: "16",
    fact: "M6: -e makes a 0600 main.cf 0644",
    script:
      "chmod 600 /etc/postfix/main.cf; postconf -e 'relayhost =' 2>/dev/null; stat -f %Lp /etc/postfix/main.cf",
    stdout: "644\n",
  },
  {
    section: "16",
    fact: "M7: -e replaces a symbolic link by a file",
    script:
      "mv /etc/postfix/main.cf /tmp/main.cf; ln -s /tmp/main.cf /etc/postfix/main.cf; postconf -e 'relayhost = x' 2>/dev/null; test ! -L /etc/postfix/main.cf",
  },
];

export const postfix: Story = {
  title: "the Postfix package at work",
  releases: ["7.8", "4.7"],
  rows: [
    { section: "2.2", fact: "the package installs", script: installPostfix },
    ...switching,
    ...aliases,
    ...commands,
    ...parameters,
  ],
};
