/** Making Postfix serve by what its files say now, and the proof that it does (openbsd.md 8). */
import { lastLines } from "../values/readable";
import { HostError } from "../host/errors";
import type { FactAnswers, FileState, HostReader, HostWriter } from "../host/host";
import type { Platform } from "../openbsd/platform";
import { contentsOf } from "../host/host";
import { parseSettings } from "./postconf";
import { type Address, greetingAt, isGreeting, LISTEN_PARAMETERS } from "./listening";
import {
  RELOAD,
  isPostfixRunning,
  mailLogEnd,
  mailLogSince,
  startOf,
  stopPostfix,
} from "./running";
import { until } from "../host/programs";
import { runOrFail } from "../host/programs";

const POSTFIX = "/usr/local/sbin/postfix";

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

/** Who serves mail on the host, for messages. */
export async function whoRuns(host: HostReader, platform: Platform): Promise<string> {
  if (await isPostfixRunning(host)) return "Postfix runs";
  const { name, running } = platform.baseMailer;
  const { daemon } = await host.read({ daemon: { fact: "probe", argv: running } });
  if (!("notFound" in daemon) && daemon.exitCode === 0) return `${name} is running`;
  return "no mailer is running";
}

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
    next: "Mend what the log names and run `pulumi up` again.",
  });
}

/**
 * `postfix check`, which tells its reasons to a terminal only (openbsd.md 8 and 16). What it merely warns of goes to
 * `warn`.
 */
export async function checkConfiguration(
  host: HostWriter,
  warn: (text: string) => void,
): Promise<void> {
  const from = await mailLogEnd(host);
  const result = await host.run({ argv: [POSTFIX, "check"], tty: true });
  if (result.exitCode !== 0)
    throw failed(
      host,
      "`postfix check`",
      lastLines(`${result.stdout}\n${await mailLogSince(host, from)}`),
    );
  const lines = lastLines(result.stdout, 200).split("\n");
  for (const line of new Set(lines.filter((one) => /warning:/.test(one))))
    warn(`postfix check: ${line.replace(/^.*?warning: /, "")}`);
}

/** What to look at for {@link addressIn}. */
export const LISTEN_FACTS = {
  listen: { fact: "probe", argv: ["/usr/local/sbin/postconf", ...LISTEN_PARAMETERS] },
  master: { fact: "file", path: "/etc/postfix/master.cf" },
} as const;

/** Where Postfix greets by the files that it has; `undefined` where it greets nowhere that could be connected to. */
export function addressIn(listen: FactAnswers["probe"], master: FileState): Address | undefined {
  const settings = "notFound" in listen ? {} : parseSettings(listen.stdout);
  return greetingAt({
    inetInterfaces: settings["inet_interfaces"] ?? "all",
    inetProtocols: settings["inet_protocols"] ?? "all",
    masterCf: contentsOf(master) ?? "",
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
  const from = await mailLogEnd(host);
  if (way === "reload") await reload(host, from);
  else {
    if (way === "restart") await stopPostfix(host, platform);
    const argv = await startOf(host, platform);
    const result = await host.run({ argv, timeoutMs: 120_000 });
    // A host that is just booting may have started it meanwhile, which is a failure of ours by its exit status only.
    if (result.exitCode !== 0 && !(await isPostfixRunning(host)))
      throw failed(
        host,
        `${way} of Postfix`,
        lastLines(`${result.stdout}\n${result.stderr}\n${await mailLogSince(host, from)}`),
      );
  }
  return proof(host, from, way);
}

async function reload(host: HostWriter, from: number): Promise<void> {
  await runOrFail(host, "reload Postfix", { argv: RELOAD });
  // Where the log goes elsewhere, this waits in vain, and the master and the greeting decide.
  await until(async () => {
    const log = await mailLogSince(host, from);
    return RELOADED.test(log) || DIED.test(log);
  }, 5000);
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
}

/**
 * Serving is what holds the master lock and greets with 220: exit codes do not say so. Without a service that greets, it
 * is what holds the lock and says in the log that it has begun; where the log goes elsewhere, the lock.
 */
async function proof(host: HostReader, from: number, way: Way): Promise<string | undefined> {
  const { listen, master } = await host.read(LISTEN_FACTS);
  const address = addressIn(listen, master);
  const begun = way === "reload" ? RELOADED : STARTED;
  let said = "";
  let died = "";
  const up = await until(
    async () => {
      const log = await mailLogSince(host, from);
      died = DIED.exec(log)?.[0] ?? "";
      if (!(await isPostfixRunning(host))) return died !== "";
      if (address === undefined) return begun.test(log);
      const { banner } = await host.read({
        banner: { fact: "banner", ...address, timeoutMs: 5000 },
      });
      said = "line" in banner ? banner.line : banner.error;
      // An smtpd that cannot read its configuration ends at every client: waiting does not help.
      return isGreeting(said) || ENDED.test(await mailLogSince(host, from));
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
  throw failed(
    host,
    `${way} of Postfix`,
    `${state}\n${lastLines(await mailLogSince(host, from))}`,
    "deadline",
  );
}
