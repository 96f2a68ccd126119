/** Paths that change by themselves on a host that nobody touches, each with the reason. */
export const volatilePaths: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^\/var\/log\//, why: "logs: every daemon and every login writes them" },
  { pattern: /^\/var\/run\/.*\.pid$/, why: "pid files: the number differs at each start" },
  { pattern: /^\/run\/.*\.pid$/, why: "pid files of the Debian daemons underneath" },
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
    why: "fifos that master(8) makes at its start where master.cf says fifo, as to 2.11; sockets later",
  },
  {
    pattern: /^\/var\/postfix\/(master\.lock|prng_exch|.*_scache\.db)$/,
    why: "Postfix's own state",
  },
];

/** Whether what stands at a path is left out of a host's tree. Sockets are: they come and go with daemons. */
export function isVolatile(path: string, type: string): boolean {
  return type === "socket" || volatilePaths.some(({ pattern }) => pattern.test(path));
}
