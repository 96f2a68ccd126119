/**
 * Guide 4.1 to 4.4, "Testing the mail server": a message handed in by SMTP, followed by its queue id through the mail
 * log until it was delivered and left the queue, found in the mailbox, and taken out of it again.
 */
import { type MailCheckArgs, mailCheckArguments, tlsOf } from "../arguments/mailCheck";
import { randomBytes } from "node:crypto";
import { type ActContext, type Kind, NOTHING_TO_DO } from "../contract/kind";
import { HostError, reasonOf } from "../host/errors";
import type { HostReader, HostWriter, MessageFound } from "../host/host";
import { Look, lookAt } from "../host/look";
import { until } from "../host/programs";
import type { Platform } from "../openbsd/platform";
import { lookAtMailboxes, type Mailboxes, type Place, placeOf } from "../postfix/mailboxes";
import { MAILLOG, MailLog } from "../postfix/mailLog";
import {
  type Delivery,
  type Relay,
  relayedTo,
  type Trace,
  traceMessage,
} from "../postfix/messageTrace";
import { isUnknown, type Unknown } from "../postfix/processes";
import { baseMailerRuns, POSTFIX_RUNS } from "../postfix/running";
import {
  handIn,
  type SmtpDialogue,
  type SmtpSession,
  type SmtpStage,
} from "../postfix/smtpDialogue";
import { equal } from "../values/json";
import { lastLines } from "../values/readable";

/** The domain of the test messages' Message-Ids: no mail goes to a name in `.invalid` (RFC 2606), and nobody else uses it. */
const ID_DOMAIN = "pulumi-openbsd-postfix.invalid";

/** The server that a message is handed in to, and from where. */
interface Way {
  /** For messages: "127.0.0.1 port 25 on the host". */
  readonly name: string;
  readonly from: "host" | "here";
  readonly host: string;
  readonly port: number;
  /** The name that the server's certificate must be valid for. */
  readonly tlsName: string;
}

function waysOf(args: MailCheckArgs, connectionHost: string): readonly [Way, Way?] {
  const { host = "127.0.0.1", port = 25, outside = false } = args;
  const tlsName = args.tlsName ?? connectionHost;
  const name = `${host} port ${port} on the host`;
  const inside: Way = { name, from: "host", host, port, tlsName };
  if (outside === false) return [inside];
  const there = { host: connectionHost, port: 25, ...(outside === true ? {} : outside) };
  const far = `${there.host} port ${there.port} from where Pulumi runs`;
  return [inside, { ...there, name: far, from: "here", tlsName: args.tlsName ?? there.host }];
}

function textOf(args: MailCheckArgs): string {
  const { outside = false } = args;
  const second = outside === false ? "" : ", and another one from where Pulumi runs";
  const removal = args.keep === true ? "" : ", then remove it from the mailbox";
  const tls = tlsOf(args);
  const how = [
    ...(tls === "none" ? [] : [tls === "starttls" ? "with STARTTLS" : "with TLS"]),
    ...(args.login === undefined ? [] : [`logged in as ${args.login.user}`]),
  ].join(", ");
  const end =
    args.deliveredBy === "relay" ? "to the server that takes it" : `into the mailbox${removal}`;
  return `send a test message to ${args.recipient} by SMTP on the host${how === "" ? "" : `, ${how}`}${second}, follow it through the mail log ${end}`;
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
    ...(args.login === undefined ? {} : { tls: tlsOf(args) }),
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
  const fromOutside =
    outside === undefined ? null : await checkOneWay(host, outside, args, context);
  context.output({ ...proof, fromOutside });
}

/** The outputs from one test message. */
interface Proof extends Readonly<Record<string, unknown>> {
  readonly banner: string;
  readonly capabilities: readonly string[];
  readonly queueId: string;
  readonly delivery: string;
  readonly mailbox: string;
}

/** The envelope recipient. A name without a domain is a local user, whatever domain myorigin would append to it. */
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
  const [mailboxes, log] = await Promise.all([
    lookAtMailboxes(host, args.recipient),
    MailLog.from(host),
  ]);

  const message = { recipient, id, old: platform.onlyOldTls };
  const dialogue = await talk(host, way, args, message, timeoutMs);
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
  const relays = trace.deliveries.flatMap((one) => relayedTo(one) ?? []);
  mustArriveAsWanted(host, trace, relays, mailboxes, args);

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
    tlsSession: dialogue.tls ?? null,
    ...(relays.at(-1) ?? { relay: null, remoteQueueId: null }),
    elapsedSeconds: Math.round((Date.now() - started) / 100) / 10,
  };
}

