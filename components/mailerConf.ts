import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/mailerConf";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link MailerConf}. */
// eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- a name for what may come
export type MailerConfArgs = Inputs<plain.MailerConfArgs>;

/**
 * /etc/mailer.conf (guide 2.3): /usr/sbin/sendmail, mailq and newaliases become Postfix's, as `postfix-enable` does
 * it. The mapping of the base system is kept beside the file, and destroy puts it back.
 *
 * @owns /etc/mailer.conf as a whole, and the copy of it beside it.
 * @destroy Puts the former mapping back.
 *
 * @example
 * ```ts
 * import { MailerConf } from "pulumi-openbsd-postfix";
 *
 * new MailerConf("mailer", { connection: { host: "mx1.example.org" } });
 * ```
 */
export class MailerConf extends Step {
  /** "postfix", or the program that the row `sendmail` names. */
  readonly mailer: pulumi.Output<string>;

  constructor(...given: Given<MailerConfArgs>) {
    super({ kind: "MailerConf", schema: plain.mailerConfArguments, outputs: ["mailer"] }, ...given);
    this.mailer = this.resource.output("mailer");
    this.registerOutputs({ mailer: this.mailer });
  }
}
