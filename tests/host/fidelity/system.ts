import { anything, before, between, type Row, since, type Story, tried } from "./row";

const names: readonly Row[] = tried.map((release) => ({
  section: "0",
  fact: "uname -r is the release",
  releases: [release],
  script: "uname -r; uname; uname -m",
  stdout: `${release}\nOpenBSD\n${release.startsWith("4.") ? "i386" : "amd64"}\n`,
}));

export const system: Story = {
  title: "the base system",
  releases: tried,
  rows: [
    ...names,
    {
      section: "0",
      fact: "uname -a begins with system, host, release",
      script: 'test "$(uname -a | cut -d" " -f1-3)" = "OpenBSD $(hostname) $(uname -r)"',
    },
    {
      section: "0",
      fact: "sysctl -n kern.version names the release and shows no -current",
      script: "sysctl -n kern.version | head -1",
      stdout: /^OpenBSD \d\.\d \(GENERIC(?:\.MP)?\) #\d+: (?!.*-current)/,
    },
    {
      section: "0",
      fact: "sysctl prints name=value without -n, and complains of an unknown name on stderr",
      script: "sysctl kern.ostype; sysctl -n kern.nothing",
      stdout: "kern.ostype=OpenBSD\n",
      stderr: "sysctl: second level name nothing in kern.nothing is invalid\n",
    },
    {
      section: "11",
      fact: "csh is a login shell of the base system, to which ! and a line's end in quotes are no plain text",
      script: "grep -x /bin/csh /etc/shells; /bin/csh -fc 'echo \"a\nb\"'; echo $?",
      stdout: "/bin/csh\n1\n",
      stderr: /Unmatched/,
    },
    {
      section: "1.4",
      fact: "machine -a and arch -s print the architecture",
      script: 'test "$(machine -a)" = "$(arch -s)" && test "$(machine)" = "$(uname -m)"',
    },
    {
      section: "0",
      fact: "there is doas, allowed to nobody but whom doas.conf names",
      releases: since("5.8"),
      script: [
        "su op -c 'doas -n id -u'",
        "su nobodyspecial -c 'doas -n id -u' 2>&1",
        "echo $?",
      ].join("\n"),
      stdout: /^0\ndoas: Operation not permitted\n1\n$/,
    },
    {
      section: "16",
      fact: "doas -C tells the matching rule without running anything",
      releases: since("5.8"),
      script: "doas -C /etc/doas.conf id; su op -c 'doas -C /etc/doas.conf id' 2>&1; true",
      stdout: anything,
    },
    {
      section: "0",
      fact: "there is no doas",
      releases: before("5.8"),
      script: "command -v doas",
      exit: 1,
    },
    {
      section: "0",
      fact: "rc.d and rcctl are not there yet",
      releases: ["4.7"],
      script: "test ! -e /etc/rc.d && ! command -v rcctl",
    },
    {
      section: "0",
      fact: "rc.d is there for the daemons of packages, and none of the base system's is in it",
      releases: ["4.9"],
      script: "ls /etc/rc.d; grep -c '^rc_scripts=' /etc/rc.conf; ! command -v rcctl",
      stdout: "rc.subr\n1\n",
    },
    {
      section: "0",
      fact: "rc.d has the base system's daemons, pkg_scripts is for the others, and there is no rcctl",
      releases: between("5.0", "5.7"),
      script:
        "ls /etc/rc.d | grep -xE 'syslogd|sendmail'; grep -c '^pkg_scripts=' /etc/rc.conf; ! command -v rcctl",
      stdout: "sendmail\nsyslogd\n1\n",
    },
    {
      section: "0",
      fact: "rcctl is there",
      releases: since("5.7"),
      script: "test -x /usr/sbin/rcctl",
    },
    {
      section: "1.4",
      fact: "there is no installurl yet",
      releases: before("6.1"),
      script: "test ! -e /etc/installurl",
    },
    {
      section: "11",
      fact: "realpath, timeout and seq are not to be found yet",
      releases: before("7.0"),
      // The shell of the test host has a realpath of its own.
      script: "for name in realpath timeout seq; do test ! -x /usr/bin/$name || echo $name; done",
    },
    {
      section: "11",
      fact: "bash, Python, jq, flock and base64 are not to be found",
      script: "for name in bash python3 jq flock lockf base64; do command -v $name; done; true",
    },
    {
      section: "11",
      fact: "/bin and /sbin are folders of their own, and what is in them is not in /usr",
      script:
        "for folder in bin sbin; do test -d /$folder && test ! -L /$folder; done; for path in /usr/bin/cat /usr/bin/ps /usr/bin/sh /usr/sbin/chown /usr/sbin/sysctl; do test ! -x $path || echo $path; done; command -v sha256 cksum chown sysctl pgrep perl stat",
      stdout:
        "/bin/sha256\n/bin/cksum\n/sbin/chown\n/sbin/sysctl\n/usr/bin/pgrep\n/usr/bin/perl\n/usr/bin/stat\n",
    },
    {
      section: "11",
      fact: "sh is the Korn shell: print and typeset work",
      script: "typeset x=1; print -r -- $x",
      stdout: "1\n",
    },
    {
      section: "11",
      fact: "stat has -f with BSD letters and no -c",
      script: "stat -f '%Su:%Sg %Lp %z' /etc/mailer.conf; stat -c %a /etc/mailer.conf",
      stdout: /^root:wheel 644 \d+\n$/,
      stderr: anything,
      exit: 1,
    },
    {
      section: "11",
      fact: "sha256 -q prints the digest alone",
      script: "printf abc > /tmp/abc; sha256 -q /tmp/abc; sha256 /tmp/abc",
      stdout:
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n" +
        "SHA256 (/tmp/abc) = ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n",
    },
    {
      section: "11",
      fact: "pkill and pgrep exit 1 when nothing matches, and their names are exact with -x",
      script:
        "pgrep -x Syslogd; echo $?; pkill -x nosuchthing; echo $?; pgrep -x syslogd >/dev/null",
      stdout: "1\n1\n",
    },
    {
      section: "11",
      fact: "pgrep -q says nothing, and its exit status tells",
      releases: ["7.8"],
      script: "pgrep -q -x syslogd; echo $?; pgrep -q -x nosuchthing",
      stdout: "0\n",
      exit: 1,
    },
    {
      section: "11",
      fact: "a title that Perl was given is shown as Perl's, and one that was chosen at exec as it is",
      script: [
        `perl -e '$0 = "smtpd: x"; close STDOUT; sleep 9' & perl -e 'close STDOUT; exec {"/bin/sleep"} "smtpd: y", 9' & sleep 0.5`,
        "ps -axww -o command= | grep -e '^perl: smtpd: x' -e '^smtpd: y' | sort; pgrep -f '^smtpd: [xy]' | wc -l | tr -d ' '; pkill -f '^(perl: )?smtpd: [xy]'",
      ].join("\n"),
      stdout: "perl: smtpd: x (perl)\nsmtpd: y 9 (sleep)\n1\n",
    },
    {
      section: "11",
      fact: "what a script runs as is its interpreter",
      script:
        "printf '#!/bin/sh\\nsleep 9\\n:\\n' > /tmp/probing; chmod 755 /tmp/probing; /tmp/probing & sleep 0.2; ps -p $! -o ucomm=,command=; pgrep -x probing; kill $!",
      stdout: /^sh +\/bin\/sh \/tmp\/probing\n$/,
    },
    {
      section: "11",
      fact: "doas compares the command as text",
      releases: since("5.8"),
      script: [
        "cp /etc/doas.conf /tmp/doas.conf; echo 'permit nopass op cmd /usr/bin/perl' > /etc/doas.conf",
        "su op -c 'doas -n /usr/bin/perl -e 1; echo $?; doas -n perl -e 1' 2>&1; cat /tmp/doas.conf > /etc/doas.conf",
      ].join("\n"),
      stdout: "0\ndoas: Operation not permitted\n",
    },
    {
      section: "11",
      fact: "users and groups can be made and removed, and the files are as before",
      script: [
        "cat /etc/master.passwd /etc/passwd /etc/group | sha256 > /tmp/before",
        "groupadd -g 901 _vmail && useradd -g 901 -u 901 -d /var/empty -s /sbin/nologin -L daemon -c 'Mail Owner' _vmail",
        "tail -1 /etc/master.passwd; tail -1 /etc/passwd; tail -1 /etc/group; id -un 901",
        "userdel _vmail && groupdel _vmail",
        "cat /etc/master.passwd /etc/passwd /etc/group | sha256 | cmp - /tmp/before",
      ].join("\n"),
      stdout: [
        "_vmail:*************:901:901:daemon:0:0:Mail Owner:/var/empty:/sbin/nologin\n",
        "_vmail:*:901:901:Mail Owner:/var/empty:/sbin/nologin\n",
        "_vmail:*:901:\n_vmail\n",
      ].join(""),
    },
    {
      section: "11",
      fact: "a number or a name that is taken is refused, and so is a group that is not there",
      script: [
        "groupadd -g 901 _vmail",
        "groupadd -g 901 other; echo $?; groupadd -g 902 _vmail; echo $?",
        "useradd -u 0 -g _vmail -d /var/empty x; echo $?; useradd -u 901 -g 902 -d /var/empty x; echo $?",
        "useradd -u 901 -g 901 -d /var/empty root; echo $?; groupdel _vmail; groupdel _vmail; echo $?; userdel x; echo $?",
      ].join("\n"),
      stdout: "1\n".repeat(7),
      stderr: [
        "groupadd: can't add group: gid 901 is a duplicate",
        "groupadd: group `_vmail' already exists",
        "groupadd: can't add group: problems with /etc/group file",
        "useradd: uid 0 is already in use",
        "useradd: group 902 not found",
        "useradd: already a `root' user",
        "groupdel: No such group: `_vmail'",
        "userdel: No such user `x'",
        "",
      ].join("\n"),
    },
    {
      section: "11",
      fact: "useradd without -m makes no home and warns; userdel leaves the home and the group, and -p says whether the account",
      script: [
        "groupadd -g 901 _vmail; useradd -u 901 -g _vmail -d /var/none _vmail 2>&1; test ! -e /var/none",
        "mkdir /var/none; userdel -p true _vmail; grep ^_vmail: /etc/master.passwd",
        "echo 'preserve true' > /etc/usermgmt.conf; userdel -p false _vmail; rm /etc/usermgmt.conf",
        "grep -c ^_vmail: /etc/passwd /etc/group; rmdir /var/none; groupdel _vmail",
      ].join("\n"),
      stdout: [
        "useradd: Warning: home directory `/var/none' doesn't exist, and -m was not specified",
        "_vmail:*************:901:901::0:0::/var/none:/sbin/nologin",
        "/etc/passwd:0\n/etc/group:1\n",
      ].join("\n"),
    },
    {
      section: "2.1",
      fact: "neither _postfix nor _postdrop is there before the package",
      script: "getent passwd _postfix; getent group _postfix; getent group _postdrop; true",
    },
    {
      section: "7",
      fact: "the aliases are in /etc/mail and there is no /etc/aliases",
      script: "test -f /etc/mail/aliases && test ! -e /etc/aliases",
    },
    {
      section: "7",
      fact: "aliases.db is there",
      releases: before("5.6"),
      script: "test -f /etc/mail/aliases.db",
    },
    {
      section: "7",
      fact: "aliases.db is not there",
      releases: since("5.6"),
      script: "test ! -e /etc/mail/aliases.db",
    },
    {
      section: "6",
      fact: "the clientmqueue runner is in root's crontab",
      releases: before("5.6"),
      script: "grep -c sm-msp-queue /var/cron/tabs/root",
      stdout: "1\n",
    },
    {
      section: "6",
      fact: "the clientmqueue runner is gone with sendmail",
      releases: since("5.7"),
      script: "grep sm-msp-queue /var/cron/tabs/root",
      exit: 1,
    },
    {
      section: "10",
      fact: "/etc/localtime is a symbolic link that leads somewhere, and there is no nsswitch.conf to copy",
      script: "test -L /etc/localtime && test -s /etc/localtime",
    },
  ],
};
