import * as pulumi from "@pulumi/pulumi";
import * as store from "../../provider/arguments/mailStore";
import {
  list,
  number,
  object,
  type ObjectSchema,
  optional,
  record,
  type Schema,
  text,
} from "../../provider/arguments/schema";
import { CONFIGURATION } from "../../provider/postfix/paths";
import { type Contribution, CLOSED, entriesOf, joined } from "./contribution";
import { addressIn, domainFault, foldedDomains, input, localPartOf, restriction } from "./names";
import { type GivenRole, Role } from "./role";
import {
  type Accounts,
  inDatabase,
  type VirtualAccountsMysql,
  virtualAccountsMysqlArguments,
} from "./virtualAccountsMysql";

/** A domain whose addresses have mailboxes of their own, and no users on the host. */
export interface VirtualDomain {
  /** The local parts of the addresses that have a mailbox. Each is a maildir of its own in {@link VirtualAccountsArgs.store}. @defaultValue none */
  readonly accounts?: readonly string[];
  /**
   * Where mail goes, by local parts: each a list of local parts of this domain and of addresses elsewhere. `"*"` is for all
   * addresses of the domain that are named nowhere else. An account that has an alias too keeps its mail only where it is
   * among the alias's own targets. `postmaster` goes to the host's own, unless it is named here. @defaultValue none
   */
  readonly aliases?: Readonly<Record<string, readonly pulumi.Input<string>[]>>;
}

/** The folder of the mailboxes, and who owns it: see `MailStore`. */
export type VirtualAccountsStore = {
  readonly [Name in keyof store.MailStoreArgs]: pulumi.Input<
    NonNullable<store.MailStoreArgs[Name]>
  >;
};

/** Arguments of {@link VirtualAccounts}: accounts are either in {@link domains} or in a database. */
export interface VirtualAccountsArgs {
  /** The domains by name, each with its accounts and aliases. */
  readonly domains?: Readonly<Record<string, VirtualDomain>>;
  /** Accounts in a database. It needs a package with the flavor `mysql`, which a server chooses by itself. */
  readonly mysql?: VirtualAccountsMysql;
  /** The folder of the mailboxes, and its owner. @defaultValue /var/vmail, of the user _vmail with the number 901 */
  readonly store?: VirtualAccountsStore;
  /**
   * The size of the largest message in a mailbox, in bytes, and of the largest mailbox that is a file
   * (`virtual_mailbox_limit`): the only quota that Postfix itself has. 0 for none. @defaultValue Postfix's own, 51 200 000
   */
  readonly mailboxSizeLimit?: pulumi.Input<number>;
  /**
   * What else is asked of mail from strangers, once it is known to be for a domain of this host: restrictions of
   * postconf(5), as in `["reject_rbl_client zen.spamhaus.org"]`. @defaultValue nothing
   */
  readonly restrictions?: readonly pulumi.Input<string>[];
}

const LOCAL_PART = /^[^\s@,/<>()[\]\\"]+$/;

const CATCH_ALL = "*";

const localPart = text(LOCAL_PART, "must be a local part, the text before the @ of an address.");

const domain: Schema<VirtualDomain> = object<VirtualDomain>(
  {
    accounts: optional(list(localPart, "must be a list of local parts.", repeated)),
    aliases: optional(
      record(
        "must be lists of targets by local part.",
        (name) =>
          name === CATCH_ALL || LOCAL_PART.test(name)
            ? undefined
            : 'must be a local part, or "*" for all that are named nowhere else.',
        () =>
          list(
            input(text(/^[^\s@,]+(@[^\s@,]+)?$/, "must be a local part or an address.")),
            "must be a list of local parts and addresses.",
            (targets) =>
              targets.length > 0 ? undefined : "must have a target: without one, leave it out.",
          ),
        { of: (name) => name.toLowerCase(), why: "the case of letters does not matter" },
      ),
    ),
  },
  "part of a domain with accounts",
);

/** A name that stands twice in a list, whatever the case of its letters. */
function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  const twice = names.find((name) => {
    const folded = name.toLowerCase();
    return seen.has(folded) || !seen.add(folded);
  });
  return twice === undefined
    ? undefined
    : `has ${twice} twice; the case of letters does not matter.`;
}

/** What may be said of virtual accounts. */
export const virtualAccountsArguments: ObjectSchema<VirtualAccountsArgs> =
  object<VirtualAccountsArgs>(
    {
      domains: optional(
        record("must be domains by name.", domainFault, () => domain, foldedDomains),
      ),
      mysql: optional(virtualAccountsMysqlArguments),
      store: optional({
        failures: store.mailStoreArguments.failures,
      }),
      mailboxSizeLimit: optional(
        input(
          number((value) => Number.isInteger(value) && value >= 0, "must be a number of bytes."),
        ),
      ),
      restrictions: optional(list(restriction, "must be a list of restrictions.")),
    },
    "argument of VirtualAccounts",
    {
      rules: [
        {
          of: ["domains", "mysql"],
          failures: ({ domains, mysql: database }) =>
            (domains === undefined) === (database === undefined)
              ? [
                  {
                    path: "",
                    reason:
                      "give the accounts either by domains or by mysql: Postfix takes what it finds first, so one would hide the other.",
                  },
                ]
              : [],
        },
      ],
    },
  );

/** What a server has besides, and what the accounts bring for it. */
export interface Besides {
  /** Are there logins, which may send with the addresses of their accounts? */
  readonly logins: boolean;
}

const path = (name: string): string => `${CONFIGURATION}/${name}`;

