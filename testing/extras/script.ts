/** Scripts by which the extras are started and stopped. */
import type { TestHost } from "../host/testHost";

/** Runs a script on the host as root; throws with what it printed if it fails. */
export async function runScript(host: TestHost, script: string, stdin = ""): Promise<string> {
  const argv = ["/bin/sh", "-c", `set -eu\n${script}`];
  const { exitCode, stdout, stderr } = await host.exec(argv, { stdin });
  if (exitCode === 0) return stdout;
  throw new Error(`on the host ${host.id}: ${stdout}${stderr}(exit ${exitCode})`);
}

/** Adds a user for a daemon, as the daemon's package does on OpenBSD, unless there is one. */
export function addUser(name: string, uid: number): string {
  const options = `-u ${uid} -d /nonexistent -s /sbin/nologin`;
  return `grep -q '^${name}:' /etc/passwd || useradd ${options} ${name}`;
}

/** Waits until a command succeeds, for half a minute; then it prints a log and fails. */
export function waitFor(command: string, log: string): string {
  return [
    `tries=0`,
    `until ${command} >/dev/null 2>&1; do`,
    `  tries=$((tries + 1))`,
    `  [ $tries -lt 300 ] || { tail -20 ${log} >&2; exit 1; }`,
    `  sleep 0.1`,
    `done`,
  ].join("\n");
}

/** Sends a signal to the process whose number is in a file, and waits until it has ended. */
export function endProcess(pidFile: string, signal: "TERM" | "KILL", log: string): string {
  return [
    `[ -f ${pidFile} ] || exit 0`,
    `read -r pid < ${pidFile}`,
    `kill -${signal} $pid || exit 0`,
    waitFor("! kill -0 $pid", log),
    `rm -f ${pidFile}`,
  ].join("\n");
}
