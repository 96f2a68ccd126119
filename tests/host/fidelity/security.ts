import { before, installPostfix, type Row, since, type Story, tried } from "./row";

/** Runs security(8), where the release has it. */
const security = "if [ -f /etc/security ]; then sh /etc/security; else /usr/libexec/security; fi";

/** The shell script ends with 1 always, the other one only where it has said something. */
const silent: readonly Row[] = [
  {
    section: "18",
    fact: "the next run says nothing, and ends with 1 all the same",
    releases: before("5.0"),
    script: security,
    exit: 1,
  },
  {
    section: "18",
    fact: "the next run says nothing",
    releases: since("5.0"),
    script: security,
  },
];

/** What security(8) says of `change`, which `undo` takes back, and whether it is silent after that. */
function said(
  fact: string,
  change: string,
  undo: string,
  stdout: Row["stdout"],
  releases = tried as Row["releases"],
): Row {
  return {
    section: "18",
    fact,
    ...(releases === undefined ? {} : { releases }),
    script: `${change}\n${security}\n${undo}\n${security} >/dev/null; ${security}; true`,
    ...(stdout === undefined ? {} : { stdout }),
  };
}

/** A unified diff, with the times of both files. */
function diff(old: string, now: string, lines: string): string {
  const time = "\\t[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\d{4}\\n";
  return `--- ${old}${time}\\+\\+\\+ ${now}${time}${lines}`;
}

