/** Guide 3.4 and 3.5: `postfix check` with its reasons, start, and what the running Postfix must be told later. */
import { lastLines } from "../changes";
import { HostError } from "../host/errors";
import type { FactAnswers, HostReader, HostWriter, FileState } from "../host/host";
import { type HostRecord, parseRecord } from "../host/record";
import type { Platform } from "../openbsd/platform";
import type { Kind } from "../resource";
import {
  MASTER_TEST,
  RELOAD,
  isPostfixRunning,
  mailLogEnd,
  mailLogSince,
  runOrFail,
  stopPostfix,
  until,
} from "./running";

export interface PostfixServiceArgs {
  /** Revisions of what Postfix reads: a changed one is what a reload is shown for. */
  readonly triggers?: readonly unknown[];
  /** Filled in: whether Postfix runs. */
  readonly running?: boolean;
  /** Filled in: what the running Postfix has not been told yet. */
  readonly pending?: string;
}

interface Observed {
  readonly running: boolean;
  readonly pending: HostRecord["pending"];
  readonly version: string;
}

const KEY = "process:postfix";
const POSTFIX = "/usr/local/sbin/postfix";
const NOTHING = "nothing";
const SMTP = { host: "127.0.0.1", port: 25 } as const;

function describe(pending: HostRecord["pending"]): string {
  return pending ? `${pending.need} for ${pending.because.join(", ")}` : NOTHING;
}

export const postfixService: Kind<PostfixServiceArgs, Observed> = {
  name: "PostfixService",
  what: () => "process",
  validate: () => [],
  complete: (args) => ({ ...args, running: true, pending: NOTHING }),
  facts: () => ({
    master: { fact: "probe", argv: MASTER_TEST },
    version: { fact: "probe", argv: ["/usr/local/sbin/postconf", "-h", "mail_version"] },
  }),
  observe: (answers) => {
    const master = answers["master"] as FactAnswers["probe"];
    const version = answers["version"] as FactAnswers["probe"];
    return {
      running: !("notFound" in master) && master.exitCode === 1,
      pending: parseRecord(answers["record"] as FileState).pending,
      version: "notFound" in version ? "" : version.stdout.trim(),
    };
  },
  live: ({ running, pending }) => ({ running, pending: running ? describe(pending) : NOTHING }),
  outputs: ({ version }) => ({ version }),
  claims: ({ running }) => [{ key: KEY, before: { running }, applied: { running: true } }],
  baselines: () => ({}),
  plan: ({ running, pending }) => {
    if (!running)
      return [{ change: "step", step: "start", text: "check the configuration and start Postfix" }];
    if (!pending) return [];
    return [
      {
        change: "step",
        step: pending.need,
        text: `check the configuration and ${pending.need} Postfix, which has not been told of ${pending.because.join(", ")}`,
      },
    ];
  },
  restore: ({ running }, _args, { keys }) => {
    const before = keys.find(([name]) => name === KEY)?.[1].before as
      { running: boolean } | undefined;
    return before && !before.running && running
      ? [{ change: "step", step: "stop", text: "stop Postfix" }]
      : [];
  },
  async step(step, _detail, host, _args, { platform, setPending }) {
    if (step === "stop") {
      await stopPostfix(host, platform);
      return undefined;
    }
    const from = await mailLogEnd(host);
    await checkConfiguration(host, platform, from);
    if (step === "reload") await runOrFail(host, "reload Postfix", { argv: RELOAD });
    else {
      if (step === "restart") await stopPostfix(host, platform);
      await start(host, platform, from);
    }
    const banner = await proof(host, platform, from, step);
    await setPending(undefined);
    return { banner };
  },
};

/** `postfix check` tells its reasons to a terminal only (openbsd.md 8 and 16). */
async function checkConfiguration(
  host: HostWriter,
  platform: Platform,
  from: number,
): Promise<void> {
  const result = await host.run({ argv: [POSTFIX, "check"], tty: true });
  if (result.exitCode === 0) return;
  throw new HostError("program", {
    host: host.address,
    during: "`postfix check`",
    reason: lastLines(`${result.stdout}\n${await mailLogSince(host, from)}`),
    changed: "yes",
    next: `Nothing was started or reloaded (${await whoRuns(host, platform)}). Mend the configuration and run \`pulumi up\` again.`,
  });
}

async function whoRuns(host: HostReader, platform: Platform): Promise<string> {
  if (await isPostfixRunning(host)) return "Postfix runs as it did before";
  const { name, running } = platform.baseMailer;
  const { daemon } = await host.read({ daemon: { fact: "probe", argv: running } });
  if (!("notFound" in daemon) && daemon.exitCode === 0) return `${name} is running`;
  return "no mailer is running";
}

async function start(host: HostWriter, platform: Platform, from: number): Promise<void> {
  const result = await host.run({ argv: platform.postfix.start, timeoutMs: 120_000 });
  // A host that is just booting may have started it meanwhile, which is a failure of ours by its exit status only.
  if (result.exitCode === 0 || (await isPostfixRunning(host))) return;
  throw new HostError("program", {
    host: host.address,
    during: "starting Postfix",
    reason: lastLines(`${result.stdout}\n${result.stderr}\n${await mailLogSince(host, from)}`),
    changed: "yes",
    next: `Right now ${await whoRuns(host, platform)}. Mend what the log names and run \`pulumi up\` again.`,
  });
}

/** Started is what holds the master lock and greets with 220: exit codes do not say so (openbsd.md 8). */
async function proof(
  host: HostReader,
  platform: Platform,
  from: number,
  step: string,
): Promise<string> {
  let said = "";
  const up = await until(async () => {
    if (!(await isPostfixRunning(host))) return false;
    const { banner } = await host.read({ banner: { fact: "banner", ...SMTP, timeoutMs: 5000 } });
    said = "line" in banner ? banner.line : banner.error;
    return said.startsWith("220 ");
  }, 30_000);
  if (up) return said;
  throw new HostError("deadline", {
    host: host.address,
    during: `${step} of Postfix`,
    reason: `${said === "" ? "its master does not run" : `port 25 says: ${said}`}\n${lastLines(await mailLogSince(host, from))}`,
    changed: "yes",
    next: `Right now ${await whoRuns(host, platform)}.`,
  });
}
