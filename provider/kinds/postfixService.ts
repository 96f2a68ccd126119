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
import { putBack, rollBack, stillRolledBack } from "../postfix/rollback";
import { POSTFIX_RUNS, stopPostfix } from "../postfix/running";
import { addressIn, checkConfiguration, serve, type Way } from "../postfix/serving";
import { equal } from "../values/json";

/** The arguments, with those that `complete` fills in. */
interface Completed extends PostfixServiceArgs {
  /** Whether Postfix runs. */
  readonly running?: boolean;
  /** The reload or restart that the running Postfix still needs, in words; "nothing" where it needs none. */
  readonly pending?: string;
}

interface Observed {
  readonly running: boolean;
  readonly record: HostRecord;
  readonly version: string;
  /** Postfix's greeting; `undefined` where it does not run or did not answer in time. */
  readonly banner: string | undefined;
  /** Files that were put back after a failed reload, as long as nobody has written them since. */
  readonly putBack: readonly string[];
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
  }).andThen(({ running, settings: found, masterCf, usual, record }) => {
    const address = addressIn(found, contentsOf(masterCf) ?? "");
    const elsewhere =
      running && address && (address.host !== USUAL.host || address.port !== USUAL.port);
    // A second round trip is needed only after a failed reload, or where Postfix greets at another address.
    return Look.all({
      putBack: stillRolledBack(record),
      heard: elsewhere ? banner(address, BANNER_MS) : Look.of(usual),
    }).map(({ putBack: files, heard }) => ({
      ...{ running, record, putBack: files },
      version: found["mail_version"] ?? "",
      banner:
        running && address && "line" in heard && isGreeting(heard.line) ? heard.line : undefined,
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
    running: observed.running,
    pending: observed.running ? describe(observed) : NOTHING,
  }),
  // Without an answer now, the state keeps the greeting that was heard last.
  outputs: ({ version, banner: greeting }) => ({
    version,
    ...(greeting === undefined ? {} : { banner: greeting }),
  }),
  owns: ({ running }) => ({
    claims: [{ key: KEY, before: { running }, applied: { running: true } }],
    files: {},
  }),
  plan: ({ running, record: { pending, rolledBack }, putBack: files }, _args, { applied }) => {
    // Until a refresh, the states of the files' resources do not know that the files were put back.
    if (files.length > 0 && applied === undefined)
      return actionPlan(`Postfix serves by what was put back: ${files.join(", ")}`, refuse);
    if (!running) return serveBy("start", "check the configuration and start Postfix");
    if (pending)
      return serveBy(
        pending.need,
        `check the configuration and ${pending.need} Postfix, which has not been told of ${pending.because.join(", ")}`,
      );
    if (rolledBack)
      return actionPlan("accept the files that were put back as wanted", (_host, { setRecord }) =>
        setRecord(withoutRollback),
      );
    return NOTHING_TO_DO;
  },
  restore: ({ running }, _args, { keys }) => {
    const before = keys.find(([name]) => name === KEY)?.[1].before;
    return equal(before, { running: false }) && running
      ? actionPlan("stop Postfix", stop)
      : NOTHING_TO_DO;
  },
  // The last step that depends on all files judges everything that the plan changes, together.
  judge: (_observed, _args, context) => judgeConfiguration({ path: () => "triggers" }, context),
};

/** Checks the configuration and has Postfix serve with it; if that fails, the files with which it last served come back. */
function serveBy(way: Way, text: string): Plan {
  return actionPlan(text, async (host, context) => {
    try {
      await checkConfiguration(host, context.warn);
      const greeting = await serve(host, context.platform, way);
      await context.setRecord((record) => withoutRollback(serves(record)));
      if (greeting !== undefined) context.output({ banner: greeting });
    } catch (error) {
      throw await rollBack(host, way, error, context);
    }
  });
}

/** Fails with the way out. Before that, a rollback that was interrupted is finished. */
async function refuse(host: HostWriter, context: ActContext): Promise<void> {
  if (context.record.served) await putBack(host, context);
  throw putBackBefore(host.address, Object.keys(context.record.rolledBack ?? {}));
}

function putBackBefore(host: string, files: readonly string[]): HostError {
  return new HostError("conflict", {
    host,
    during: "telling Postfix what was changed",
    reason: `a reload failed before, and ${files.join(", ")} was put back as it was when Postfix last served; the state does not know that yet`,
    changed: "no",
    next: "Run `pulumi up --refresh`: it sees what was put back, and tries again.",
  });
}

async function stop(host: HostWriter, context: ActContext): Promise<void> {
  await stopPostfix(host, context.platform);
  await context.setRecord(({ serving: _, ...record }) => record);
}
