/** The arguments of `MailCheck`. */
import { flag, number, object, oneOf, optional, text, triggers, step } from "./schema";

/** The server's address, as seen from the machine that runs Pulumi. */
interface Outside {
  /** Host name or IP address. @defaultValue the host of the connection */
  readonly host?: string;
  /** TCP port. @defaultValue 25 */
  readonly port?: number;
}

/** Arguments of `MailCheck`. */
export interface MailCheckArgs {
  /** The recipient of the test message: an address, or the name of a local user, which stands for the address at localhost. */
  readonly recipient: string;
  /** Envelope sender. @defaultValue `""`, the null sender, so that a failure makes no bounce */
  readonly sender?: string;
  /** The server to hand the message in to, as seen from the host. @defaultValue "127.0.0.1" */
  readonly host?: string;
  /** TCP port. @defaultValue 25 */
  readonly port?: number;
  /** The seconds that the test may take. @defaultValue 30 */
  readonly timeoutSeconds?: number;
  /** Leave the test message in the mailbox. @defaultValue false */
  readonly keep?: boolean;
  /**
   * Send a second message from the machine that runs Pulumi: `true`, or the server's address as seen from there.
   * @defaultValue false; `host` is that of the connection, and `port` is 25
   */
  readonly outside?: boolean | Outside;
  /** Any values; when one of them changes, the test is done again. */
  readonly triggers?: readonly unknown[];
}

const host = optional(text(/^[^\s\0]+$/, "must be a host name or an address."));
const port = optional(
  number(
    (value) => Number.isInteger(value) && value > 0 && value < 65536,
    "must be a whole number from 1 to 65535.",
  ),
);

/** What each argument of `MailCheck` may be. */
export const mailCheckArguments = step<MailCheckArgs>({
  recipient: text(
    /^[^\s<>\0]+$/,
    "must be a local user or an address, without blanks or angle brackets.",
  ),
  sender: optional(text(/^[^\s<>\0]*$/, 'must be an address, or "" for the null sender.')),
  host,
  port,
  timeoutSeconds: optional(
    number((value) => value > 0 && value <= 3600, "must be more than 0 and at most 3600 seconds."),
  ),
  keep: optional(flag),
  outside: optional(
    oneOf(
      [true, false],
      object<Outside>({ host, port }, "part of outside", {
        reason: "must be true, false, or an object of host and port.",
      }),
    ),
  ),
  triggers: optional(triggers),
});
