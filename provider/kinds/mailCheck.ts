/**
 * Guide 4.1 to 4.4, "Testing the mail server": a message handed in by SMTP, followed by its queue id through the mail
 * log until it was delivered and left the queue, found in the mailbox, and taken out of it again.
 */
import { type MailCheckArgs, mailCheckArguments } from "../arguments/mailCheck";
import { randomBytes } from "node:crypto";
import { HostError, reasonOf } from "../host/errors";
import type { HostReader, HostWriter, MessageFound } from "../host/host";
import { Look, lookAt } from "../host/look";
import { until } from "../host/programs";
import { type ActContext, type Kind, NOTHING_TO_DO } from "../kind/kind";
import type { Platform } from "../openbsd/platform";
import { lookAtMailboxes, type Mailboxes, type Place, placeOf } from "../postfix/mailboxes";
import { MAILLOG, MailLog } from "../postfix/mailLog";
import { type Trace, traceMessage } from "../postfix/messageTrace";
import { baseMailerRuns, POSTFIX_RUNS } from "../postfix/running";
import { handIn, type SmtpDialogue, type SmtpStep } from "../postfix/smtpDialogue";
import { equal } from "../values/json";
import { lastLines } from "../values/readable";

/** Message-Ids of ours: nobody else has this domain, and no mail leads there (RFC 2606). */
const ID_DOMAIN = "pulumi-openbsd-postfix.invalid";

/** Where a message is handed in. */
interface Way {
  /** For messages: "127.0.0.1 port 25 on the host". */
  readonly name: string;
  readonly from: "host" | "here";
  readonly host: string;
  readonly port: number;
}

function waysOf(args: MailCheckArgs, connectionHost: string): readonly [Way, Way?] {
  const { host = "127.0.0.1", port = 25, outside = false } = args;
  const inside: Way = { name: `${host} port ${port} on the host`, from: "host", host, port };
  if (outside === false) return [inside];
  const there = { host: connectionHost, port: 25, ...(outside === true ? {} : outside) };
  const name = `${there.host} port ${there.port} from where Pulumi runs`;
  return [inside, { ...there, name, from: "here" }];
}

function textOf(args: MailCheckArgs): string {
  const { outside = false } = args;
  const also = outside === false ? "" : ", and another one from where Pulumi runs";
  const then = args.keep === true ? "" : ", then remove it from the mailbox";
  return `send a test message to ${args.recipient} by SMTP on the host${also}, follow it through the mail log into the mailbox${then}`;
}

export const mailCheck: Kind<MailCheckArgs, Record<string, never>> = {
  name: "MailCheck",
  traits: { repeats: true },
  subject: (args) => args.recipient,
  arguments: mailCheckArguments,
  complete: (args) => ({
    ...args,
    sender: args.sender ?? "",
    host: args.host ?? "127.0.0.1",
    port: args.port ?? 25,
    timeoutSeconds: args.timeoutSeconds ?? 30,
    keep: args.keep ?? false,
  }),
  look: () => Look.of({}),
  live: () => ({}),
  outputs: () => ({}),
  owns: () => ({ claims: [], files: {} }),
  plan: (_observed, args, { applied }) =>
    applied !== undefined && equal(applied, args)
      ? NOTHING_TO_DO
      : {
          changes: [
            {
              change: "act",
              text: textOf(args),
              act: (host, context) => send(host, args, context),
            },
          ],
        },
  restore: () => NOTHING_TO_DO,
};

async function send(host: HostWriter, args: MailCheckArgs, context: ActContext): Promise<void> {
  const [inside, outside] = waysOf(args, context.connectionHost);
  const proof = await checkOneWay(host, inside, args, context);
  const also = outside === undefined ? null : await checkOneWay(host, outside, args, context);
  context.output({ ...proof, fromOutside: also });
}

/** What one message has shown. */
interface Proof extends Readonly<Record<string, unknown>> {
  readonly banner: string;
  readonly capabilities: readonly string[];
  readonly queueId: string;
  readonly delivery: string;
  readonly mailbox: string;
}

