/**
 * The dead-man switch of a change that can stop mail: armed before it, and disarmed once Postfix is proven to serve. Where
 * that does not come in time, the host itself goes back to what served before, whether anybody is there or not.
 */
import type { ActContext } from "../contract/kind";
import {
  contentsOf,
  type Expectation,
  fileAt,
  type HostWriter,
  type WatchedFile,
  type WatchEnd,
} from "../host/host";
import { file, Look, lookAt } from "../host/look";
import {
  type HostRecord,
  RECORD_FOLDER,
  RECORD_PATH,
  recordFile,
  type SavedFile,
  savedContents,
} from "../host/record";
import { withTexts } from "../host/savedFile";
import { sha256 } from "../values/digest";
import { mapValues } from "../values/json";
import { readable } from "../values/readable";
import { serves } from "./lastServed";
import { MAILER_CONF } from "./mailerConf";
import { MASTER_PID } from "./processes";
import { PACKAGE_JOB } from "./package/databaseLock";
import { POSTFIX_STOP, startOf } from "./running";

/** How the purpose of the watch begins that the stop of the base mailer arms. */
export const STOP_OF = "the stop of ";

/** How long a change may take to be proven, where nothing else is said. */
export const CONFIRM_SECONDS = 120;

/** What the watch of an earlier run did; the file goes with the next run that reports it. */
const OUTCOME = `${RECORD_FOLDER}/watch/outcome`;

/** What a watch did that has acted, until a run reports it. */
export interface WatchOutcome {
  readonly did: "put back" | "left" | "failed";
  readonly paths: readonly string[];
  /** When, and during what. */
  readonly rest: string;
}

export const WATCH_OUTCOME: Look<WatchOutcome | undefined> = file(OUTCOME).map((state) => {
  const contents = contentsOf(state);
  return contents === undefined ? undefined : outcomeIn(contents);
});

function outcomeIn(contents: string): WatchOutcome {
  const [first = "", ...lines] = readable(contents).split("\n");
  const paths = lines.filter((line) => line.startsWith("/"));
  const rest = lines.filter((line) => line !== "" && !line.startsWith("/")).join(", ");
  const did = first === "put back" || first === "left" ? first : "failed";
  return { did, paths, rest: did === "failed" && first !== "failed" ? `${first}, ${rest}` : rest };
}

/** The outcome in a sentence. */
export function describeOutcome({ did, paths, rest }: WatchOutcome): string {
  const files = paths.length === 0 ? "" : ` (${paths.join(", ")})`;
  const what = {
    "put back": `the host itself went back to what served before${files}`,
    left: `the host left everything as it was, because somebody else had changed it meanwhile${files}`,
    failed: `the host tried to go back to what served before${files}, and that failed`,
  }[did];
  return `An earlier run did not prove in time that its change serves: ${what}. ${rest}`;
}

/** What is said of a watch of the service. */
interface ServiceWatch {
  readonly purpose: string;
  readonly seconds: number;
  /** Is told what became of an earlier watch. */
  readonly former?: (end: WatchEnd) => void;
}

/**
 * Arms the watch of a change to how Postfix serves. The files by which it last served come back, and Postfix is started
 * anew; where it has never served, the base system's mailer is what served before, if any did.
 *
 * @returns what the host does unless mail is served in time, where only a run can tell the user
 */
export async function armService(
  host: HostWriter,
  context: Pick<ActContext, "platform" | "record">,
  { purpose, seconds, former = () => undefined }: ServiceWatch,
): Promise<string | undefined> {
  const { record, platform } = context;
  const { served = {} } = record;
  const stop = platform.services === "processes" ? POSTFIX_STOP : platform.postfix.stop;
  if (record.serving !== true) {
    const { name } = platform.baseMailer;
    if (!switches(record, name)) {
      former(await host.disarm());
      return undefined;
    }
    former(await armSwitch(host, context, { purpose, seconds, first: [stop], always: true }));
    return `Unless a run makes Postfix serve within ${seconds} s, the host itself starts ${name} again.`;
  }
  const start = await startOf(host, platform);
  const isChanged = Object.keys(served).length > 0;
  former(
    await host.arm({
      ...(await backTo(host, record, served)),
      ...{ purpose, withinMs: seconds * 1000, unlessLocked: MASTER_PID },
      commands: isChanged ? [stop, start] : [start],
      always: isChanged,
      again: isChanged,
    }),
  );
  return undefined;
}

