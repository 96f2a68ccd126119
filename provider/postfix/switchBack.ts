/**
 * The way back to the base system's mailer, which begins with the first step of the switch that is undone. What would stop it
 * is asked before anything is undone. Then mailer.conf comes first, so that no more local mail comes to Postfix; Postfix
 * delivers what it has, stops, and the base mailer is started at once. Mail that arrived in between is delivered after that,
 * by a Postfix that takes none.
 */
import type { ActContext } from "../contract/kind";
import { HostError } from "../host/errors";
import { contentsOf, fileAt, type HostReader, type HostWriter } from "../host/host";
import { file, Look, lookAt, printed, probe, stat } from "../host/look";
import { runOrFail, until } from "../host/programs";
import { type HostRecord, RECORD_FOLDER, savedContents } from "../host/record";
import { sha256 } from "../values/digest";
import { lastLines } from "../values/readable";
import { drained, flushBaseQueue } from "./baseQueue";
import { startBaseMailer } from "./baseMailer";
import { MAILER_CONF } from "./mailerConf";
import { noteOf, PACKAGE_KEY } from "./package/note";
import { MAIN_CF, MASTER_CF, PROGRAMS, QUEUE } from "./paths";
import { isPostfixRunning, stopPostfix } from "./running";
import { armSwitch, CONFIRM_SECONDS } from "./watch";

/** The folders of the queue that hold mail. */
const QUEUES = ["maildrop", "incoming", "active", "deferred", "hold"].map(
  (name) => `${QUEUE}/${name}`,
);

/** How long Postfix may not get rid of any message until what is left counts as what it cannot deliver now. */
const STILL_MS = 8000;

/** Where the configuration of a Postfix is that delivers and takes no mail. */
const DELIVER = `${RECORD_FOLDER}/deliver`;

