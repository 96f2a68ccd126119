/** Handing in one message by SMTP (RFC 5321) with nodemailer's client, and what both sides said. */
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, type ConnectionOptions, TLSSocket } from "node:tls";
import { HostError } from "../host/errors";
import { queuedAs } from "./messageTrace";
import { type CertificateFacts, factsOf } from "./tlsPair";

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

/** How a dialogue is protected. */
export interface TlsWish {
  readonly mode: "starttls" | "implicit";
  /** The name or address that the server's certificate must be valid for. */
  readonly name: string;
  /** Certificates (PEM) to trust in the place of those that Node.js trusts. */
  readonly ca?: string;
  /** Is the server too old for TLS 1.1? */
  readonly old: boolean;
}

/** What a dialogue needs besides its message. */
export interface SmtpSession {
  readonly tls?: TlsWish;
  readonly login?: { readonly user: string; readonly password: string };
}

/** The TLS of a dialogue. */
export interface SeenTls {
  /** As in "TLSv1.3". */
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: {
    readonly subject: string;
    readonly names: readonly string[];
    readonly notAfter: string;
    readonly fingerprint: string;
  };
  /** Was the certificate verified, for the wanted name? */
  readonly authorized: boolean;
}

/** The part of a dialogue in which it ended. */
export type SmtpStage =
  "connection" | "TLS" | "greeting" | "EHLO" | "AUTH" | "MAIL" | "RCPT" | "DATA" | "message";

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
  /** The TLS of the connection, where it came to that. */
  readonly tls?: SeenTls;
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
  [/^STARTTLS/, "TLS"],
  [/^AUTH/, "AUTH"],
  [/^MAIL/, "MAIL"],
  [/^RCPT/, "RCPT"],
  // nodemailer names DATA also when the message itself is refused: only then has the server answered 354.
  [/^DATA/, "DATA"],
];

/** The errors of a TCP connection that was never made. */
const UNCONNECTED = /\b(ECONN\w+|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_\w+|EACCES)\b/;

