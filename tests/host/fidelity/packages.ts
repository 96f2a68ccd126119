import { anything, before, between, eventually, mirror, type Row, since, type Story } from "./row";

const everyName = (names: readonly string[]): RegExp =>
  new RegExp(
    `^Ambiguous: postfix\\S* could be ${names
      .map((name) => `(?=(?:.* )?${name.replace(/\./g, "\\.")}(?: |\\n))`)
      .join("")}`,
  );

const notFound: readonly Row[] = [
  {
    section: "1.3",
    fact: "a stem that is nowhere: Can't find on stderr, exit 0",
    script: "pkg_add -x nosuchpackage",
    stdout: anything,
    stderr: "Can't find nosuchpackage\n",
  },
  {
    section: "1.3",
    fact: "an exact name that is nowhere: both complaints on stdout, exit 1",
    script: "pkg_add -x postfix-9.9.9",
    stdout: /(?:^|\n)Can't find postfix-9\.9\.9\nCouldn't install postfix-9\.9\.9\n$/,
    exit: 1,
  },
  {
    section: "1.3",
    fact: "a repository that is not there: complaint and Can't find on stderr, exit 0 for a stem",
    script: "PKG_PATH=file:/nowhere/ pkg_add -x postfix",
    stderr: "file:/nowhere/: empty\nCan't find postfix\n",
  },
  {
    section: "1.3",
    fact: "a repository that is not there: exit 1 for an exact name",
    script: "PKG_PATH=/nowhere/ pkg_add -x postfix-1.0",
    stdout: "Can't find postfix-1.0\nCouldn't install postfix-1.0\n",
    stderr: "file:/nowhere/: empty\n",
    exit: 1,
  },
  {
    section: "1.3",
    fact: "an empty repository before a good one: a complaint on stderr, and the search goes on",
    script:
      "mkdir /tmp/empty; PKG_PATH=file:/tmp/empty/:$PKG_PATH pkg_add -x nano && ls -d /var/db/pkg/nano-*",
    stdout: /\/var\/db\/pkg\/nano-\d\S*\n$/,
    stderr: "file:/tmp/empty/: empty\n",
  },
  {
    section: "1.4",
    fact: "the port in a URL does not end an element of PKG_PATH, nor does the user's password",
    script:
      "PKG_PATH=http://127.0.0.1:1/x/:ftp://me:word@127.0.0.1:1/y/:$PKG_PATH pkg_add -x nosuchpackage",
    stdout: anything,
    stderr:
      /^http:\/\/127\.0\.0\.1:1\/x\/: ftp: connect: Connection refused\nhttp:\/\/127\.0\.0\.1:1\/x\/: empty\nftp:\/\/me:word@127\.0\.0\.1:1\/y\/: ftp: [^\n]*\nftp:\/\/me:word@127\.0\.0\.1:1\/y\/: empty\nCan't find nosuchpackage\n$/,
  },
  {
    section: "1.3",
    fact: "a bad option: usage on stderr, exit 1",
    script: "pkg_add -W postfix",
    stderr: /usage: pkg_add /,
    exit: 1,
  },
  {
    section: "1.2",
    fact: "only root may install",
    script: "su alice -c 'pkg_add nano'",
    stderr: "pkg_add must be run as root\n",
    exit: 1,
  },
  {
    section: "1.5",
    fact: "pkg_info of a package that is nowhere: Can't find, exit 1",
    script: "pkg_info nosuchpackage",
    stderr: "Can't find nosuchpackage\n",
    exit: 1,
  },
  {
    section: "1.5",
    fact: "pkg_info -e is silent with exit 1 when nothing matches",
    script: "pkg_info -e 'postfix-*'",
    exit: 1,
  },
  {
    section: "1.5",
    fact: "deleting what is not installed: exit 1",
    script: "pkg_delete postfix",
    stderr:
      /^(?:Can't find postfix\nProblem finding postfix|Can't find postfix in installed packages)\n$/,
    exit: 1,
  },
];

const locked: Row = {
  section: "1.5",
  fact: "a locked database: pkg_add says so on stderr, waits, and goes on when it is free",
  script: [
    'perl -MFcntl=:flock -e \'open F, "<", "/var/db/pkg"; flock F, LOCK_EX; print "held\\n"; $|=1; sleep 2\' &',
    "sleep 0.5",
    "pkg_add -x nosuchpackage 2>&1 >/dev/null",
    "wait",
  ].join("\n"),
  stdout:
    "held\nPackage database already locked... awaiting release... done!\nCan't find nosuchpackage\n",
};

