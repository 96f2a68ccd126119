import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link MailCheck}. */
export interface MailCheckArgs {
  /** Whom the test message is for: an address, or a local user, who is then written to at localhost. */
  readonly recipient: pulumi.Input<string>;
  /** Envelope sender. @defaultValue `""`, the null sender, so that a failure makes no bounce */
  readonly sender?: pulumi.Input<string>;
  /** Where to hand the message in, as seen from the host. @defaultValue "127.0.0.1" */
  readonly host?: pulumi.Input<string>;
  /** TCP port. @defaultValue 25 */
  readonly port?: pulumi.Input<number>;
  /** Seconds until the test is given up. @defaultValue 30 */
  readonly timeoutSeconds?: pulumi.Input<number>;
  /** Anything; when one of them changes, the test is made again. */
  readonly triggers?: pulumi.Input<pulumi.Input<unknown>[]>;
}

/**
 * Proof that mail is delivered (guide 4.1 and 4.2): a message handed in by SMTP on the host itself, and followed by its
 * queue id through the mail log to `status=sent`. Made when the step is created and when it changes; a refresh sends
 * no mail.
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
  /** Seconds from the first connection to the delivery. */
  readonly elapsedSeconds: pulumi.Output<number>;

  constructor(name: string, args: MailCheckArgs & OnHost, opts?: pulumi.ComponentResourceOptions) {
    super(
      "MailCheck",
      name,
      args,
      ["banner", "capabilities", "queueId", "delivery", "transcript", "log", "elapsedSeconds"],
      opts,
    );
    this.banner = this.resource.output("banner");
    this.capabilities = this.resource.output("capabilities");
    this.queueId = this.resource.output("queueId");
    this.delivery = this.resource.output("delivery");
    this.transcript = this.resource.output("transcript");
    this.log = this.resource.output("log");
    this.elapsedSeconds = this.resource.output("elapsedSeconds");
    this.registerOutputs({
      banner: this.banner,
      queueId: this.queueId,
      delivery: this.delivery,
    });
  }
}
