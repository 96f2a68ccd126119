/**
 * Everything that the suite itself runs on a host, all of it in this file. The scripts are for the base system's sh(1), on
 * OpenBSD 4.7 as on 7.8, and use programs of the base system only; what a script is given are its arguments, never parts of
 * its text. What the package under test runs there is its own affair, and what is tested.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A script for the host, as root. */
export interface HostCommand {
  /** What it does, for messages: "listing the files". */
  readonly what: string;
  /** The text, for sh(1). It reads nothing from its standard input. */
  readonly script: string;
}

/** The programs that the scripts start: of the base system, in the same place from 4.7 on. */
export const BASE_PROGRAMS: readonly string[] = [
  ...inFolder("/bin", "cat chgrp chmod cp echo hostname ls mkdir rm sh sleep tar test"),
  ...inFolder("/sbin", "chown shutdown sysctl"),
  ...inFolder(
    "/usr/bin",
    "comm crontab grep id mktemp nohup perl pgrep pkill printf sed sort touch true uname",
  ),
  ...inFolder("/usr/sbin", "groupdel pkg_delete sendmail useradd userdel"),
];

/** Programs that only some releases have; a script looks whether they are there before it starts them. */
export const LATER_PROGRAMS = ["/usr/sbin/pkg_check", "/usr/sbin/rcctl", "/usr/sbin/smtpd"];

function inFolder(folder: string, names: string): string[] {
  return names.split(" ").map((name) => `${folder}/${name}`);
}

const command = (what: string, script: string): HostCommand => ({ what, script });

/** One fact a line: the system, the release, the machine, its name, our user id, and the kernel's first line. */
export const identify = command(
  "asking what the host is",
  `uname -s; uname -r; uname -m; hostname; id -u; sysctl -n kern.version | sed 1q`,
);

/** Lists what a Postfix, or a record of this package, has on the host. */
export const occupants = command(
  "looking for a Postfix and for this package's record",
  `for path in /usr/local/sbin/postfix /etc/postfix /var/spool/postfix /var/db/pulumi-openbsd-postfix; do
  test -e "$path" && echo "$path"
done
ls -d /var/db/pkg/postfix-* /var/db/pkg/partial-postfix-* 2>/dev/null
true`,
);

/** Which of these programs the host has, one line each. */
export const programs = command(
  "looking for programs of the base system",
  `for path; do test -x "$path" && echo "$path"; done
true`,
);

/** Whether root has keys that let somebody in: prints "yes" or nothing. */
export const rootKeys = command(
  "looking for root's authorized keys",
  `test -s /root/.ssh/authorized_keys && echo yes
true`,
);

/** Lists the files: folders, those with contents, and what is left out, each as a list with commas (manifest.pl). */
export const listFiles = command(
  "listing the files",
  `perl - "$1" "$2" "$3" <<'END_OF_MANIFEST'
${readFileSync(join(__dirname, "manifest.pl"), "utf8")}END_OF_MANIFEST`,
);

/** When the host was booted. */
export const bootTime = command("asking when the host was booted", `sysctl -n kern.boottime`);

/** Boots the host anew, as an administrator does. */
export const reboot = command("rebooting the host", `shutdown -r now`);

/** The greeting of whoever listens on 127.0.0.1, port 25; an empty line where nobody does. */
export const greeting = command(
  "reading the greeting on port 25",
  `perl -MIO::Socket::INET -e '
  my $server = IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 20);
  my $line = $server ? <$server> : "";
  print defined $line && length $line ? $line : "\\n";
  if ($server) { print $server "QUIT\\r\\n"; <$server> }'`,
);

/** Which mailers run, one a line. master(8) of Postfix answers for the lock that it holds while it runs. */
export const mailers = command(
  "asking which mailers run",
  `pgrep -u root -x sendmail >/dev/null && echo sendmail
pgrep -u root -x smtpd >/dev/null && echo smtpd
if test -x /usr/local/libexec/postfix/master; then /usr/local/libexec/postfix/master -t 2>/dev/null || echo postfix; fi
true`,
);

