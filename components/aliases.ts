import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link Aliases}. */
export interface AliasesArgs {
  /**
   * Recipients by alias name (aliases(5)): addresses, local users, `|command`, `/file/name`, `:include:/file/name`.
   * Aliases that are not named here stay as they are, unless {@link mode} says otherwise.
   */
  readonly entries: pulumi.Input<Record<string, pulumi.Input<pulumi.Input<string>[]>>>;
  /**
   * `"merge"` leaves entries that are not named in {@link entries} as they are; `"exact"` removes them, and destroy gives
   * them back. @defaultValue "merge"
   */
  readonly mode?: pulumi.Input<"merge" | "exact">;
  /** The alias file. Its database stands beside it, with `.db` at its end. @defaultValue "/etc/postfix/aliases" */
  readonly file?: pulumi.Input<string>;
}

/**
 * Alias entries, and their database rebuilt when, and only when, its content differs (guide 2.7 and 3.3). Postfix
 * reads the file that `alias_maps` in main.cf names: {@link PostfixServer} sets it.
 */
export class Aliases extends Step {
  constructor(name: string, args: AliasesArgs & OnHost, opts?: pulumi.ComponentResourceOptions) {
    super("Aliases", name, args, ["file"], opts);
    this.registerOutputs({ revision: this.revision });
  }
}
