/** Virtual accounts in a MySQL or MariaDB database: what may be said of it, and the tables by which Postfix asks it. */
import * as pulumi from "@pulumi/pulumi";
import {
  number,
  object,
  type ObjectSchema,
  optional,
  type Schema,
  text,
} from "../../provider/arguments/schema";
import { CONFIGURATION } from "../../provider/postfix/paths";
import type { Contribution } from "./contribution";
import { input } from "./names";

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
  /** Returns the path of the mailbox of an address, below `store`, with a slash at its end. */
  readonly accounts: pulumi.Input<string>;
  /** Returns the addresses to which mail for an address goes. @defaultValue there are no aliases */
  readonly aliases?: pulumi.Input<string>;
  /** Returns the logins that may send with an address, for a server with `submission`. @defaultValue none in the database */
  readonly senders?: pulumi.Input<string>;
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

/** What may be said of a database with accounts. */
export const virtualAccountsMysqlArguments: ObjectSchema<VirtualAccountsMysql> =
  object<VirtualAccountsMysql>(
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

/** The tables of the accounts, and how main.cf names them. */
export interface Accounts {
  readonly tables: NonNullable<Contribution["tables"]>;
  readonly uses: {
    readonly domains: string;
    readonly accounts: string;
    readonly aliases?: string;
    readonly senders?: string;
  };
}

/** The queries for the tables of postfixadmin 2 and later. */
const POSTFIXADMIN: VirtualAccountsQueries = {
  domains: "SELECT domain FROM domain WHERE domain = '%s' AND backupmx = '0' AND active = '1'",
  accounts: "SELECT maildir FROM mailbox WHERE username = '%s' AND active = '1'",
  aliases: "SELECT goto FROM alias WHERE address = '%s' AND active = '1'",
  // An account may have no alias that leads to itself, and sends with its own address all the same.
  senders:
    "SELECT username FROM mailbox WHERE username = '%s' AND active = '1'" +
    " UNION SELECT goto FROM alias WHERE address = '%s' AND active = '1'",
};

/**
 * What the tables are asked before they go live. They need not be there: an answer is one, also that nothing is found.
 * Where a query needs more of a name than the key has (mysql_table(5): %3), Postfix would not ask the server at all.
 */
const PROBED_DOMAIN = "mail.example.org";
const PROBED_ADDRESS = `postmaster@${PROBED_DOMAIN}`;

/** The file with the settings of a table that is asked of the database. */
function fileOf(table: string): string {
  return `${CONFIGURATION}/mysql_${table}.cf`;
}

/** Tables that Postfix asks a database for. In the chroot, only proxymap(8) could reach a socket; it also shares lines. */
export function inDatabase(database: VirtualAccountsMysql, logins: boolean): Accounts {
  const { queries = "postfixadmin" } = database;
  const asked = queries === "postfixadmin" ? POSTFIXADMIN : queries;
  const table = (name: string, text: pulumi.Input<string>, probe = PROBED_ADDRESS) =>
    [
      `virtual-${name}`,
      { path: fileOf(name), type: "mysql", text: sourceOf(database, text), probe },
    ] as const;
  const uses = (name: string): string => `proxy:mysql:${fileOf(name)}`;
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
      ...(logins && asked.senders !== undefined ? { senders: `mysql:${fileOf("senders")}` } : {}),
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