const afterInstall: readonly Row[] = [
  {
    section: "1.5",
    fact: "pkg_info -e prints inst: and the name; with -q nothing; by the path of a port the name alone",
    script:
      "pkg_info -e 'postfix-*' | sed 's/[0-9].*//'; pkg_info -q -e 'postfix-*'; pkg_info -e mail/postfix/stable | sed 's/[0-9].*//'",
    stdout: "inst:postfix-\npostfix-\n",
  },
  {
    section: "1.5",
    fact: "the packing list names the pkgpath and that somebody asked for the package",
    script:
      "cd /var/db/pkg/postfix-*/ && ls && grep -cE '^@(name postfix-|option manual-installation|comment pkgpath=mail/postfix/stable|url file:)' +CONTENTS",
    stdout: "+CONTENTS\n+DESC\n+DISPLAY\n+REQUIRING\n4\n",
  },
  {
    section: "2.1",
    fact: "users and groups have the port's ids",
    script:
      "id _postfix; getent group _postdrop | cut -d: -f3; getent passwd _postfix | cut -d: -f6,7",
    stdout: /^uid=507\(_postfix\) gid=507\(_postfix\)[^\n]*\n508\n\/var\/empty:\/sbin\/nologin\n$/,
  },
  {
    section: "2.2",
    fact: "mailer.conf.postfix has four rows, tabs, two of them after mailq",
    script: "cat /etc/mailer.conf.postfix; stat -f '%Su:%Sg %Lp' /etc/mailer.conf.postfix",
    stdout:
      "sendmail\t/usr/local/sbin/sendmail\nsend-mail\t/usr/local/sbin/sendmail\n" +
      "mailq\t\t/usr/local/sbin/sendmail\nnewaliases\t/usr/local/sbin/sendmail\nroot:wheel 644\n",
  },
  {
    section: "2.2",
    fact: "spool, chroot folders and data folder have the port's owners and modes",
    script:
      "stat -f '%Su:%Sg %Lp %N' /var/spool/postfix /var/spool/postfix/etc /var/spool/postfix/dev /var/postfix",
    stdout:
      "root:wheel 755 /var/spool/postfix\nroot:wheel 755 /var/spool/postfix/etc\n" +
      "root:wheel 755 /var/spool/postfix/dev\n_postfix:wheel 700 /var/postfix\n",
  },
  {
    section: "2.3",
    fact: "main.cf has the port's paths and none of the guide's six parameters",
    script: [
      "cd /etc/postfix",
      "grep -cE '^(queue_directory = /var/spool/postfix|command_directory = /usr/local/sbin|daemon_directory = /usr/local/libexec/postfix|data_directory = /var/postfix|mail_owner = _postfix|setgid_group = _postdrop|inet_protocols = all)$' main.cf",
      "grep -E '^(myhostname|mydomain|myorigin|alias_maps|alias_database|smtpd_banner|parent_domain_matches_subdomains)' main.cf",
      "grep -c '^#myhostname' main.cf",
      "grep -A1 '^debugger_command' main.cf | tail -1 | grep -c '^[[:space:]]'",
    ].join("\n"),
    stdout: "7\n2\n1\n",
  },
  {
    section: "2.3",
    fact: "the aliases that Postfix reads unless told otherwise are those in /etc/mail",
    script: "postconf -dh alias_maps alias_database",
    stdout: "hash:/etc/mail/aliases\nhash:/etc/mail/aliases\n",
  },
  {
    section: "2.2",
    fact: "the installed tree passes postfix check without a warning",
    script: ": > /var/log/maillog; postfix check; sleep 0.3; grep warning /var/log/maillog; true",
  },
  {
    section: "2.1",
    fact: "the set-gid programs belong to _postdrop",
    script: "stat -f '%Sp %Su:%Sg' /usr/local/sbin/postdrop /usr/local/sbin/postqueue",
    stdout: /^(?:-rwxr-sr-x ?root:_postdrop\n|-rwxr-sr-x  ?root:_postdrop\n){2}$/,
  },
  {
    section: "1.3",
    fact: "the same package again: nothing happens, exit 0",
    script: "pkg_add -x $(ls /var/db/pkg | grep ^postfix)",
    stdout: /^(?:quirks-\S+ signed on \S+\n)?$/,
  },
  {
    section: "1.3",
    fact: "another flavor is a conflict without -r, exit 1; what it depends on is installed all the same",
    script:
      "pkg_add -x $(ls /var/db/pkg | grep ^postfix)-mysql; status=$?; ls -d /var/db/pkg/m*-client-*; exit $status",
    stdout:
      /--- (postfix-\S+-mysql) -------------------\nCan't install \1: conflicts\nCouldn't install \1\n\/var\/db\/pkg\/m[a-z]*-client-[\d.]+\n$/,
    stderr: /^Can't install postfix-\S+-mysql because of conflicts \(postfix-[^-]+\)\n$/,
    exit: 1,
  },
  {
    section: "2.2",
    fact: "a replacement keeps configuration, and does not make chroot files or mailer.conf.postfix again",
    script: [
      "rm /etc/mailer.conf.postfix; echo stale > /var/spool/postfix/etc/services",
      "echo '# mine' >> /etc/postfix/main.cf; rm -rf /etc/postfix/*.proto /etc/postfix/postfix-files.d",
      "pkg_add -x -r $(ls /var/db/pkg | grep ^postfix)-mysql >/dev/null",
      "ls -d /var/db/pkg/postfix* | sed 's/-[0-9].*[0-9]/-V/'",
      "ls /etc/mailer.conf.postfix; cat /var/spool/postfix/etc/services; tail -1 /etc/postfix/main.cf",
    ].join("\n"),
    stdout: "/var/db/pkg/postfix-V-mysql\nstale\n# mine\n",
    stderr: /mailer\.conf\.postfix/,
  },
  {
    section: "2.2",
    fact: "from 3.0 on it brings the files that show every parameter, and a folder for additions",
    releases: since("5.8"),
    script: "cd /etc/postfix; ls -d *.proto postfix-files.d",
    stdout: "main.cf.proto\nmaster.cf.proto\npostfix-files.d\n",
  },
  {
    section: "2.2",
    fact: "before 3.0 it does not",
    releases: before("5.8"),
    script: "ls /etc/postfix | grep -E 'proto|files.d'",
    exit: 1,
  },
  {
    section: "1.5",
    fact: "deleting leaves what came later, users and groups, and says what could be removed",
    script: [
      "pkg_delete $(ls /var/db/pkg | grep ^postfix)",
      "ls -d /etc/postfix /var/postfix /var/spool/postfix; id -u _postfix",
      "ls /usr/local/sbin /usr/local/libexec",
    ].join("\n"),
    stdout:
      /userdel _postfix\n(?:.*\n)*\/etc\/postfix\n\/var\/postfix\n\/var\/spool\/postfix\n507\n\/usr\/local\/libexec:\n\n\/usr\/local\/sbin:\n$/,
    stderr: anything,
  },
];