/** A local user is one at localhost, whatever myorigin makes of a name without a domain. */
function addressOf(recipient: string): string {
  return recipient.includes("@") ? recipient : `${recipient}@localhost`;
}

async function checkOneWay(
  host: HostWriter,
  way: Way,
  args: MailCheckArgs,
  { platform, progress, warn }: ActContext,
): Promise<Proof> {
  const started = Date.now();
  const timeoutMs = (args.timeoutSeconds ?? 30) * 1000;
  const left = (): number => Math.max(1000, timeoutMs - (Date.now() - started));
  const recipient = addressOf(args.recipient);
  const id = `${args.keep === true ? "kept-" : ""}${randomBytes(6).toString("hex")}`;
  const mailboxes = await lookAtMailboxes(host, args.recipient);
  const log = await MailLog.from(host);

  const dialogue = await talk(host, way, args, { recipient, id }, timeoutMs);
  if (dialogue.failure !== undefined)
    throw await dialogueError(host, platform, way, dialogue, dialogue.failure, log);
  const queueId = dialogue.queueId ?? "";
  progress(`message ${queueId} is queued; following it in the mail log`);

  let trace: Trace = traceMessage("", queueId);
  await until(async () => {
    trace = traceMessage(await log.read(), queueId);
    return trace.done || trace.failed !== undefined;
  }, left());
  if (!trace.done) throw traceError(host, trace, queueId, args);

  const found = await searchMailboxes(host, trace, mailboxes, {
    args,
    id,
    warn,
    timeoutMs: left(),
  });
  return {
    banner: dialogue.banner,
    capabilities: dialogue.capabilities,
    queueId,
    delivery: trace.deliveries.at(-1)?.line ?? "",
    transcript: dialogue.transcript,
    log: trace.lines,
    ...found,
    elapsedSeconds: Math.round((Date.now() - started) / 100) / 10,
  };
}

async function talk(
  host: HostWriter,
  way: Way,
  args: MailCheckArgs,
  { recipient, id }: { readonly recipient: string; readonly id: string },
  timeoutMs: number,
): Promise<SmtpDialogue> {
  const sender = args.sender ?? "";
  const message = {
    name: way.from === "host" ? "localhost" : "[127.0.0.1]",
    sender,
    recipient,
    text: [
      `From: <${sender === "" ? "postmaster@localhost" : sender}>`,
      `To: <${recipient}>`,
      "Subject: Test message of pulumi-openbsd-postfix",
      `Message-Id: <${id}@${ID_DOMAIN}>`,
      "",
      "This message was sent to see that mail is delivered. It can be deleted.",
      "",
    ].join("\r\n"),
  };
  if (way.from === "here") return handIn({ host: way.host, port: way.port }, message, timeoutMs);
  try {
    // The client keeps the time; the agent's own deadline is for when we are gone.
    const connection = await host.connect(way.host, way.port, timeoutMs + 5000);
    return await handIn({ connection }, message, timeoutMs);
  } catch (error) {
    // No connection to the service; a line that is gone is another matter.
    if (!HostError.isInstance(error) || error.kind !== "program") throw error;
    const failure = { step: "connection", reason: error.reason } as const;
    return { transcript: [], banner: "", capabilities: [], failure };
  }
}

const STEP_NAMES: Readonly<Record<SmtpStep, string>> = {
  connection: "the connection",
  greeting: "the greeting",
  EHLO: "EHLO",
  MAIL: "MAIL FROM",
  RCPT: "RCPT TO",
  DATA: "DATA",
  message: "the message after DATA",
};

/** How much of the mail log goes into an error. */
const LOGGED_LINES = 12;

const UNTOUCHED =
  "Nothing was set up by this test; the mail server is as the steps before left it.";

function stepError(
  host: HostReader,
  step: string,
  reason: string,
  lines: readonly string[],
  next: string,
): HostError {
  return new HostError("program", {
    host: host.address,
    during: step,
    reason: lines.length === 0 ? reason : `${reason}\n${lines.join("\n")}\n`,
    changed: "no",
    next: `${UNTOUCHED} ${next}, then run \`pulumi up\` again`,
  });
}

