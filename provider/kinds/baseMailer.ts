/** Guide 3.2, "Kill existing session of Sendmail": the base system's mailer stopped, and started again on destroy. */
import { type BaseMailerArgs, baseMailerArguments } from "../arguments/baseMailer";
import { programFailed } from "../host/programs";
import { lastLines } from "../values/readable";
import { HostError } from "../host/errors";
import type { Answers, FactAnswers, Facts, HostWriter } from "../host/host";
import type { Json } from "../host/record";
import type { Platform } from "../openbsd/platform";
import type { Kind } from "../kind/kind";
import { waitUntil } from "../host/programs";
import { until } from "../host/programs";
import { runOrFail } from "../host/programs";

interface Completed extends BaseMailerArgs {
  /** Filled in: whether it runs. */
  readonly running?: boolean;
}

interface Observed {
  readonly running: boolean;
  /** Messages that it has, by the queues' names; one that cannot be asked has none. */
  readonly queued: Queued;
}

type Queued = Readonly<Record<string, number>>;

function key(platform: Platform): string {
  return `process:${platform.baseMailer.name}`;
}

/** Messages in a queue listing: `smtpctl show queue` prints one a line, `sendmail -bp` a total. */
function countIn(listing: string): number {
  const total = /Total requests: (\d+)/.exec(listing);
  if (total) return Number(total[1]);
  return listing.split("\n").filter((line) => line.includes("|")).length;
}

function queueFacts({ baseMailer: mailer }: Platform): Facts {
  return Object.fromEntries(
    Object.entries(mailer.queues).map(([name, argv]) => [name, { fact: "probe", argv } as const]),
  );
}

function queuedIn(answers: Answers<Facts>, { baseMailer: mailer }: Platform): Queued {
  return Object.fromEntries(
    Object.keys(mailer.queues).map((name) => {
      const listing = answers[name] as FactAnswers["probe"];
      return [name, "notFound" in listing ? 0 : countIn(listing.stdout)];
    }),
  );
}

function sum(queued: Queued): number {
  return Object.values(queued).reduce((left, right) => left + right, 0);
}

/** Mail that nobody will deliver once the mailer is stopped; nothing to say where there is none. */
function leftBehind(queued: Queued, { baseMailer: mailer }: Platform): string | undefined {
  const where = Object.entries(queued)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} message(s) in its ${name}`);
  if (where.length === 0) return undefined;
  return `${mailer.name} has ${where.join(" and ")}: they stay there, and are not delivered by Postfix.`;
}

async function isRunning(host: HostWriter, platform: Platform): Promise<boolean> {
  const { process } = await host.read({
    process: { fact: "probe", argv: platform.baseMailer.running },
  });
  return !("notFound" in process) && process.exitCode === 0;
}

export const baseMailer: Kind<Completed, Observed> = {
  name: "BaseMailer",
  switches: true,
  what: () => "process",
  arguments: baseMailerArguments,
  complete: (args) => ({ ...args, running: false }),
  facts: (_args, platform) => ({
    process: { fact: "probe", argv: platform.baseMailer.running },
    ...queueFacts(platform),
  }),
  observe: (answers, _args, platform) => {
    const process = answers["process"] as FactAnswers["probe"];
    return {
      running: !("notFound" in process) && process.exitCode === 0,
      queued: queuedIn(answers, platform),
    };
  },
  live: ({ running }) => ({ running }),
  outputs: ({ queued }, _args, platform) => ({
    name: platform.baseMailer.name,
    queuedMessages: sum(queued),
  }),
  claims: ({ running }, _args, { platform }) => [
    { key: key(platform), before: { running }, applied: { running: false } },
  ],
  baselines: () => ({}),
  plan: ({ running }, _args, { platform }) =>
    running
      ? [
          {
            change: "step",
            step: "stop",
            text: `stop ${platform.baseMailer.name}, the base system's mailer`,
          },
        ]
      : [],
  restore: ({ running }, _args, { keys, platform }) => {
    const before = keys.find(([name]) => name === key(platform))?.[1].before as
      { running: boolean } | undefined;
    return before?.running && !running
      ? [
          {
            change: "step",
            step: "start",
            text: `start ${platform.baseMailer.name}, the base system's mailer`,
          },
        ]
      : [];
  },
  judge: (_host, { queued }, _args, changes, { platform, warn }) => {
    const left = leftBehind(queued, platform);
    if (changes.length > 0 && left !== undefined) warn(left);
    return Promise.resolve([]);
  },
  async step(step: string, _detail: Json | undefined, host, _args, { platform, warn }) {
    if (step === "start") await start(host, platform);
    else await stop(host, platform, warn);
    return undefined;
  },
};

async function stop(
  host: HostWriter,
  platform: Platform,
  warn: (text: string) => void,
): Promise<void> {
  const mailer = platform.baseMailer;
  // As it is now: nobody may have seen a preview, and mail may have come since. smtpctl(8) needs a running smtpd.
  const left = leftBehind(queuedIn(await host.read(queueFacts(platform)), platform), platform);
  if (left !== undefined) warn(left);
  const gone = async (): Promise<boolean> => !(await isRunning(host, platform));
  // pkill(1) exits with 1 when nothing matched: gone already.
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

async function start(host: HostWriter, platform: Platform): Promise<void> {
  const mailer = platform.baseMailer;
  const up = (): Promise<boolean> => isRunning(host, platform);
  const result = await host.run({ argv: mailer.start });
  if (result.exitCode !== 0 && !(await up()))
    throw programFailed(host.address, `start ${mailer.name}`, mailer.start, result);
  await waited(host, `${mailer.name} to start`, up, `${result.stdout}\n${result.stderr}`);
}

/** Waits, and where that is in vain the error has what the program said. */
async function waited(
  host: HostWriter,
  what: string,
  done: () => Promise<boolean>,
  output: string,
): Promise<void> {
  try {
    await waitUntil(host, what, done, 20_000);
  } catch (error) {
    const said = lastLines(output);
    if (!HostError.isInstance(error) || said === "") throw error;
    throw error.with({ reason: `${error.reason}; what was run said:\n${said}\n` });
  }
}
