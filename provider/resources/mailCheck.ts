/**
 * Guide 4.1 and 4.2, "Testing the mail server": a message handed in by SMTP on the host itself, and followed by its
 * queue id through the mail log until it was delivered.
 */
import { randomBytes } from "node:crypto";
import { HostError } from "../host/errors";
import type { DialogueResult, DialogueStep, HostWriter } from "../host/host";
import type { Failure, Kind } from "../resource";
import { mailLogEnd, mailLogSince, until } from "./running";

export interface MailCheckArgs {
  readonly recipient: string;
  readonly sender?: string;
  readonly host?: string;
  readonly port?: number;
  readonly timeoutSeconds?: number;
  readonly triggers?: readonly unknown[];
}

const ADDRESS = /^[^\s<>\0]+$/;

function validate(args: Partial<MailCheckArgs>): Failure[] {
  const failures: Failure[] = [];
  if (
    args.recipient !== undefined &&
    (typeof args.recipient !== "string" || !ADDRESS.test(args.recipient))
  )
    failures.push({
      path: "recipient",
      reason: "must be a local user or an address, without blanks or angle brackets.",
    });
  if (args.sender !== undefined && args.sender !== "" && !ADDRESS.test(args.sender))
    failures.push({ path: "sender", reason: 'must be an address, or "" for the null sender.' });
  if (
    args.port !== undefined &&
    !(Number.isInteger(args.port) && args.port > 0 && args.port < 65536)
  )
    failures.push({ path: "port", reason: "must be a whole number from 1 to 65535." });
  if (
    args.timeoutSeconds !== undefined &&
    !(args.timeoutSeconds > 0 && args.timeoutSeconds <= 3600)
  )
    failures.push({
      path: "timeoutSeconds",
      reason: "must be more than 0 and at most 3600 seconds.",
    });
  return failures;
}

export const mailCheck: Kind<MailCheckArgs, Record<string, never>> = {
  name: "MailCheck",
  repeats: true,
  what: (args) => args.recipient,
  validate,
  complete: (args) => ({
    ...args,
    sender: args.sender ?? "",
    host: args.host ?? "127.0.0.1",
    port: args.port ?? 25,
    timeoutSeconds: args.timeoutSeconds ?? 30,
  }),
  facts: () => ({}),
  observe: () => ({}),
  live: () => ({}),
  outputs: () => ({}),
  claims: () => [],
  baselines: () => ({}),
  plan: (_observed, args, { applied }) =>
    applied !== undefined && JSON.stringify(applied) === JSON.stringify(args)
      ? []
      : [
          {
            change: "step",
            step: "send",
            text: `send a test message to ${args.recipient} by SMTP on the host, and follow it through the mail log`,
          },
        ],
  restore: () => [],
  async step(_step, _detail, host, args, { progress }) {
    return send(host, args, progress);
  },
};

async function send(
  host: HostWriter,
  args: MailCheckArgs,
  progress: (text: string) => void,
): Promise<Record<string, unknown>> {
  const started = Date.now();
  const timeoutMs = (args.timeoutSeconds ?? 30) * 1000;
  const from = await mailLogEnd(host);
  const dialogue = await host.dialogue(
    args.host ?? "127.0.0.1",
    args.port ?? 25,
    steps(args),
    timeoutMs,
  );
  const transcript = dialogue.transcript.map(({ from: side, text }) => `${side} ${text}`);
  const queueId = /queued as ([0-9A-Za-z]+)/.exec(transcript.join("\n"))?.[1];
  if (dialogue.error !== undefined || queueId === undefined)
    throw failed(host, "the SMTP dialogue", refusal(dialogue), transcript);

  progress(`message ${queueId} is queued; following it in the mail log`);
  let log: string[] = [];
  const seen = (pattern: RegExp): string | undefined => log.find((line) => pattern.test(line));
  await until(
    async () => {
      log = (await mailLogSince(host, from))
        .split("\n")
        .filter((line) => line.includes(`${queueId}: `));
      return seen(/: removed$|status=(bounced|deferred)/) !== undefined;
    },
    timeoutMs - (Date.now() - started),
  );
  const delivery = seen(/status=sent/);
  if (delivery === undefined)
    throw failed(
      host,
      `the delivery of message ${queueId}`,
      seen(/status=/) ??
        `the mail log does not say what became of it within ${args.timeoutSeconds ?? 30} s`,
      log,
    );
  return {
    banner: dialogue.transcript.find(({ from: side }) => side === "<")?.text ?? "",
    capabilities: capabilities(dialogue),
    queueId,
    delivery,
    transcript,
    log,
    elapsedSeconds: Math.round((Date.now() - started) / 100) / 10,
  };
}

/** A local user is one at localhost, whatever myorigin makes of a name without a domain. */
function addressOf(recipient: string): string {
  return recipient.includes("@") ? recipient : `${recipient}@localhost`;
}

/** The guide's dialogue, with a waiting for each answer; CRLF always (openbsd.md 11). */
function steps(args: MailCheckArgs): DialogueStep[] {
  const sender = args.sender ?? "";
  const recipient = addressOf(args.recipient);
  const id = randomBytes(6).toString("hex");
  const refused = "^[45]\\d\\d[ ]";
  const dialogue: DialogueStep[] = [
    { until: "^220[ ]" },
    { send: "EHLO localhost\r\n", until: "^250[ ]" },
    { send: `MAIL FROM:<${sender}>\r\n`, until: "^250[ ]" },
    { send: `RCPT TO:<${recipient}>\r\n`, until: "^250[ ]" },
    { send: "DATA\r\n", until: "^354[ ]" },
    {
      send: [
        `From: <${sender === "" ? "postmaster@localhost" : sender}>`,
        `To: <${recipient}>`,
        "Subject: Test message of pulumi-openbsd-postfix",
        `Message-Id: <${id}@pulumi-openbsd-postfix.invalid>`,
        "",
        "This message was sent to see that mail is delivered. It can be deleted.",
        ".",
        "",
      ].join("\r\n"),
      until: "^250[ ]",
    },
    { send: "QUIT\r\n", until: "^221[ ]" },
  ];
  // A refusal is an answer: it is not waited out.
  return dialogue.map((step) => ({ ...step, unless: refused }));
}

function capabilities(dialogue: DialogueResult): string[] {
  const lines = dialogue.transcript.filter(({ from }) => from === "<").map(({ text }) => text);
  const ehlo = lines.filter((line) => /^250[- ]/.test(line));
  const end = ehlo.findIndex((line) => line.startsWith("250 "));
  return ehlo.slice(1, end + 1).map((line) => line.slice(4));
}

/** What the server said last, or why the dialogue ended. */
function refusal(dialogue: DialogueResult): string {
  const last = dialogue.transcript.filter(({ from }) => from === "<").at(-1)?.text;
  const asked = dialogue.transcript.filter(({ from }) => from === ">").at(-1)?.text;
  return [
    dialogue.error ?? "the server did not say under which queue id it took the message",
    ...(last === undefined
      ? []
      : [`it said "${last}"${asked === undefined ? "" : ` to "${asked}"`}`]),
  ].join("; ");
}

function failed(
  host: HostWriter,
  step: string,
  reason: string,
  lines: readonly string[],
): HostError {
  return new HostError("program", {
    host: host.address,
    during: step,
    reason: `${reason}\n${lines.join("\n")}`,
    changed: "no",
    next: "Nothing was set up by this test; the mail server is as the steps before left it. Mend what the log names and run `pulumi up` again.",
  });
}
