import { anything, before, between, type Row, since, type Story, tried } from "./row";

/** Installs the release's stable Postfix with a flavor, in the place of what is there. */
const flavored = (flavor: string): string =>
  [
    "packages=/mirror/pub/OpenBSD/$(uname -r)/packages/$(arch -s)",
    `name=$(ls $packages | grep '^postfix-[0-9][0-9.p]*-${flavor}\\.tgz' | grep -v '\\.[0-9]\\{8\\}' | sort -t. -k1,1 -k2,2n -k3,3n | tail -1)`,
    "PKG_PATH=file:$packages/ pkg_add -r -x $name >/dev/null",
  ].join("\n");

/** What postconf says to an option: 1 where it is not known. */
const options = (letters: string): string =>
  `for letter in ${letters.split("").join(" ")}; do postconf -$letter >/dev/null 2>&1 </dev/null; [ $? = 1 ] && printf $letter; done; true`;

const edit = (line: string): string =>
  `printf '${line}' >> /etc/postfix/main.cf; touch -t 200001010000 /etc/postfix/main.cf`;

const rows: readonly Row[] = [
  {
    section: "8",
    fact: "with a flavor its map type is there, and the others' are not",
    script: `${flavored("mysql")}\npostconf -m | grep -xE 'hash|mysql|pgsql|ldap'; postconf -A`,
    stdout: "hash\nmysql\n",
    stderr: anything,
  },
  {
    section: "8",
    fact: "Cyrus SASL comes with the flavor sasl2 only, Dovecot always",
    script: `postconf -a\n${flavored("sasl2")}\npostconf -a; postconf -m | grep -xE 'mysql|pgsql|ldap'; true`,
    stdout: "dovecot\ncyrus\ndovecot\n",
    stderr: anything,
  },
  {
    section: "1.1",
    fact: "SQLite is built in from 5.2 on",
    releases: since("5.2"),
    script: "postconf -m | grep -x sqlite",
    stdout: "sqlite\n",
  },
  {
    section: "8",
    fact: "options that came with 2.9, 2.10, 2.11 and 3.1 are not known",
    releases: before("5.2"),
    script: options("MfCoxXFPpHT"),
    stdout: "MfCoxXFPpHT",
  },
  {
    section: "8",
    fact: "options to 2.11 are known, those of 3.1 are not",
    releases: between("5.5", "5.8"),
    script: options("MfxFPpHT"),
    stdout: "HT",
  },
  {
    section: "8",
    fact: "options to 3.1 are known, those of 3.9 and 3.11 are not",
    releases: since("7.2"),
    script: options("MfxFPpHqj"),
    stdout: "qj",
  },
  {
    section: "8",
    fact: "an option that is not known: usage on stderr, exit 1",
    releases: before("5.8"),
    script: "postconf -H myhostname",
    stderr: /^postconf: invalid option -- 'H'\npostconf: fatal: usage: postconf /,
    exit: 1,
  },
  {
    section: "8",
    fact: "master.cf is shown with its services as name/type",
    releases: since("5.5"),
    script: "postconf -M smtp/inet | tr -s ' '",
    stdout: /^smtp inet n - \S n?-? ?-? ?smtpd\n|^smtp inet n - \S - - smtpd\n$/,
  },
  {
    section: "8",
    fact: "compatibility_level is not known before 3.0",
    releases: before("5.8"),
    script: "postconf compatibility_level; grep -c ^compatibility_level /etc/postfix/main.cf",
    stdout: "0\n",
    stderr: "postconf: warning: compatibility_level: unknown parameter\n",
    exit: 1,
  },
  {
    section: "2.3",
    fact: "master.cf leaves the chroot column to its default, which is y, before 3.0",
    releases: before("5.8"),
    script: 'awk \'$1 == "smtp" && $2 == "inet" { print $5 }\' /etc/postfix/master.cf',
    stdout: "-\n",
  },
  {
    section: "8",
    fact: "smtpd_relay_restrictions is not known before 2.10",
    releases: before("5.3"),
    script: "postconf smtpd_relay_restrictions; postconf -d smtpd_recipient_restrictions",
    stdout: "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n",
    stderr: "postconf: warning: smtpd_relay_restrictions: unknown parameter\n",
  },
  {
    section: "8",
    fact: "smtpd_relay_restrictions holds the guard against relaying from 2.10 on",
    releases: between("5.3", "5.8"),
    script: "postconf -d smtpd_relay_restrictions",
    stdout:
      "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination\n",
  },
  {
    section: "8",
    fact: "a name with a value is no edit before 2.8",
    releases: before("5.0"),
    script: "postconf mydomain=example.org; postconf -n | grep -c mydomain=; true",
    stdout: "0\n",
    stderr: "postconf: warning: mydomain=example.org: unknown parameter\n",
  },
  {
    section: "8",
    fact: "a name with a value is an edit from 2.8 on",
    releases: since("5.0"),
    script: "postconf mydomain=example.org; grep ^mydomain /etc/postfix/main.cf",
    stdout: "mydomain = example.org\n",
  },
  {
    section: "8",
    fact: "a misspelt parameter is passed over in silence before 2.9",
    releases: before("5.2"),
    script: `${edit("myhostnam = x\\n")}; postconf -n | grep myhostnam`,
    exit: 1,
  },
  {
    section: "8",
    fact: "a misspelt parameter is a warning from 2.9 on",
    releases: since("5.2"),
    script: `${edit("myhostnam = x\\n")}; postconf -n | grep myhostnam`,
    stderr: /warning: \/etc\/postfix\/main\.cf: unused parameter: myhostnam=x\n/,
    exit: 1,
  },
  {
    section: "8",
    fact: "a parameter that is set twice is passed over in silence before 2.11",
    releases: before("5.5"),
    script: `${edit("myorigin = a\\nmyorigin = b\\n")}; postconf -h myorigin`,
    stdout: "b\n",
  },
  {
    section: "8",
    fact: "a parameter that is set twice is a warning from 2.11 on",
    releases: since("5.5"),
    script: `${edit("myorigin = a\\nmyorigin = b\\n")}; postconf -h myorigin`,
    stdout: "b\n",
    stderr: /overriding earlier entry: myorigin=a/,
  },
];

export const versions: Story = { title: "Postfix by its version", releases: tried, rows };