async function dialogueError(
  host: HostReader,
  platform: Platform,
  way: Way,
  dialogue: SmtpDialogue,
  { step, reason, code }: NonNullable<SmtpDialogue["failure"]>,
  log: MailLog,
): Promise<HostError> {
  const during = `handing a test message in at ${way.name}: ${STEP_NAMES[step]}`;
  const who = step === "connection" || step === "greeting" ? await whoAnswers(host, platform) : "";
  // What a server tells a client of its own trouble is "451 try again"; why, it tells its log.
  const logged = step === "connection" ? "" : lastLines(await log.read(), LOGGED_LINES);
  const lines = [...dialogue.transcript, ...(logged === "" ? [] : [`${MAILLOG}:`, logged])];
  return stepError(host, during, `${reason}${who}`, lines, whatToDo(step, code, way));
}

/** Which mailers run on the host that could answer on the port. */
async function whoAnswers(host: HostReader, platform: Platform): Promise<string> {
  const runs = await lookAt(
    host,
    Look.all({ postfix: POSTFIX_RUNS, base: baseMailerRuns(platform) }),
  );
  const words = [
    `Postfix's master is ${runs.postfix ? "running" : "not running"}`,
    `${platform.baseMailer.name} of the base system is ${runs.base ? "running" : "not running"}`,
  ];
  return `; ${words.join(", and ")}`;
}

function whatToDo(step: SmtpStep, code: number | undefined, way: Way): string {
  switch (step) {
    case "connection":
    case "greeting":
      return way.from === "here"
        ? `See that a firewall lets ${way.host} port ${way.port} through, and that inet_interfaces in main.cf names that address`
        : `Start Postfix (PostfixService does), see that inet_interfaces and master.cf have it listen at ${way.host} port ${way.port}, and read ${MAILLOG}`;
    case "RCPT":
      if (code !== undefined && code < 500)
        return `The server puts it off (${code}): greylisting, or a table or service that does not answer now; wait, or let the test's client through, and read ${MAILLOG}`;
      return `See that the recipient is there: a local user or an alias, in a domain of mydestination, and that smtpd_recipient_restrictions and smtpd_relay_restrictions let the client through`;
    case "EHLO":
    case "MAIL":
    case "DATA":
    case "message":
      return `See what ${MAILLOG} says of it, and mend the parameter that it names`;
  }
}

/** Why the message did not come through: what the log said, or that it said nothing. */
function traceError(
  host: HostReader,
  trace: Trace,
  queueId: string,
  args: MailCheckArgs,
): HostError {
  const { failed, lines } = trace;
  const waited = `within ${args.timeoutSeconds ?? 30} s`;
  const delivery = `the delivery of message ${queueId}`;
  if (failed?.status === "deferred")
    return stepError(
      host,
      delivery,
      `it is deferred: ${failed.detail}`,
      lines,
      `Mend that; the message stays in the queue and is tried again (\`postqueue -f\` does so at once, \`postsuper -d ${trace.queued.at(-1) ?? queueId}\` deletes it)`,
    );
  if (failed !== undefined)
    return stepError(
      host,
      delivery,
      `status=${failed.status}: ${failed.detail}`,
      lines,
      "Mend what it names",
    );
  if (lines.length === 0)
    return stepError(
      host,
      `the queue: following message ${queueId}`,
      `${MAILLOG} does not name it ${waited}`,
      [],
      "See that syslogd runs and writes mail.info there, also from Postfix's chroot (RcConfLocal, logSocket), and look at `postqueue -p`",
    );
  if (
    trace.deliveries.length > 0 &&
    trace.queued.every((id) => lines.some((line) => line.includes(`${id}: to=`)))
  )
    return stepError(
      host,
      `the removal of message ${trace.queued.join(", ")} from the queue`,
      `it was delivered, but ${MAILLOG} does not say \`removed\` ${waited}`,
      lines,
      "Look at `postqueue -p`, and see that Postfix's chroot has a log socket where the release needs one (RcConfLocal, logSocket): qmgr logs through it",
    );
  return stepError(
    host,
    delivery,
    `${MAILLOG} does not say what became of it ${waited}`,
    lines,
    "Look at `postqueue -p`; on a busy or slow host raise `timeoutSeconds`",
  );
}

