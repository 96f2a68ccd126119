/** Whether Postfix and the base system's mailer run; starting, stopping and reloading Postfix. */
import type { HostReader, HostWriter } from "../host/host";
import { Look, lookAt, stat } from "../host/look";
import { runOrFail, until, waitUntil } from "../host/programs";
import type { Platform } from "../openbsd/platform";
import { PROGRAMS } from "./paths";
import { baseMailerProcesses, isUnknown, known, POSTFIX, type Unknown } from "./processes";

/** Does Postfix run? */
export const POSTFIX_RUNS: Look<boolean | Unknown> = POSTFIX.map((found) =>
  isUnknown(found) ? found : found !== null,
);

/** Does the base system's mailer, sendmail or smtpd, run? */
export function baseMailerRuns({ baseMailer }: Platform): Look<boolean | Unknown> {
  return baseMailerProcesses(baseMailer).map((found) =>
    isUnknown(found) ? found : found.length > 0,
  );
}

/** @throws HostError where that cannot be found out */
export async function isPostfixRunning(host: HostReader): Promise<boolean> {
  return known(host, "whether Postfix runs", await lookAt(host, POSTFIX_RUNS));
}

/** @throws HostError where that cannot be found out */
export async function isBaseMailerRunning(host: HostReader, platform: Platform): Promise<boolean> {
  const { name } = platform.baseMailer;
  return known(host, `whether ${name} runs`, await lookAt(host, baseMailerRuns(platform)));
}

/** Who serves mail on the host, as a sentence without its full stop. */
export async function whoServes(host: HostReader, platform: Platform): Promise<string> {
  const { postfix, base } = await lookAt(
    host,
    Look.all({ postfix: POSTFIX_RUNS, base: baseMailerRuns(platform) }),
  );
  if (isUnknown(postfix)) return `it is not known which mailer runs, because ${postfix.unknown}`;
  if (isUnknown(base)) return `it is not known which mailer runs, because ${base.unknown}`;
  if (postfix) return base ? `Postfix and ${platform.baseMailer.name} run` : "Postfix runs";
  return base ? `${platform.baseMailer.name} is running` : "no mailer is running";
}

/** The commands of Postfix itself, for where rc(8) has no script: in a package from before an upgrade to 5.0. */
export const POSTFIX_STOP = [PROGRAMS.postfix, "stop"] as const;
const POSTFIX_START = [PROGRAMS.postfix, "start"] as const;

/** The script with which rc(8) starts Postfix, from 5.0 on. */
export const RC_SCRIPT = "/etc/rc.d/postfix";

/**
 * The command that starts Postfix on this host: that of the release, or Postfix's own if rc(8) has no script. A package of
 * a release before 5.0 brings no script; it outlives an upgrade of the host if its version is pinned or its admin keeps it.
 */
export async function startOf(host: HostReader, platform: Platform): Promise<readonly string[]> {
  if (platform.services === "processes") return platform.postfix.start;
  const script = await lookAt(host, stat(RC_SCRIPT));
  return script.type === "absent" ? POSTFIX_START : platform.postfix.start;
}

/** @throws HostError when the start fails */
export async function startPostfix(host: HostWriter, platform: Platform): Promise<void> {
  await runOrFail(host, "start Postfix", { argv: await startOf(host, platform) });
}

/**
 * Stops Postfix by the command of the release, else by Postfix's own, else by a signal to its master: `postfix stop` needs
 * a main.cf, which may be gone.
 *
 * @throws HostError of kind "deadline" when the master still holds its lock.
 */
export async function stopPostfix(host: HostWriter, platform: Platform): Promise<void> {
  const stopped = async (): Promise<boolean> => !(await isPostfixRunning(host));
  for (const argv of [platform.postfix.stop, POSTFIX_STOP])
    if ((await runIfThere(host, argv)) && (await until(stopped, 5000))) return;
  const found = known(host, "whether Postfix runs", await lookAt(host, POSTFIX));
  if (found !== null) await host.run({ argv: ["/bin/kill", String(found.master)] });
  await waitUntil(host, "Postfix's master to let go of its lock", stopped, 20_000);
}

/** Runs a program and ignores its result; false if the program does not exist. */
async function runIfThere(host: HostWriter, argv: readonly string[]): Promise<boolean> {
  const program = await lookAt(host, stat(argv[0] ?? ""));
  if (program.type === "absent") return false;
  await host.run({ argv, timeoutMs: 120_000 });
  return true;
}

/** Makes the running Postfix read its files again. */
export const RELOAD = [PROGRAMS.postfix, "reload"] as const;

/** Makes Postfix read its files again, if it runs. */
export async function reloadIfRunning(host: HostWriter): Promise<void> {
  if (await isPostfixRunning(host)) await host.run({ argv: RELOAD });
}
