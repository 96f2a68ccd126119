/** Guide 3.4 and 3.5: `postfix check` with its reasons, start, and what the running Postfix must be told later. */
import { type PostfixServiceArgs, postfixServiceArguments } from "../arguments/postfixService";
import { HostError } from "../host/errors";
import { contentsOf, type HostWriter } from "../host/host";
import { file, Look } from "../host/look";
import { type HostRecord, parseRecord, RECORD_PATH } from "../host/record";
import { judge } from "../judge";
import { type ActContext, type Change, type Kind, NOTHING_TO_DO, type Plan } from "../kind/kind";
import { type Address, banner, isGreeting, LISTEN_PARAMETERS } from "../postfix/listening";
import { MASTER_CF } from "../postfix/paths";
import { settings } from "../postfix/postconf";
import { putBack, rollBack, stillRolledBack } from "../postfix/rollback";
import { POSTFIX_RUNS, stopPostfix } from "../postfix/running";
import { serves, withoutRollback } from "../postfix/served";
import { addressIn, checkConfiguration, serve, type Way } from "../postfix/serving";
import { equal } from "../values/json";

/** The arguments with those that are filled in. */
interface Completed extends PostfixServiceArgs {
  /** Whether Postfix runs. */
  readonly running?: boolean;
  /** What the running Postfix has not been told yet. */
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
    record: file(RECORD_PATH).map(parseRecord),
  }).andThen(({ running, settings: found, masterCf, usual, record }) => {
    const address = addressIn(found, contentsOf(masterCf) ?? "");
    const elsewhere =
      running && address && (address.host !== USUAL.host || address.port !== USUAL.port);
    // Only after a failed reload, or where it greets elsewhere, is there something more to look at.
    return Look.all({
      putBack: stillRolledBack(record),
      said: elsewhere ? banner(address, BANNER_MS) : Look.of(usual),
    }).map(({ putBack: files, said }) => ({
      ...{ running, record, address, putBack: files },
      version: found["mail_version"] ?? "",
      banner: running && address && "line" in said && isGreeting(said.line) ? said.line : undefined,
    }));
  });
}

function act(text: string, action: (host: HostWriter, context: ActContext) => Promise<void>): Plan {
  const change: Change = { change: "act", text, act: action };
  return { changes: [change] };
}

/** Checks the configuration, and has Postfix serve by it; what served before comes back where it does not. */
function serveBy(way: Way, text: string): Plan {
  return act(text, async (host, context) => {
    try {
      await checkConfiguration(host, context.warn);
      const said = await serve(host, context.platform, way);
      await context.setRecord((record) => withoutRollback(serves(record)));
      if (said !== undefined) context.output({ banner: said });
    } catch (error) {
      throw await rollBack(host, way, error, context);
    }
  });
}

async function refuse(host: HostWriter, context: ActContext): Promise<void> {
  // A run that was cut off before all was put back, or before Postfix served by it, is finished first.
  if (context.record.served) await putBack(host, context);
  throw putBackBefore(host.address, Object.keys(context.record.rolledBack ?? {}));
}

async function stop(host: HostWriter, context: ActContext): Promise<void> {
  await stopPostfix(host, context.platform);
  await context.setRecord(({ serving: _, ...record }) => record);
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
  // Without an answer now, the greeting is the one that was heard last.
  outputs: ({ version, banner: said }) => ({
    version,
    ...(said === undefined ? {} : { banner: said }),
  }),
  owns: ({ running }) => ({
    claims: [{ key: KEY, before: { running }, applied: { running: true } }],
    files: {},
  }),
  plan: ({ running, record: { pending, rolledBack }, putBack: files }, _args, { applied }) => {
    // The state does not know yet what was put back: what others think they have applied is not there.
    if (files.length > 0 && applied === undefined)
      return act(`Postfix serves by what was put back: ${files.join(", ")}`, refuse);
    if (!running) return serveBy("start", "check the configuration and start Postfix");
    if (pending)
      return serveBy(
        pending.need,
        `check the configuration and ${pending.need} Postfix, which has not been told of ${pending.because.join(", ")}`,
      );
    if (rolledBack)
      return act("take what was put back for what is wanted", (_host, { setRecord }) =>
        setRecord(withoutRollback),
      );
    return NOTHING_TO_DO;
  },
  restore: ({ running }, _args, { keys }) => {
    const before = keys.find(([name]) => name === KEY)?.[1].before;
    return equal(before, { running: false }) && running ? act("stop Postfix", stop) : NOTHING_TO_DO;
  },
  // The last look at everything that the plan changes together; nothing where nothing changes.
  judge: (_observed, _args, context) => judge({ path: () => "triggers" }, context),
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
