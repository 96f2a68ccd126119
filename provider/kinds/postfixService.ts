/** Guide 3.4 and 3.5: `postfix check` with its reasons, the start of Postfix, and its later reloads and restarts. */
import { type PostfixServiceArgs, postfixServiceArguments } from "../arguments/postfixService";
import { type ActContext, actionPlan, type Kind, NOTHING_TO_DO, type Plan } from "../contract/kind";
import { HostError } from "../host/errors";
import { contentsOf, type HostWriter } from "../host/host";
import { file, Look } from "../host/look";
import { type HostRecord } from "../host/record";
import { RECORD } from "../host/recordLook";
import { judgeConfiguration } from "../judge";
import { serves, withoutRollback } from "../postfix/lastServed";
import { type Address, banner, isGreeting, LISTEN_PARAMETERS } from "../postfix/listening";
import { MASTER_CF } from "../postfix/paths";
import { settings } from "../postfix/postconf";
import { isUnknown, type Unknown, UNKNOWN_ADVICE } from "../postfix/processes";
import { putBack, rollBack, stillRolledBack } from "../postfix/rollback";
import { POSTFIX_RUNS } from "../postfix/running";
import {
  armService,
  CONFIRM_SECONDS,
  reportWatch,
  tellOf,
  WATCH_OUTCOME,
  type WatchOutcome,
} from "../postfix/watch";
import { switchBack } from "../postfix/switchBack";
import { addressIn, checkConfiguration, serve, type Way } from "../postfix/serving";
import { equal } from "../values/json";

/** The arguments, with those that `complete` fills in. */
interface Completed extends PostfixServiceArgs {
  /** Whether Postfix runs; "unknown" where the host does not tell. */
  readonly running?: boolean | "unknown";
  /** The reload or restart that the running Postfix still needs, in words; "nothing" where it needs none. */
  readonly pending?: string;
}

interface Observed {
  readonly running: boolean | Unknown;
  readonly record: HostRecord;
  readonly version: string;
  /** Postfix's greeting; `undefined` where it does not run or did not answer in time. */
  readonly banner: string | undefined;
  /** Files that were put back after a failed reload, as long as nobody has written them since. */
  readonly putBack: readonly string[];
  /** What the watch of an earlier run did, and no run has said yet. */
  readonly watch: WatchOutcome | undefined;
}

/** The address of nearly every server: asked for its greeting in the first round trip, before the address is known. */
const USUAL: Address = { host: "127.0.0.1", port: 25 };

/** How long a look waits for the greeting. Without one, the output keeps the greeting that was heard last. */
const BANNER_MS = 2000;

const KEY = "process:postfix";
const NOTHING = "nothing";

function describe({ record, putBack: files }: Observed): string {
  const { pending } = record;
  if (files.length > 0) return `again, what was put back: ${files.join(", ")}`;
  return pending ? `${pending.need} for ${pending.because.join(", ")}` : NOTHING;
}

function look(): Look<Observed> {
  return Look.all({
    running: POSTFIX_RUNS,
    settings: settings("mail_version", ...LISTEN_PARAMETERS),
    masterCf: file(MASTER_CF),
    usual: banner(USUAL, BANNER_MS),
    record: RECORD,
    watch: WATCH_OUTCOME,
  }).andThen(({ running, settings: found, masterCf, usual, record, watch }) => {
    const address = addressIn(found, contentsOf(masterCf) ?? "");
    const elsewhere =
      running === true && address && (address.host !== USUAL.host || address.port !== USUAL.port);
    // A second round trip is needed only after a failed reload, or where Postfix greets at another address.
    return Look.all({
      putBack: stillRolledBack(record),
      heard: elsewhere ? banner(address, BANNER_MS) : Look.of(usual),
    }).map(({ putBack: files, heard }) => ({
      ...{ running, record, putBack: files, watch },
      version: found["mail_version"] ?? "",
      banner:
        running === true && address && "line" in heard && isGreeting(heard.line)
          ? heard.line
          : undefined,
    }));
  });
}