/** An installation of Postfix that is ended by a signal while it unpacks. */
const interrupt = (signal: string): string =>
  [
    "sed -i 's/^pkg_add_seconds=.*/pkg_add_seconds=5/' /usr/libdata/testhost/release.conf",
    "pkg_add -Ix postfix--%stable >/dev/null 2>&1 & pid=$!",
    "until ls /usr/local/sbin | grep -q ^post; do sleep 0.1; done",
    `kill -${signal} $pid; wait $pid; echo $?`,
    "sed -i 's/^pkg_add_seconds=.*/pkg_add_seconds=0/' /usr/libdata/testhost/release.conf",
  ].join("\n");

export const modernPackages: Story = {
  title: "packages, by /etc/installurl",
  releases: ["7.8"],
  rows: [
    ...notFound.map((row) => ({
      ...row,
      script: `[ "$(uname -r)" = 7.8 ] && : \${PKG_PATH:=${mirror("7.8")}}\n${row.script}`,
    })),
    locked,
    {
      section: "1.1",
      fact: "a stem with several packages: Ambiguous on stderr, exit 0, nothing installed",
      script: "pkg_add -Ix postfix; ls -d /var/db/pkg/postfix*; true",
      stdout: /^quirks-\S+ signed on \S+\n$/,
      stderr: new RegExp(
        everyName(["postfix-3.10.4", "postfix-3.10.4-sasl2-mysql", "postfix-3.5.25p2"]).source +
          "[^\\n]*\\nls: ",
      ),
    },
    {
      section: "1.1",
      fact: "postfix-- is ambiguous while there are two branches",
      script: "pkg_add -Ix postfix--",
      stdout: anything,
      stderr: /^Ambiguous: postfix-- could be (?=.*postfix-3\.10\.)(?=.*postfix-3\.5\.)\S+ \S+\n$/,
    },
    {
      section: "1.1",
      fact: "postfix%stable is ambiguous as to flavors",
      script: "pkg_add -Ix postfix%stable",
      stdout: anything,
      stderr: /^Ambiguous: postfix%stable could be (?!.*3\.5)/,
    },
    {
      section: "1.3",
      fact: "an ambiguous name on a terminal is a question",
      script: "echo 0 | script -qec 'pkg_add postfix--' /dev/null; true",
      stdout:
        /Ambiguous: choose package for postfix--[\s\S]*0: <None>(?=[\s\S]*\d: postfix-3\.10\.)[\s\S]*\d: postfix-3\.5\./,
      stderr: anything,
    },
    {
      section: "1.2",
      fact: "-n changes nothing and needs no root",
      script:
        "su alice -c 'pkg_add -n -I postfix--%stable'; ls -d /var/db/pkg/postfix* 2>/dev/null; true",
      stdout: anything,
      stderr: "pkg_add should be run as root\n",
    },
    {
      section: "1.1",
      fact: "pkg_info -Q lists names of the mirror, others with the word in them too",
      script: "pkg_info -Q postfix | grep -cE '^postfix(admin)?-[0-9][^ ]*$'",
      stdout: "14\n",
    },
    {
      section: "1.3",
      fact: "without -m and a terminal, success shows no ok; messages and rcscripts show",
      script: "pkg_add -Ix postfix--%stable",
      stdout:
        /^quirks-\S+ signed on \S+\n-> Creating \/etc\/mailer\.conf\.postfix\n(?![\s\S]*: ok)[\s\S]*\nThe following new rcscripts were installed: \/etc\/rc\.d\/postfix\nSee rcctl\(8\) for details\.\n--- \+postfix-3\.10\.4 -------------------\n/,
    },
    {
      section: "2.2",
      fact: "four files are copied into the chroot",
      script: "ls /var/spool/postfix/etc; cmp /etc/services /var/spool/postfix/etc/services",
      stdout: "hosts\nlocaltime\nresolv.conf\nservices\n",
    },
    {
      section: "2.3",
      fact: "master.cf chroots with an explicit y, all but proxymap, proxywrite, local, virtual, postlog",
      script: `awk '$1 !~ /^#/ && NF >= 8 { print $5 }' /etc/postfix/master.cf | sort | uniq -c | tr -s ' '; awk '$1 !~ /^#/ && $5 == "n" { print $1 }' /etc/postfix/master.cf | sort | tr '\\n' ' '`,
      stdout: /^ 5 n\n \d+ y\nlocal postlog proxymap proxywrite virtual $/,
    },
    {
      section: "1.5",
      fact: "pkg_info -mz gives the form that pkg_add takes, with a branch where the package says so",
      script: [
        "pkg_info -mz | grep postfix",
        "sed -i 's/^@name .*/&\\n@option is-branch/' /var/db/pkg/postfix-*/+CONTENTS; pkg_info -mz | grep postfix",
        "sed -i '/is-branch/d' /var/db/pkg/postfix-*/+CONTENTS",
      ].join("\n"),
      stdout: "postfix--\npostfix--%stable\n",
    },
    {
      section: "1.5",
      fact: "pkg_info -I pads names to twenty columns",
      script: "pkg_info | grep ^postfix",
      stdout: /^postfix-3\.10\.4 {7}\S/,
    },
    {
      section: "1.1",
      fact: "pkg_info -Q is content with the first repository that has any match, -aQ asks all",
      script: [
        "stable=/mirror/pub/OpenBSD/7.8/packages-stable/amd64",
        "cp /mirror/pub/OpenBSD/7.8/packages/amd64/postfixadmin-*.tgz $stable/postfixadmin-3.3.14.tgz",
        "pkg_info -Q postfix; pkg_info -aQ postfix | wc -l; rm $stable/postfixadmin-*",
      ].join("\n"),
      stdout: /^postfixadmin-3\.3\.14\n *15\n$/,
    },
    {
      section: "1.1",
      fact: "pkg_info -Q marks what is installed",
      script: "pkg_info -Q postfix | grep ' (installed)$'",
      stdout: "postfix-3.10.4 (installed)\n",
    },
    {
      section: "1.3",
      fact: "another branch is a conflict without -r",
      script: "pkg_add -Ix postfix--%stable35",
      stdout: /Couldn't install postfix-3\.5\.25p2\n$/,
      stderr: "Can't install postfix-3.5.25p2 because of conflicts (postfix-3.10.4)\n",
      exit: 1,
    },
    ...afterInstall,
    {
      section: "1.2",
      fact: "with -m success shows ok",
      script: "pkg_add -Im postfix--sasl2-ldap%stable; pkg_info -q | grep -E 'postfix|sasl|ldap'",
      stdout:
        /\rpostfix-\S+ \(extracting\) *\|\*+ *\| *\d+%[\s\S]*\rpostfix-[^:\s]+: ok\n[\s\S]*cyrus-sasl-\S+\nopenldap-client-\S+\npostfix-3\.10\.4-sasl2-ldap\n$/,
    },
    {
      section: "1.5",
      fact: "-c removes users and groups, and no folder that is not empty; the base mailer.conf is back",
      script: [
        "postfix-enable >/dev/null; mkdir -p /var/postfix/x; pkg_delete -c postfix >/dev/null",
        "rm -r /etc/postfix /var/postfix /var/spool/postfix; ls /etc/mailer.conf.* 2>/dev/null",
        "grep -cE '^_post(fix|drop):' /etc/passwd /etc/group; grep -c smtpctl /etc/mailer.conf",
      ].join("\n"),
      stdout: "/etc/passwd:0\n/etc/group:0\n5\n",
      stderr:
        /^Error deleting directory \/etc\/postfix: Directory not empty\nError deleting directory \/var\/postfix: Directory not empty\nError deleting directory \/var\/spool\/postfix: Directory not empty\n$/,
    },
    {
      section: "1.2",
      fact: "-m with a TERM that says nothing: no meter, and no ok",
      script: "pkg_delete nano-8.6; TERM= pkg_add -Im nano; pkg_delete nano",
      stdout: /^quirks-\S+ signed on \S+\n$/,
      stderr: "No progress meter: TERM not set\n",
    },
    {
      section: "1.2",
      fact: "-v prints whole lines in the place of frames",
      script: "pkg_add -Iv nano; pkg_delete nano",
      stdout:
        /^quirks-\S+ signed on \S+\nAdding nano-8\.7\nnano-8\.7 \(extracting\)\nnano-8\.7 \(installing\)\n$/,
    },
    {
      section: "1.3",
      fact: "quirks comes with the first package, counts as asked for, and stays when that goes",
      script: [
        "pkg_delete quirks; pkg_add -Ix nano >/dev/null; pkg_delete nano",
        "ls /var/db/pkg | grep -E 'nano|quirks'; grep '^@option' /var/db/pkg/quirks-*/+CONTENTS",
      ].join("\n"),
      stdout: "quirks-7.147\n@option manual-installation\n@option always-update\n",
    },
    {
      section: "1.3",
      fact: "signed with another key: signify says so on stderr, time and again, and the package is not found",
      script: [
        "mkdir /tmp/other; cd /tmp/other; printf '@name forged-1.0\\n@comment pkgpath=x/forged\\n@comment testhost: another key\\n' > +CONTENTS",
        "tar -czf forged-1.0.tgz +CONTENTS; PKG_PATH=/tmp/other/ pkg_add -Ix forged-1.0",
      ].join("\n"),
      stdout: "Can't find forged-1.0\nCouldn't install forged-1.0\n",
      stderr: /^(?:signify: verification failed: checked against wrong key\n){6}$/,
      exit: 1,
    },
    {
      section: "1.3",
      fact: "ended by a signal: a partial- record stays; the next run takes it for an older version, and makes no spool",
      script: [
        interrupt("TERM"),
        "ls /var/db/pkg | grep postfix; pkg_add -Ix postfix--%stable >/dev/null; ls /var/db/pkg | grep postfix",
        "ls -d /etc/postfix /var/spool/postfix /var/postfix /etc/mailer.conf.postfix 2>/dev/null",
        "pkg_delete -c postfix >/dev/null 2>&1; rm -rf /etc/postfix",
      ].join("\n"),
      stdout: "1\npartial-postfix-3.10.4\npostfix-3.10.4\n/etc/postfix\n",
      stderr: anything,
    },
    {
      section: "1.7",
      fact: "pkg_check of a partial- package misses what it depends on, says that this is no problem, and finds its files whole",
      script: [
        interrupt("TERM"),
        "pkg_check -n; grep -c '^libexec/postfix/' /var/db/pkg/partial-postfix-3.10.4/+CONTENTS | sed 's/^[1-9].*/some/'",
        "pkg_delete partial-postfix-3.10.4 >/dev/null 2>&1; find /usr/local -name '*postfix*'",
      ].join("\n"),
      stdout: "1\nsome\n",
      stderr:
        "partial-postfix-3.10.4 is missing dependencies: pcre2-10.46\nnot a problem, since this is a partial- package\n",
    },
    {
      section: "1.7",
      fact: "what a pkg_add has left that was killed belongs to no package, which pkg_check says only with -F",
      script: [
        interrupt("KILL"),
        "pkg_check -n; pkg_check -nF | grep -cE '^Unknown files:$|^\t/usr/local/sbin/mailq$'",
        "pkg_add -I -D repair postfix--%stable >/dev/null 2>&1; pkg_check -nF; pkg_delete -c postfix >/dev/null 2>&1",
        "rm -rf /etc/postfix /var/postfix /var/spool/postfix",
      ].join("\n"),
      stdout: "137\n2\n",
      stderr: anything,
    },
    {
      section: "1.3",
      fact: "after pkg_delete of the partial- package it is a new installation",
      script: [
        interrupt("TERM"),
        "pkg_delete partial-postfix-3.10.4 >/dev/null 2>&1; ls /var/db/pkg | grep postfix; ls /usr/local/sbin",
        "pkg_add -Ix postfix--%stable >/dev/null; ls -d /var/spool/postfix /var/db/pkg/postfix-*",
        "pkg_delete -c postfix >/dev/null 2>&1; rm -rf /etc/postfix /var/postfix /var/spool/postfix",
      ].join("\n"),
      stdout: "1\n/var/db/pkg/postfix-3.10.4\n/var/spool/postfix\n",
      stderr: anything,
    },
    {
      section: "1.3",
      fact: "killed hard: nothing is registered, files stay, and the next run ends with a collision",
      script: [
        interrupt("KILL"),
        "ls /var/db/pkg | grep postfix; ls /usr/local/sbin | head -1; pkg_add -Ix postfix--%stable",
      ].join("\n"),
      stdout: /^137\nmailq\nquirks-\S+ signed on \S+\nCouldn't install postfix-3\.10\.4\n$/,
      stderr:
        /Collision in postfix-3\.10\.4: the following files already exist\n(?:\t\/(?:usr\/local|etc\/rc\.d)\/\S+ from postfix-3\.10\.4 \((?:same|different) checksum\)\n)+$/,
      exit: 1,
    },
    {
      section: "1.3",
      fact: "-D repair installs over what was left, with the hook of a new installation",
      script: [
        "pkg_add -I -D repair postfix--%stable >/dev/null && ls -d /var/db/pkg/postfix-* /var/spool/postfix",
        "pkg_delete -c postfix >/dev/null 2>&1; rm -rf /etc/postfix /var/postfix /var/spool/postfix; ls /usr/local/sbin",
      ].join("\n"),
      stdout: "/var/db/pkg/postfix-3.10.4\n/var/spool/postfix\n",
      stderr: /^Collision in postfix-3\.10\.4: the following files already exist\n/,
    },
    {
      section: "1.3",
      fact: "-D repair does not install over the files of another package",
      script: [
        "pkg_add -Ix nano >/dev/null; echo sbin/postfix >> /var/db/pkg/nano-8.7/+CONTENTS; echo mine > /usr/local/sbin/postfix",
        "pkg_add -I -D repair postfix--%stable; status=$?; pkg_delete nano; exit $status",
      ].join("\n"),
      stdout: /Couldn't install postfix-3\.10\.4\n$/,
      stderr: /\t\/usr\/local\/sbin\/postfix \(nano-8\.7\)\n$/,
      exit: 1,
    },
    {
      section: "1.5",
      fact: "a hook of pkg_delete that fails is said, and the package goes all the same, exit 0",
      script:
        "pkg_add -Ix postfix--%stable >/dev/null; pkg_delete postfix >/dev/null; ls /var/db/pkg | grep ^postfix; true",
      stderr: "system(/bin/sh, -c, /usr/local/sbin/postfix-disable) failed:  exit(1)\n",
    },
    {
      section: "1.5",
      fact: "deleting leaves the daemon running on this release",
      script: [
        "pkg_add -Ix postfix--%stable >/dev/null",
        "rcctl stop smtpd >/dev/null; postfix start; pkg_delete postfix >/dev/null 2>&1",
        "pgrep -x master >/dev/null; echo $?; pkill -x master",
        eventually("! pgrep -x master"),
      ].join("\n"),
      stdout: "0\n",
    },
  ],
};

