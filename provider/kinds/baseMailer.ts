/** Guide 3.2, "Kill existing session of Sendmail": the base system's mailer stopped, and started again on destroy. */
import { type BaseMailerArgs, baseMailerArguments } from "../arguments/baseMailer";
import type { ActContext, Action, Kind } from "../contract/kind";
import { HostError } from "../host/errors";
import type { HostWriter } from "../host/host";
import { Look, lookAt, probe } from "../host/look";
import { programFailed, runOrFail, until, waitUntil } from "../host/programs";
import type { Platform } from "../openbsd/platform";
import { baseMailerRuns } from "../postfix/running";
import { equal } from "../values/json";
import { lastLines } from "../values/readable";

/** The arguments, with those that `complete` fills in. */
interface Completed extends BaseMailerArgs {
  /** Whether the mailer runs. */
  readonly running?: boolean;
}

interface Observed {
  readonly running: boolean;
  readonly queued: Queued;
}

/** How many messages the base mailer has in each of its queues; 0 for a queue that cannot be listed. */
type Queued = Readonly<Record<string, number>>;

function key(platform: Platform): string {
  return `process:${platform.baseMailer.name}`;
}

/** The number of messages in a queue listing: `smtpctl show queue` prints one a line, `sendmail -bp` a total. */
function countIn(listing: string): number {
  const total = /Total requests: (\d+)/.exec(listing);
  if (total) return Number(total[1]);
  return listing.split("\n").filter((line) => line.includes("|")).length;
}

function queues({ baseMailer: { queues: programs } }: Platform): Look<Queued> {
  return Look.each(Object.keys(programs), (name) =>
    probe(programs[name] ?? []).map((listing) =>
      "notFound" in listing ? 0 : countIn(listing.stdout),
    ),
  );
}

function sum(queued: Queued): number {
  return Object.values(queued).reduce((left, right) => left + right, 0);
}

/** A warning of mail that nobody will deliver once the mailer is stopped; `undefined` where there is none. */
function leftBehind(queued: Queued, { baseMailer: mailer }: Platform): string | undefined {
  const where = Object.entries(queued)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} message(s) in its ${name}`);
  if (where.length === 0) return undefined;
  return `${mailer.name} has ${where.join(" and ")}: they stay there, and are not delivered by Postfix.`;
}

export const baseMailer: Kind<Completed, Observed> = {
  name: "BaseMailer",
  traits: { switches: true },
  subject: () => "process",
  arguments: baseMailerArguments,
  complete: (args) => ({ ...args, running: false }),
  look: (_args, platform) =>
    Look.all({ running: baseMailerRuns(platform), queued: queues(platform) }),
  live: ({ running }) => ({ running }),
  outputs: ({ queued }, _args, platform) => ({
    name: platform.baseMailer.name,
    queuedMessages: sum(queued),
  }),
  owns: ({ running }, _args, { platform }) => ({
    claims: [{ key: key(platform), before: { running }, applied: { running: false } }],
    files: {},
  }),
  plan: ({ running }, _args, { platform }) => ({
    changes: running ? [switched(platform, "stop", stop)] : [],
  }),
  restore: ({ running }, _args, { keys, platform }) => {
    const before = keys.find(([name]) => name === key(platform))?.[1].before;
    const ran = equal(before, { running: true });
    return { changes: ran && !running ? [switched(platform, "start", start)] : [] };
  },
  judge: ({ queued }, _args, { plan, platform, warn }) => {
    const left = leftBehind(queued, platform);
    if (plan.changes.length > 0 && left !== undefined) warn(left);
    return Promise.resolve([]);
  },
};

function switched(
  { baseMailer: { name } }: Platform,
  verb: "start" | "stop",
  act: Action["act"],
): Action {
  return { change: "act", text: `${verb} ${name}, the base system's mailer`, act };
}

async function stop(host: HostWriter, { platform, warn }: ActContext): Promise<void> {
  const mailer = platform.baseMailer;
  // Warned of here as well as in the preview, which may not have run, or before more mail came. Before the stop, because
  // smtpctl(8) needs a running smtpd.
  const left = leftBehind(await lookAt(host, queues(platform)), platform);
  if (left !== undefined) warn(left);
  const gone = async (): Promise<boolean> => !(await lookAt(host, baseMailerRuns(platform)));
  // pkill(1) exits with 1 when nothing matched: the mailer is gone already.
  const { stdout, stderr } = await runOrFail(
    host,
    `stop ${mailer.name}`,
    { argv: mailer.stop },
    [0, 1],
  );
  if (!(await until(gone, 5000)))
    await runOrFail(host, `end ${mailer.name}`, { argv: mailer.kill }, [0, 1]);
  await waited(host, `${mailer.name} to stop`, gone, `${stdout}\n${stderr}`);
}

async function start(host: HostWriter, { platform }: ActContext): Promise<void> {
  const mailer = platform.baseMailer;
  const up = (): Promise<boolean> => lookAt(host, baseMailerRuns(platform));
  const result = await host.run({ argv: mailer.start });
  if (result.exitCode !== 0 && !(await up()))
    throw programFailed(host.address, `start ${mailer.name}`, mailer.start, result);
  await waited(host, `${mailer.name} to start`, up, `${result.stdout}\n${result.stderr}`);
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
