/** The MariaDB server of a host with the extra `mariadb`. */
import type { TestHost } from "../host/testHost";
import { addUser, endProcess, runScript, waitFor } from "./script";

/** How a MariaDB server is started. */
export interface MariaDbOptions {
  /** The address that it listens on, at port 3306; "0.0.0.0" for all. @default "127.0.0.1" */
  readonly address?: string;
}

/** A MariaDB server. It ends with its host, and with a reboot of it. */
export interface MariaDb {
  /** Its unix socket on the host, where OpenBSD has it. */
  readonly socket: string;
  /** Runs SQL as root, and returns what a query answers: a line for each row, with tabs between the columns. */
  sql(text: string): Promise<string>;
  /** Starts it again after {@link MariaDb.stop}, {@link MariaDb.kill} or a reboot, with the same data. */
  start(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

const socket = "/var/run/mysql/mysql.sock";
const pidFile = "/var/run/mysql/mariadbd.pid";
const log = "/var/log/mariadb.log";
const client = `mariadb --no-defaults --socket=${socket} --batch --skip-column-names`;

/**
 * Starts a MariaDB server with no data on a host that has the extra `mariadb`. Only root has an account, without a
 * password.
 *
 * @example
 * ```ts
 * const host = await startHost({ extras: ["mariadb", "flavors"] });
 * const database = await startMariaDb(host);
 * await database.sql("create database mail; create user 'postfix'@'%' identified by 'secret'");
 * ```
 */
export async function startMariaDb(
  host: TestHost,
  { address = "127.0.0.1" }: MariaDbOptions = {},
): Promise<MariaDb> {
  const start = async (): Promise<void> => {
    const options = [
      `--no-defaults --user=_mysql --datadir=/var/mysql --socket=${socket} --pid-file=${pidFile}`,
      `--bind-address=${address} --skip-name-resolve --innodb-log-file-size=4M`,
      `--innodb-buffer-pool-size=16M --performance-schema=off`,
    ].join(" ");
    const lines = [
      "mkdir -p /var/run/mysql /var/run/mysqld",
      "chown _mysql /var/run/mysql",
      // Where Debian's client library looks for the socket when it is told "localhost".
      `ln -sf ${socket} /var/run/mysqld/mysqld.sock`,
      `/usr/sbin/mariadbd ${options} </dev/null >>${log} 2>&1 &`,
      waitFor(`${client} -e 'select 1'`, log),
    ];
    await runScript(host, lines.join("\n"));
  };
  await runScript(
    host,
    [
      "[ -x /usr/sbin/mariadbd ] || { echo 'the host has no extra mariadb' >&2; exit 1; }",
      addUser("_mysql", 502),
      "rm -rf /var/mysql",
      "cp -a /usr/libexec/testhost/mariadb /var/mysql",
      "chown -R _mysql:_mysql /var/mysql",
    ].join("\n"),
  );
  await start();
  const sql = (text: string): Promise<string> => runScript(host, client, text);
  // The anonymous accounts of a new server would come before those with any host.
  await sql("delete from mysql.global_priv where User = ''; flush privileges;");
  return {
    socket,
    sql,
    start,
    stop: async () => {
      await runScript(host, endProcess(pidFile, "TERM", log));
    },
    kill: async () => {
      await runScript(host, endProcess(pidFile, "KILL", log));
    },
  };
}
