/** The authentication of Dovecot on a host with the extra `dovecot`. */
import type { TestHost } from "../host/testHost";
import { addUser, endProcess, runScript, waitFor } from "./script";

/** How Dovecot is started. */
export interface DovecotOptions {
  /** The passwords of users by their names. */
  readonly users: Readonly<Record<string, string>>;
}

/** Dovecot with its authentication only. It ends with its host, and with a reboot of it. */
export interface Dovecot {
  /** The socket as `smtpd_sasl_path` has it, below Postfix's queue. */
  readonly path: string;
  /** Starts it again after {@link Dovecot.stop} or a reboot. */
  start(): Promise<void>;
  /** Ends it; users can no longer log in. */
  stop(): Promise<void>;
}

const path = "private/auth";
const pidFile = "/var/run/dovecot/master.pid";
const log = "/var/log/dovecot.log";
const folder = "/etc/dovecot";

/** For Dovecot 2.3, with PLAIN and LOGIN. */
const configuration = `\
protocols =
base_dir = /var/run/dovecot
state_dir = /var/run/dovecot
log_path = ${log}
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
default_internal_user = _dovecot
default_internal_group = _dovecot
default_login_user = _dovenull
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=32767 gid=32767 home=/var/empty
}
service auth {
  unix_listener /var/spool/postfix/${path} {
    mode = 0660
    user = _postfix
    group = _postfix
  }
}
`;

/**
 * Starts the authentication of Dovecot on a host that has the extra `dovecot` and a Postfix: users of `smtpd_sasl_type =
 * dovecot` with `smtpd_sasl_path = private/auth` log in with PLAIN or LOGIN.
 */
export async function startDovecot(host: TestHost, { users }: DovecotOptions): Promise<Dovecot> {
  const lines = Object.entries(users).map(([name, password]) => {
    if (/[:\n]/.test(name + password)) throw new Error(`${name}: no colon and no end of a line`);
    return `${name}:{PLAIN}${password}\n`;
  });
  const start = async (): Promise<void> => {
    await runScript(
      host,
      [
        // Not on the pipes of this script, which would not end before Dovecot does.
        `/usr/sbin/dovecot -c ${folder}/dovecot.conf </dev/null >>${log} 2>&1`,
        waitFor(`[ -S /var/spool/postfix/${path} ]`, log),
      ].join("\n"),
    );
  };
  await runScript(
    host,
    [
      "[ -x /usr/sbin/dovecot ] || { echo 'the host has no extra dovecot' >&2; exit 1; }",
      "[ -d /var/spool/postfix/private ] || { echo 'the host has no Postfix' >&2; exit 1; }",
      addUser("_dovecot", 518),
      addUser("_dovenull", 527),
      `mkdir -p ${folder}`,
      `umask 077`,
      `cat > ${folder}/users`,
      `chown _dovecot ${folder}/users`,
      `cat > ${folder}/dovecot.conf <<'END'\n${configuration}END`,
    ].join("\n"),
    lines.join(""),
  );
  await start();
  return {
    path,
    start,
    stop: async () => {
      await runScript(host, endProcess(pidFile, "TERM", log));
      // Its services would stay for as long as a client, such as smtpd(8), has a connection to them.
      const ended = waitFor("! pgrep -f '^dovecot/'", log);
      await runScript(host, `pkill -f '^dovecot/' || :\n${ended}`);
    },
  };
}
