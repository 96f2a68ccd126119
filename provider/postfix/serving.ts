/** Making Postfix serve by its files as they are now, and proving that it does (docs/openbsd.md 8). */
import { HostError } from "../host/errors";
import { contentsOf, type HostReader, type HostWriter } from "../host/host";
import { file, Look, lookAt } from "../host/look";
import { runOrFail, until } from "../host/programs";
import type { Platform } from "../openbsd/platform";
import { lastLines } from "../values/readable";
import { type Address, banner, greetingAt, isGreeting, LISTEN_PARAMETERS } from "./listening";
import { MailLog } from "./mailLog";
import { MASTER_CF, PROGRAMS } from "./paths";
import { settings, type Settings } from "./postconf";
import { isPostfixRunning, RELOAD, startOf, stopPostfix } from "./running";

/** How Postfix is made to serve by its files. */
export type Way = "start" | "reload" | "restart";

/** What the daemons write to the mail log. After "reload", master(8) reads its files in the background. */
const RELOADED = /\/master\[\d+\]: reload -- version/;
const STARTED = /\/master\[\d+\]: daemon started -- version/;
const SMTPD_FAILED = /\/smtpd\[\d+\]: (fatal|panic): |\/smtpd: bad command startup -- throttling/;
const MASTER_DIED = /\/master\[\d+\]: (fatal|panic): .*/;

/** How long to wait after the log's line of a reload: the reload itself ends a little later. */
const WATCH_MS = 400;

/** How long to wait for a line in the log if no service greets. */
const QUIET_MS = 5000;

function failed(
  host: HostReader,
  during: string,
  reason: string,
  kind: "program" | "deadline" = "program",
): HostError {
  return new HostError(kind, {
    host: host.address,
    during,
    reason,
    changed: "yes",
    next: "Fix what the log names and run `pulumi up` again.",
  });
}

/**
 * Runs `postfix check`, on a terminal, because it prints its reasons to a terminal only (docs/openbsd.md 8 and 16).
 *
 * @throws HostError when the check fails; its warnings go to `warn`
 */
export async function checkConfiguration(
  host: HostWriter,
  warn: (text: string) => void,
): Promise<void> {
  const log = await MailLog.from(host);
  const result = await host.run({ argv: [PROGRAMS.postfix, "check"], tty: true });
  if (result.exitCode !== 0)
    throw failed(host, "`postfix check`", lastLines(`${result.stdout}\n${await log.read()}`));
  const lines = lastLines(result.stdout, 200).split("\n");
  for (const line of new Set(lines.filter((one) => /warning:/.test(one))))
    warn(`postfix check: ${line.replace(/^.*?warning: /, "")}`);
}

/** The address at which Postfix greets by its files; `undefined` if there is none to connect to. */
const GREETING_ADDRESS: Look<Address | undefined> = Look.all({
  settings: settings(...LISTEN_PARAMETERS),
  masterCf: file(MASTER_CF),
}).map(({ settings: found, masterCf }) => addressIn(found, contentsOf(masterCf) ?? ""));

/** The address at which Postfix greets by these settings and this text of master.cf. */
export function addressIn(found: Settings, masterCf: string): Address | undefined {
  return greetingAt({
    inetInterfaces: found["inet_interfaces"] ?? "all",
    inetProtocols: found["inet_protocols"] ?? "all",
    masterCf,
  });
}

/**
 * Starts, reloads or restarts Postfix and proves that it serves. Returns its greeting, if it greets at all.
 *
 * @throws HostError with the last lines of the mail log when Postfix does not serve
 */
export async function serve(
  host: HostWriter,
  platform: Platform,
  way: Way,
): Promise<string | undefined> {
  const log = await MailLog.from(host);
  if (way === "reload") await reload(host, log);
  else await start(host, platform, way, log);
  return proveServing(host, log, way);
}

async function start(host: HostWriter, platform: Platform, way: Way, log: MailLog): Promise<void> {
  if (way === "restart") await stopPostfix(host, platform);
  const argv = await startOf(host, platform);
  const { exitCode, stdout, stderr } = await host.run({ argv, timeoutMs: 120_000 });
  // If rc(8) of a booting host has started Postfix at the same time, the start fails, but Postfix runs all the same.
  if (exitCode !== 0 && !(await isPostfixRunning(host)))
    throw failed(host, `${way} of Postfix`, lastLines(`${stdout}\n${stderr}\n${await log.read()}`));
}

async function reload(host: HostWriter, log: MailLog): Promise<void> {
  await runOrFail(host, "reload Postfix", { argv: RELOAD });
  // If the host logs elsewhere, this waits in vain, and the proof goes by the master and the greeting alone.
  await until(async () => {
    const text = await log.read();
    return RELOADED.test(text) || MASTER_DIED.test(text);
  }, 5000);
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
}

/**
 * Postfix serves when its master holds its lock and a greeting with 220 comes; exit codes prove nothing. If no service
 * greets, the log must say that the master has started, and if the host logs elsewhere, the lock alone is the proof.
 */
async function proveServing(host: HostReader, log: MailLog, way: Way): Promise<string | undefined> {
  const address = await lookAt(host, GREETING_ADDRESS);
  const begun = way === "reload" ? RELOADED : STARTED;
  let greeting = "";
  let died = "";
  const up = await until(
    async () => {
      const text = await log.read();
      died = MASTER_DIED.exec(text)?.[0] ?? "";
      if (!(await isPostfixRunning(host))) return died !== "";
      if (address === undefined) return begun.test(text);
      const answer = await lookAt(host, banner(address, 5000));
      greeting = "line" in answer ? answer.line : answer.error;
      // An smtpd that cannot read its configuration ends at every connection: there is no use in waiting.
      return isGreeting(greeting) || SMTPD_FAILED.test(await log.read());
    },
    address === undefined ? QUIET_MS : 30_000,
  );
  if (up && died === "" && address !== undefined && isGreeting(greeting)) return greeting;
  const running = await isPostfixRunning(host);
  if (address === undefined && running && died === "") return undefined;
  const state =
    running && address !== undefined
      ? `${address.host} port ${address.port} says: ${greeting}`
      : running
        ? "its master has logged a fatal error"
        : "its master does not run";
  throw failed(host, `${way} of Postfix`, `${state}\n${lastLines(await log.read())}`, "deadline");
}
