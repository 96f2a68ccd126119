import * as plain from "../provider/arguments/aliases";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link Aliases}. */
export type AliasesArgs = Inputs<plain.AliasesArgs>;

/**
 * Alias entries and their database (guide 2.7 and 3.3). The database is rebuilt when, and only when, its content differs
 * from the entries. Postfix reads the file that `alias_maps` in main.cf names: {@link PostfixServer} sets that parameter.
 *
 * @owns The alias names that are given, or all with `mode: "exact"`; `aliases.db`, rebuilt when its content differs.
 * @destroy Puts the former entries and the former database back.
 *
 * @example
 * ```ts
 * import { Aliases } from "pulumi-openbsd-postfix";
 *
 * new Aliases("aliases", {
 *   connection: { host: "mx1.example.org" },
 *   entries: { root: ["alice"], postmaster: ["root"], webmaster: ["root"] },
 * });
 * ```
 */
export class Aliases extends Step {
  constructor(...given: Given<AliasesArgs>) {
    super({ kind: "Aliases", schema: plain.aliasesArguments, outputs: ["file"] }, ...given);
    this.registerOutputs({ revision: this.revision });
  }
}