/** What virtual accounts need of Postfix's files. */
export function virtualAccounts(
  {
    domains,
    mysql: database,
    store: folder = {},
    mailboxSizeLimit,
    restrictions = [],
  }: VirtualAccountsArgs,
  { logins }: Besides = { logins: false },
): Contribution {
  const uid = folder.uid ?? store.DEFAULT_ID;
  const { tables, uses } =
    database === undefined ? inTables(domains ?? {}, logins) : inDatabase(database, logins);
  const number = (id: pulumi.Input<number>): pulumi.Input<string> =>
    typeof id === "number" ? `static:${id}` : pulumi.interpolate`static:${id}`;
  return {
    role: "virtualAccounts",
    ...(database === undefined ? {} : { flavors: ["mysql"] }),
    mailStore: { ...folder, uid },
    tables,
    parameters: {
      virtual_mailbox_domains: uses.domains,
      virtual_mailbox_maps: uses.accounts,
      virtual_mailbox_base: folder.path ?? store.DEFAULT_PATH,
      virtual_uid_maps: number(uid),
      virtual_gid_maps: number(folder.gid ?? uid),
      ...(mailboxSizeLimit === undefined
        ? {}
        : { virtual_mailbox_limit: pulumi.interpolate`${mailboxSizeLimit}` }),
    },
    defaults: CLOSED,
    lists: {
      smtpd_recipient_restrictions: restrictions,
      ...(uses.aliases === undefined ? {} : { virtual_alias_maps: [uses.aliases] }),
      ...(uses.senders === undefined ? {} : { smtpd_sender_login_maps: [uses.senders] }),
    },
  };
}

type Entry = readonly [key: string, value: pulumi.Input<string>];

function inTables(domains: NonNullable<VirtualAccountsArgs["domains"]>, logins: boolean): Accounts {
  const all = Object.entries(domains);
  const table = (name: string, entries: readonly Entry[]) =>
    [
      `virtual-${name}`,
      { path: path(`virtual_${name}`), mode: "exact", entries: entriesOf(entries) },
    ] as const;
  const uses = (name: string): string => `hash:${path(`virtual_${name}`)}`;
  return {
    tables: Object.fromEntries([
      table(
        "domains",
        all.map(([name]) => [name, "virtual"]),
      ),
      table(
        "accounts",
        all.flatMap(([name, { accounts = [] }]) =>
          accounts.map((account): Entry => [`${account}@${name}`, `${name}/${account}/`]),
        ),
      ),
      table(
        "aliases",
        all.flatMap(([name, one]) => aliasesOf(name, one)),
      ),
      ...(logins
        ? [
            table(
              "senders",
              all.flatMap(([name, one]) => sendersOf(name, one)),
            ),
          ]
        : []),
    ]),
    uses: {
      domains: uses("domains"),
      accounts: uses("accounts"),
      aliases: uses("aliases"),
      ...(logins ? { senders: uses("senders") } : {}),
    },
  };
}

function aliasesOf(name: string, { accounts = [], aliases = {} }: VirtualDomain): Entry[] {
  const folded = (local: string): string => local.toLowerCase();
  const aliased = new Set(Object.keys(aliases).map(folded));
  const named = Object.entries(aliases).map(([local, targets]): Entry => [
    local === CATCH_ALL ? `@${name}` : `${local}@${name}`,
    joined(targets.map((target) => addressIn(name, target))),
  ]);
  // For an address that has no alias, virtual(5) goes on to the domain's: without these, it would take the accounts' mail.
  const kept = aliased.has(CATCH_ALL)
    ? accounts
        .filter((account) => !aliased.has(folded(account)))
        .map((account): Entry => [`${account}@${name}`, `${account}@${name}`])
    : [];
  const taken = new Set([...aliased, ...accounts.map(folded)]);
  // Everybody must be able to write to a domain's postmaster (RFC 5321, 4.5.1).
  const postmaster: Entry[] = taken.has("postmaster")
    ? []
    : [[`postmaster@${name}`, "postmaster@localhost"]];
  return [...named, ...kept, ...postmaster];
}

/** The logins that may send with an address: its account, and the accounts that get the mail of an alias. */
function sendersOf(name: string, { accounts = [], aliases = {} }: VirtualDomain): Entry[] {
  const owners = new Map<string, Set<string>>();
  const add = (local: string, owner: string): void => {
    const address = `${local.toLowerCase()}@${name}`;
    owners.set(address, (owners.get(address) ?? new Set()).add(owner));
  };
  for (const account of accounts) add(account, `${account}@${name}`);
  for (const [local, targets] of Object.entries(aliases))
    for (const target of targets) {
      const account = typeof target === "string" ? localPartOf(target, name) : undefined;
      const known = accounts.find((one) => one.toLowerCase() === account?.toLowerCase());
      if (local !== CATCH_ALL && known !== undefined) add(local, `${known}@${name}`);
    }
  return [...owners].map(([address, logins]) => [address, [...logins].join(", ")]);
}

/**
 * Virtual accounts ("Virtual Accounts" of the guide): addresses of domains with mailboxes that belong to no users of the
 * host. Mail to any other address of such a domain is refused while its sender still waits.
 *
 * @owns The tables of its domains, accounts and aliases, the folder of the mailboxes, and the parameters that name
 *   them.
 * @destroy Undoes its steps in reverse order.
 *
 * @example
 * ```ts
 * import { VirtualAccounts } from "pulumi-openbsd-postfix";
 *
 * new VirtualAccounts("accounts", {
 *   connection: { host: "mx1.example.org" },
 *   domains: {
 *     "alpha.example.org": { accounts: ["alfred", "berta"], aliases: { info: ["alfred", "berta"] } },
 *   },
 * });
 * ```
 */
export class VirtualAccounts extends Role {
  constructor(...given: GivenRole<VirtualAccountsArgs>) {
    super("VirtualAccounts", virtualAccountsArguments, virtualAccounts, ...given);
  }
}
