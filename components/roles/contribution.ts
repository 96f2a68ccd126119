/** What a role of a mail server asks of the steps that own Postfix's files. */
import * as pulumi from "@pulumi/pulumi";
import type { LookupTableArgs } from "../lookupTable";
import type { MailStoreArgs } from "../mailStore";
import type { TlsCertificateArgs } from "../tlsCertificate";

/** The roles by the names of their arguments in a server, in the order in which their parts of a list stand. */
export const ROLES = ["relay", "virtualAccounts", "submission", "smarthost"] as const;

export type RoleName = (typeof ROLES)[number];

/** Parameters of main.cf that several roles contribute to. */
export type ComposedList =
  | "mynetworks"
  | "smtpd_recipient_restrictions"
  | "smtpd_sender_login_maps"
  | "transport_maps"
  | "virtual_alias_maps";

type Values = Readonly<Record<string, pulumi.Input<string>>>;

/** A service of master.cf as a role needs it. */
export interface RoleService {
  readonly command: string;
  readonly overrides: Readonly<Record<string, string>>;
}

/** What one role needs. */
export interface Contribution {
  readonly role: RoleName;
  /** Flavors without which the package cannot do it. */
  readonly flavors?: readonly Flavor[];
  /** The folder of mailboxes. One role has it. */
  readonly mailStore?: MailStoreArgs;
  /** The certificate of the server. One role has it. */
  readonly certificate?: TlsCertificateArgs;
  /** Lookup tables by names of the role. */
  readonly tables?: Readonly<Record<string, LookupTableArgs>>;
  /** Parameters that this role alone decides. What the program says of one besides is a conflict. */
  readonly parameters?: Values;
  /** Parameters that have a value in this role unless the program says another. */
  readonly defaults?: Values;
  /** Parts of parameters that several roles contribute to. */
  readonly lists?: Partial<Readonly<Record<ComposedList, readonly pulumi.Input<string>[]>>>;
  /** Services of master.cf. */
  readonly services?: Readonly<Record<string, RoleService>>;
}

type Flavor = "mysql" | "sasl2";

/**
 * The host itself. With inet_protocols=all, Postfix's own commands come over IPv6 too. Postfix before 3.0 trusts all hosts
 * of its networks by default (mynetworks_style), which on a rented machine are strangers.
 */
export const LOOPBACK = ["127.0.0.0/8", "[::1]/128"] as const;

/** The restriction without which a server relays mail for everybody, after the clients that may send to anywhere. */
export const GUARDS = ["permit_mynetworks", "reject_unauth_destination"] as const;

/**
 * What holds in every role unless the program says otherwise, so that nobody but the host itself sends to anywhere. Postfix's
 * own defaults depend on its version, and on compatibility_level, which a main.cf from an older release has not.
 */
export const CLOSED = {
  mynetworks: LOOPBACK.join(", "),
  smtpd_recipient_restrictions: GUARDS.join(", "),
} as const;

/** Is a value there now, and not only later? */
function isPlain<T>(value: pulumi.Input<T>): value is T {
  return !pulumi.Output.isInstance(value) && !(value instanceof Promise);
}

/** The values as one list, as main.cf writes it. */
export function joined(values: readonly pulumi.Input<string>[]): pulumi.Input<string> {
  if (values.every((value) => isPlain(value))) return values.join(", ");
  return pulumi.all([...values]).apply((known) => known.join(", "));
}

/** The entries of a table. Where a key is known later only, all of them are. */
export function entriesOf(
  pairs: readonly (readonly [key: pulumi.Input<string>, value: pulumi.Input<string>])[],
): NonNullable<LookupTableArgs["entries"]> {
  if (pairs.every((pair): pair is [string, pulumi.Input<string>] => isPlain(pair[0])))
    return Object.fromEntries(pairs);
  return pulumi
    .all(pairs.map(([key]) => key))
    .apply((keys) => Object.fromEntries(keys.map((key, at) => [key, pairs[at]?.[1] ?? ""])));
}
