/** Stopping and starting the base system's mailer, so that no mail is lost on the way. */
import type { ActContext } from "../contract/kind";
import { HostError } from "../host/errors";
import type { HostWriter } from "../host/host";
import { lookAt } from "../host/look";
import { programFailed, until, waitUntil } from "../host/programs";
import type { Platform } from "../openbsd/platform";
import { lastLines } from "../values/readable";
import { closeBaseMailer, drainBaseQueue, handOver, leftWarning } from "./baseQueue";
import { baseMailerProcesses, known } from "./processes";
import { MAILER_CONF } from "./mailerConf";
import { isBaseMailerRunning } from "./running";
import { armSwitch, CONFIRM_SECONDS, STOP_OF } from "./watch";

type Context = Pick<ActContext, "platform" | "progress" | "warn" | "record">;

/** Delivers what is in the base mailer's queues, and stops it; mail that could not be delivered is Postfix's from then on. */
export async function stopBaseMailer(host: HostWriter, context: Context): Promise<void> {
  const { platform, progress, warn } = context;
  const mailer = platform.baseMailer;
  const gone = async (): Promise<boolean> => !(await isBaseMailerRunning(host, platform));
  // PostfixService disarms it once Postfix serves. Where mailer.conf is nobody's of this package, the switch is not either.
  await drainBaseQueue(host, mailer, progress);
  if (context.record.files[MAILER_CONF] !== undefined)
    await armSwitch(host, context, {
      purpose: `${STOP_OF}${mailer.name}`,
      seconds: CONFIRM_SECONDS,
      first: mailer.resume === undefined ? [] : [mailer.resume],
      always: false,
    });
  try {
    await closeBaseMailer(host, mailer, progress);
    const handed = await handOver(host, mailer);
    if (handed > 0)
      warn(`${mailer.name} could not deliver ${handed} message(s); they were handed to Postfix.`);
    // Who stops it may find it gone already: whether it is, is looked at below.
    const output = mailer.stop === undefined ? "" : outputOf(await host.run({ argv: mailer.stop }));
    if (mailer.stop === undefined || !(await until(gone, 5000))) {
      await signal(host, platform);
      await waited(host, `${mailer.name} to stop`, gone, output);
    }
  } catch (error) {
    if (mailer.resume !== undefined) await host.run({ argv: mailer.resume }).catch(() => undefined);
    throw error;
  }
  for (const argv of mailer.lastRun) await host.run({ argv, timeoutMs: 120_000 });
  const left = await leftWarning(host, mailer);
  if (left !== undefined) warn(left);
}

/** Ends the daemon's own processes, and those of nobody else. */
async function signal(host: HostWriter, { baseMailer: mailer }: Platform): Promise<void> {
  const found = await lookAt(host, baseMailerProcesses(mailer));
  const pids = known(host, `whether ${mailer.name} runs`, found).map(({ pid }) => String(pid));
  // kill(1) fails for a process that has ended meanwhile.
  if (pids.length > 0) await host.run({ argv: ["/bin/kill", ...pids] });
}

/** Starts the base mailer, unless it runs. */
export async function startBaseMailer(
  host: HostWriter,
  { platform }: Pick<Context, "platform">,
  how: "by its script" | "anyway" = "by its script",
): Promise<void> {
  const mailer = platform.baseMailer;
  const up = (): Promise<boolean> => isBaseMailerRunning(host, platform);
  if (await up()) return;
  if (how === "by its script") await host.disarm();
  let result = await host.run({ argv: how === "anyway" ? mailer.startAnyway : mailer.start });
  if (how !== "anyway" && result.exitCode !== 0 && !(await up()))
    throw programFailed(host.address, `start ${mailer.name}`, mailer.start, result);
  // The start of the release does nothing where it takes somebody else's process for the daemon.
  if (!(await until(up, 3000))) result = await host.run({ argv: mailer.startAnyway });
  await waited(host, `${mailer.name} to start`, up, outputOf(result));
}

function outputOf({
  stdout,
  stderr,
}: {
  readonly stdout: string;
  readonly stderr: string;
}): string {
  return `${stdout}\n${stderr}`;
}

/** Waits for `what`; the error after a vain wait quotes the output of the command that was to bring it about. */
async function waited(
  host: HostWriter,
  what: string,
  done: () => Promise<boolean>,
  output: string,
): Promise<void> {
  try {
    await waitUntil(host, what, done, 20_000);
  } catch (error) {
    const quoted = lastLines(output);
    if (!HostError.isInstance(error) || quoted === "") throw error;
    throw error.with({ reason: `${error.reason}; the command printed:\n${quoted}\n` });
  }
}
