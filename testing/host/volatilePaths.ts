/** The paths that a snapshot of a host leaves out. */

/** Paths that change by themselves on a host that nobody touches, each with the reason. */
export const volatilePaths: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^\/var\/log\//, why: "logs: every daemon and every login writes them" },
  { pattern: /^\/var\/run\/.*\.pid$/, why: "pid files: the number differs at each start" },
  { pattern: /^\/run\/.*\.pid$/, why: "pid files of the Debian daemons that the host is made of" },
  { pattern: /^\/var\/run\/(utmp|utmpx)$/, why: "utmp(5): who is logged in" },
  { pattern: /^\/run\/utmp$/, why: "utmp(5), where Debian's sshd looks for it" },
  { pattern: /^\/var\/run\/rc\.d\//, why: "rc.subr(8) notes how each running daemon was started" },
  {
    pattern: /^\/var\/run\/crond\.reboot$/,
    why: "cron(8) notes here that it ran the @reboot jobs, some time after it started",
  },
  { pattern: /^\/var\/cron\/(log|\.sock|atjobs)/, why: "cron(8) stamps and its socket" },
  { pattern: /^\/var\/spool\/postfix\/pid\//, why: "pid files and locks of Postfix's processes" },
  {
    pattern: /^\/var\/spool\/postfix\/public\/(pickup|qmgr)$/,
    why: "master(8) makes these at each start: fifos if master.cf says fifo (Postfix up to 2.11), otherwise sockets",
  },
  {
    pattern: /^\/var\/postfix\/(master\.lock|prng_exch|.*_scache\.db)$/,
    why: "Postfix's own state",
  },
  {
    pattern: /^\/var\/db\/pulumi-openbsd-postfix\/record\.json\.previous$/,
    why: "the copy of the record from before its last write, which is another after each step that is undone",
  },
];

/** Whether a snapshot leaves out a path. It leaves out all sockets, because they come and go with their daemons. */
export function isVolatile(path: string, type: string): boolean {
  return type === "socket" || volatilePaths.some(({ pattern }) => pattern.test(path));
}
