import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/baseMailer";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link BaseMailer}. */
// eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- a name for what may come
export type BaseMailerArgs = Inputs<plain.BaseMailerArgs>;

/**
 * Stops the base system's mailer, sendmail or smtpd (guide 3.2). Destroy starts it again if it ran before.
 *
 * @owns The processes of the base system's mailer: that there are none.
 * @destroy Starts the mailer if it ran before.
 * @releases Sendmail up to 5.5, smtpd from 5.6.
 *
 * @example
 * ```ts
 * import { BaseMailer } from "pulumi-openbsd-postfix";
 *
 * const base = new BaseMailer("base", { connection: { host: "mx1.example.org" } });
 *
 * export const left = base.queuedMessages; // messages that are still in the base mailer's queue
 * ```
 */
export class BaseMailer extends Step {
  /** The base mailer: "sendmail" up to 5.5, "smtpd" from 5.6. */
  readonly mailerName: pulumi.Output<string>;
  /** The number of messages in the base mailer's queues at the last look. They are left there. */
  readonly queuedMessages: pulumi.Output<number>;

  constructor(...given: Given<BaseMailerArgs>) {
    super(
      {
        kind: "BaseMailer",
        schema: plain.baseMailerArguments,
        outputs: ["name", "queuedMessages", "running"],
      },
      ...given,
    );
    this.mailerName = this.resource.output("name");
    this.queuedMessages = this.resource.output("queuedMessages");
    this.registerOutputs({ mailerName: this.mailerName, queuedMessages: this.queuedMessages });
  }
}
