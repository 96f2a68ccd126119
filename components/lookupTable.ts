import * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/lookupTable";
import type { Inputs } from "./inputs";
import { type OnHost, secretPaths, Step } from "./step";

/** Arguments of {@link LookupTable}. */
export type LookupTableArgs = Inputs<plain.LookupTableArgs>;

/**
 * A lookup table and its database as one (postmap(1)). The database is rebuilt when, and only when, its content differs
 * from the text: built beside the old one, then renamed. Destroy puts back what the file held before.
 *
 * @owns The entries that are given, all with `mode: "exact"`, or the whole text; and the database.
 * @destroy Puts the former text and the former database back.
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
  /** The table as parameters of main.cf name it, with type and path: `hash:/etc/postfix/transport`. */
  readonly table: pulumi.Output<string>;

  constructor(
    name: string,
    args: LookupTableArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const text = textOf(args);
    const { permissions = permissionsFor(args.entries, text), ...rest } = args;
    const all: OnHost & Record<string, unknown> = { ...rest, text, permissions };
    super(
      { kind: "LookupTable", schema: plain.lookupTableArguments, outputs: ["table"] },
      name,
      all,
      opts,
    );
    this.table = this.resource.output("table");
    this.registerOutputs({ table: this.table });
  }
}

/** The text of the table; a secret where the table's type makes it one, whether or not the program marked it. */
function textOf({ type, text }: LookupTableArgs): pulumi.Input<string> | undefined {
  if (text === undefined) return undefined;
  if (type === undefined) return text;
  if (typeof type === "string") return plain.isSecretType(type) ? pulumi.secret(text) : text;
  return pulumi
    .output(type)
    .apply((known) => (plain.isSecretType(known) ? pulumi.secret(text) : pulumi.output(text)));
}

/** The default permissions: a table with a secret is for Postfix and root only. */
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