/** Makes the user $1 with the shell $2, whom the keys of root let in, and whom doas lets run Perl as root if $3 is "doas". */
export const addUser = command(
  "making a user",
  `set -e
useradd -m -d "/home/$1" -g =uid -s "$2" "$1"
mkdir -p "/home/$1/.ssh"
test ! -e /root/.ssh/authorized_keys || cp /root/.ssh/authorized_keys "/home/$1/.ssh/authorized_keys"
chmod -R go-rwx "/home/$1/.ssh"
chown -R "$1:$1" "/home/$1/.ssh"
test "$3" != doas || printf '\\npermit nopass %s as root cmd /usr/bin/perl\\n' "$1" >> /etc/doas.conf
test "$3" != doas || chmod 600 /etc/doas.conf`,
);

/** Removes users, with home and mailbox, as far as they are there. */
export const removeUsers = command(
  "removing the suite's users",
  `for user; do
  id "$user" >/dev/null 2>&1 && userdel -r "$user"
  rm -f "/var/mail/$user"
  grep -q "^$user:" /etc/group && groupdel "$user"
done
true`,
);

/** Which of these users there are. */
export const findUsers = command(
  "looking for the suite's users",
  `for user; do id "$user" >/dev/null 2>&1 && echo "$user"; done
true`,
);

/** Files and folders as they are, packed so that they can be put back: those of the arguments that there are. */
export const keep = command(
  "keeping files as they are",
  `cd /
for path; do test -e "$path" && set -- "$@" "$path"; shift; done
test $# = 0 || tar cpf - "$@" | perl -MMIME::Base64 -0777 -ne 'print encode_base64($_)'`,
);

/** Puts back what {@link keep} packed: $1 is what it printed, the others are its arguments. */
export const putBack = command(
  "putting files back",
  `set -e
cd /
packed=$1
shift
rm -rf "$@"
test -z "$packed" || printf '%s\\n' "$packed" | perl -MMIME::Base64 -0777 -ne 'print decode_base64($_)' | tar xpf -`,
);

/** What security(8) finds, by its place in this release; it remembers what it has seen in /var/backups. */
export const security = command(
  "running security(8)",
  `for script in /usr/libexec/security /etc/security; do
  if test -f "$script"; then
    if test -x "$script"; then "$script" 2>&1; else sh "$script" 2>&1; fi
    exit 0
  fi
done
true`,
);

/** What pkg_check(8) complains about. */
export const packageCheck = command(
  "running pkg_check(8)",
  `test ! -x /usr/sbin/pkg_check || pkg_check -n 2>&1
true`,
);

/** The flags of ntpd at boot, an own line in root's crontab, and two parameters of main.cf: one that nobody owns, and ours. */
export const editByHand = command(
  "editing beside what is managed",
  `set -e
if test -x /usr/sbin/rcctl; then rcctl set ntpd flags -v; else echo 'ntpd_flags="-v"' >> /etc/rc.conf.local; fi
temporary=$(mktemp /tmp/acceptance.XXXXXXXXXX)
{ crontab -u root -l; echo "17 4 * * * /usr/bin/true acceptance"; } > "$temporary"
crontab -u root "$temporary"
rm "$temporary"
/usr/local/sbin/postconf -e 'smtpd_helo_required = yes' 'mydomain = by-hand.example.org'`,
);

/** Which of the edits of {@link editByHand} that are nobody else's are still there, one a line. */
export const handEdits = command(
  "looking for the edits beside what is managed",
  `grep -q '^ntpd_flags="*-v"*$' /etc/rc.conf.local && echo rc.conf.local
crontab -u root -l | grep -q acceptance && echo crontab
grep -q '^smtpd_helo_required = yes$' /etc/postfix/main.cf 2>/dev/null && echo main.cf
true`,
);

/**
 * Waits until pkg_add(1) has put the file $1 in its place, and kills pkg_add. Prints "killed", or "ended" where pkg_add had
 * ended by itself.
 */
export const killPkgAdd = command(
  "killing pkg_add(1)",
  `tries=0
until test -e "$1"; do
  tries=$((tries + 1))
  test $tries -lt 6000 || { echo "no $1 came"; exit 0; }
  sleep 0.05
done
pkill -KILL -u root -f '/usr/sbin/pkg_add' && echo killed || echo ended`,
);

