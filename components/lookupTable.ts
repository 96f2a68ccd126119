import * as pulumi from "@pulumi/pulumi";
import { type OnHost, secretPaths, Step } from "./step";

/** Arguments of {@link LookupTable}. Its content is given by {@link entries}, or as a whole by {@link text}. */
export interface LookupTableArgs {
  /** The table's text, as an absolute path. A database stands beside it, as in `/etc/postfix/virtual.db`. */
  readonly path: pulumi.Input<string>;
  /**
   * The type of table (`postconf -m`; DATABASE_README): `hash`, `btree`, `cdb` and `lmdb` are built by postmap(1);
   * `texthash`, `regexp`, `pcre`, `cidr`, `mysql`, `pgsql`, `ldap`, `sqlite` and `memcache` are read as they stand. It
   * must be one that the host's Postfix has. @defaultValue "hash"
   */
  readonly type?: pulumi.Input<string>;
  /**
   * Entries by key (access(5), transport(5), virtual(5), …). A key is one word, without regard to case; a value is one
   * line and not empty; `null` removes an entry. Others in the file, comments and order are left as they are, unless
   * {@link mode} says otherwise.
   */
  readonly entries?: pulumi.Input<Record<string, pulumi.Input<string | null>>>;
  /**
   * `"merge"` leaves entries that are not named in {@link entries} as they are; `"exact"` removes them, and destroy
   * gives them back. @defaultValue "merge"
   */
  readonly mode?: pulumi.Input<"merge" | "exact">;
  /**
   * The file as a whole, for types whose lines have an order or are settings (`regexp`, `pcre`, `cidr`, `mysql`, …), and
   * for a file that is brought from elsewhere. Lines that postmap(1) would skip, and keys that stand twice, are refused.
   * For the types `mysql`, `pgsql`, `ldap` and `memcache`, which log in elsewhere by it, it is a secret by itself.
   */
  readonly text?: pulumi.Input<string>;
  /**
   * Owner and mode of the text and of its database. Where others may not read them, neither is their content shown in
   * previews. @defaultValue as they are, 0644 root:wheel for new files; 0640 root:_postfix where the content is secret
   */
  readonly permissions?: pulumi.Input<{
    /** Octal digits, as in "0640". */
    readonly mode: pulumi.Input<string>;
    /** A user's name. @defaultValue "root" */
    readonly owner?: pulumi.Input<string>;
    /** A group's name. @defaultValue "wheel" */
    readonly group?: pulumi.Input<string>;
  }>;
}

/**
 * A lookup table and its database as one (postmap(1)). The database is built beside the old one and renamed in whole,
 * when, and only when, its content differs from the text. On destroy the file of before comes back.
 *
 * @example
 * ```ts
 * import { LookupTable } from "pulumi-openbsd-postfix";
 *
 * const transport = new LookupTable("transport", {
 *   connection: { host: "mx1.example.org" },
 *   path: "/etc/postfix/transport",
 *   entries: { "example.com": "smtp:[10.1.0.2]" },
 * });
 *
 * export const transportMaps = transport.table; // hash:/etc/postfix/transport
 * ```
 */
export class LookupTable extends Step {
  /** Type and path, as parameters of main.cf name the table: `hash:/etc/postfix/transport`. */
  readonly table: pulumi.Output<string>;

  constructor(
    name: string,
    args: LookupTableArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const text = textOf(args);
    const { permissions = permissionsFor(args.entries, text), ...rest } = args;
    const all: OnHost & Record<string, unknown> = { ...rest, text, permissions };
    super("LookupTable", name, all, ["table"], opts);
    this.table = this.resource.output("table");
    this.registerOutputs({ table: this.table });
  }
}

/** Types whose text says how to log in to another server. */
const SECRET_TYPES = ["mysql", "pgsql", "ldap", "memcache"];

/** The text; a secret, whether or not the program said so, where its type makes it one. */
function textOf({ type, text }: LookupTableArgs): pulumi.Input<string> | undefined {
  if (text === undefined) return undefined;
  const isSecret = (one: string): boolean => SECRET_TYPES.includes(one);
  if (type === undefined) return text;
  if (typeof type === "string") return isSecret(type) ? pulumi.secret(text) : text;
  return pulumi
    .output(type)
    .apply((one) => (isSecret(one) ? pulumi.secret(text) : pulumi.output(text)));
}

/** A secret is for Postfix and root only. */
function permissionsFor(
  entries: LookupTableArgs["entries"],
  text: pulumi.Input<string> | undefined,
): pulumi.Output<unknown> {
  const secrets = Promise.all(secretPaths({ entries, text }));
  return pulumi
    .output(secrets)
    .apply((paths) =>
      paths.flat().length > 0 ? { mode: "0640", owner: "root", group: "_postfix" } : undefined,
    );
}