export const postfixService: Kind<Completed, Observed> = {
  name: "PostfixService",
  subject: () => "process",
  arguments: postfixServiceArguments,
  complete: (args) => ({ ...args, running: true, pending: NOTHING }),
  look,
  live: (observed) => ({
    running: isUnknown(observed.running) ? "unknown" : observed.running,
    pending: observed.running === true ? describe(observed) : NOTHING,
  }),
  // Without an answer now, the state keeps the greeting that was heard last.
  outputs: ({ version, banner: greeting }) => ({
    version,
    ...(greeting === undefined ? {} : { banner: greeting }),
  }),
  owns: ({ running }) => ({
    claims: [{ key: KEY, before: { running: running === true }, applied: { running: true } }],
    files: {},
  }),
  plan: (
    { running, record: { pending, rolledBack }, putBack: files, watch },
    args,
    { applied },
  ) => {
    if (isUnknown(running)) {
      const reason = `It cannot be found out whether Postfix runs: ${running.unknown}. ${UNKNOWN_ADVICE}`;
      return { changes: [], obstacles: [{ path: "connection", reason }] };
    }
    // Until a refresh, the states of the files' resources do not know that the files were put back.
    if (files.length > 0 && applied === undefined)
      return actionPlan(`Postfix serves by what was put back: ${files.join(", ")}`, refuse);
    if (!running) return serveBy("start", "check the configuration and start Postfix", args);
    if (pending)
      return serveBy(
        pending.need,
        `check the configuration and ${pending.need} Postfix, which has not been told of ${pending.because.join(", ")}`,
        args,
      );
    if (rolledBack || watch)
      return actionPlan(
        rolledBack ? "accept the files that were put back as wanted" : "say what the host did",
        async (host, { warn, setRecord }) => {
          await reportWatch(host, warn);
          await setRecord(withoutRollback);
        },
      );
    return NOTHING_TO_DO;
  },
  restore: ({ running }, _args, { keys }) => {
    const before = keys.find(([name]) => name === KEY)?.[1].before;
    // A stop finds out by itself whether Postfix runs, or fails with the reason why that is not known.
    return equal(before, { running: false }) && running !== false
      ? actionPlan("stop Postfix", stop)
      : NOTHING_TO_DO;
  },
  // The last step that depends on all files judges everything that the plan changes, together.
  judge: (_observed, _args, context) => judgeConfiguration({ path: () => "triggers" }, context),
};

/** Checks the configuration and has Postfix serve with it; if that fails, the files with which it last served come back. */
function serveBy(way: Way, text: string, { confirmWithinSeconds: seconds }: Completed): Plan {
  return actionPlan(text, async (host, context) => {
    const watch = { purpose: `${way} of Postfix`, seconds: seconds ?? CONFIRM_SECONDS };
    const arm = (): Promise<string | undefined> => armService(host, context, watch);
    await armService(host, context, { ...watch, former: (end) => tellOf(end, context.warn) });
    try {
      await checkConfiguration(host, context.warn);
      const greeting = await serve(host, context.platform, way, context.warn);
      // From here on nothing is put back. The host does what it is told in the order in which it is told.
      await Promise.all([
        host.disarm(),
        context.setRecord((record) => withoutRollback(serves(record))),
      ]);
      if (greeting !== undefined) context.output({ banner: greeting });
    } catch (error) {
      if (HostError.isInstance(error) && error.kind === "lost")
        throw error.with({
          next: `The host itself goes back to what served before, unless a run proves within ${watch.seconds} s of the change that this one serves. ${error.details.next}`,
        });
      throw await rollBack(host, way, error, context, arm);
    }
  });
}

/** Fails with the way out. Before that, a rollback that was interrupted is finished. */
async function refuse(host: HostWriter, context: ActContext): Promise<void> {
  await reportWatch(host, context.warn);
  if (context.record.served) await putBack(host, context);
  throw putBackBefore(host.address, Object.keys(context.record.rolledBack ?? {}));
}

function putBackBefore(host: string, files: readonly string[]): HostError {
  return new HostError("conflict", {
    host,
    during: "telling Postfix what was changed",
    reason: `an earlier change did not serve, and ${files.join(", ")} was put back as it was when mail was last served; the state does not know that yet`,
    changed: "no",
    next: "Run `pulumi up --refresh`: it sees what was put back, and tries again.",
  });
}

async function stop(host: HostWriter, context: ActContext): Promise<void> {
  await switchBack(host, context);
  await context.setRecord(({ serving: _, ...record }) => record);
}
