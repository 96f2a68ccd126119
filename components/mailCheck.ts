import * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/mailCheck";
import type { Inputs } from "./inputs";
import { type OnHost, Step } from "./step";

/** Arguments of {@link MailCheck}. */
export type MailCheckArgs = Inputs<plain.MailCheckArgs>;

/** The TLS of a test message's connection. */
export interface MailTls {
  /** As in "TLSv1.3". */
  readonly protocol: string;
  /** As in "TLS_AES_256_GCM_SHA384". */
  readonly cipher: string;
  /** The server's certificate: its subject, the names that it is valid for, its end, and its SHA-256. */
  readonly certificate: {
    readonly subject: string;
    readonly names: string[];
    readonly notAfter: string;
    readonly fingerprint: string;
  };
  /** Was the certificate verified? It always was where the test has passed. */
  readonly authorized: boolean;
}

/** The results of one test message. */
export interface MailProof {
  /** The server's greeting. */
  readonly banner: string;
  /** The server's answer to EHLO, an item for each line, as in "PIPELINING". */
  readonly capabilities: string[];
  /** The queue id under which the server accepted the message. */
  readonly queueId: string;
  /** The line of the mail log about the delivery. */
  readonly delivery: string;
  /** The whole SMTP dialogue: `< ` before each line from the server, `> ` before each line to it. */
  readonly transcript: string[];
  /** The lines of the mail log with the queue id. */
  readonly log: string[];
  /** The mailbox that the message was found in, or why the message was not looked for. */
  readonly mailbox: string;
  /** The message's X-Original-To header: the address that the message was sent to. */
  readonly originalTo: string;
  /** The message's Delivered-To header: the address for which local(8) accepted the message. */
  readonly deliveredTo: string;
  /** The TLS of the connection; none where `tls` did not ask for it. */
  readonly tlsSession?: MailTls;
  /** The other server that took the message, as the log names it; none where it stayed on the host. */
  readonly relay?: string;
  /** The id under which that server has the message, as far as its answer says so. */
  readonly remoteQueueId?: string;
  /** Seconds from the first connection to the end. */
  readonly elapsedSeconds: number;
}

const OUTPUTS = [
  "banner",
  "capabilities",
  "queueId",
  "delivery",
  "transcript",
  "log",
  "mailbox",
  "originalTo",
  "deliveredTo",
  "fromOutside",
  "tlsSession",
  "relay",
  "remoteQueueId",
  "elapsedSeconds",
] as const;

/**
 * Proof that mail is delivered (guide 4.1 to 4.4): a message handed in by SMTP on the host itself, followed by its
 * queue id through the mail log to `status=sent` and `removed`, found in the recipient's mailbox, and taken out of it
 * again. The test is done when the step is created and when it changes; a refresh sends no mail. The message is looked for
 * in mailboxes that local(8) and virtual(8) delivered it to; a message that went elsewhere (to a command, a file, another
 * server) is followed in the log only. With `tls` and `login` it is handed in as the users of a submission service do it. An interrupted run may leave its message, which the next run removes.
 *
 * @owns Nothing: the message is taken out of the mailbox again, unless `keep`.
 * @destroy Does nothing on the host.
 *
 * @example
 * ```ts
 * import { MailCheck } from "pulumi-openbsd-postfix";
 *
 * const check = new MailCheck("check", {
 *   connection: { host: "mx1.example.org" },
 *   recipient: "alice",
 * });
 *
 * export const dialogue = check.transcript; // the whole SMTP dialogue
 * ```
 */
export class MailCheck extends Step {
  /** The server's greeting. */
  declare readonly banner: pulumi.Output<string>;
  /** The server's answer to EHLO, an item for each line, as in "PIPELINING". */
  declare readonly capabilities: pulumi.Output<string[]>;
  /** The queue id under which the server accepted the message. */
  declare readonly queueId: pulumi.Output<string>;
  /** The line of the mail log about the delivery. */
  declare readonly delivery: pulumi.Output<string>;
  /** The whole SMTP dialogue: `< ` before each line from the server, `> ` before each line to it. */
  declare readonly transcript: pulumi.Output<string[]>;
  /** The lines of the mail log with the queue id. */
  declare readonly log: pulumi.Output<string[]>;
  /** The mailbox that the message was found in, or why the message was not looked for. */
  declare readonly mailbox: pulumi.Output<string>;
  /** The message's X-Original-To header: the address that the message was sent to. */
  declare readonly originalTo: pulumi.Output<string>;
  /** The message's Delivered-To header: the address for which local(8) accepted the message. */
  declare readonly deliveredTo: pulumi.Output<string>;
  /** The results of the message from the machine that runs Pulumi; none unless `outside` asks for it. */
  declare readonly fromOutside: pulumi.Output<MailProof | undefined>;
  /** The TLS of the connection; none where `tls` did not ask for it. */
  declare readonly tlsSession: pulumi.Output<MailTls | undefined>;
  /** The other server that took the message, as `mx.example.net[192.0.2.1]:25`; none where it stayed on the host. */
  declare readonly relay: pulumi.Output<string | undefined>;
  /** The id under which that server has the message, as far as its answer says so. */
  declare readonly remoteQueueId: pulumi.Output<string | undefined>;
  /** Seconds from the first connection to the end. */
  declare readonly elapsedSeconds: pulumi.Output<number>;

  constructor(name: string, args: MailCheckArgs & OnHost, opts?: pulumi.ComponentResourceOptions) {
    const { login, ...rest } = args;
    const all: OnHost & Record<string, unknown> = {
      ...rest,
      ...(login === undefined ? {} : { login: withSecretPassword(login) }),
    };
    super(
      { kind: "MailCheck", schema: plain.mailCheckArguments, outputs: OUTPUTS },
      name,
      all,
      opts,
    );
    const { banner, queueId, delivery } = Object.assign(this, this.outputsNamed(OUTPUTS));
    this.registerOutputs({ banner, queueId, delivery });
  }
}

/** The login with its password as a secret. Of a login that is an output, all is one: it is known only as a whole. */
function withSecretPassword(login: NonNullable<MailCheckArgs["login"]>): unknown {
  if (pulumi.Output.isInstance(login) || login instanceof Promise) return pulumi.secret(login);
  return { ...login, password: pulumi.secret(login.password) };
}
