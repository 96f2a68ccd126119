import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link MainCf}. */
export interface MainCfArgs {
  /**
   * Parameters of main.cf by name, as postconf(5) lists them; a value is one line. `null` removes a parameter, so that
   * Postfix's own default holds; `""` sets it empty. Others in the file, comments and order are left as they are.
   */
  readonly parameters: pulumi.Input<Record<string, pulumi.Input<string | null>>>;
}

/**
 * Parameters in /etc/postfix/main.cf (guide 2.4). The candidate is judged by the host's own Postfix before it goes
 * live. On destroy the lines of before come back.
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
  /** What `postconf -n` prints: every parameter that main.cf sets, by name. */
  readonly nonDefault: pulumi.Output<Record<string, string>>;
  /** What Postfix makes of `my*` and `mynetworks`, and its version as `mail_version`. */
  readonly effective: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: MainCfArgs & OnHost, opts?: pulumi.ComponentResourceOptions) {
    super("MainCf", name, args, ["nonDefault", "effective"], opts);
    this.nonDefault = this.resource.output("nonDefault");
    this.effective = this.resource.output("effective");
    this.registerOutputs({ nonDefault: this.nonDefault, effective: this.effective });
  }
}