/** Does the record say that this package passes mail from a base mailer that ran? */
function switches({ keys }: HostRecord, mailer: string): boolean {
  const before = keys[`process:${mailer}`]?.before as { readonly running?: boolean } | undefined;
  return before?.running === true;
}

/** What is said of a watch of the switch. */
interface SwitchWatch {
  readonly purpose: string;
  readonly seconds: number;
  /** Commands to run before the base mailer is started. */
  readonly first: readonly (readonly string[])[];
  /** Go back also where Postfix runs. */
  readonly always: boolean;
}

/** Arms the watch of the switch: mailer.conf comes back, and the base mailer is started again. */
export async function armSwitch(
  host: HostWriter,
  { platform, record }: Pick<ActContext, "platform" | "record">,
  { purpose, seconds, first, always }: SwitchWatch,
): Promise<WatchEnd> {
  const conf = record.files[MAILER_CONF];
  return host.arm({
    ...(await backTo(host, record, conf === undefined ? {} : { [MAILER_CONF]: conf.before })),
    ...{ purpose, withinMs: seconds * 1000, unlessLocked: MASTER_PID },
    commands: [...first, platform.baseMailer.startAnyway],
    always,
    again: false,
  });
}

/**
 * Arms the watch of a replacement of the package, for which Postfix is stopped: it is started again once the job that
 * replaces the package has ended, if no run does that. The job itself cannot be taken back.
 */
export async function armReplacement(
  host: HostWriter,
  platform: ActContext["platform"],
): Promise<void> {
  await host.arm({
    purpose: "the replacement of Postfix's package",
    withinMs: CONFIRM_SECONDS * 1000,
    files: [],
    commands: [await startOf(host, platform)],
    unlessLocked: MASTER_PID,
    ...{ always: false, again: true, after: PACKAGE_JOB },
  });
}

/** The files to put back, and the record that says so: the next run must not take them for what it wrote. */
async function backTo(
  host: HostWriter,
  record: HostRecord,
  served: Readonly<Record<string, SavedFile>>,
): Promise<{ readonly files: readonly WatchedFile[] }> {
  const saved = await withTexts(host, served);
  const paths = Object.keys(saved);
  const found = await lookAt(host, Look.each([...paths, RECORD_PATH], file));
  const expected = (path: string): Expectation => {
    const digest = found[path] && fileAt(found[path])?.sha256;
    return digest === undefined ? { absent: true } : { sha256: digest };
  };
  const files = paths.map((path): WatchedFile => {
    const one = saved[path] ?? null;
    const contents = savedContents(one);
    const attributes = one === null ? {} : { mode: one.mode, uid: one.uid, gid: one.gid };
    return { path, contents, expect: expected(path), ...attributes };
  });
  const digests = mapValues(saved, (one) => {
    const contents = savedContents(one);
    return contents === null ? null : sha256(contents);
  });
  const rolledBack = { ...record.rolledBack, ...digests };
  const { contents } = recordFile(
    paths.includes(MAILER_CONF) ? { ...record, rolledBack } : { ...serves(record), rolledBack },
  );
  const note: WatchedFile = {
    ...{ path: RECORD_PATH, contents, expect: expected(RECORD_PATH), note: true },
    ...{ mode: 0o600, uid: 0, gid: 0 },
  };
  return { files: paths.length === 0 ? [] : [...files, note] };
}

/** Ends what an earlier run has left of its watch, and says what became of it. */
export async function reportWatch(host: HostWriter, warn: (text: string) => void): Promise<void> {
  tellOf(await host.disarm(), warn);
}

/** Says what became of the watch of an earlier run. */
export function tellOf({ was, outcome }: WatchEnd, warn: (text: string) => void): void {
  if (was === "acted") warn(describeOutcome(outcomeIn(outcome)));
  // Between the steps of the switch the watch of the first one is armed still: this is the run that armed it.
  if (was === "armed" && !outcome.startsWith(STOP_OF))
    warn(
      "An earlier run ended before it proved that its change serves; this one goes on from there.",
    );
  if (was === "lost")
    warn(
      "An earlier run ended before it proved that its change serves, and the host was restarted before it went back by itself; this run goes on from there.",
    );
}