export const oldPackages: Story = {
  title: "packages, by PKG_PATH",
  releases: ["4.7"],
  rows: [
    {
      section: "1.4",
      fact: "without PKG_PATH a stem is looked for in the working folder only",
      script: "cd /; pkg_add -x postfix",
      stderr: "Can't find postfix\n",
    },
    {
      section: "1.2",
      fact: "-m is not known yet",
      script: "pkg_add -m postfix",
      stderr: /usage: pkg_add /,
      exit: 1,
    },
    {
      section: "1.1",
      fact: "whether there is pkg_info -Q is unconfirmed: not there as the host comes",
      script: `PKG_PATH=${mirror("4.7")} pkg_info -Q postfix`,
      stderr: /usage: pkg_info /,
      exit: 1,
    },
    {
      section: "1.1",
      fact: "whether there is pkg_info -Q is unconfirmed: there when the host is told so",
      script: [
        "sed -i 's/^pkg_info_options=/&Q:/' /usr/libdata/testhost/release.conf",
        `PKG_PATH=${mirror("4.7")} pkg_info -Q postfix | head -2`,
      ].join("\n"),
      stdout: "postfix-2.6.5\npostfix-2.6.5-ldap\n",
    },
    {
      section: "1.1",
      fact: "ftp lists the mirror, the way to enumerate that needs no pkg_info -Q",
      script: `PKG_PATH=${mirror("4.7")}; ftp -o - "$PKG_PATH" | grep -o 'postfix-[0-9][^"<>]*\\.tgz' | wc -l`,
      stdout: /^ *10\n$/,
    },
    ...notFound.map((row) => ({
      ...row,
      script: `export PKG_PATH=${mirror("4.7")}\n${row.script}`,
    })),
    { ...locked, script: `export PKG_PATH=${mirror("4.7")}\n${locked.script}` },
    {
      section: "1.1",
      fact: "a stem with several packages: Ambiguous on stderr, exit 0",
      script: `PKG_PATH=${mirror("4.7")} pkg_add -x postfix`,
      stderr: everyName(["postfix-2.6.5", "postfix-2.6.5-sasl2", "postfix-2.7.20091209-mysql"]),
    },
    {
      section: "1.1",
      fact: "postfix-- is ambiguous between stable and snapshot",
      script: `PKG_PATH=${mirror("4.7")} pkg_add -x postfix--`,
      stderr: everyName(["postfix-2.6.5", "postfix-2.7.20091209"]),
    },
    {
      section: "1.1",
      fact: "a branch after % is not understood",
      script: `PKG_PATH=${mirror("4.7")} pkg_add -x postfix--%stable`,
      stderr: "Can't find postfix--%stable\n",
    },
    {
      section: "1.2",
      fact: "-I means that no scripts are run",
      script: [
        `PKG_PATH=${mirror("4.7")} pkg_add -I -x postfix-2.6.5 >/dev/null`,
        "ls -d /var/db/pkg/postfix-2.6.5 /etc/postfix; pkg_delete postfix-2.6.5 >/dev/null 2>&1",
      ].join("\n"),
      stdout: "/var/db/pkg/postfix-2.6.5\n",
      stderr: /\/etc\/postfix/,
    },
    {
      section: "1.3",
      fact: "success without a terminal shows the messages and no ok",
      script: `PKG_PATH=${mirror("4.7")} pkg_add -x postfix-2.6.5.tgz`,
      stdout: /^--- \+postfix-2\.6\.5 -------------------\n-> Creating (?![\s\S]*: ok)/,
    },
    {
      section: "2.2",
      fact: "three files are copied into the chroot",
      script: "ls /var/spool/postfix/etc",
      stdout: "localtime\nresolv.conf\nservices\n",
    },
    {
      section: "2.3",
      fact: "master.cf leaves the chroot column to the default; pipe-like services have n",
      script: `awk '$1 !~ /^#/ && NF >= 8 { print $5 }' /etc/postfix/master.cf | sort | uniq -c | tr -s ' '; awk '$1 !~ /^#/ && $5 == "n" { print $1 }' /etc/postfix/master.cf | sort | tr '\\n' ' '`,
      stdout: /^ \d+ -\n 4 n\nlocal proxymap proxywrite virtual $/,
    },
    {
      section: "2.3",
      fact: "main.cf has no compatibility level",
      script: "grep -i ^compat /etc/postfix/main.cf",
      exit: 1,
    },
    {
      section: "2.5",
      fact: "the package brings no rc script",
      script: "test ! -e /etc/rc.d/postfix",
    },
    ...afterInstall.map((row) => ({
      ...row,
      script: `export PKG_PATH=${mirror("4.7")}\n${row.script}`,
    })),
    {
      section: "1.5",
      fact: "deleting stops the daemon on this release",
      script: [
        `export PKG_PATH=${mirror("4.7")}; pkg_add -x postfix-2.6.5 >/dev/null; pkill -x sendmail`,
        eventually("! pgrep -x sendmail"),
        "postfix start; pgrep -x master >/dev/null; echo $?",
        "pkg_delete postfix >/dev/null 2>&1; pgrep -x master",
      ].join("\n"),
      stdout: "0\n",
      exit: 1,
    },
  ],
};

