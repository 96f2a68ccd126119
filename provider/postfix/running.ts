/** Acting on what runs: programs that must succeed, and waiting for what they bring about. */
import type { Platform } from "../openbsd/platform";
import type { HostReader, HostWriter } from "../host/host";
import { until, waitUntil } from "../host/programs";

/** Exit status 1 is "running": openbsd.md 8 has it inverted on purpose. It looks at the lock, not at the pid file. */
export const MASTER_TEST = ["/usr/local/libexec/postfix/master", "-t"] as const;

/** Makes the running Postfix read its files again. */
export const RELOAD = ["/usr/local/sbin/postfix", "reload"] as const;

/** Is Postfix's master running? */
export async function isPostfixRunning(host: HostReader): Promise<boolean> {
  const { master } = await host.read({ master: { fact: "probe", argv: MASTER_TEST } });
  return !("notFound" in master) && master.exitCode === 1;
}

/** What every release has; a package from before an upgrade has no script in rc.d. */
const POSTFIX_STOP = ["/usr/local/sbin/postfix", "stop"] as const;
const POSTFIX_START = ["/usr/local/sbin/postfix", "start"] as const;

/**
 * How Postfix is started here: as the release does it, or as Postfix itself does where rc(8) has no script for it. A
 * package of a release before 5.0 brings none, and stays after an upgrade where it is pinned or its admin's.
 */
export async function startOf(host: HostReader, platform: Platform): Promise<readonly string[]> {
  if (platform.services === "processes") return platform.postfix.start;
  const { script } = await host.read({
    script: { fact: "file", path: "/etc/rc.d/postfix", stat: true },
  });
  return script.type === "absent" ? POSTFIX_START : platform.postfix.start;
}

const MASTER_PID = "/var/spool/postfix/pid/master.pid";

/**
 * Stops Postfix as the release does it, or as Postfix itself does, and by a signal to its master where neither can be:
 * `postfix stop` needs a main.cf, which may be gone.
 *
 * @throws HostError of kind "deadline" when the master still holds its lock.
 */
export async function stopPostfix(host: HostWriter, platform: Platform): Promise<void> {
  const stopped = async (): Promise<boolean> => !(await isPostfixRunning(host));
  for (const argv of [platform.postfix.stop, POSTFIX_STOP])
    if ((await runIfThere(host, argv)) && (await until(stopped, 5000))) return;
  const { pid } = await host.read({ pid: { fact: "file", path: MASTER_PID } });
  const master = pid.type === "file" ? (pid.contents ?? "").trim() : "";
  if (/^\d+$/.test(master)) await host.run({ argv: ["/bin/kill", master] });
  await waitUntil(host, "Postfix's master to let go of its lock", stopped, 20_000);
}

/** Runs a program, whatever comes of it; false where it is not there. */
async function runIfThere(host: HostWriter, argv: readonly string[]): Promise<boolean> {
  const { program } = await host.read({
    program: { fact: "file", path: argv[0] ?? "", stat: true },
  });
  if (program.type === "absent") return false;
  await host.run({ argv, timeoutMs: 120_000 });
  return true;
}

const MAILLOG = "/var/log/maillog";

/** Where the mail log ends now: what comes after is what the next step caused. */
export async function mailLogEnd(host: HostReader): Promise<number> {
  const { log } = await host.read({
    log: { fact: "tail", path: MAILLOG, offset: -1, limit: 1 },
  });
  return log?.size ?? 0;
}

/** What the mail log holds from `offset` on; from its beginning where it was rotated meanwhile. */
export async function mailLogSince(host: HostReader, offset: number): Promise<string> {
  const { log } = await host.read({
    log: { fact: "tail", path: MAILLOG, offset, limit: 262_144 },
  });
  if (log === null) return "";
  if (log.size >= offset) return log.contents;
  const { whole } = await host.read({
    whole: { fact: "tail", path: MAILLOG, offset: 0, limit: 262_144 },
  });
  return whole?.contents ?? "";
}
