import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/postfixPackage";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link PostfixPackage}. */
export type PostfixPackageArgs = Inputs<plain.PostfixPackageArgs>;

/**
 * The Postfix package (guide 2.1), read back from the package database. Another version, flavor, branch or source is an
 * update in place around a stopped Postfix, which keeps /etc/postfix and the queue. A package that this step installed
 * is brought up to date after the host was upgraded to another release of OpenBSD, unless `version` pins it.
 *
 * A package that was there before is adopted and stays on destroy; one that this step installed goes, with its
 * configuration, spool, users, groups, and the packages that came along with it. Another stack's package is used as it
 * is where it is what is wanted, and then stays when either of the two is destroyed; to change it is its owner's.
 *
 * @example
 * ```ts
 * import { PostfixPackage } from "pulumi-openbsd-postfix";
 *
 * const connection = { host: "mx1.example.org", user: "root" };
 * const postfix = new PostfixPackage("postfix", {
 *   connection,
 *   source: "ports",
 *   flavors: ["sasl2", "ldap", "mysql"],
 * });
 * ```
 */
export class PostfixPackage extends Step {
  /** Full name in the package database, such as "postfix-2.6.5-mysql". */
  readonly packageName: pulumi.Output<string>;

  constructor(...given: Given<PostfixPackageArgs>) {
    super(
      {
        kind: "PostfixPackage",
        schema: plain.postfixPackageArguments,
        outputs: ["name", "installed", "forRelease"],
      },
      ...given,
    );
    this.packageName = this.resource.output("name");
    this.registerOutputs({ packageName: this.packageName });
  }
}
