/** One message handed in by SMTP (RFC 5321), with nodemailer's client, and what was said on both sides. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HostError } from "../host/errors";
import SMTPConnection from "nodemailer/lib/smtp-connection";

/** A message to hand in. */
interface SmtpMessage {
  /** How we call ourselves in EHLO. */
  readonly name: string;
  /** Envelope sender; "" is the null sender. */
  readonly sender: string;
  readonly recipient: string;
  /** Headers, an empty line and a body; line ends are made CRLF (docs/openbsd.md 11), and dots stuffed, by the client. */
  readonly text: string;
}

/** The step at which a dialogue ended. */
export type SmtpStep = "connection" | "greeting" | "EHLO" | "MAIL" | "RCPT" | "DATA" | "message";

/** What came of it. */
export interface SmtpDialogue {
  /** Lines as they went: `< ` before what the server said, `> ` before what was sent. */
  readonly transcript: readonly string[];
  /** The first line of the server; "" when it said none. */
  readonly banner: string;
  /** What it offered in answer to EHLO. */
  readonly capabilities: readonly string[];
  /** The queue id under which it took the message: Postfix names it in its last answer. */
  readonly queueId?: string;
  /** Where and why the message was not taken; `code` is the server's reply code, where it gave one. */
  readonly failure?: { readonly step: SmtpStep; readonly reason: string; readonly code?: number };
}

/** How the server is reached: over a connection that stands, or one that the client opens. */
type SmtpRoute = { readonly connection: Duplex } | { readonly host: string; readonly port: number };

/** What nodemailer hangs on its errors. */
interface ClientError extends Error {
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
}

const STEPS: readonly (readonly [RegExp, SmtpStep])[] = [
  [/^(EHLO|HELO)/, "EHLO"],
  [/^MAIL/, "MAIL"],
  [/^RCPT/, "RCPT"],
  // The client says DATA for both; only the answer to the message itself comes after the 354.
  [/^DATA/, "DATA"],
];

function stepOf(error: ClientError, connected: boolean, transcript: readonly string[]): SmtpStep {
  if (!connected) return "connection";
  const step = STEPS.find(([pattern]) => pattern.test(error.command ?? ""))?.[1];
  if (step === "DATA") return transcript.some((line) => /^< 354/.test(line)) ? "message" : "DATA";
  if (step !== undefined) return step;
  // The connection broke: what was asked last is what was not answered.
  const asked = transcript.findLast((line) => line.startsWith("> "))?.slice(2) ?? "";
  if (transcript.some((line) => /^< 354/.test(line))) return "message";
  return STEPS.find(([pattern]) => pattern.test(asked))?.[1] ?? "greeting";
}

/** The server's own words where it said some, else the client's. */
function reasonOf(error: ClientError): string {
  return error.response === undefined ? error.message : `it said "${error.response}"`;
}

/** The client's log has both directions: one entry for a command or an answer, several for a message. */
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

  /** All lines, those of a message that was sent included. */
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

/** Hands one message in. A refusal, a silence or a broken connection is an answer, not an exception. */
export async function handIn(
  route: SmtpRoute,
  message: SmtpMessage,
  timeoutMs: number,
): Promise<SmtpDialogue> {
  const transcript = new Transcript();
  const client = new SMTPConnection({
    name: message.name,
    // No TLS: it is about delivery, and a certificate of the server's own name proves nothing on 127.0.0.1.
    ignoreTLS: true,
    secure: false,
    logger: transcript.logger,
    debug: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 1000,
    allowInternalNetworkInterfaces: true,
    ...("connection" in route
      ? // The client uses of a socket only what any stream has, and setTimeout.
        { connection: route.connection as unknown as Socket }
      : route),
  });
  let capabilities: readonly string[] = [];
  let answer: string | undefined;
  let error: ClientError | undefined;
  try {
    const info = await converse(client, message, timeoutMs);
    capabilities = info.ehlo ?? [];
    answer = info.response;
  } catch (thrown) {
    // The line to the host is gone: that is not about the server.
    if (HostError.isInstance(thrown)) throw thrown;
    error = thrown as ClientError;
  } finally {
    client.close();
  }
  const lines = transcript.finish();
  const banner = lines.find((line) => line.startsWith("< "))?.slice(2) ?? "";
  const heard = { transcript: lines, banner, capabilities };
  if (error !== undefined)
    return {
      ...heard,
      failure: {
        step: stepOf(error, client.stage === "connected", lines),
        reason: reasonOf(error),
        ...(error.responseCode === undefined ? {} : { code: error.responseCode }),
      },
    };
  const queueId = /queued as ([0-9A-Za-z]+)/.exec(answer ?? "")?.[1];
  if (queueId === undefined)
    return {
      ...heard,
      failure: {
        step: "message",
        reason: `it took the message without naming a queue id, so it cannot be followed: it said "${answer ?? ""}"`,
      },
    };
  return { ...heard, queueId };
}

/** Greeting, EHLO, the message, QUIT. */
function converse(
  client: SMTPConnection,
  message: SmtpMessage,
  timeoutMs: number,
): Promise<{ readonly response: string; readonly ehlo?: string[] | undefined }> {
  return new Promise((resolve, reject) => {
    let taken: Awaited<ReturnType<typeof converse>> | undefined;
    // A message that was taken is taken, however the leave-taking went.
    const end = (error: Error): void => {
      clearTimeout(late);
      if (taken === undefined) reject(error);
      else resolve(taken);
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
        taken = info;
        client.quit();
      });
    });
  });
}