function header(headers: string, name: string): string {
  const match = new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, "im").exec(headers);
  return (match?.[1] ?? "").replace(/\r?\n[ \t]+/g, " ").trim();
}

/**
 * Headers that local(8) puts before every message that it delivers to a mailbox, and that are not there. Both can be
 * switched off: `enable_original_recipient`, and `prepend_delivered_header` without `file` (postconf(5)).
 */
export function missingHeaders(
  headers: string,
  { settings }: Pick<Mailboxes, "settings">,
): string[] {
  const delivered = settings["prepend_delivered_header"];
  const expected = [
    ...(/^no$/i.test(settings["enable_original_recipient"] ?? "") ? [] : ["X-Original-To"]),
    ...(delivered === undefined || /\bfile\b/i.test(delivered) ? ["Delivered-To"] : []),
  ];
  return expected.filter((name) => header(headers, name) === "");
}

interface Search {
  readonly args: MailCheckArgs;
  readonly id: string;
  readonly warn: (text: string) => void;
  readonly timeoutMs: number;
}

/** Looks the message up wherever the log says it was delivered, and takes it out. */
async function searchMailboxes(
  host: HostWriter,
  trace: Trace,
  mailboxes: Mailboxes,
  search: Search,
): Promise<{
  readonly mailbox: string;
  readonly originalTo: string;
  readonly deliveredTo: string;
}> {
  const found: string[] = [];
  const skipped: string[] = [];
  let headers = "";
  for (const delivery of trace.deliveries) {
    // Deliveries to another queue id are not the last ones.
    if (/^(forwarded|queued) as /.test(delivery.detail) && trace.ids.length > 1) continue;
    const place = await placeOf(host, delivery, mailboxes);
    if ("skip" in place) {
      skipped.push(`not looked for: ${place.skip}`);
      continue;
    }
    const taken = await take(host, place, mailboxes, search);
    if (!taken.found)
      throw stepError(
        host,
        `the mailbox ${place.path}`,
        "the log says that the message was delivered to it, and it is not there",
        [delivery.line],
        `See whether a mail program of ${place.user} has fetched it already, or test with a user whose mailbox nobody empties`,
      );
    if (taken.stale > 0)
      search.warn(
        `removed ${taken.stale} test message(s) of an earlier, interrupted run from ${place.path}.`,
      );
    found.push(place.path);
    headers = taken.headers;
    const missing = missingHeaders(headers, mailboxes);
    if (missing.length > 0)
      throw stepError(
        host,
        `the message in ${place.path}`,
        `it has no ${missing.join(" and no ")}, which local(8) writes`,
        headers.trimEnd().split(/\r?\n/),
        "See whether something else than local(8) delivers, or changes messages on their way",
      );
  }
  return {
    mailbox: [...found, ...skipped].join("; "),
    originalTo: header(headers, "X-Original-To"),
    deliveredTo: header(headers, "Delivered-To"),
  };
}

async function take(
  host: HostWriter,
  place: Exclude<Place, { readonly skip: string }>,
  { settings }: Mailboxes,
  { args, id, timeoutMs }: Search,
): Promise<MessageFound> {
  const { kind, path, uid, gid, spool, created } = place;
  try {
    return await host.takeMessage({
      kind,
      path,
      uid,
      gid,
      spool,
      messageId: `${id}@${ID_DOMAIN}`,
      domain: ID_DOMAIN,
      keep: args.keep ?? false,
      created,
      locks: settings["mailbox_delivery_lock"] ?? "",
      timeoutMs,
    });
  } catch (error) {
    if (!HostError.isInstance(error) || error.kind !== "refused") throw error;
    throw stepError(
      host,
      `the mailbox ${path}`,
      `the message was delivered, but cannot be looked for there: ${reasonOf(error.details.reason)}`,
      [],
      "See who holds the mailbox and what it is",
    );
  }
}
