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

/** The login to a MySQL or MariaDB server, and what to ask it. */
export interface VirtualAccountsMysql {
  /** The server's address, as seen from the mail server. @defaultValue "127.0.0.1" */
  readonly host?: pulumi.Input<string>;
  /** TCP port. @defaultValue 3306 */
  readonly port?: pulumi.Input<number>;
  /** The user's name in the database server. */
  readonly user: pulumi.Input<string>;
  /** The password. It is a secret, whether or not the program marks it. */
  readonly password: pulumi.Input<string>;
  /** The database's name. */
  readonly database: pulumi.Input<string>;
  /**
   * What to ask: `"postfixadmin"` for the tables of that program, or queries of your own, in which `%s` is the address, and
   * `%d` and `%u` are its domain and its local part (mysql_table(5)). Each is asked once before it goes live; an error of
   * the database stops the change.
   * @defaultValue "postfixadmin"
   */
  readonly queries?: "postfixadmin" | VirtualAccountsQueries;
}

/** Queries, each of which returns one column. */
export interface VirtualAccountsQueries {
  /** Returns a row for a domain of the host's, which is `%s`: with `%d`, Postfix would ask for an address only. */
  readonly domains: pulumi.Input<string>;
  /** Returns the path of the mailbox of an address, below {@link VirtualAccountsArgs.store}, with a slash at its end. */
  readonly accounts: pulumi.Input<string>;
  /** Returns the addresses to which mail for an address goes. @defaultValue there are no aliases */
  readonly aliases?: pulumi.Input<string>;
  /** Returns the logins that may send with an address, for a server with `submission`. @defaultValue none in the database */
  readonly senders?: pulumi.Input<string>;
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

const word = (what: string): Schema<pulumi.Input<string>> =>
  input(text(/^[^\s\0]+$/, `must be ${what}, without blanks.`));

const query = input(
  text(/^[^\n\r\0]*%[sud1-9][^\n\r\0]*$/, "must be a query in one line, with %s, %u or %d in it."),
);

/**
 * The question is a domain alone. For what is no address, Postfix asks no query with %d or %1 to %9 in it, and takes the
 * domain for one that is not the host's (mysql_table(5)).
 */
const domainQuery = input(
  text(
    /^(?!(?:[^%]|%[^d1-9])*%[d1-9])[^\n\r\0]*%[su][^\n\r\0]*$/i,
    "must be a query in one line, with %s for the domain in it, and without %d and %1 to %9, which only an address has.",
  ),
);

const mysql = object<VirtualAccountsMysql>(
  {
    host: optional(word("a host name or an address")),
    port: optional(
      input(number((value) => Number.isInteger(value) && value > 0, "must be a TCP port.")),
    ),
    user: word("a user's name"),
    // mysql_table(5) reads the rest of the line as the password.
    password: input(text(/^\S([^\n\r\0]*\S)?$/, "must be one line, without blanks at its ends.")),
    database: word("a database's name"),
    queries: optional({
      failures: (value) =>
        value === "postfixadmin"
          ? []
          : object<VirtualAccountsQueries>(
              {
                domains: domainQuery,
                accounts: query,
                aliases: optional(query),
                senders: optional(query),
              },
              "query",
              { reason: 'must be "postfixadmin", or an object of queries.' },
            ).failures(value),
    }),
  },
  "part of mysql",
);

/** What may be said of virtual accounts. */
export const virtualAccountsArguments: ObjectSchema<VirtualAccountsArgs> =
  object<VirtualAccountsArgs>(
    {
      domains: optional(
        record("must be domains by name.", domainFault, () => domain, foldedDomains),
      ),
      mysql: optional(mysql),
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

/** The tables of the accounts, and how main.cf names them. */
interface Accounts {
  readonly tables: NonNullable<Contribution["tables"]>;
  readonly uses: {
    readonly domains: string;
    readonly accounts: string;
    readonly aliases?: string;
    readonly senders?: string;
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

/** The queries for the tables of postfixadmin 2 and later. */
const POSTFIXADMIN: VirtualAccountsQueries = {
  domains: "SELECT domain FROM domain WHERE domain = '%s' AND backupmx = '0' AND active = '1'",
  accounts: "SELECT maildir FROM mailbox WHERE username = '%s' AND active = '1'",
  aliases: "SELECT goto FROM alias WHERE address = '%s' AND active = '1'",
  senders: "SELECT goto FROM alias WHERE address = '%s' AND active = '1'",
};

/**
 * What the tables are asked before they go live. They need not be there: an answer is one, also that nothing is found.
 * Where a query needs more of a name than the key has (mysql_table(5): %3), Postfix would not ask the server at all.
 */
const PROBED_DOMAIN = "mail.example.org";
const PROBED_ADDRESS = `postmaster@${PROBED_DOMAIN}`;

/** Tables that Postfix asks a database for. In the chroot, only proxymap(8) could reach a socket; it also shares lines. */
function inDatabase(database: VirtualAccountsMysql, logins: boolean): Accounts {
  const { queries = "postfixadmin" } = database;
  const asked = queries === "postfixadmin" ? POSTFIXADMIN : queries;
  const table = (name: string, text: pulumi.Input<string>, probe = PROBED_ADDRESS) =>
    [
      `virtual-${name}`,
      { path: path(`mysql_${name}.cf`), type: "mysql", text: sourceOf(database, text), probe },
    ] as const;
  const uses = (name: string): string => `proxy:mysql:${path(`mysql_${name}.cf`)}`;
  return {
    tables: Object.fromEntries([
      table("domains", asked.domains, PROBED_DOMAIN),
      table("accounts", asked.accounts),
      ...(asked.aliases === undefined ? [] : [table("aliases", asked.aliases)]),
      ...(logins && asked.senders !== undefined ? [table("senders", asked.senders)] : []),
    ]),
    uses: {
      domains: uses("domains"),
      accounts: uses("accounts"),
      ...(asked.aliases === undefined ? {} : { aliases: uses("aliases") }),
      // proxy_read_maps has no smtpd_sender_login_maps before Postfix 2.11: smtpd(8) asks by itself.
      ...(logins && asked.senders !== undefined
        ? { senders: `mysql:${path("mysql_senders.cf")}` }
        : {}),
    },
  };
}

function sourceOf(
  { host = "127.0.0.1", port = 3306, user, password, database }: VirtualAccountsMysql,
  query: pulumi.Input<string>,
): pulumi.Output<string> {
  return pulumi.secret(
    pulumi.interpolate`user = ${user}
password = ${password}
hosts = inet:${host}:${port}
dbname = ${database}
query = ${query}
`,
  );
}

/**
 * Virtual accounts ("Virtual Accounts" of the guide): addresses of domains with mailboxes that belong to no users of the
 * host. Mail to any other address of such a domain is refused while its sender still waits.
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
