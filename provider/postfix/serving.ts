/**
 * Making Postfix serve by its files as they are now, and proving that it does (docs/openbsd.md 8).
 *
 * No proof rests on the mail log: whoever connects to port 25 or has logger(1) can write into it. What nobody else can
 * forge is the lock of master(8) with the number behind it, the processes that this master has started, and that one of
 * these answers at the port.
 */
import { HostError } from "../host/errors";
import { contentsOf, type HostReader, type HostWriter } from "../host/host";
import { file, Look, lookAt } from "../host/look";
import { runOrFail, until } from "../host/programs";
import type { Platform } from "../openbsd/platform";
import { lastLines } from "../values/readable";
import { type Address, greetingAt, LISTEN_PARAMETERS } from "./listening";
import { MailLog } from "./mailLog";
import { MASTER_CF, PROGRAMS } from "./paths";
import { type PostfixProcesses, known, POSTFIX } from "./processes";
import { settings, type Settings } from "./postconf";
import { daemonOf, NotServing, Throttled } from "./proof";
import { provenDaemons } from "./provenDaemons";
import { provenGreeting } from "./provenGreeting";
import { isPostfixRunning, RELOAD, startOf, stopPostfix } from "./running";

/** How Postfix is made to serve by its files. */
export type Way = "start" | "reload" | "restart";

/** How long master(8) may take to get its lock: before 2.10 `postfix start` ends before master has it. */
const MASTER_MS = 5000;

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
  // The host does what it is asked in the order in which it is asked: the end of the log is that of before the check.
  const [log, result] = await Promise.all([
    MailLog.from(host),
    host.run({ argv: [PROGRAMS.postfix, "check"], tty: true }),
  ]);
  if (result.exitCode !== 0)
    throw failed(host, "`postfix check`", lastLines(`${result.stdout}\n${await log.read()}`));
  const lines = lastLines(result.stdout, 200).split("\n");
  for (const line of new Set(lines.filter((one) => /warning:/.test(one))))
    warn(`postfix check: ${line.replace(/^.*?warning: /, "")}`);
}

/** What the files on the host say of the proof. */
interface Configuration {
  readonly settings: Settings;
  readonly masterCf: string;
}

const CONFIGURATION: Look<Configuration> = Look.all({
  settings: settings(...LISTEN_PARAMETERS, "default_process_limit", "smtpd_banner"),
  masterCf: file(MASTER_CF).map((state) => contentsOf(state) ?? ""),
});

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
 * @param warn - is told what could not be proven while Postfix goes on serving
 * @throws HostError with the last lines of the mail log when Postfix does not serve
 */
export async function serve(
  host: HostWriter,
  platform: Platform,
  way: Way,
  warn: (text: string) => void,
): Promise<string | undefined> {
  const [log, sight, command] = await Promise.all([
    MailLog.from(host),
    lookAt(host, POSTFIX),
    startOf(host, platform),
  ]);
  const before = known(host, "whether Postfix runs", sight);
  if (way === "reload") await runOrFail(host, "reload Postfix", { argv: RELOAD });
  else await start(host, platform, { way, argv: command, log });
  try {
    return await proveServing(host, log, before, warn);
  } catch (error) {
    // The new files have not been tried yet.
    if (error instanceof Throttled && way === "reload")
      return serve(host, platform, "restart", warn);
    if (!(error instanceof NotServing)) throw error;
    const logged = lastLines(await log.read());
    throw failed(host, `${way} of Postfix`, `${error.message}\n${logged}`, "deadline");
  }
}

async function start(
  host: HostWriter,
  platform: Platform,
  {
    way,
    argv,
    log,
  }: { readonly way: Way; readonly argv: readonly string[]; readonly log: MailLog },
): Promise<void> {
  if (way === "restart") await stopPostfix(host, platform);
  const { exitCode, stdout, stderr } = await host.run({ argv, timeoutMs: 120_000 });
  // If rc(8) of a booting host has started Postfix at the same time, the start fails, but Postfix runs all the same.
  if (exitCode !== 0 && !(await isPostfixRunning(host)))
    throw failed(host, `${way} of Postfix`, lastLines(`${stdout}\n${stderr}\n${await log.read()}`));
}

/** Postfix serves when its master holds its lock, its daemons live, and one of them greets; exit codes prove nothing. */
async function proveServing(
  host: HostWriter,
  log: MailLog,
  before: PostfixProcesses | null,
  warn: (text: string) => void,
): Promise<string | undefined> {
  const look = async (): Promise<PostfixProcesses | null> =>
    known(host, "whether Postfix runs", await lookAt(host, POSTFIX));
  let first: PostfixProcesses | null = null;
  const configuration = lookAt(host, CONFIGURATION);
  configuration.catch(() => undefined);
  await until(async () => (first = await look()) !== null, MASTER_MS);
  const running = first as PostfixProcesses | null;
  if (running === null) throw new NotServing("its master does not run");
  const { settings: found, masterCf } = await configuration;
  /** The processes by which Postfix serves now; those of before the reload end when their work is done. */
  const former = new Set(before?.children.map(({ pid }) => pid));
  const now = async (): Promise<PostfixProcesses> => {
    const sight = await look();
    if (sight === null) throw new NotServing("its master does not run");
    if (sight.master !== running.master)
      throw new NotServing("its master has ended, and another one runs");
    return sight;
  };
  const address = addressIn(found, masterCf);
  const formerDaemons = new Set(before?.children.map(daemonOf));
  const banner = found["smtpd_banner"] ?? "";
  const context = { host, masterCf, banner, former, formerDaemons, now, warn };
  // A daemon must have lived for a while to be proven: meanwhile the greeting is heard.
  const [awaken, greeted] = await Promise.allSettled([
    provenDaemons({ ...context, log, master: running.master }, "awaken"),
    address === undefined
      ? undefined
      : provenGreeting(context, address, Number(found["default_process_limit"] ?? "100")),
  ]);
  if (awaken.status === "rejected") throw awaken.reason;
  if (greeted.status === "rejected") throw greeted.reason;
  await provenDaemons({ ...context, log, master: running.master }, "named in the log");
  return greeted.value;
}
