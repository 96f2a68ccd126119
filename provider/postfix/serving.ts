/** Making Postfix serve by what its files say now, and the proof that it does (docs/openbsd.md 8). */
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

/** master(8) notes that it reads its files again, and goes on in the background. */
const RELOADED = /\/master\[\d+\]: reload -- version/;
const STARTED = /\/master\[\d+\]: daemon started -- version/;
const ENDED = /\/smtpd\[\d+\]: (fatal|panic): |\/smtpd: bad command startup -- throttling/;
const DIED = /\/master\[\d+\]: (fatal|panic): .*/;

/** A reload is over some time after `postfix reload` is: how long its master is watched, in milliseconds. */
const WATCH_MS = 400;

/** How long a Postfix that greets nowhere is given to say in the log that it has begun. */
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
 * `postfix check`, which tells its reasons to a terminal only (docs/openbsd.md 8 and 16). What it merely warns of goes to
 * `warn`.
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

/** Where Postfix greets by the files that it has; `undefined` where it greets nowhere that could be connected to. */
const GREETING_ADDRESS: Look<Address | undefined> = Look.all({
  settings: settings(...LISTEN_PARAMETERS),
  masterCf: file(MASTER_CF),
}).map(({ settings: found, masterCf }) => addressIn(found, contentsOf(masterCf) ?? ""));

/** The address at which Postfix greets by its settings and the text of its master.cf. */
export function addressIn(found: Settings, masterCf: string): Address | undefined {
  return greetingAt({
    inetInterfaces: found["inet_interfaces"] ?? "all",
    inetProtocols: found["inet_protocols"] ?? "all",
    masterCf,
  });
}

/**
 * Starts, reloads or restarts Postfix and proves that it serves. Returns its greeting, where it greets at all.
 *
 * @throws HostError with the lines of the mail log when it does not.
 */
export async function serve(
  host: HostWriter,
  platform: Platform,
  way: Way,
): Promise<string | undefined> {
  const log = await MailLog.from(host);
  if (way === "reload") await reload(host, log);
  else await start(host, platform, way, log);
  return proof(host, log, way);
}

async function start(host: HostWriter, platform: Platform, way: Way, log: MailLog): Promise<void> {
  if (way === "restart") await stopPostfix(host, platform);
  const argv = await startOf(host, platform);
  const { exitCode, stdout, stderr } = await host.run({ argv, timeoutMs: 120_000 });
  // A host that is just booting may have started it meanwhile, which is a failure of ours by its exit status only.
  if (exitCode !== 0 && !(await isPostfixRunning(host)))
    throw failed(host, `${way} of Postfix`, lastLines(`${stdout}\n${stderr}\n${await log.read()}`));
}

async function reload(host: HostWriter, log: MailLog): Promise<void> {
  await runOrFail(host, "reload Postfix", { argv: RELOAD });
  // Where the log goes elsewhere, this waits in vain, and the master and the greeting decide.
  await until(async () => {
    const text = await log.read();
    return RELOADED.test(text) || DIED.test(text);
  }, 5000);
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
}

/**
 * Serving is what holds the master lock and greets with 220: exit codes do not say so. Without a service that greets, it
 * is what holds the lock and says in the log that it has begun; where the log goes elsewhere, the lock.
 */
async function proof(host: HostReader, log: MailLog, way: Way): Promise<string | undefined> {
  const address = await lookAt(host, GREETING_ADDRESS);
  const begun = way === "reload" ? RELOADED : STARTED;
  let said = "";
  let died = "";
  const up = await until(
    async () => {
      const text = await log.read();
      died = DIED.exec(text)?.[0] ?? "";
      if (!(await isPostfixRunning(host))) return died !== "";
      if (address === undefined) return begun.test(text);
      const answer = await lookAt(host, banner(address, 5000));
      said = "line" in answer ? answer.line : answer.error;
      // An smtpd that cannot read its configuration ends at every client: waiting does not help.
      return isGreeting(said) || ENDED.test(await log.read());
    },
    address === undefined ? QUIET_MS : 30_000,
  );
  if (up && died === "" && address !== undefined && isGreeting(said)) return said;
  const running = await isPostfixRunning(host);
  if (address === undefined && running && died === "") return undefined;
  const state =
    running && address !== undefined
      ? `${address.host} port ${address.port} says: ${said}`
      : running
        ? "its master says that it died"
        : "its master does not run";
  throw failed(host, `${way} of Postfix`, `${state}\n${lastLines(await log.read())}`, "deadline");
}