/**
 * Stops where the message did not arrive where it should. What nobody has asked for is no proof: mail for this host's own
 * recipients that goes elsewhere may be just the fault that the test is to find.
 */
function mustArriveAsWanted(
  host: HostReader,
  trace: Trace,
  relays: readonly Relay[],
  { here }: Mailboxes,
  { deliveredBy, recipient }: MailCheckArgs,
): void {
  const stage = `the delivery of message ${trace.ids[0] ?? ""}`;
  const [first] = relays;
  if (deliveredBy === "relay" && first === undefined) {
    const agents = [...new Set(trace.deliveries.map(({ agent }) => agent))].join(", ");
    throw stageError(
      host,
      stage,
      `it stayed on this host, where ${agents} delivered it, and was to go to another server`,
      trace.lines,
      'Check relayhost, transport_maps and mydestination, or leave deliveredBy: "relay" out',
    );
  }
  if (first === undefined || deliveredBy === "relay" || (deliveredBy === undefined && !here))
    return;
  const why =
    deliveredBy === "mailbox"
      ? "it was to go into a mailbox of this host"
      : `${recipient} is a recipient of this host`;
  throw stageError(
    host,
    stage,
    `${first.relay} took it, and ${why}`,
    trace.lines,
    'Check aliases, mydestination, relayhost and transport_maps; where the mail is meant to go there, say deliveredBy: "relay"',
  );
}

async function talk(
  host: HostWriter,
  way: Way,
  args: MailCheckArgs,
  {
    recipient,
    id,
    old,
  }: { readonly recipient: string; readonly id: string; readonly old: boolean },
  timeoutMs: number,
): Promise<SmtpDialogue> {
  const mode = tlsOf(args);
  const ca = args.tlsCa === undefined ? {} : { ca: args.tlsCa };
  const session: SmtpSession = {
    ...(mode === "none" ? {} : { tls: { mode, name: way.tlsName, old, ...ca } }),
    ...(args.login === undefined ? {} : { login: args.login }),
  };
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
  if (way.from === "here")
    return handIn({ host: way.host, port: way.port }, message, timeoutMs, session);
  try {
    // handIn() enforces the timeout; the agent's own later deadline ends a connection whose provider has died.
    const connection = await host.connect(way.host, way.port, timeoutMs + 5000);
    return await handIn({ connection }, message, timeoutMs, session);
  } catch (error) {
    // Only a refused SMTP connection is a result of the test; a broken SSH connection is an error of its own.
    if (!HostError.isInstance(error) || error.kind !== "program") throw error;
    const failure = { stage: "connection", reason: error.reason } as const;
    return { transcript: [], banner: "", capabilities: [], failure };
  }
}

const STAGE_NAMES: Readonly<Record<SmtpStage, string>> = {
  connection: "the connection",
  TLS: "TLS",
  greeting: "the greeting",
  EHLO: "EHLO",
  AUTH: "the login (AUTH)",
  MAIL: "MAIL FROM",
  RCPT: "RCPT TO",
  DATA: "DATA",
  message: "the message after DATA",
};

/** How many lines of the mail log an error quotes. */
const LOGGED_LINES = 12;

const UNTOUCHED =
  "The test changes no settings; the mail server is as the steps before it have left it.";

