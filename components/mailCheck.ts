import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/mailCheck";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link MailCheck}. */
export type MailCheckArgs = Inputs<plain.MailCheckArgs>;

/** What a test message has shown. */
export interface MailProof {
  /** The first line that the server said. */
  readonly banner: string;
  /** What it offered in answer to EHLO, as in "PIPELINING". */
  readonly capabilities: string[];
  /** The queue id under which it took the message. */
  readonly queueId: string;
  /** The mail log's line of the delivery. */
  readonly delivery: string;
  /** The whole SMTP dialogue: `< ` before what the server said, `> ` before what was sent. */
  readonly transcript: string[];
  /** The mail log's lines with the queue id. */
  readonly log: string[];
  /** The mailbox that the message was found in, or why it was not looked for. */
  readonly mailbox: string;
  /** Its X-Original-To header: the address it was sent to. */
  readonly originalTo: string;
  /** Its Delivered-To header: the address that local(8) took it in for. */
  readonly deliveredTo: string;
  /** Seconds from the first connection to the end. */
  readonly elapsedSeconds: number;
}

/**
 * Proof that mail is delivered (guide 4.1 to 4.4): a message handed in by SMTP on the host itself, followed by its
 * queue id through the mail log to `status=sent` and `removed`, found in the recipient's mailbox, and taken out of it
 * again. Made when the step is created and when it changes; a refresh sends no mail. A mailbox is looked for where
 * local(8) delivered to one of a user of the host; a message that went elsewhere (a command, a file, another host) is
 * followed by the log alone. A run that was interrupted may leave its message; the next one removes it.
 */
export class MailCheck extends Step {
  /** The first line that the server said. */
  readonly banner: pulumi.Output<string>;
  /** What it offered in answer to EHLO, as in "PIPELINING". */
  readonly capabilities: pulumi.Output<string[]>;
  /** The queue id under which it took the message. */
  readonly queueId: pulumi.Output<string>;
  /** The mail log's line of the delivery. */
  readonly delivery: pulumi.Output<string>;
  /** The whole SMTP dialogue: `< ` before what the server said, `> ` before what was sent. */
  readonly transcript: pulumi.Output<string[]>;
  /** The mail log's lines with the queue id. */
  readonly log: pulumi.Output<string[]>;
  /** The mailbox that the message was found in, or why it was not looked for. */
  readonly mailbox: pulumi.Output<string>;
  /** The message's X-Original-To header: the address it was sent to. */
  readonly originalTo: pulumi.Output<string>;
  /** The message's Delivered-To header: the address that local(8) took it in for. */
  readonly deliveredTo: pulumi.Output<string>;
  /** What the message from the machine that runs Pulumi has shown; none unless {@link MailCheckArgs.outside} asks for it. */
  readonly fromOutside: pulumi.Output<MailProof | undefined>;
  /** Seconds from the first connection to the end. */
  readonly elapsedSeconds: pulumi.Output<number>;

  constructor(...given: Given<MailCheckArgs>) {
    super(
      {
        kind: "MailCheck",
        schema: plain.mailCheckArguments,
        outputs: [
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
          "elapsedSeconds",
        ],
      },
      ...given,
    );
    this.banner = this.resource.output("banner");
    this.capabilities = this.resource.output("capabilities");
    this.queueId = this.resource.output("queueId");
    this.delivery = this.resource.output("delivery");
    this.transcript = this.resource.output("transcript");
    this.log = this.resource.output("log");
    this.mailbox = this.resource.output("mailbox");
    this.originalTo = this.resource.output("originalTo");
    this.deliveredTo = this.resource.output("deliveredTo");
    this.fromOutside = this.resource.output("fromOutside");
    this.elapsedSeconds = this.resource.output("elapsedSeconds");
    this.registerOutputs({
      banner: this.banner,
      queueId: this.queueId,
      delivery: this.delivery,
    });
  }
}
