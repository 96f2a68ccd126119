import * as pulumi from "@pulumi/pulumi";
import {
  list,
  number,
  object,
  type ObjectSchema,
  oneOf,
  optional,
  record,
  type Schema,
  text,
} from "../../provider/arguments/schema";
import { CONFIGURATION } from "../../provider/postfix/paths";
import { type Contribution, entriesOf } from "./contribution";
import { addressIn, domainFault, foldedDomains, input, localPartOf, restriction } from "./names";
import { type GivenRole, Role } from "./role";

/** A domain whose mail goes on to another host. */
export interface RelayDomain {
  /**
   * The host that gets the domain's mail, as transport(5) has it: `[10.1.0.2]`, `[mail.example.org]:2525`; without
   * brackets, the hosts that the MX records of the name give.
   */
  readonly nextHop: pulumi.Input<string>;
  /**
   * The addresses that the next host takes mail for: local parts, or addresses in the domain. Mail to any other is refused
   * while its sender still waits, so that nothing is taken that bounces later. `"any"` takes all, and leaves it to the next
   * host to refuse.
   */
  readonly recipients: readonly pulumi.Input<string>[] | "any";
}

/** Arguments of {@link MailRelay}. */
export interface MailRelayArgs {
  /** The domains whose mail is taken and handed on, by name. Those below one are not taken. */
  readonly domains: Readonly<Record<string, RelayDomain>>;
  /**
   * The networks whose hosts may send to anywhere, as in `10.1.0.0/24` or `10.1.0.2`, besides the host itself.
   * @defaultValue none
   */
  readonly networks?: readonly pulumi.Input<string>[];
  /** The size of the largest message that is taken, in bytes (`message_size_limit`). @defaultValue Postfix's own, 10 240 000 */
  readonly messageSizeLimit?: pulumi.Input<number>;
  /**
   * What else is asked of mail from strangers, once it is known to be for a domain of this host: restrictions of
   * postconf(5), as in `["reject_rbl_client zen.spamhaus.org"]`.
   * @defaultValue nothing
   */
  readonly restrictions?: readonly pulumi.Input<string>[];
}

const NEXT_HOP = /^(\[[^\s[\],]+\]|[^\s[\]:,/]+)(:[\w-]+)?$/;
const NETWORK = /^[!\w.:[\]/-]+$/;

function domainSchema(domain: string): Schema<RelayDomain> {
  const recipient = text(/^[^\s@,]+(@[^\s@,]+)?$/, "must be a local part or an address.");
  const within: Schema<pulumi.Input<string>> = {
    failures: (value) => {
      const failures = recipient.failures(value);
      if (failures.length > 0 || typeof value !== "string") return failures;
      return localPartOf(value, domain) === undefined
        ? [{ path: "", reason: `must be a local part, or an address in ${domain}.` }]
        : [];
    },
  };
  return object<RelayDomain>(
    {
      nextHop: input(
        text(
          NEXT_HOP,
          "must be a host as in transport(5): [10.1.0.2], [mail.example.org]:2525, or a name with MX records.",
        ),
      ),
      recipients: oneOf<"any", readonly pulumi.Input<string>[]>(
        ["any"],
        list(within, "must be a list of the addresses that exist there."),
      ),
    },
    "part of a domain to relay",
  );
}

/** What may be said of a mail relay. */
export const mailRelayArguments: ObjectSchema<MailRelayArgs> = object<MailRelayArgs>(
  {
    domains: record("must be domains by name.", domainFault, domainSchema, foldedDomains),
    networks: optional(
      list(
        input(text(NETWORK, "must be an address or a network, as in 10.1.0.0/24.")),
        "must be a list of networks.",
      ),
    ),
    messageSizeLimit: optional(
      input(number((value) => Number.isInteger(value) && value > 0, "must be a number of bytes.")),
    ),
    restrictions: optional(list(restriction, "must be a list of restrictions.")),
  },
  "argument of MailRelay",
);

/** Addresses of each domain that stay on this host, unless the next host has them. */
const LOCAL = ["root", "postmaster"];

/** What a relay needs of Postfix's files. */
export function mailRelay(args: MailRelayArgs): Contribution {
  const domains = Object.entries(args.domains);
  const path = (name: string): string => `${CONFIGURATION}/${name}`;
  const table = (name: string): string => `hash:${path(name)}`;
  return {
    role: "relay",
    tables: {
      "relay-domains": {
        path: path("relay_domains"),
        mode: "exact",
        entries: entriesOf(domains.map(([domain]) => [domain, "relay"])),
      },
      "relay-recipients": {
        path: path("relay_recipients"),
        mode: "exact",
        entries: entriesOf(
          domains.flatMap(([domain, { recipients }]) => known(domain, recipients)),
        ),
      },
      // The domain's mail for the host itself: cron's, and what others must be able to write to (RFC 5321, 4.5.1).
      "relay-local": {
        path: path("relay_local"),
        mode: "exact",
        entries: entriesOf(
          domains.flatMap(([domain, { recipients }]) => local(domain, recipients)),
        ),
      },
      "relay-transport": {
        path: path("relay_transport"),
        mode: "exact",
        entries: entriesOf(
          domains.map(([domain, { nextHop }]) => [domain, pulumi.interpolate`smtp:${nextHop}`]),
        ),
      },
    },
    parameters: {
      relay_domains: table("relay_domains"),
      relay_recipient_maps: table("relay_recipients"),
      ...(args.messageSizeLimit === undefined
        ? {}
        : { message_size_limit: pulumi.interpolate`${args.messageSizeLimit}` }),
    },
    lists: {
      mynetworks: args.networks ?? [],
      smtpd_recipient_restrictions: args.restrictions ?? [],
      transport_maps: [table("relay_transport")],
      virtual_alias_maps: [table("relay_local")],
    },
  };
}

/** The addresses of a domain that are taken, as entries of a table whose values say nothing. */
function known(
  domain: string,
  recipients: RelayDomain["recipients"],
): [pulumi.Input<string>, string][] {
  if (recipients === "any") return [[`@${domain}`, "relay"]];
  return recipients.map((recipient) => [addressIn(domain, recipient), "relay"]);
}

function local(
  domain: string,
  recipients: RelayDomain["recipients"],
): (readonly [string, string])[] {
  const there = recipients === "any" ? [] : recipients;
  return LOCAL.filter(
    (name) =>
      !there.some(
        (one) => typeof one === "string" && localPartOf(one, domain)?.toLowerCase() === name,
      ),
  ).map((name) => [`${name}@${domain}`, `${name}@localhost`]);
}

/**
 * A relay ("Proxy Configuration" of the guide): takes mail for domains and hands it on to other hosts, for recipients that
 * exist there and for no others. Strangers can send to no other domain through it. Mail for `root` and `postmaster` of each
 * domain stays on this host, unless the next host has them.
 *
 * @owns `relay_domains`, `relay_recipients`, `relay_transport` and `relay_local` in /etc/postfix, and the parameters
 *   that name them.
 * @destroy Undoes its steps in reverse order.
 *
 * @example
 * ```ts
 * import { MailRelay } from "pulumi-openbsd-postfix";
 *
 * new MailRelay("relay", {
 *   connection: { host: "mx1.example.org" },
 *   domains: { "example.com": { nextHop: "[10.1.0.2]", recipients: ["alice", "bob"] } },
 *   messageSizeLimit: 20_480_000,
 * });
 * ```
 */
export class MailRelay extends Role {
  constructor(...given: GivenRole<MailRelayArgs>) {
    super("MailRelay", mailRelayArguments, mailRelay, ...given);
  }
}
