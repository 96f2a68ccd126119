/** The files of a host as data, and what of them changes by itself. */
import { parseTree, type Tree, type TreeEntry } from "../../testing/image/fileTree";
import { listFiles } from "./commands";
import type { Ssh } from "./ssh";

/** The folders of a host that are compared: all but devices, homes, sources, and what is temporary. */
const FOLDERS = ["/bin", "/sbin", "/etc", "/root", "/usr", "/var"];

/** Where the contents of files are compared too: wherever this package, or the package of Postfix, writes. */
const CONTENTS = ["/etc", "/root", "/usr/local", "/var/cron", "/var/db", "/var/mail"].concat([
  "/var/postfix",
  "/var/spool",
  "/var/vmail",
  "/var/www/htdocs/manual",
]);

/** Large, and nobody's who sets up a mailer. */
const LEFT_OUT = ["/usr/obj", "/usr/ports", "/usr/src", "/usr/xenocara", "/usr/xobj", "/var/tmp"];

/** What changes by itself, or need not be the same again, each with the reason. */
const VOLATILE: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: /^\/var\/(log|run|account|nsd|unbound|games)\//,
    why: "daemons and logins write there",
  },
  {
    pattern: /^\/var\/backups(\/|$)/,
    why: "security(8) keeps copies there; the suite puts the folder back",
  },
  { pattern: /^\/var\/cron\/(log|\.sock|atjobs)/, why: "cron(8) writes and listens there" },
  {
    pattern:
      /^\/var\/db\/(host\.random|dev_mkdb|dhclient|dhcpleased|kernel\.SHA256|kvm_|ntpd|ldattach|libc\.tags|locate|slaacd|yubikey)/,
    why: "the boot, the clock and the network write there",
  },
  {
    pattern: /^\/etc\/(random\.seed|motd|resolv\.conf)$/,
    why: "rc(8) and dhcpleased(8) write these at each boot",
  },
  {
    pattern: /^\/usr\/(share\/relink|lib\/lib[^/]*\.so)/,
    why: "rc(8) links libraries and the kernel anew at each boot",
  },
  {
    pattern: /^\/var\/spool\/smtpd\//,
    why: "smtpd(8)'s queue: it makes and removes folders there at will",
  },
  { pattern: /^\/var\/spool\/(mqueue|clientmqueue)\//, why: "sendmail(8)'s queue" },
  {
    pattern: /^\/var\/spool\/postfix\/(pid|private|public)\//,
    why: "made by master(8) at each start",
  },
  {
    pattern:
      /^\/var\/spool\/postfix\/(active|bounce|corrupt|defer|deferred|flush|hold|incoming|maildrop|saved|trace)\/./,
    why: "Postfix's queue, of which it makes folders as mail comes",
  },
  { pattern: /^\/var\/postfix\/./, why: "Postfix's caches and locks" },
  {
    pattern: /^\/root\/\.(sh_history|history|ksh_history|lesshst|viminfo)$/,
    why: "a shell's history",
  },
  { pattern: /^\/run(\/|$)/, why: "of an imitation of OpenBSD" },
];

/**
 * Hash tables of the password file, which pwd_mkdb(8) writes anew whenever a user comes or goes, each time with other bytes
 * (seen on 7.8). What they are made of, /etc/master.passwd, is compared.
 */
const REMADE = /^\/etc\/(pwd|spwd)\.db$/;

/** The files of a host at one time. */
export interface Files {
  readonly tree: Tree;
  /** When each file was last written, or changed in any other way, in seconds since 1970. */
  readonly changed: ReadonlyMap<string, number>;
}

/** Lists the files of a host. */
export async function filesOf(ssh: Ssh): Promise<Files> {
  const lists = [FOLDERS, CONTENTS, LEFT_OUT].map((list) => list.join(","));
  return parseFiles(await ssh.run(listFiles, ...lists));
}

/** Reads what manifest.pl printed. */
export function parseFiles(printed: string): Files {
  const bytes = Buffer.from(printed);
  const tree = new Map<string, TreeEntry>();
  for (const [path, entry] of parseTree(bytes)) {
    if (isVolatile(path, entry.type)) continue;
    tree.set(path, REMADE.test(path) ? { ...entry, sha256: "-" } : entry);
  }
  const changed = new Map<string, number>();
  const fields = bytes.toString("latin1").split("\0");
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [attributes = "", path = ""] = fields.slice(at, at + 2);
    const time = Number(attributes.split(" ")[5]);
    // A folder's time tells of files that came and went in it, as of every lock file.
    if (tree.has(path) && tree.get(path)?.type !== "directory") changed.set(path, time);
  }
  return { tree, changed };
}

/** Sockets come and go with their daemons. */
function isVolatile(path: string, type: string): boolean {
  return type === "socket" || type === "fifo" || VOLATILE.some(({ pattern }) => pattern.test(path));
}

/** The paths that were written between two listings, also where the same bytes were written again. */
export function writtenBetween(before: Files, after: Files): string[] {
  return [...after.changed]
    .filter(([path, time]) => before.changed.has(path) && before.changed.get(path) !== time)
    .map(([path]) => path)
    .sort();
}