/** PKG_PATH, and the first package of the plain stable Postfix, for scripts on any release before 6.1. */
const byPath = [
  "packages=/mirror/pub/OpenBSD/$(uname -r)/packages/$(arch -s)",
  "export PKG_PATH=file:$packages/",
  `stable=$(ls $packages | sed -n 's/^\\(postfix-[0-9][0-9.p]*\\)\\.tgz$/\\1/p' | grep -v '\\.[0-9]\\{8\\}$')`,
].join("\n");

const onPath = (row: Row): Row => ({ ...row, script: `${byPath}\n${row.script}` });

export const middlePackages: Story = {
  title: "packages, between",
  releases: between("4.9", "6.1"),
  rows: [
    ...(
      [
        ["4.9", "postfix-2.7.4", "ldap mysql pgsql sasl2"],
        ["5.0", "postfix-2.8.4p1", "ldap mysql pgsql sasl2 sqlite"],
        ["5.5", "postfix-2.11.0", "ldap mysql pgsql sasl2"],
        ["5.6", "postfix-2.11.1p0", "ldap mysql pgsql sasl2"],
        ["5.7", "postfix-2.11.4", "ldap mysql pgsql sasl2 sasl2-ldap sasl2-mysql sasl2-pgsql"],
      ] as const
    ).map(([release, name, flavors]) => ({
      ...onPath({
        section: "1.1",
        fact: `the stable package is ${name}, ready-made with ${flavors.split(" ").join(", ")}`,
        script: `echo $stable; ls $packages | sed -n "s/^$stable-\\(.*\\)\\.tgz$/\\1/p" | LC_ALL=C sort | tr '\\n' ' '`,
        stdout: `${name}\n${flavors.split(" ").sort().join(" ")} `,
      }),
      releases: [release],
    })),
    ...[
      {
        section: "1.1",
        fact: "postfix-- is ambiguous between stable and snapshot, and a branch is not understood",
        script: "pkg_add -x postfix--; pkg_add -x postfix--%stable",
        stdout: anything,
        stderr: /^Ambiguous: postfix-- could be [^\n]*\nCan't find postfix--%stable\n$/,
      },
      {
        section: "1.2",
        fact: "-m is known",
        script: "pkg_add -m -n nosuchpackage",
        stdout: anything,
        stderr: "Can't find nosuchpackage\n",
      },
      {
        section: "1.2",
        fact: "-I means that no scripts are run",
        releases: between("4.9", "5.3"),
        script:
          "pkg_add -I -x $stable >/dev/null; test ! -e /etc/postfix; pkg_delete $stable >/dev/null 2>&1; ls -d /etc/postfix /var/db/pkg/postfix*",
        stderr: anything,
        exit: 2,
      },
      {
        section: "1.2",
        fact: "-I means that nothing is asked, and scripts are run",
        releases: between("5.3", "6.1"),
        script:
          "pkg_add -I -x $stable >/dev/null; ls -d /etc/postfix; pkg_delete -c $stable >/dev/null 2>&1",
        stdout: "/etc/postfix\n",
      },
      {
        section: "1.1",
        fact: "pkg_info -Q lists the mirror's names",
        releases: between("5.0", "6.1"),
        script: 'pkg_info -Q postfix | grep -x "$stable-mysql" | wc -l',
        stdout: /^ *1\n$/,
      },
      {
        section: "1.3",
        fact: "on stdout the hook comes first, then what rc scripts are new, then the message",
        releases: between("5.0", "6.1"),
        script: "pkg_add -x $stable",
        stdout:
          /^(?:quirks-\S+ signed on \S+\n)?-> Creating [\s\S]*\nThe following new rcscripts were installed: \/etc\/rc\.d\/postfix\n[\s\S]*--- \+postfix-/,
      },
      {
        section: "1.3",
        fact: "from 5.7 on the line about rc scripts names rcctl(8)",
        releases: ["5.7"],
        script: "pkg_delete -c $stable >/dev/null 2>&1; pkg_add -x $stable | grep '^See '",
        stdout: "See rcctl(8) for details.\n",
      } satisfies Row,
      {
        section: "1.3",
        fact: "an exact name that is nowhere, in 5.7: a heading, and not found",
        releases: ["5.7"],
        script: "pkg_add -x postfix-9.9.9 | tail -3",
        stdout:
          "Can't find postfix-9.9.9\n--- postfix-9.9.9 -------------------\nCan't install postfix-9.9.9: not found\n",
      } satisfies Row,
      {
        section: "1.4",
        fact: "a value in pkg.conf is one repository, with blanks and a # in it; += adds another",
        releases: ["5.7"],
        script: [
          "unset PKG_PATH; cd /",
          'echo "installpath = $packages/ # ours" > /etc/pkg.conf; pkg_add -x nosuchpackage',
          'echo "  # installpath = /a/" > /etc/pkg.conf; echo "InstallPath = /b/:/c/" >> /etc/pkg.conf; echo "installpath += $packages" >> /etc/pkg.conf',
          'pkg_info -Q postfix | grep -cx "$stable (installed)"; rm /etc/pkg.conf',
        ].join("\n"),
        stdout: /^(?:quirks-\S+ signed on \S+\n)?1\n$/,
        stderr:
          /^file:\/mirror\/\S+ # ours\/: empty\nCan't find nosuchpackage\nfile:\/b\/:\/c\/: empty\n$/,
      } satisfies Row,
      {
        section: "1.3",
        fact: "a signed repository says so first",
        releases: between("5.6", "6.1"),
        script: "pkg_add -x $stable",
        stdout: /^quirks-\S+ signed on \S+\n$/,
      },
      {
        section: "2.5",
        fact: "the package brings no rc script yet, and stops the daemon when it goes",
        releases: ["4.9"],
        script:
          "pkg_add -x $stable >/dev/null; ls /etc/rc.d; grep -c 'unexec.*postfix stop' /var/db/pkg/$stable/+CONTENTS",
        stdout: "rc.subr\n1\n",
      } satisfies Row,
      {
        section: "10",
        fact: "three files are copied into the chroot",
        releases: ["4.9"],
        script: "ls /var/spool/postfix/etc",
        stdout: "localtime\nresolv.conf\nservices\n",
      } satisfies Row,
      {
        section: "10",
        fact: "four files are copied into the chroot",
        releases: between("5.0", "6.1"),
        script: "ls /var/spool/postfix/etc",
        stdout: "hosts\nlocaltime\nresolv.conf\nservices\n",
      },
      {
        section: "2.4",
        fact: "postfix-enable reminds of sendmail_flags, syslogd_flags and the crontab",
        releases: between("4.9", "5.6"),
        script:
          "grep -cE 'sendmail_flags=|syslogd_flags|clientmqueue' /usr/local/sbin/postfix-enable",
        stdout: "3\n",
      },
      {
        section: "2.4",
        fact: "postfix-enable reminds of smtpd_flags, pkg_scripts and syslogd_flags",
        releases: between("5.6", "5.8"),
        script: "grep -cE 'smtpd_flags=NO|syslogd_flags' /usr/local/sbin/postfix-enable",
        stdout: "2\n",
      },
    ].map(onPath),
  ],
};