function stageOf(
  error: ClientError,
  { connected, implicitTls }: { readonly connected: boolean; readonly implicitTls: boolean },
  transcript: readonly string[],
): SmtpStage {
  // With implicit TLS nothing is said before the handshake.
  if (!connected) return implicitTls && !UNCONNECTED.test(error.message) ? "TLS" : "connection";
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
  /** Is a login under way? What the client says then is a secret, in a shape of its mechanism. */
  private loggingIn = false;

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
    for (const line of text.split(/\r?\n/))
      this.lines.push(`${mark} ${source === "client" ? this.withoutLogin(line) : line}`);
    if (source === "server" && !text.startsWith("334")) this.loggingIn = false;
  }

  private withoutLogin(line: string): string {
    if (this.loggingIn) return "[secret]";
    const mechanism = /^AUTH \S+/i.exec(line)?.[0];
    if (mechanism === undefined) return line;
    this.loggingIn = true;
    return line === mechanism ? line : `${mechanism} [secret]`;
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
  session: SmtpSession = {},
): Promise<SmtpDialogue> {
  const transcript = new Transcript();
  const client = clientFor(route, message.name, transcript, timeoutMs, session.tls);
  let capabilities: readonly string[] = [];
  let answer = "";
  let error: ClientError | undefined;
  let seen: SeenTls | undefined;
  try {
    const noteTls = (found: SeenTls | undefined): void => void (seen = found);
    const info = await converse(client, message, timeoutMs, session, noteTls);
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
  const connected = client.stage === "connected";
  const implicitTls = session.tls?.mode === "implicit";
  const result =
    error === undefined
      ? taken(answer)
      : { failure: failureOf(error, lines, { connected, implicitTls }) };
  const tls = seen === undefined ? {} : { tls: seen };
  return { transcript: lines, banner, capabilities, ...tls, ...result };
}

function clientFor(
  route: SmtpRoute,
  name: string,
  { logger }: Transcript,
  timeoutMs: number,
  tls: TlsWish | undefined,
): SMTPConnection {
  // Loaded here, because only MailCheck hands a message in.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const Connection = require("nodemailer/lib/smtp-connection") as typeof SMTPConnection;
  return new Connection({
    name,
    // Without a wish for TLS there is none: a test of delivery need not fail for a certificate.
    ...(tls?.mode === "starttls" ? { requireTLS: true } : { ignoreTLS: true }),
    secure: tls?.mode === "implicit",
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
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

/**
 * A certificate that cannot be trusted does not end the handshake, so that an error can say what the server has shown; but
 * nothing of the message or the login is sent then ({@link untrusted}).
 */
function tlsOptions({ name, ca, old }: TlsWish): ConnectionOptions {
  return {
    rejectUnauthorized: false,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    // An address is no name to ask a server for (RFC 6066).
    servername: /^[\d.]+$|:/.test(name) ? "localhost" : name,
    ...(ca === undefined ? {} : { ca }),
    ...(old ? { minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } : {}),
  };
}

function tlsOf({
  _socket: socket,
}: SMTPConnection): (SeenTls & { readonly why: string }) | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (!(socket instanceof TLSSocket) || certificate === undefined) return undefined;
  const { certificateNames, notAfter, fingerprint }: CertificateFacts = factsOf(certificate);
  return {
    protocol: socket.getProtocol() ?? "",
    cipher: socket.getCipher().name,
    certificate: {
      subject: certificate.subject.replace(/\n/g, ", "),
      names: certificateNames,
      ...{ notAfter, fingerprint },
    },
    authorized: socket.authorized,
    // Node gives a code, in spite of its types.
    why: String(socket.authorizationError),
  };
}

/** What Node.js finds wrong with a certificate, in words. */
const DISTRUST: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself, and not one that is trusted (tlsCa)",
  SELF_SIGNED_CERT_IN_CHAIN: "the root that it goes back to is not one that is trusted (tlsCa)",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "who has signed it is not trusted (tlsCa)",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "who has signed it is neither trusted (tlsCa) nor sent along by the server",
  CERT_HAS_EXPIRED: "it, or one that it goes back to, has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is not valid for that name (tlsName)",
};

/** Why nothing may be sent over the connection, whose TLS is not what it must be; `undefined` where it is. */
function untrusted(wish: TlsWish, seen: ReturnType<typeof tlsOf>): ClientError | undefined {
  const refusal = (reason: string): ClientError =>
    Object.assign(new Error(reason), { command: "STARTTLS" });
  if (seen === undefined) return refusal("the connection has no TLS, or no certificate");
  if (seen.authorized) return undefined;
  const { subject, names, notAfter, fingerprint } = seen.certificate;
  return refusal(
    `the server's certificate is not trusted for ${wish.name}: ${DISTRUST[seen.why] ?? seen.why}. It is of "${subject}", for ${names.join(", ") || "no name"}, valid until ${notAfter}, SHA-256 ${fingerprint}`,
  );
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
  lines: readonly string[],
  connection: Parameters<typeof stageOf>[1],
): NonNullable<SmtpDialogue["failure"]> {
  return {
    stage: stageOf(error, connection, lines),
    reason: reasonOf(error),
    ...(error.responseCode === undefined ? {} : { code: error.responseCode }),
  };
}

/** Greeting, EHLO, TLS and login as they are wanted, the message, QUIT. */
function converse(
  client: SMTPConnection,
  message: SmtpMessage,
  timeoutMs: number,
  { tls, login }: SmtpSession,
  noteTls: (seen: SeenTls | undefined) => void,
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
    const send = (): void => {
      const from = message.sender === "" ? false : message.sender;
      client.send({ from, to: [message.recipient] }, message.text, (refused, info) => {
        if (refused) {
          end(refused);
          return;
        }
        accepted = info;
        client.quit();
      });
    };
    client.connect((failed) => {
      if (failed) {
        end(failed);
        return;
      }
      if (tls !== undefined) {
        const seen = tlsOf(client);
        if (seen !== undefined) {
          const { why: _, ...shown } = seen;
          noteTls(shown);
        }
        const distrust = untrusted(tls, seen);
        if (distrust !== undefined) {
          end(distrust);
          return;
        }
      }
      if (login === undefined) {
        send();
        return;
      }
      if (!client.allowsAuth) {
        const reason = "the server offers no AUTH to this client, so nobody can log in";
        end(Object.assign(new Error(reason), { command: "AUTH" }));
        return;
      }
      client.login({ user: login.user, pass: login.password }, (refused) => {
        if (refused) end(refused);
        else send();
      });
    });
  });
}
