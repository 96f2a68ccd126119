import * as pulumi from "@pulumi/pulumi";
import {
  flag,
  number,
  object,
  type ObjectSchema,
  oneOf,
  optional,
  text,
} from "../../provider/arguments/schema";
import { CONFIGURATION } from "../../provider/postfix/paths";
import { type Contribution, CLOSED, entriesOf } from "./contribution";
import { input } from "./names";
import { type GivenRole, Role } from "./role";

/** How the connection to the smarthost is protected. */
export interface SmarthostTls {
  /**
   * The level of postconf(5), `smtp_tls_security_level`: `"secure"` encrypts and verifies that the certificate is for the
   * smarthost's name; `"encrypt"` encrypts and verifies nothing; `"may"` encrypts where the smarthost can, `"none"` never.
   * @defaultValue "secure"
   */
  readonly level?: pulumi.Input<"secure" | "verify" | "encrypt" | "may" | "none">;
  /**
   * The file of the certificate authorities to trust, on the host, instead of those of the base system: a private authority
   * is trusted by its own file. @defaultValue "/etc/ssl/cert.pem", that of the base system
   */
  readonly caFile?: pulumi.Input<string>;
}

/** The login to the smarthost. */
export interface SmarthostLogin {
  /** The user's name. */
  readonly user: pulumi.Input<string>;
  /** The password. It is a secret, whether or not the program marks it. */
  readonly password: pulumi.Input<string>;
}

/** Arguments of {@link Smarthost}. */
export interface SmarthostArgs {
  /**
   * The smarthost's name, as its certificate has it: with the level `"secure"`, an address is refused where the certificate
   * does not have it. Postfix asks the DNS alone for it; a name that only /etc/hosts has needs `smtp_host_lookup: "native"`
   * in main.cf, and /etc/hosts copied into the chroot (`ChrootResolv`).
   */
  readonly host: pulumi.Input<string>;
  /** TCP port: 587 for submission; 465, where TLS begins with the first byte, from Postfix 3.0 on. @defaultValue 587 */
  readonly port?: pulumi.Input<number>;
  /** Ask for the MX records of {@link host} instead of its address. @defaultValue false */
  readonly lookUpMx?: pulumi.Input<boolean>;
  /** TLS. @defaultValue encrypted, and the certificate verified */
  readonly tls?: SmarthostTls;
  /** The login. It needs a package with the flavor `sasl2`, which a server chooses by itself. @defaultValue none */
  readonly login?: SmarthostLogin;
}

/** A name, or an address of IPv4 or IPv6. */
const HOST = /^([\w.-]+|[\da-f]*:[\da-f:.]*:[\da-f:.]*)$/i;

/** What may be said of a smarthost. */
export const smarthostArguments: ObjectSchema<SmarthostArgs> = object<SmarthostArgs>(
  {
    host: input(text(HOST, "must be a host name or an address, without brackets and port.")),
    port: optional(
      input(
        number(
          (value) => Number.isInteger(value) && value > 0 && value < 65536,
          "must be a whole number from 1 to 65535.",
        ),
      ),
    ),
    lookUpMx: optional(input(flag)),
    tls: optional(
      object<SmarthostTls>(
        {
          level: optional(
            input(
              oneOf(
                ["secure", "verify", "encrypt", "may", "none"],
                'must be "secure", "verify", "encrypt", "may" or "none".',
              ),
            ),
          ),
          caFile: optional(input(text(/^\/[^\s\0]*$/, "must be an absolute path."))),
        },
        "part of tls",
      ),
    ),
    login: optional(
      object<SmarthostLogin>(
        {
          user: input(text(/^[^\s:\0]+$/, "must be a user's name, without blanks and colons.")),
          password: input(text(/^[^\s\0]+$/, "must be a password without blanks.")),
        },
        "part of login",
      ),
    ),
  },
  "argument of Smarthost",
);

/** The base system's own certificate authorities. smtp(8) reads the file before it enters the chroot (docs/openbsd.md 10). */
const CA_FILE = "/etc/ssl/cert.pem";

/** The table of logins. */
const LOGINS = `${CONFIGURATION}/sasl_passwd`;

const SUBMISSION = 587;

/** The port of submission with TLS from the first byte (RFC 8314). */
const IMPLICIT_TLS = 465;

/** What a smarthost needs of Postfix's files. */
export function smarthost(args: SmarthostArgs): Contribution {
  const { tls, login, port = SUBMISSION } = args;
  const relayhost = nextHopOf(args);
  return {
    role: "smarthost",
    ...(login === undefined ? {} : loginOf(relayhost, login)),
    parameters: {
      relayhost,
      smtp_tls_security_level: tls?.level ?? "secure",
      smtp_tls_CAfile: tls?.caFile ?? CA_FILE,
      ...(port === IMPLICIT_TLS ? { smtp_tls_wrappermode: "yes" } : {}),
      ...(login === undefined
        ? {}
        : { smtp_sasl_auth_enable: "yes", smtp_sasl_password_maps: `hash:${LOGINS}` }),
    },
    defaults: {
      ...CLOSED,
      // By default a password is sent in no readable form, and TLS changes nothing about that. With this, it is sent where
      // the line is encrypted, and there only.
      ...(login === undefined ? {} : { smtp_sasl_tls_security_options: "noanonymous" }),
    },
  };
}

/** The smarthost as relayhost and the table of logins name it. It is an output only where it must be. */
function nextHopOf({ host, port = SUBMISSION, lookUpMx = false }: SmarthostArgs) {
  const hop = (name: string, at: number, byMx: boolean): string =>
    `${byMx ? name : `[${name}]`}:${at}`;
  if (typeof host === "string" && typeof port === "number" && typeof lookUpMx === "boolean")
    return hop(host, port, lookUpMx);
  return pulumi.all([host, port, lookUpMx]).apply((known) => hop(...known));
}

function loginOf(relayhost: pulumi.Input<string>, { user, password }: SmarthostLogin) {
  const credentials = pulumi.secret(pulumi.interpolate`${user}:${password}`);
  return {
    flavors: ["sasl2"],
    tables: { "smarthost-login": { path: LOGINS, entries: entriesOf([[relayhost, credentials]]) } },
  } as const;
}

/**
 * A smarthost: all mail for other domains goes to one host, encrypted, to the holder of a certificate for its name, with a
 * login if one is given. The password is encrypted in the state, and stands on the host in a table that root and Postfix
 * alone read.
 *
 * @owns `relayhost` and the parameters of its TLS and login, and the table of the login.
 * @destroy Undoes its steps in reverse order.
 *
 * @example
 * ```ts
 * import * as pulumi from "@pulumi/pulumi";
 * import { Smarthost } from "pulumi-openbsd-postfix";
 *
 * const config = new pulumi.Config();
 *
 * new Smarthost("smarthost", {
 *   connection: { host: "mx1.example.org" },
 *   host: "smtp.example.net",
 *   login: { user: "mx1", password: config.requireSecret("smarthostPassword") },
 * });
 * ```
 */
export class Smarthost extends Role {
  constructor(...given: GivenRole<SmarthostArgs>) {
    super("Smarthost", smarthostArguments, smarthost, ...given);
  }
}