export const securityChecks: Story = {
  title: "security(8)",
  releases: tried,
  rows: [
    {
      section: "18",
      fact: "it is a shell script of /etc, and nothing has been compared yet",
      releases: before("5.0"),
      script:
        "head -1 /etc/security; ls /usr/libexec/security 2>/dev/null; ls -ld /var/backups | cut -c 1-10; ls /var/backups",
      stdout: "#!/bin/sh -\ndrwx------\n",
    },
    {
      section: "18",
      fact: "it is a program of /usr/libexec, and nothing has been compared yet",
      releases: since("5.0"),
      script:
        "test ! -f /etc/security && ls /usr/libexec/security; ls -ld /var/backups | cut -c 1-10; ls /var/backups",
      stdout: "/usr/libexec/security\ndrwx------\n",
    },
    {
      section: "18",
      fact: "the first run says each setuid file and each file of the changelist, and ends with 1",
      script: [
        `{ ${security}; } > /tmp/said; echo $?`,
        "grep -xE 'Setuid additions:|/etc/(mailer.conf|master.passwd) diffs .*' /tmp/said; grep -c '/bin/crontab$' /tmp/said",
        "cd /var/backups; ls setuid* etc_mailer.conf* master.passwd* pkglist*",
        "cmp /etc/mailer.conf etc_mailer.conf.current && cmp /etc/master.passwd master.passwd.current",
      ].join("\n"),
      stdout: [
        "1\nSetuid additions:\n/etc/mailer.conf diffs (-OLD  +NEW)\n1\n",
        "etc_mailer.conf.current\nmaster.passwd.current\npkglist.current\nsetuid.current\n",
      ].join(""),
    },
    ...silent,
    {
      section: "18",
      fact: "a package is in the list of packages, and its programs among the setuid files, once",
      script: [
        installPostfix,
        `{ ${security}; } > /tmp/said; sed -n 's|^-.* /usr/local|/usr/local|p' /tmp/said`,
        "grep -xE 'Setuid .*|Package list .*|[+]_post.*' /tmp/said; grep '^+postfix' /tmp/said | sed 's/[0-9 ].*//'",
      ].join("\n"),
      stdout: [
        "/usr/local/sbin/postdrop\n/usr/local/sbin/postlog\n/usr/local/sbin/postqueue\n",
        "Setuid additions:\n+_postfix:*:507:\n+_postdrop:*:508:\n",
        "+_postfix:*:507:507:Postfix Daemon:/var/empty:/sbin/nologin\n",
        "Package list changes (-OLD  +NEW)\n+postfix-\n",
      ].join(""),
    },
    ...silent,
    {
      section: "18",
      fact: "a setuid file that goes, and one with another mode, are said by the lines of then and now",
      script: [
        "chmod 755 /usr/local/sbin/postqueue; chmod 6755 /usr/local/sbin/postdrop",
        `{ ${security}; } | sed -E 's/ +/ /g; s/ [0-9]+ [A-Z].* / /'`,
        "chmod 2755 /usr/local/sbin/postqueue /usr/local/sbin/postdrop",
        `${security} >/dev/null; cut -d ' ' -f 1 /var/backups/setuid.backup | sort -u | grep rws..s; true`,
      ].join("\n"),
      stdout:
        /Setuid deletions:\n-rwxr-sr-x 1 root _postdrop \/usr\/local\/sbin\/postqueue\n\n?\n?Setuid changes:\n-rwxr-sr-x 1 root _postdrop \/usr\/local\/sbin\/postdrop\n-rwsr-sr-x 1 root _postdrop \/usr\/local\/sbin\/postdrop\n\n?-rwsr-sr-x\n$/,
    },
    {
      section: "18",
      fact: "a file of the changelist that comes, changes and goes is a diff each time, with the former one as the backup",
      script: [
        `echo a=1 > /etc/rc.conf.local; ${security}`,
        `echo a=2 > /etc/rc.conf.local; ${security}`,
        "cat /var/backups/etc_rc.conf.local.backup /var/backups/etc_rc.conf.local.current",
        `rm /etc/rc.conf.local; ${security}; ls /var/backups | grep rc.conf.local`,
      ].join("\n"),
      stdout: new RegExp(
        [
          "^\\n======\\n/etc/rc.conf.local diffs \\(-OLD  \\+NEW\\)\\n======\\n",
          diff("/dev/null", "/etc/rc.conf.local", "@@ -0,0 \\+1 @@\\n\\+a=1\\n\\n?"),
          "\\n======\\n/etc/rc.conf.local diffs \\(-OLD  \\+NEW\\)\\n======\\n",
          diff(
            "/var/backups/etc_rc.conf.local.current",
            "/etc/rc.conf.local",
            "@@ -1 \\+1 @@\\n-a=1\\n\\+a=2\\n\\n?a=1\\na=2\\n",
          ),
          "\\n======\\n/etc/rc.conf.local diffs \\(-OLD  \\+NEW\\)\\n======\\n",
          diff(
            "/var/backups/etc_rc.conf.local.current",
            "/dev/null",
            "@@ -1 \\+0,0 @@\\n-a=2\\n\\n?etc_rc.conf.local.backup\\n$",
          ),
        ].join(""),
      ),
    },
    ...(
      [
        ["MD5", "md5", 32, before("5.8")],
        ["SHA-256", "sha256", 64, since("5.8")],
      ] as const
    ).map(([name, ending, digits, releases]): Row => ({
      section: "18",
      fact: `of a secret file only the checksum is kept and said, by ${name}`,
      releases,
      script: [
        "echo pass > /etc/ssh/ssh_host_ecdsa_key; echo '+/etc/ssh/ssh_host_ecdsa_key' > /etc/changelist",
        `${security}; echo word > /etc/ssh/ssh_host_ecdsa_key; ${security}; rm /etc/ssh/ssh_host_ecdsa_key; ${security}`,
        "ls /var/backups | grep ecdsa",
      ].join("\n"),
      stdout: new RegExp(
        [
          `^\\n======\\n/etc/ssh/ssh_host_ecdsa_key new ${name} checksum\\n======\\nNEW: [0-9a-f]{${digits}}\\n`,
          `\\n======\\n/etc/ssh/ssh_host_ecdsa_key ${name} checksums\\n======\\nOLD: [0-9a-f]{${digits}}\\nNEW: [0-9a-f]{${digits}}\\n`,
          `\\n======\\n/etc/ssh/ssh_host_ecdsa_key removed ${name} checksum\\n======\\nOLD: [0-9a-f]{${digits}}\\n`,
          `etc_ssh_ssh_host_ecdsa_key.backup.${ending}\\n$`,
        ].join(""),
      ),
    })),
    said(
      "homes, dot files and mailboxes that others may write or read",
      "chmod 664 /root/.profile; chmod 777 /home/alice; echo x > /var/mail/bob; chmod 644 /var/mail/bob",
      "chmod 644 /root/.profile; chmod 755 /home/alice; rm /var/mail/bob",
      [
        "\nChecking home directories.\nuser alice home directory is group writable\nuser alice home directory is other writable\n",
        "\nChecking dot files.\nuser root .profile file is group writable\nuser daemon .profile file is group writable\n",
        "\nChecking mailbox ownership.\nuser bob mailbox is owned by root\nuser bob mailbox is -rw-r--r--, group wheel\n",
      ].join(""),
    ),
    said(
      "a mailbox as the mail programs make it is nothing to say",
      "for name in alice bob; do echo x > /var/mail/$name; chown $name:$name /var/mail/$name; chmod 600 /var/mail/$name; done",
      "rm /var/mail/alice /var/mail/bob",
      undefined,
    ),
    said(
      "accounts and groups that are wrong",
      [
        "cp -p /etc/master.passwd /etc/group /tmp/",
        "echo 'toor:*:0:0::0:0::/root:/sbin/nologin' >> /etc/master.passwd; echo 'open::5000:5000::0:0::/tmp:/sbin/nologin' >> /etc/master.passwd",
        "sed -i 's/^alice:[*]*:/alice:*:/' /etc/master.passwd; printf 'short:*\\n\\n' >> /etc/master.passwd",
        "echo 'two words:*:x1:' >> /etc/group",
      ].join("\n"),
      "cp -p /tmp/master.passwd /tmp/group /etc/",
      /Checking the \/etc\/master.passwd file:\nLogin alice is off but still has a valid shell and alternate access files in\n\t home directory are still readable\.\nLogin toor has a user ID of 0\.\n(?:Login toor has duplicate user ID 0\.\n)?Login open has no password\.\nLine \d+ has the wrong number of fields:\nshort:\*\n[^]*Line \d+ is a blank line\.\n(?:\n\/etc\/master.passwd has duplicate user IDs\.\nroot 0\ntoor 0\n)?\nChecking the \/etc\/group file:\nGroup two words has non-alphanumeric characters\.\nGroup two words has an invalid group ID\.\n/,
    ),
    said(
      "an alias that decodes mail",
      "echo 'decode: root' >> /etc/mail/aliases",
      "sed -i '/^decode/d' /etc/mail/aliases",
      /There is an entry for (?:uu)?decode in the \/etc\/mail\/aliases file\.\n/,
    ),
    said(
      "a umask of root's that lets others write",
      "sed -i 's/umask 022/umask 002/' /root/.profile",
      "sed -i 's/umask 002/umask 022/' /root/.profile",
      "\nChecking root sh paths, umask values:\n/etc/profile /root/.profile\nRoot umask is group writable\n",
    ),
  ],
};
