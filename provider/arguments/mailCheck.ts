/** The arguments of `MailCheck`. */
import { isCertificate, isPrivateKey, pemBlocks } from "../formats/pem";
import {
  flag,
  number,
  object,
  oneOf,
  optional,
  type Rule,
  single,
  step,
  text,
  triggers,
} from "./schema";

/** The server's address, as seen from the machine that runs Pulumi. */
interface Outside {
  /** Host name or IP address. @defaultValue the host of the connection */
  readonly host?: string;
  /** TCP port. @defaultValue 25 */
  readonly port?: number;
}

/** Who logs in. */
interface Login {
  /** The name that the user logs in by. */
  readonly user: string;
  /** The password: always a secret, whether or not the program marked it. */
  readonly password: string;
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
  /**
   * Log in before the message is sent (SMTP AUTH), as a user of a submission service does. It needs {@link tls}, so that
   * the password goes to nobody else.
   */
  readonly login?: Login;
  /**
   * `"starttls"` for port 587 and 25, `"implicit"` for port 465: the connection is encrypted, and the server's certificate
   * verified, before anything of the login and the message is sent. @defaultValue "none"; with {@link login} "starttls",
   * or "implicit" where `port` is 465
   */
  readonly tls?: "none" | "starttls" | "implicit";
  /**
   * The name that the server's certificate must be valid for. @defaultValue the host of the connection; from outside, the
   * host of `outside`
   */
  readonly tlsName?: string;
  /** Certificates (PEM) to trust instead of the authorities that Node.js knows: a private one, or the server's own. */
  readonly tlsCa?: string;
  /**
   * Where the message must arrive: in a `"mailbox"` of this host, or at another server (`"relay"`), which has taken it
   * over. @defaultValue either, and `relay` says it; but a recipient of this host, which is a user or in a domain that the
   * host delivers, must not be relayed
   */
  readonly deliveredBy?: "mailbox" | "relay";
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

function caFault(contents: unknown): string | undefined {
  if (typeof contents !== "string") return "must be the text of certificates.";
  const labels = pemBlocks(contents).map(({ label }) => label);
  if (labels.some(isPrivateKey))
    return "holds a private key, which nobody needs to trust a server.";
  return labels.some(isCertificate) ? undefined : "must be PEM, with a certificate in it.";
}

function passwordFault(password: unknown): string | undefined {
  if (typeof password !== "string" || password === "") return "must be a text, and not empty.";
  return password.includes("\0") ? "must not hold a NUL byte, which ends a password." : undefined;
}

/** How the dialogue is encrypted, with the default. */
export function tlsOf({
  tls,
  login,
  port,
}: Pick<Partial<MailCheckArgs>, "tls" | "login" | "port">): "none" | "starttls" | "implicit" {
  if (tls !== undefined) return tls;
  if (login === undefined) return "none";
  return port === 465 ? "implicit" : "starttls";
}

const RULES: readonly Rule<MailCheckArgs>[] = [
  {
    of: ["login", "tls", "port"],
    failures: (args) =>
      args.login !== undefined && tlsOf(args) === "none"
        ? [
            {
              path: ".tls",
              reason:
                'must be "starttls" or "implicit" with a login, whose password would travel in clear.',
            },
          ]
        : [],
  },
  {
    of: ["login", "tls", "port", "tlsName", "tlsCa"],
    failures: (args) =>
      tlsOf(args) === "none"
        ? (["tlsName", "tlsCa"] as const)
            .filter((name) => args[name] !== undefined)
            .map((name) => ({
              path: `.${name}`,
              reason: 'means nothing without tls: "starttls" or "implicit".',
            }))
        : [],
  },
];

/** What each argument of `MailCheck` may be. */
export const mailCheckArguments = step<MailCheckArgs>(
  {
    recipient: text(
      /^[^\s<>\0]+$/,
      "must be a local user or an address, without blanks or angle brackets.",
    ),
    sender: optional(text(/^[^\s<>\0]*$/, 'must be an address, or "" for the null sender.')),
    host,
    port,
    timeoutSeconds: optional(
      number(
        (value) => value > 0 && value <= 3600,
        "must be more than 0 and at most 3600 seconds.",
      ),
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
    login: optional(
      object<Login>(
        {
          user: text(/^[^\0\r\n]+$/, "must be the name that the user logs in by."),
          password: single<string>(passwordFault),
        },
        "part of login",
      ),
    ),
    tls: optional(
      oneOf(["none", "starttls", "implicit"], 'must be "none", "starttls" or "implicit".'),
    ),
    tlsName: optional(text(/^[A-Za-z0-9._:-]+$/, "must be the name or the address of a host.")),
    tlsCa: optional(single<string>(caFault)),
    deliveredBy: optional(oneOf(["mailbox", "relay"], 'must be "mailbox" or "relay".')),
    triggers: optional(triggers),
  },
  ...RULES,
);
