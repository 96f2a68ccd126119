/** Guide 3.2, "Kill existing session of Sendmail": the base system's mailer stopped, and started again on destroy. */
import type { FactAnswers, HostWriter } from "../host/host";
import type { Json } from "../host/record";
import type { Platform } from "../openbsd/platform";
import type { Kind } from "../resource";
import { runOrFail, until, waitUntil } from "./process/running";

export interface BaseMailerArgs {
  /** Filled in: whether it runs. */
  readonly running?: boolean;
}

interface Observed {
  readonly running: boolean;
  /** What its queue listing says; empty where it cannot be asked. */
  readonly queue: string;
}

function key(platform: Platform): string {
  return `process:${platform.baseMailer.name}`;
}

/** Messages in a queue listing: `smtpctl show queue` prints one a line, `sendmail -bp` a total. */
function queued(listing: string): number {
  const total = /Total requests: (\d+)/.exec(listing);
  if (total) return Number(total[1]);
  return listing.split("\n").filter((line) => line.includes("|")).length;
}

async function isRunning(host: HostWriter, platform: Platform): Promise<boolean> {
  const { process } = await host.read({
    process: { fact: "probe", argv: platform.baseMailer.running },
  });
  return !("notFound" in process) && process.exitCode === 0;
}

export const baseMailer: Kind<BaseMailerArgs, Observed> = {
  name: "BaseMailer",
  what: () => "process",
  validate: () => [],
  complete: (args) => ({ ...args, running: false }),
  facts: (_args, { baseMailer: mailer }) => ({
    process: { fact: "probe", argv: mailer.running },
    queue: { fact: "probe", argv: mailer.queue },
  }),
  observe: (answers) => {
    const process = answers["process"] as FactAnswers["probe"];
    const queue = answers["queue"] as FactAnswers["probe"];
    return {
      running: !("notFound" in process) && process.exitCode === 0,
      queue: "notFound" in queue ? "" : queue.stdout,
    };
  },
  live: ({ running }) => ({ running }),
  outputs: ({ queue }, _args, platform) => ({
    name: platform.baseMailer.name,
    queuedMessages: queued(queue),
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
  judge: (_host, { queue }, _args, changes, { platform, warn }) => {
    const count = queued(queue);
    if (changes.length > 0 && count > 0)
      warn(
        `${platform.baseMailer.name} has ${count} message(s) in its queue: they stay there, and are not delivered by Postfix.`,
      );
    return Promise.resolve([]);
  },
  async step(step: string, _detail: Json | undefined, host, _args, { platform }) {
    const mailer = platform.baseMailer;
    const wanted = step === "start";
    const done = async (): Promise<boolean> => (await isRunning(host, platform)) === wanted;
    // pkill(1) exits with 1 when nothing matched: gone already.
    await runOrFail(
      host,
      `${step} ${mailer.name}`,
      { argv: wanted ? mailer.start : mailer.stop },
      [0, 1],
    );
    if (!wanted && !(await until(done, 5000)))
      await runOrFail(host, `end ${mailer.name}`, { argv: mailer.kill }, [0, 1]);
    await waitUntil(host, `${mailer.name} to ${step}`, done, 20_000);
    return undefined;
  },
};