function stageError(
  host: HostReader,
  stage: string,
  reason: string,
  lines: readonly string[],
  next: string,
): HostError {
  return new HostError("program", {
    host: host.address,
    during: stage,
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
  { stage, reason, code }: NonNullable<SmtpDialogue["failure"]>,
  log: MailLog,
): Promise<HostError> {
  const during = `handing a test message in at ${way.name}: ${STAGE_NAMES[stage]}`;
  const mailers =
    stage === "connection" || stage === "greeting" ? await runningMailers(host, platform) : "";
  // A server in trouble answers its client only "451 try again", and gives the reason in its log.
  const logged = stage === "connection" ? "" : lastLines(await log.read(), LOGGED_LINES);
  const lines = [...dialogue.transcript, ...(logged === "" ? [] : [`${MAILLOG}:`, logged])];
  return stageError(host, during, `${reason}${mailers}`, lines, whatToDo(stage, code, way));
}

function stateOf(runs: boolean | Unknown): string {
  if (isUnknown(runs)) return `runs or not, which is not known: ${runs.unknown}`;
  return runs ? "is running" : "is not running";
}

/** Says which mailers, of the two that could answer on the port, are running on the host. */
async function runningMailers(host: HostReader, platform: Platform): Promise<string> {
  const runs = await lookAt(
    host,
    Look.all({ postfix: POSTFIX_RUNS, base: baseMailerRuns(platform) }),
  );
  const words = [
    `Postfix's master ${stateOf(runs.postfix)}`,
    `${platform.baseMailer.name} of the base system ${stateOf(runs.base)}`,
  ];
  return `; ${words.join(", and ")}`;
}

function whatToDo(stage: SmtpStage, code: number | undefined, way: Way): string {
  switch (stage) {
    case "connection":
    case "greeting":
      return way.from === "here"
        ? `Check that every firewall lets ${way.host} port ${way.port} through, and that inet_interfaces in main.cf names that address`
        : `Start Postfix (PostfixService does), check that inet_interfaces and master.cf have it listen at ${way.host} port ${way.port}, and read ${MAILLOG}`;
    case "RCPT":
      if (code !== undefined && code < 500)
        return `The server refuses it for now (${code}): greylisting, or a table or service that does not answer; wait, or let the test's client through, and read ${MAILLOG}`;
      return `Check that the recipient exists: a local user or an alias, in a domain of mydestination, and that smtpd_recipient_restrictions and smtpd_relay_restrictions let the client through`;
    case "TLS":
      return `Nothing of the login and the message was sent. Check that Postfix offers TLS there (smtpd_tls_security_level or, on port 465, smtpd_tls_wrappermode, with smtpd_tls_cert_file), and that tlsName and tlsCa are those of its certificate; read ${MAILLOG}`;
    case "AUTH":
      return `Check the user and the password, and that Postfix asks a SASL server that answers (smtpd_sasl_auth_enable, smtpd_sasl_type, smtpd_sasl_path); read ${MAILLOG}`;
    case "EHLO":
    case "MAIL":
    case "DATA":
    case "message":
      return `See what ${MAILLOG} says about it, and fix the parameter that it names`;
  }
}

/** What a failure of the test tells the user. */
interface Fault {
  /** The stage of the test that failed. */
  readonly stage: string;
  readonly reason: string;
  /** What to do next. */
  readonly next: string;
}

/** The error of a message that did not arrive, with the lines of the log about it. */
function traceError(
  host: HostReader,
  trace: Trace,
  queueId: string,
  args: MailCheckArgs,
): HostError {
  const waited = `within ${args.timeoutSeconds ?? 30} s`;
  const { stage, reason, next } =
    trace.failed === undefined
      ? missingLine(trace, queueId, waited)
      : failedDelivery(trace, trace.failed, queueId);
  return stageError(host, stage, reason, trace.lines, next);
}

function failedDelivery(trace: Trace, { status, detail }: Delivery, queueId: string): Fault {
  const stage = `the delivery of message ${queueId}`;
  if (status !== "deferred")
    return { stage, reason: `status=${status}: ${detail}`, next: "Fix what it names" };
  const id = trace.queued.at(-1) ?? queueId;
  return {
    stage,
    reason: `it is deferred: ${detail}`,
    next: `Fix that; the message stays in the queue and is tried again (\`postqueue -f\` does so at once, \`postsuper -d ${id}\` deletes it)`,
  };
}

/** The fault where the log lacks a line that the test has waited for. */
function missingLine(trace: Trace, queueId: string, waited: string): Fault {
  if (trace.lines.length === 0)
    return {
      stage: `the queue: following message ${queueId}`,
      reason: `${MAILLOG} does not name it ${waited}`,
      next: "Check that syslogd runs and writes mail.info there, also from Postfix's chroot (RcConfLocal, logSocket), and look at `postqueue -p`",
    };
  if (isDelivered(trace))
    return {
      stage: `the removal of message ${trace.queued.join(", ")} from the queue`,
      reason: `it was delivered, but ${MAILLOG} does not say \`removed\` ${waited}`,
      next: "Look at `postqueue -p`, and check that Postfix's chroot has a log socket where the release needs one (RcConfLocal, logSocket): qmgr logs through it",
    };
  return {
    stage: `the delivery of message ${queueId}`,
    reason: `${MAILLOG} does not say what became of it ${waited}`,
    next: "Look at `postqueue -p`; on a busy or slow host raise `timeoutSeconds`",
  };
}

/** Does the log have a delivery for every queue id that is still in the queue? */
function isDelivered({ deliveries, queued, lines }: Trace): boolean {
  return (
    deliveries.length > 0 && queued.every((id) => lines.some((line) => line.includes(`${id}: to=`)))
  );
}

function header(headers: string, name: string): string {
  const match = new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, "im").exec(headers);
  return (match?.[1] ?? "").replace(/\r?\n[ \t]+/g, " ").trim();
}

/**
 * The names of headers that a message lacks although local(8) and virtual(8) add them to every message in a mailbox. Both
 * can be switched off: by `enable_original_recipient`, and, of local(8) only, by a `prepend_delivered_header` without `file`
 * (postconf(5)).
 */
export function missingHeaders(
  headers: string,
  { settings }: Pick<Mailboxes, "settings">,
  agent = "local",
): string[] {
  const delivered = agent === "local" ? settings["prepend_delivered_header"] : undefined;
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

/** A mailbox of a user of the host. */
type Mailbox = Exclude<Place, { readonly skip: string }>;

/** Finds the message in each mailbox that it was delivered to according to the log, and takes it out. */
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
  const { deliveredBy } = search.args;
  for (const delivery of trace.deliveries) {
    // A delivery under another queue id follows.
    if (/^(forwarded|queued) as /.test(delivery.detail) && trace.ids.length > 1) continue;
    const relayed = relayedTo(delivery);
    if (relayed !== undefined) {
      skipped.push(`not looked for: ${relayed.relay} took it, which is another server`);
      continue;
    }
    const place = await placeOf(host, delivery, mailboxes);
    if ("skip" in place) {
      skipped.push(`not looked for: ${place.skip}`);
      continue;
    }
    headers = await searchMailbox(host, place, delivery, mailboxes, search);
    found.push(place.path);
  }
  if (deliveredBy === "mailbox" && found.length === 0)
    throw stageError(
      host,
      `the mailbox of ${search.args.recipient}`,
      `it was delivered, but to no mailbox that can be looked into: ${skipped.join("; ")}`,
      trace.lines,
      'Test with a recipient who has a mailbox, or leave deliveredBy: "mailbox" out',
    );
  return {
    mailbox: [...found, ...skipped].join("; "),
    originalTo: header(headers, "X-Original-To"),
    deliveredTo: header(headers, "Delivered-To"),
  };
}

/** Takes the message out of a mailbox, and returns its headers. */
async function searchMailbox(
  host: HostWriter,
  mailbox: Mailbox,
  delivery: Delivery,
  mailboxes: Mailboxes,
  search: Search,
): Promise<string> {
  const { path, user } = mailbox;
  const { found, stale, headers } = await take(host, mailbox, search);
  if (!found)
    throw stageError(
      host,
      `the mailbox ${path}`,
      "the log says that the message was delivered to it, and it is not there",
      [delivery.line],
      `Check whether a mail program of ${user} has fetched it already, or test with a user whose mailbox nobody empties`,
    );
  if (stale > 0)
    search.warn(`removed ${stale} test message(s) of an earlier, interrupted run from ${path}.`);
  const missing = missingHeaders(headers, mailboxes, delivery.agent);
  if (missing.length > 0)
    throw stageError(
      host,
      `the message in ${path}`,
      `it has no ${missing.join(" and no ")}, which ${delivery.agent}(8) writes`,
      headers.trimEnd().split(/\r?\n/),
      "Check whether something other than Postfix's own agent delivers, or changes messages on their way",
    );
  return headers;
}

async function take(
  host: HostWriter,
  mailbox: Mailbox,
  { args, id, timeoutMs }: Search,
): Promise<MessageFound> {
  const { kind, path, uid, gid, spool, created, locks } = mailbox;
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
      locks,
      timeoutMs,
    });
  } catch (error) {
    if (!HostError.isInstance(error) || error.kind !== "refused") throw error;
    throw stageError(
      host,
      `the mailbox ${path}`,
      `the message was delivered, but cannot be looked for there: ${reasonOf(error.details.reason)}`,
      [],
      "Check which program holds the mailbox, and what kind of file it is",
    );
  }
}
