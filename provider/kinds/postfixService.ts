/** Guide 3.4 and 3.5: `postfix check` with its reasons, start, and what the running Postfix must be told later. */
import { type PostfixServiceArgs, postfixServiceArguments } from "../arguments/postfixService";
import { HostError } from "../host/errors";
import type { Fact, FactAnswers, FileState } from "../host/host";
import { type HostRecord, parseRecord, serves, withoutRollback } from "../host/record";
import { judge } from "../judge";
import type { Change, Kind } from "../kind/kind";
import { putBack, rollBack, stillRolledBack } from "../postfix/rollback";
import { MASTER_TEST, stopPostfix } from "../postfix/running";
import { parseSettings } from "../postfix/postconf";
import { type Address, isGreeting, LISTEN_PARAMETERS } from "../postfix/listening";
import { addressIn, type Way, checkConfiguration, serve } from "../postfix/serving";

interface Completed extends PostfixServiceArgs {
  /** Filled in: whether Postfix runs. */
  readonly running?: boolean;
  /** Filled in: what the running Postfix has not been told yet. */
  readonly pending?: string;
}

interface Observed {
  readonly running: boolean;
  readonly record: HostRecord;
  readonly version: string;
  /** Where it greets, by its files. */
  readonly address: Address | undefined;
  /** What it greeted with; `undefined` where it does not run, or did not answer in time. */
  readonly banner: string | undefined;
  /** Files that were put back after a failed reload, as long as nobody has written them since. */
  readonly putBack: readonly string[];
}

/** Where nearly every server greets: asked along with everything else. */
const USUAL: Address = { host: "127.0.0.1", port: 25 };

/** How long a look waits for the greeting; one that is late changes nothing. */
const BANNER_MS = 2000;

function bannerAt(address: Address): Extract<Fact, { readonly fact: "banner" }> {
  return { fact: "banner", ...address, timeoutMs: BANNER_MS };
}

const KEY = "process:postfix";
const NOTHING = "nothing";

function describe({ record, putBack: files }: Observed): string {
  const { pending } = record;
  if (files.length > 0) return `again, what was put back: ${files.join(", ")}`;
  return pending ? `${pending.need} for ${pending.because.join(", ")}` : NOTHING;
}

function step(name: string, text: string): Change {
  return { change: "step", step: name, text };
}

export const postfixService: Kind<Completed, Observed> = {
  name: "PostfixService",
  what: () => "process",
  arguments: postfixServiceArguments,
  complete: (args) => ({ ...args, running: true, pending: NOTHING }),
  facts: () => ({
    master: { fact: "probe", argv: MASTER_TEST },
    settings: {
      fact: "probe",
      argv: ["/usr/local/sbin/postconf", "mail_version", ...LISTEN_PARAMETERS],
    },
    masterCf: { fact: "file", path: "/etc/postfix/master.cf" },
    banner: bannerAt(USUAL),
  }),
  // Only after a failed reload, or where it greets elsewhere, is there something more to look at.
  more: ({ record, running, address }) => {
    const elsewhere =
      running && address && (address.host !== USUAL.host || address.port !== USUAL.port);
    if (!record.rolledBack && !elsewhere) return undefined;
    return {
      ...Object.fromEntries(
        Object.keys(record.rolledBack ?? {}).map((path) => [path, { fact: "file", path } as const]),
      ),
      ...(elsewhere ? { "banner elsewhere": bannerAt(address) } : {}),
    };
  },
  observe: (answers) => {
    const master = answers["master"] as FactAnswers["probe"];
    const settings = answers["settings"] as FactAnswers["probe"];
    const record = parseRecord(answers["record"] as FileState);
    const running = !("notFound" in master) && master.exitCode === 1;
    const address = addressIn(settings, answers["masterCf"] as FileState);
    const said = (answers["banner elsewhere"] ?? answers["banner"]) as FactAnswers["banner"];
    return {
      running,
      record,
      version: "notFound" in settings ? "" : (parseSettings(settings.stdout)["mail_version"] ?? ""),
      address,
      banner: running && address && "line" in said && isGreeting(said.line) ? said.line : undefined,
      putBack: stillRolledBack(record, (path) => answers[path] as FileState | undefined),
    };
  },
  live: (observed) => ({
    running: observed.running,
    pending: observed.running ? describe(observed) : NOTHING,
  }),
  // Without an answer now, the greeting is the one that was heard last.
  outputs: ({ version, banner }) => ({ version, ...(banner === undefined ? {} : { banner }) }),
  claims: ({ running }) => [{ key: KEY, before: { running }, applied: { running: true } }],
  baselines: () => ({}),
  plan: ({ running, record: { pending, rolledBack }, putBack: files }, _args, { applied }) => {
    // The state does not know yet what was put back: what others think they have applied is not there.
    if (files.length > 0 && applied === undefined)
      return [step("refuse", `Postfix serves by what was put back: ${files.join(", ")}`)];
    if (!running) return [step("start", "check the configuration and start Postfix")];
    if (pending)
      return [
        step(
          pending.need,
          `check the configuration and ${pending.need} Postfix, which has not been told of ${pending.because.join(", ")}`,
        ),
      ];
    if (rolledBack) return [step("accept", "take what was put back for what is wanted")];
    return [];
  },
  restore: ({ running }, _args, { keys }) => {
    const before = keys.find(([name]) => name === KEY)?.[1].before as
      { running: boolean } | undefined;
    return before && !before.running && running ? [step("stop", "stop Postfix")] : [];
  },
  async step(name, _detail, host, _args, context) {
    switch (name) {
      case "stop":
        await stopPostfix(host, context.platform);
        await context.setRecord(({ serving: _, ...record }) => record);
        return undefined;
      case "accept":
        await context.setRecord(withoutRollback);
        return undefined;
      case "refuse":
        // A run that was cut off before all was put back, or before Postfix served by it, is finished first.
        if (context.record.served) await putBack(host, context);
        throw putBackBefore(host.address, Object.keys(context.record.rolledBack ?? {}));
      default: {
        const way = name as Way;
        try {
          await checkConfiguration(host, context.warn);
          const banner = await serve(host, context.platform, way);
          await context.setRecord((record) => withoutRollback(serves(record)));
          return { banner };
        } catch (error) {
          throw await rollBack(host, way, error, context);
        }
      }
    }
  },
  // The last look at everything that the plan changes together; nothing where nothing changes.
  judge: (host, _observed, _args, _changes, context) =>
    judge(host, { changes: [], path: () => "triggers" }, context),
};

function putBackBefore(host: string, files: readonly string[]): HostError {
  return new HostError("conflict", {
    host,
    during: "telling Postfix what was changed",
    reason: `a reload failed before, and ${files.join(", ")} was put back as Postfix served by it, which the state does not know`,
    changed: "no",
    next: "Run `pulumi up --refresh`: it sees what was put back, and tries again.",
  });
}
