/** The shape of a whole configuration: main.cf and master.cf as a server has them, and the files that they name. */

export interface WholeConfiguration {
  /** What an admin would call it. */
  readonly name: string;
  /** The text of main.cf. */
  readonly main: string;
  /** The text of master.cf. */
  readonly master: string;
  /** The texts of tables, lists and certificates that they name, by path; a text may be empty. */
  readonly files?: Readonly<Record<string, string>>;
  /** The flavor of the package that has the types of its tables. */
  readonly flavor?: "ldap" | "mysql" | "pgsql";
  /** Names that are meant although nothing refers to them. */
  readonly userDefined?: readonly string[];
}

/** A text of these lines. */
export function text(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** What every main.cf has that the port of OpenBSD installs: folders and accounts. */
const PORT = [
  "queue_directory = /var/spool/postfix",
  "command_directory = /usr/local/sbin",
  "daemon_directory = /usr/local/libexec/postfix",
  "data_directory = /var/postfix",
  "mail_owner = _postfix",
  "setgid_group = _postdrop",
  "sendmail_path = /usr/local/sbin/sendmail",
  "newaliases_path = /usr/local/sbin/newaliases",
  "mailq_path = /usr/local/sbin/mailq",
  "manpage_directory = /usr/local/man",
  "sample_directory = /etc/postfix",
  "shlib_directory = no",
  "meta_directory = /etc/postfix",
];

/** A main.cf of these lines, with the port's folders and accounts. */
export function mainCf(...lines: readonly string[]): string {
  const set = new Set(lines.map(nameIn));
  return text(...PORT.filter((line) => !set.has(nameIn(line))), ...lines);
}

function nameIn(line: string): string {
  return /^\w+/.exec(line)?.[0] ?? "";
}

/** The services of every master.cf; "C" stands for the chroot column of most of them. */
const SERVICES = [
  "smtp      inet  n - C - - smtpd",
  "pickup    unix  n - C 60 1 pickup",
  "cleanup   unix  n - C - 0 cleanup",
  "qmgr      unix  n - n 300 1 qmgr",
  "tlsmgr    unix  - - C 1000? 1 tlsmgr",
  "rewrite   unix  - - C - - trivial-rewrite",
  "bounce    unix  - - C - 0 bounce",
  "defer     unix  - - C - 0 bounce",
  "trace     unix  - - C - 0 bounce",
  "verify    unix  - - C - 1 verify",
  "flush     unix  n - C 1000? 0 flush",
  "proxymap  unix  - - n - - proxymap",
  "proxywrite unix - - n - 1 proxymap",
  "smtp      unix  - - C - - smtp",
  "relay     unix  - - C - - smtp",
  "showq     unix  n - C - - showq",
  "error     unix  - - C - - error",
  "retry     unix  - - C - - error",
  "discard   unix  - - C - - discard",
  "local     unix  - n n - - local",
  "virtual   unix  - n n - - virtual",
  "lmtp      unix  - - C - - lmtp",
  "anvil     unix  - - C - 1 anvil",
  "scache    unix  - - C - 1 scache",
  "postlog   unix-dgram n - n - 1 postlogd",
];

/**
 * A master.cf of the usual services and these lines; a service in them takes the place of the usual one of its name.
 * Before Postfix 3.0, pickup and qmgr were reached by FIFOs, and there was no postlog.
 *
 * @param without usual services that it does not have, such as `local/unix`
 */
export function masterCf(
  era: "modern" | "old",
  chroot: "y" | "n" | "-",
  lines: readonly string[],
  without: readonly string[] = [],
): string {
  const own = new Set([...without, ...lines.map(keyIn)]);
  const usual = SERVICES.map((line) => line.replace(" C ", ` ${chroot} `))
    .map((line) => (era === "old" ? line.replace(/^((?:pickup|qmgr) +)unix/, "$1fifo") : line))
    .filter((line) => !own.has(keyIn(line)) && !(era === "old" && line.startsWith("postlog")));
  return text(...usual, ...lines);
}

/** The key of a line that begins a service: a FIFO and a socket of one name are for the same service. */
function keyIn(line: string): string {
  const [, name, type = ""] = /^([^\s#]\S*)\s+(\S+)/.exec(line) ?? [];
  return name === undefined ? "" : `${name}/${type.replace("fifo", "unix")}`;
}

/** Files with questions to an SQL server. */
export function sqlTables(...paths: readonly string[]): Readonly<Record<string, string>> {
  const contents = text(
    "user = reader",
    "password = made-up",
    "hosts = 127.0.0.1",
    "dbname = mail",
    "query = SELECT value FROM entries WHERE name='%s'",
  );
  return Object.fromEntries(paths.map((path) => [path, contents]));
}

/** Files with questions to a directory server. */
export function ldapTables(...paths: readonly string[]): Readonly<Record<string, string>> {
  const contents = text(
    "server_host = ldap://127.0.0.1:389",
    "version = 3",
    "bind = no",
    "search_base = ou=people,dc=example,dc=org",
    "query_filter = (&(objectClass=mailRecipient)(mail=%s))",
    "result_attribute = maildrop",
  );
  return Object.fromEntries(paths.map((path) => [path, contents]));
}
