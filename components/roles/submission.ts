import * as pulumi from "@pulumi/pulumi";
import {
  list,
  object,
  type ObjectSchema,
  oneOf,
  optional,
  record,
  text,
} from "../../provider/arguments/schema";
import * as certificate from "../../provider/arguments/tlsCertificate";
import { CONFIGURATION } from "../../provider/postfix/paths";
import type { Inputs } from "../inputs";
import { type Contribution, CLOSED, entriesOf, joined, type RoleService } from "./contribution";
import { input } from "./names";
import { type GivenRole, Role } from "./role";

/** Arguments of {@link Submission}. */
export interface SubmissionArgs {
  /** The certificate and its key: see `TlsCertificate`. */
  readonly certificate: Inputs<certificate.TlsCertificateArgs>;
  /**
   * The logins that may send with an address, by the address; `@example.org` is for all addresses of a domain that are not
   * named. `"any"` lets every login send with every address. In a server with `virtualAccounts`, the logins are their
   * addresses, and each may send with its own and with the aliases that lead to it; what is named here comes on top.
   * The null sender (`<>`) belongs to nobody, so every login may send with it.
   * @defaultValue those of `virtualAccounts`
   */
  readonly senders?: Readonly<Record<string, readonly pulumi.Input<string>[]>> | "any";
  /**
   * The ports: 587, where a client must begin TLS before it logs in, and 465, where TLS begins with the first byte.
   * @defaultValue both
   */
  readonly ports?: readonly (587 | 465)[];
  /**
   * The socket by which Dovecot verifies logins, as a path in Postfix's queue folder or `inet:host:port`
   * (`smtpd_sasl_path`). In Dovecot's configuration it is a listener of `service auth`:
   * `unix_listener /var/spool/postfix/private/auth`, for the user _postfix.
   * @defaultValue "private/auth"
   */
  readonly saslPath?: pulumi.Input<string>;
}

const ADDRESS = /^[^\s@,]*@[^\s@,]+$/;

/** What may be said of submission. */
export const submissionArguments: ObjectSchema<SubmissionArgs> = object<SubmissionArgs>(
  {
    certificate: {
      failures: certificate.tlsCertificateArguments.failures,
    },
    senders: optional(
      oneOf<"any", Readonly<Record<string, readonly pulumi.Input<string>[]>>>(
        ["any"],
        record(
          'must be lists of logins by address, or "any".',
          (name) =>
            ADDRESS.test(name) ? undefined : "must be an address, or @ and the name of a domain.",
          () =>
            list(
              input(text(/^[^\s,]+$/, "must be a login, without blanks and commas.")),
              "must be a list of logins.",
              (logins) => (logins.length > 0 ? undefined : "must have a login."),
            ),
          { of: (name) => name.toLowerCase(), why: "the case of letters does not matter" },
        ),
      ),
    ),
    ports: optional(
      list(oneOf([587, 465], "must be 587 or 465."), "must be a list of 587 and 465.", (ports) =>
        ports.length > 0 ? undefined : "must have a port: without one, leave submission out.",
      ),
    ),
    saslPath: optional(input(text(/^[^\s\0]+$/, "must be a path or a server, without blanks."))),
  },
  "argument of Submission",
);

/** The services of master.cf, by their names in services(5). */
const SERVICES = {
  587: { name: "submission/inet", label: "submission", overrides: {} },
  465: { name: "smtps/inet", label: "smtps", overrides: { smtpd_tls_wrappermode: "yes" } },
} as const;

const SENDERS = `${CONFIGURATION}/submission_senders`;

/**
 * What submission needs of Postfix's files.
 *
 * @param besides - The logins that another role knows
 */
export function submission(
  { certificate: pair, senders, ports = [587, 465], saslPath = "private/auth" }: SubmissionArgs,
  besides: { readonly accounts: boolean } = { accounts: false },
): Contribution {
  if (senders === undefined && !besides.accounts)
    throw new pulumi.RunError(
      'submission.senders must be given: which logins may send with which addresses, as in { "@example.org": ["alice"] }; "any" ties no address to a login.',
    );
  const isTied = senders !== "any";
  const ofLogins = typeof senders === "object" ? Object.entries(senders) : [];
  return {
    role: "submission",
    certificate: pair,
    ...(ofLogins.length === 0
      ? {}
      : {
          tables: {
            "submission-senders": {
              path: SENDERS,
              mode: "exact",
              entries: entriesOf(ofLogins.map(([address, logins]) => [address, joined(logins)])),
            },
          },
        }),
    parameters: {
      smtpd_tls_cert_file: pair.certificatePath,
      smtpd_tls_key_file: pair.privateKeyPath,
      smtpd_sasl_path: saslPath,
    },
    // Others may encrypt what they bring, now that there is a certificate.
    defaults: { ...CLOSED, smtpd_tls_security_level: "may" },
    lists: ofLogins.length === 0 ? {} : { smtpd_sender_login_maps: [`hash:${SENDERS}`] },
    services: Object.fromEntries(
      ports.map((port): [string, RoleService] => {
        const { name, label, overrides } = SERVICES[port];
        return [name, { command: "smtpd", overrides: { ...rules(label, isTied), ...overrides } }];
      }),
    ),
  };
}

/**
 * Nobody but a client with a login gets past the first list, and no list of main.cf decides anything here; but
 * smtpd_relay_restrictions, which Postfix has from 2.10 on, stands beside them, and permits a login by default.
 */
function rules(label: string, isTied: boolean): Readonly<Record<string, string>> {
  return {
    syslog_name: `postfix/${label}`,
    smtpd_tls_security_level: "encrypt",
    smtpd_tls_auth_only: "yes",
    smtpd_sasl_auth_enable: "yes",
    smtpd_sasl_type: "dovecot",
    smtpd_client_restrictions: "permit_sasl_authenticated,reject",
    smtpd_helo_restrictions: "",
    smtpd_sender_restrictions: isTied ? "reject_sender_login_mismatch" : "",
    smtpd_recipient_restrictions: "permit_sasl_authenticated,reject",
  };
}

/**
 * Submission: people with a login send mail to anywhere, over TLS alone, and with their own addresses alone. Dovecot
 * verifies the logins; this component does not set it up. The certificate may come from acme-client(1): then give its
 * paths, and a renewed one is one reload.
 *
 * @owns The services 587 and 465 of master.cf, the table of senders, and the parameters of TLS.
 * @destroy Undoes its steps in reverse order.
 *
 * @example
 * ```ts
 * import { Submission } from "pulumi-openbsd-postfix";
 *
 * new Submission("submission", {
 *   connection: { host: "mx1.example.org" },
 *   certificate: {
 *     certificatePath: "/etc/ssl/mx1.example.org.fullchain.pem",
 *     privateKeyPath: "/etc/ssl/private/mx1.example.org.key",
 *     names: ["mx1.example.org"],
 *   },
 *   senders: { "alice@example.org": ["alice"], "@example.net": ["bob"] },
 * });
 * ```
 */
export class Submission extends Role {
  constructor(...given: GivenRole<SubmissionArgs>) {
    super("Submission", submissionArguments, submission, ...given);
  }
}
