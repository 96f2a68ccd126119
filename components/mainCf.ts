import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/mainCf";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link MainCf}. */
export type MainCfArgs = Inputs<plain.MainCfArgs>;

/** Parameters of main.cf by name: see {@link MainCfArgs}. */
export type MainCfParameters = Inputs<plain.MainCfArgs["parameters"]>;

/**
 * Parameters in /etc/postfix/main.cf (guide 2.4). Before it is written, the new file is judged by the host's own Postfix
 * and by rules of this package: a bad line fails the preview, with file, line and reason. Destroy puts the former lines
 * back.
 *
 * @owns The parameters that are given, or all with `mode: "exact"`.
 * @destroy Puts their former lines back.
 *
 * @example
 * ```ts
 * import { MainCf } from "pulumi-openbsd-postfix";
 *
 * new MainCf("main", {
 *   connection: { host: "mx1.example.org" },
 *   parameters: { myhostname: "mx1.example.org", parent_domain_matches_subdomains: "" },
 * });
 * ```
 */
export class MainCf extends Step {
  /** Every parameter that main.cf sets, by name, as `postconf -n` prints it. */
  readonly nonDefault: pulumi.Output<Record<string, string>>;
  /** The values in force of `my*` and `mynetworks`, and Postfix's version as `mail_version`. */
  readonly effective: pulumi.Output<Record<string, string>>;

  constructor(...given: Given<MainCfArgs>) {
    super(
      { kind: "MainCf", schema: plain.mainCfArguments, outputs: ["nonDefault", "effective"] },
      ...given,
    );
    this.nonDefault = this.resource.output("nonDefault");
    this.effective = this.resource.output("effective");
    // The resource has the values of Postfix in the state already.
    this.registerOutputs({ revision: this.revision });
  }
}
