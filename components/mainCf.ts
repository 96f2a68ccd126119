import type * as pulumi from "@pulumi/pulumi";
import type { MainCfParameters } from "./mainCfParameters";
import { type OnHost, Step } from "./step";

/** Arguments of {@link MainCf}. */
export interface MainCfArgs {
  /**
   * Parameters of main.cf by name, as postconf(5) lists them; a value is one line. `true` and `false` stand for `yes` and
   * `no`. `null` removes a parameter, so that Postfix's own default holds; `""` sets it empty. Others in the file,
   * comments and order are left as they are.
   */
  readonly parameters: pulumi.Input<MainCfParameters>;
  /**
   * `"merge"` leaves what is not named; `"exact"` removes every other parameter that the file sets, shows each removal
   * in the preview, and gives all back on destroy. @defaultValue "merge"
   */
  readonly mode?: pulumi.Input<"merge" | "exact">;
  /**
   * Names that Postfix does not know and that are meant, because a program of yours reads them. A name that another
   * value refers to, a restriction class, and what Postfix reads for a transport of master.cf (`slow_time_limit`) need
   * not be named. Any other name that Postfix does not know fails the preview.
   */
  readonly userDefined?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Rules of the judgement whose complaints are to be warnings, by the names that the complaints end with, as in
   * `["openRelay"]` for a relay in a closed network.
   */
  readonly accept?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Parameters in /etc/postfix/main.cf (guide 2.4). The candidate is judged by the host's own Postfix and by rules
 * of our own before it goes live: a bad line fails the preview, with file, line and reason. On destroy the lines of before come back.
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
