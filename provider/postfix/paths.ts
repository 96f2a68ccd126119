/** Where the port has Postfix's programs, files and folders, the same in every release (docs/openbsd.md 2.1). */

/** The folder of the programs that an administrator runs: postconf's `command_directory`. */
const SBIN = "/usr/local/sbin";

/** The programs that an administrator runs. */
export const PROGRAMS = {
  postfix: `${SBIN}/postfix`,
  postconf: `${SBIN}/postconf`,
  postmap: `${SBIN}/postmap`,
  postalias: `${SBIN}/postalias`,
  postqueue: `${SBIN}/postqueue`,
  /** Postfix's stand-in for sendmail(8), which mailer.conf(5) names. */
  sendmail: `${SBIN}/sendmail`,
} as const;

/** The programs that master(8) starts, and master(8) itself. */
export const DAEMONS = "/usr/local/libexec/postfix";

/** The configuration. */
export const CONFIGURATION = "/etc/postfix";
export const MAIN_CF = `${CONFIGURATION}/main.cf`;
export const MASTER_CF = `${CONFIGURATION}/master.cf`;

/** The alias file that the port's own comments name, and the guide edits. */
export const ALIASES = `${CONFIGURATION}/aliases`;

/** The queue, which is the chroot of most daemons. */
export const QUEUE = "/var/spool/postfix";

/** What the daemons keep: caches and their locks. */
export const DATA = "/var/postfix";

/** The package's samples: a main.cf to run tools under that need one and read nothing of it that matters. */
export const SAMPLES = "/usr/local/share/examples/postfix";

/** The HTML manual as the package brings it. */
export const MANUAL = "/usr/local/share/doc/postfix/html";

/** Where postconf(1) finds these folders when main.cf does not say. */
export const DEFAULT_FOLDERS: ReadonlyMap<string, string> = new Map([
  ["queue_directory", QUEUE],
  ["data_directory", DATA],
  ["daemon_directory", DAEMONS],
  ["command_directory", SBIN],
]);