/** The messages in Postfix's queue, by their files: postqueue(1) shows nothing where main.cf is broken or gone. */
async function queuedByPostfix(host: HostWriter): Promise<readonly string[]> {
  const found = await lookAt(host, Look.each(QUEUES, stat));
  const present = QUEUES.filter((path) => found[path]?.type === "directory");
  if (present.length === 0) return [];
  // find(1) ends with 1 where a message was delivered while it looked.
  const { stdout } = await runOrFail(
    host,
    "look for queued mail",
    { argv: ["/usr/bin/find", ...present, "-type", "f"], timeoutMs: 300_000 },
    [0, 1],
  );
  // A message keeps its name on its way through the folders.
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : line.replace(/^.*\//, "")));
}

/** Does the queue go with the package, when that is removed, and is that without the user's word? */
function isAtStake({ keys }: HostRecord): boolean {
  const entry = keys[PACKAGE_KEY];
  const before = entry?.before as
    { readonly name: string | null; readonly folders: readonly string[] } | null | undefined;
  return (
    before?.name === null && !before.folders.includes(QUEUE) && noteOf(entry).discardQueue !== true
  );
}

/** Stops Postfix, and has the base mailer serve where it did before. */
export async function switchBack(host: HostWriter, context: ActContext): Promise<void> {
  const { platform, record, progress } = context;
  await host.disarm();
  const left = (await isPostfixRunning(host))
    ? await deliver(host, context, STILL_MS)
    : (await queuedByPostfix(host)).length;
  if (left > 0 && isAtStake(record))
    throw await undelivered(
      host,
      left,
      "no",
      "Nothing was undone: deliver it or take it out of the queue (`postsuper -d`), or set `discardQueue: true` on PostfixPackage and run `pulumi up`, and then destroy again.",
    );
  const returns = basedBefore(record, platform.baseMailer.name);
  if (returns) {
    await armSwitch(host, context, {
      purpose: "the way back to the base mailer",
      seconds: CONFIRM_SECONDS,
      first: [],
      always: false,
    });
    await putMailerConfBack(host, record);
    if (await isPostfixRunning(host)) await deliver(host, context, 2000);
  }
  await stopPostfix(host, platform);
  if (returns) {
    progress(`start ${platform.baseMailer.name}`);
    // The flags of its script may still say NO.
    await startBaseMailer(host, context, "anyway");
  }
  await deliverTheRest(host, context, returns);
  await host.disarm();
  // What a user submitted while nobody listened waits in a queue of the base mailer, on old releases until a job of cron
  // comes, half an hour later at worst.
  if (returns) await flushBaseQueue(host, platform.baseMailer);
}

/** Did the base mailer run before the switch? */
function basedBefore({ keys }: HostRecord, mailer: string): boolean {
  const before = keys[`process:${mailer}`]?.before as { readonly running?: boolean } | undefined;
  return before?.running === true;
}

/**
 * Has Postfix deliver what is in its queue, for as long as that gets less. Returns how much of it is left; what comes
 * meanwhile does not count.
 */
async function deliver(
  host: HostWriter,
  { progress }: Pick<ActContext, "progress">,
  stillMs: number,
): Promise<number> {
  const first = new Set(await queuedByPostfix(host));
  if (first.size === 0) return 0;
  await host.run({ argv: [PROGRAMS.postqueue, "-f"] });
  return drained(
    async () => (await queuedByPostfix(host)).filter((name) => first.has(name)).length,
    stillMs,
    (left) => progress(`Postfix delivers what is in its queue: ${left} message(s) left`),
  );
}

/** Puts mailer.conf back, unless somebody else has changed it; MailerConf finds it as it wants it then. */
async function putMailerConfBack(host: HostWriter, record: HostRecord): Promise<void> {
  const entry = record.files[MAILER_CONF];
  const before = entry && savedContents(entry.before);
  if (before === null || before === undefined || !entry?.before) return;
  const now = await lookAt(host, file(MAILER_CONF));
  const contents = contentsOf(now);
  if (contents === undefined || contents === before || sha256(contents) !== entry.written) return;
  const { mode, uid, gid } = entry.before;
  const expect = { sha256: fileAt(now)?.sha256 ?? "" };
  await host.write({ path: MAILER_CONF, contents: before, mode, uid, gid, expect });
}

/** Delivers what came until the stop, by a Postfix that takes no mail. */
async function deliverTheRest(
  host: HostWriter,
  context: ActContext,
  returns: boolean,
): Promise<void> {
  if ((await queuedByPostfix(host)).length === 0 || !isAtStake(context.record)) return;
  await startWithoutListening(host);
  const left = await deliver(host, context, STILL_MS);
  if (left > 0)
    throw await undelivered(
      host,
      left,
      "yes",
      `Postfix goes on delivering it, and takes no new mail${returns ? `; ${context.platform.baseMailer.name} does` : ""}. Run destroy again when it is delivered, or take it out of the queue (\`postsuper -d\`).`,
    );
  await stopPostfix(host, context.platform);
  await host.run({ argv: ["/bin/rm", "-rf", DELIVER] });
}

async function startWithoutListening(host: HostWriter): Promise<void> {
  const files = await lookAt(host, Look.each([MAIN_CF, MASTER_CF], file));
  await host.makeDirectory(DELIVER, 0o755);
  const main = `${contentsOf(files[MAIN_CF]) ?? ""}\nmaster_service_disable = inet\n`;
  const texts = { "main.cf": main, "master.cf": contentsOf(files[MASTER_CF]) ?? "" };
  for (const [name, contents] of Object.entries(texts))
    await host.write({
      path: `${DELIVER}/${name}`,
      contents,
      mode: 0o644,
      uid: 0,
      gid: 0,
      expect: { anything: true },
    });
  await host.run({ argv: [PROGRAMS.postfix, "-c", DELIVER, "start"], timeoutMs: 120_000 });
  await until(() => isPostfixRunning(host), 5000);
}

async function undelivered(
  host: HostReader,
  count: number,
  changed: "no" | "yes",
  next: string,
): Promise<HostError> {
  const listed = printed(await lookAt(host, probe([PROGRAMS.postqueue, "-p"]))) ?? "";
  return new HostError("refused", {
    host: host.address,
    during: "passing mail back from Postfix",
    reason: `it could not deliver ${count} message(s) that are in its queue:\n${lastLines(listed, 20)}\n`,
    changed,
    next,
  });
}
