import { anything, type Story } from "./row";

export const system: Story = {
  title: "the base system",
  releases: ["7.8", "4.7"],
  rows: [
    {
      section: "0",
      fact: "uname -r is the release",
      releases: ["7.8"],
      script: "uname -r; uname; uname -m",
      stdout: "7.8\nOpenBSD\namd64\n",
    },
    {
      section: "0",
      fact: "uname -r is the release",
      releases: ["4.7"],
      script: "uname -r; uname; uname -m",
      stdout: "4.7\nOpenBSD\ni386\n",
    },
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
      section: "1.4",
      fact: "machine -a and arch -s print the architecture",
      script: 'test "$(machine -a)" = "$(arch -s)" && test "$(machine)" = "$(uname -m)"',
    },
    {
      section: "0",
      fact: "there is doas, allowed to nobody but whom doas.conf names",
      releases: ["7.8"],
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
      releases: ["7.8"],
      script: "doas -C /etc/doas.conf id; su op -c 'doas -C /etc/doas.conf id' 2>&1; true",
      stdout: anything,
    },
    {
      section: "0",
      fact: "there is no doas",
      releases: ["4.7"],
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
      section: "11",
      fact: "bash, Python, jq, flock and base64 are not to be found",
      script: "for name in bash python3 jq flock lockf base64; do command -v $name; done; true",
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
      fact: "users and groups can be made and removed, and the files are as before",
      script: [
        "cat /etc/master.passwd /etc/passwd /etc/group | sha256 > /tmp/before",
        "groupadd -g 901 _vmail && useradd -g 901 -u 901 -d /var/spool/vmail -s /sbin/nologin _vmail",
        "getent passwd _vmail; id -un 901",
        "userdel _vmail && groupdel _vmail",
        "cat /etc/master.passwd /etc/passwd /etc/group | sha256 | cmp - /tmp/before",
      ].join("\n"),
      stdout: "_vmail:*:901:901::/var/spool/vmail:/sbin/nologin\n_vmail\n",
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
      releases: ["4.7"],
      script: "test -f /etc/mail/aliases.db",
    },
    {
      section: "7",
      fact: "aliases.db is not there",
      releases: ["7.8"],
      script: "test ! -e /etc/mail/aliases.db",
    },
    {
      section: "10",
      fact: "/etc/localtime is a symbolic link that leads somewhere, and there is no nsswitch.conf to copy",
      script: "test -L /etc/localtime && test -s /etc/localtime",
    },
  ],
};
