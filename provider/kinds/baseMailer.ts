/** Guide 3.2, "Kill existing session of Sendmail": the base system's mailer stopped, and started again on destroy. */
import { type BaseMailerArgs, baseMailerArguments } from "../arguments/baseMailer";
import { type Action, type Kind, type Plan } from "../contract/kind";
import { Look } from "../host/look";
import type { Platform } from "../openbsd/platform";
import { leftBehind, type Queued, queues, queuedIn } from "../postfix/baseQueue";
import { startBaseMailer, stopBaseMailer } from "../postfix/baseMailer";
import { isUnknown, type Unknown, UNKNOWN_ADVICE } from "../postfix/processes";
import { baseMailerRuns } from "../postfix/running";
import { equal } from "../values/json";

/** The arguments, with those that `complete` fills in. */
interface Completed extends BaseMailerArgs {
  /** Whether the mailer runs; "unknown" where the host does not tell. */
  readonly running?: boolean | "unknown";
}

interface Observed {
  readonly running: boolean | Unknown;
  readonly queued: Queued;
}

function key(platform: Platform): string {
  return `process:${platform.baseMailer.name}`;
}

export const baseMailer: Kind<Completed, Observed> = {
  name: "BaseMailer",
  traits: { switches: true },
  subject: () => "process",
  arguments: baseMailerArguments,
  complete: (args) => ({ ...args, running: false }),
  look: (_args, platform) =>
    Look.all({ running: baseMailerRuns(platform), queued: queues(platform.baseMailer) }),
  live: ({ running }) => ({ running: isUnknown(running) ? "unknown" : running }),
  outputs: ({ queued }, _args, platform) => ({
    name: platform.baseMailer.name,
    queuedMessages: queuedIn(queued),
  }),
  owns: ({ running }, _args, { platform }) => ({
    claims: [
      { key: key(platform), before: { running: running === true }, applied: { running: false } },
    ],
    files: {},
  }),
  plan: ({ running }, _args, { platform }) =>
    isUnknown(running)
      ? undecidable(platform, running)
      : { changes: running ? [switched(platform, "stop", stopBaseMailer)] : [] },
  restore: ({ running }, _args, { keys, platform }) => {
    const before = keys.find(([name]) => name === key(platform))?.[1].before;
    // A start finds out by itself whether the mailer runs, or fails with the reason why that is not known.
    const ran = equal(before, { running: true });
    return {
      changes:
        ran && running !== true
          ? [switched(platform, "start", (host, context) => startBaseMailer(host, context))]
          : [],
    };
  },
  judge: ({ queued }, _args, { plan, platform, warn }) => {
    const left = leftBehind(queued, platform.baseMailer);
    if (plan.changes.length > 0 && left !== undefined)
      warn(`${left}: it is delivered before the switch, or handed to Postfix.`);
    return Promise.resolve([]);
  },
};

/** The plan where nobody can tell whether the mailer runs: none, and the reason. */
function undecidable({ baseMailer: { name } }: Platform, { unknown }: Unknown): Plan {
  const reason = `It cannot be found out whether ${name} runs: ${unknown}. ${UNKNOWN_ADVICE}`;
  return { changes: [], obstacles: [{ path: "connection", reason }] };
}

function switched(
  { baseMailer: { name } }: Platform,
  verb: "start" | "stop",
  act: Action["act"],
): Action {
  return { change: "act", text: `${verb} ${name}, the base system's mailer`, act };
}
