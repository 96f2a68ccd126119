/** Handing in one message by SMTP (RFC 5321) with nodemailer's client, and what both sides said. */
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HostError } from "../host/errors";
import { queuedAs } from "./messageTrace";

/** A message to hand in. */
interface SmtpMessage {
  /** The client's name for EHLO. */
  readonly name: string;
  /** Envelope sender; "" is the null sender. */
  readonly sender: string;
  readonly recipient: string;
  /** Headers, an empty line and a body. nodemailer makes its line ends CRLF (docs/openbsd.md 11) and stuffs dots. */
  readonly text: string;
}

/** The part of a dialogue in which it ended. */
export type SmtpStage = "connection" | "greeting" | "EHLO" | "MAIL" | "RCPT" | "DATA" | "message";

/** A dialogue and its result. */
export interface SmtpDialogue {
  /** All lines: after `< ` those of the server, after `> ` those of the client. */
  readonly transcript: readonly string[];
  /** The first line of the server; "" if it sent none. */
  readonly banner: string;
  /** The extensions that the server offered in answer to EHLO. */
  readonly capabilities: readonly string[];
  /** The queue id under which the server took the message: Postfix names it in its last answer. */
  readonly queueId?: string;
  /** Where and why the message was not taken; `code` is the server's reply code, if it gave one. */
  readonly failure?: { readonly stage: SmtpStage; readonly reason: string; readonly code?: number };
}

/** How to reach the server: over an open connection, or over one that nodemailer opens. */
type SmtpRoute = { readonly connection: Duplex } | { readonly host: string; readonly port: number };

/** The properties that nodemailer adds to its errors. */
interface ClientError extends Error {
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
}

/** The part of the dialogue to which a command belongs. */
const STAGES: readonly (readonly [RegExp, SmtpStage])[] = [
  [/^(EHLO|HELO)/, "EHLO"],
  [/^MAIL/, "MAIL"],
  [/^RCPT/, "RCPT"],
  // nodemailer names DATA also when the message itself is refused: only then has the server answered 354.
  [/^DATA/, "DATA"],
];

function stageOf(error: ClientError, connected: boolean, transcript: readonly string[]): SmtpStage {
  if (!connected) return "connection";
  const stage = STAGES.find(([pattern]) => pattern.test(error.command ?? ""))?.[1];
  if (stage === "DATA") return transcript.some((line) => /^< 354/.test(line)) ? "message" : "DATA";
  if (stage !== undefined) return stage;
  // The connection broke: the last command is the one that was not answered.
  const asked = transcript.findLast((line) => line.startsWith("> "))?.slice(2) ?? "";
  if (transcript.some((line) => /^< 354/.test(line))) return "message";
  return STAGES.find(([pattern]) => pattern.test(asked))?.[1] ?? "greeting";
}

/** The server's own words, if there are any, else those of nodemailer. */
function reasonOf(error: ClientError): string {
  return error.response === undefined ? error.message : `the server said "${error.response}"`;
}

/** Collects both directions from nodemailer's log, which has one entry for a command or an answer, several for a message. */
class Transcript {
  readonly lines: string[] = [];
  private message = "";

  /** The logger that nodemailer writes to. */
  readonly logger = {
    level: () => undefined,
    trace: () => undefined,
    debug: (entry: { readonly tnx?: string }, text: unknown) =>
      this.add(entry.tnx, typeof text === "string" ? text : ""),
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    fatal: () => undefined,
  };

  /** All lines, including those of a message that was sent. */
  finish(): readonly string[] {
    this.flush();
    return this.lines;
  }

  private add(source: string | undefined, text: string): void {
    if (source === "message") {
      this.message += `${text}\n`;
      return;
    }
    if (source !== "server" && source !== "client") return;
    this.flush();
    const mark = source === "server" ? "<" : ">";
    for (const line of text.split(/\r?\n/)) this.lines.push(`${mark} ${line}`);
  }

  private flush(): void {
    if (this.message === "") return;
    for (const line of this.message.replace(/\r?\n$/, "").split(/\r?\n/))
      this.lines.push(`> ${line}`);
    this.message = "";
  }
}

/** Hands one message in. A refusal, a timeout or a broken connection is a result, not an exception. */
export async function handIn(
  route: SmtpRoute,
  message: SmtpMessage,
  timeoutMs: number,
): Promise<SmtpDialogue> {
  const transcript = new Transcript();
  const client = clientFor(route, message.name, transcript, timeoutMs);
  let capabilities: readonly string[] = [];
  let answer = "";
  let error: ClientError | undefined;
  try {
    const info = await converse(client, message, timeoutMs);
    capabilities = info.ehlo ?? [];
    answer = info.response;
  } catch (thrown) {
    // The connection to the host is lost, which says nothing of its mail server.
    if (HostError.isInstance(thrown)) throw thrown;
    error = thrown as ClientError;
  } finally {
    client.close();
  }
  const lines = transcript.finish();
  const banner = lines.find((line) => line.startsWith("< "))?.slice(2) ?? "";
  const result =
    error === undefined
      ? taken(answer)
      : { failure: failureOf(error, client.stage === "connected", lines) };
  return { transcript: lines, banner, capabilities, ...result };
}

function clientFor(
  route: SmtpRoute,
  name: string,
  { logger }: Transcript,
  timeoutMs: number,
): SMTPConnection {
  return new SMTPConnection({
    name,
    // No TLS: this is about delivery, and the certificate is for the server's name, while the connection is to 127.0.0.1.
    ignoreTLS: true,
    secure: false,
    logger,
    debug: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 1000,
    allowInternalNetworkInterfaces: true,
    ...("connection" in route
      ? // nodemailer uses no more of a socket than what every stream has, and setTimeout.
        { connection: route.connection as unknown as Socket }
      : route),
  });
}

/** The result of a message that was taken, by the server's last answer. */
function taken(answer: string): Pick<SmtpDialogue, "queueId" | "failure"> {
  const queueId = queuedAs(answer);
  if (queueId !== undefined) return { queueId };
  return {
    failure: {
      stage: "message",
      reason: `the server took the message without naming a queue id, so that it cannot be followed: "${answer}"`,
    },
  };
}

function failureOf(
  error: ClientError,
  connected: boolean,
  lines: readonly string[],
): NonNullable<SmtpDialogue["failure"]> {
  return {
    stage: stageOf(error, connected, lines),
    reason: reasonOf(error),
    ...(error.responseCode === undefined ? {} : { code: error.responseCode }),
  };
}

/** Greeting, EHLO, the message, QUIT. */
function converse(
  client: SMTPConnection,
  message: SmtpMessage,
  timeoutMs: number,
): Promise<{ readonly response: string; readonly ehlo?: string[] | undefined }> {
  return new Promise((resolve, reject) => {
    let accepted: Awaited<ReturnType<typeof converse>> | undefined;
    // Once the server has taken the message, an error in QUIT does not matter.
    const end = (error: Error): void => {
      clearTimeout(late);
      if (accepted === undefined) reject(error);
      else resolve(accepted);
    };
    const late = setTimeout(
      () => end(new Error(`nothing more came within ${Math.round(timeoutMs / 1000)} s`)),
      timeoutMs,
    );
    client.on("error", end);
    client.once("end", () => end(new Error("the server closed the connection")));
    client.connect((failed) => {
      if (failed) {
        end(failed);
        return;
      }
      const from = message.sender === "" ? false : message.sender;
      client.send({ from, to: [message.recipient] }, message.text, (refused, info) => {
        if (refused) {
          end(refused);
          return;
        }
        accepted = info;
        client.quit();
      });
    });
  });
}