/** Facts about packages that are unconfirmed: the other answer. */
export const replyPackages: readonly Story[] = [
  {
    title: "packages, pkg_info before 6.7",
    releases: ["7.8"],
    facts: { pkg_query_all: "no" },
    rows: [
      {
        section: "1.1",
        fact: "-a with -Q is accepted and ignored",
        script: [
          "cp /mirror/pub/OpenBSD/7.8/packages/amd64/postfixadmin-*.tgz /mirror/pub/OpenBSD/7.8/packages-stable/amd64/postfixadmin-3.3.14.tgz",
          "pkg_info -aQ postfix",
        ].join("\n"),
        stdout: "postfixadmin-3.3.14\n",
      },
    ],
  },
  {
    title: "packages, -I as non-interactive before 5.3",
    releases: ["5.2"],
    facts: { pkg_I: "noninteractive" },
    rows: [
      onPath({
        section: "1.2",
        fact: "-I runs scripts",
        script: "pkg_add -I -x $stable >/dev/null; ls -d /etc/postfix",
        stdout: "/etc/postfix\n",
      }),
    ],
  },
  {
    title: "packages, pkg_info without -Q",
    releases: ["5.0"],
    facts: { pkg_info_options: "AaCcdfIKLMmPqRSstUvE:e:l:" },
    rows: [
      onPath({
        section: "1.1",
        fact: "usage on stderr, exit 1",
        script: "pkg_info -Q postfix",
        stderr: /usage: pkg_info /,
        exit: 1,
      }),
    ],
  },
];
