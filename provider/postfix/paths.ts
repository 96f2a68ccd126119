/** The paths of Postfix's programs, files and folders in the port: the same in every release (docs/openbsd.md 2.1). */

/** Postfix's command_directory. */
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

/** The folder of master(8) and of the daemons that it starts. */
export const DAEMONS = "/usr/local/libexec/postfix";

export const CONFIGURATION = "/etc/postfix";
export const MAIN_CF = `${CONFIGURATION}/main.cf`;
export const MASTER_CF = `${CONFIGURATION}/master.cf`;

/** The alias file that the port's own comments name, and the guide edits. */
export const ALIASES = `${CONFIGURATION}/aliases`;

/** The queue, which is the chroot of most daemons. */
export const QUEUE = "/var/spool/postfix";

/** The caches of the daemons, and their locks. */
export const DATA = "/var/postfix";

/** The package's sample configuration, for tools that need a main.cf but use nothing of it. */
export const SAMPLES = "/usr/local/share/examples/postfix";

/** The HTML manual as the package brings it. */
export const MANUAL = "/usr/local/share/doc/postfix/html";

/** The defaults of the parameters that name these folders. */
export const DEFAULT_FOLDERS: ReadonlyMap<string, string> = new Map([
  ["queue_directory", QUEUE],
  ["data_directory", DATA],
  ["daemon_directory", DAEMONS],
  ["command_directory", SBIN],
]);