/** Hands in messages for the user $1 by sendmail(8), one after the other, until it is told to stop; prints its folder. */
export const submit = command(
  "handing in messages",
  `set -e
folder=$(mktemp -d /tmp/acceptance.XXXXXXXXXX)
cat > "$folder/loop" <<'END_OF_LOOP'
number=0
while test ! -e "$2/stop" -a $number -lt 20000; do
  number=$((number + 1))
  printf 'Subject: acceptance\\n\\nacceptance message %s\\n' $number | /usr/sbin/sendmail "$1" 2>/dev/null &&
    echo $number >> "$2/accepted"
  sleep 0.25
done
touch "$2/ended"
END_OF_LOOP
nohup sh "$folder/loop" "$1" "$folder" </dev/null >/dev/null 2>&1 &
echo "$folder"`,
);

/**
 * Ends {@link submit} for the user $1 and its folder $2, and waits for what is queued. Prints the accepted numbers, "--", and
 * those in the mailbox, which goes.
 */
export const collect = command(
  "collecting the messages",
  `touch "$2/stop"
tries=0
until test -e "$2/ended" -o $tries -gt 600; do tries=$((tries + 1)); sleep 0.1; done
tries=0
while test $tries -lt 300; do
  sort "$2/accepted" 2>/dev/null > "$2/sorted"
  sed -n 's/^acceptance message //p' "/var/mail/$1" 2>/dev/null | sort -u > "$2/delivered"
  test -z "$(comm -23 "$2/sorted" "$2/delivered")" && break
  tries=$((tries + 1))
  sleep 0.2
done
cat "$2/sorted"
echo --
sed -n 's/^acceptance message //p' "/var/mail/$1" 2>/dev/null
rm -rf "$2" "/var/mail/$1"`,
);

/** Edits a file in place, by a file that only root can have made: anybody can write in /tmp. Before 5.8 sed(1) has no -i. */
function edit(expression: string, path: string): string {
  return `temporary=$(mktemp /tmp/acceptance.XXXXXXXXXX) || exit 1
sed '${expression}' ${path} > "$temporary" && cat "$temporary" > ${path}
rm "$temporary"`;
}

/** How each managed thing is broken, by the argument of PostfixServer that is the step's. */
export const breakages: Readonly<Record<string, HostCommand>> = {
  docs: command(
    "breaking the manual",
    `cd /var/www/htdocs/manual/postfix && rm index.html && echo x >> postconf.5.html`,
  ),
  tables: command(
    "breaking a lookup table",
    edit("s/192\\.0\\.2\\.1/192.0.2.2/", "/etc/postfix/transport"),
  ),
  mailStore: command(
    "breaking the folder of mailboxes",
    `chown root /var/vmail; chmod 755 /var/vmail`,
  ),
  aliases: command(
    "breaking an alias",
    edit("s/^webmaster:.*/webmaster: nobody/", "/etc/postfix/aliases"),
  ),
  masterCf: command(
    "breaking a service of master.cf",
    edit("s/smtpd_sasl_auth_enable=no/smtpd_sasl_auth_enable=yes/", "/etc/postfix/master.cf"),
  ),
  mainCf: command(
    "breaking a parameter of main.cf",
    edit("s/^myhostname = .*/myhostname = drifted.example.org/", "/etc/postfix/main.cf"),
  ),
  chrootResolv: command(
    "breaking a file of the chroot",
    `echo x >> /var/spool/postfix/etc/services`,
  ),
  mailerConf: command("breaking mailer.conf", `cp /etc/mailer.conf.pre-postfix /etc/mailer.conf`),
  baseMailer: command(
    "starting the base system's mailer",
    `if test -x /usr/sbin/smtpd; then /usr/sbin/smtpd >/dev/null 2>&1
else /usr/libexec/sendmail/sendmail -L sm-mta -C/etc/mail/localhost.cf -bd -q30m; fi`,
  ),
  rcConfLocal: command(
    "breaking rc.conf.local",
    edit("s/^sshd_flags=.*/sshd_flags=/", "/etc/rc.conf.local"),
  ),
  service: command("stopping Postfix", `/usr/local/sbin/postfix stop >/dev/null 2>&1; true`),
  rootCrontab: command(
    "breaking root's crontab",
    // crontab(1) would add its own header to the file, which is then somebody else's edit.
    edit("/newsyslog/s/^#*//", "/var/cron/tabs/root"),
  ),
};

/** The package removed behind everybody's back, which takes its configuration as far as nobody has changed it. */
export const breakPackage = command(
  "removing the package",
  `/usr/local/sbin/postfix stop >/dev/null 2>&1
pkg_delete $(ls /var/db/pkg | grep '^postfix-') >/dev/null 2>&1`,
);
