import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/postfixPackage";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link PostfixPackage}. */
export type PostfixPackageArgs = Inputs<plain.PostfixPackageArgs>;

/**
 * The Postfix package (guide 2.1), read back from the package database. To get another version, flavor, branch or source,
 * the step stops Postfix and replaces the package, which keeps /etc/postfix and the queue. After an upgrade of the host to
 * another release of OpenBSD, the step also replaces a package that it installed, unless `version` pins it.
 *
 * A package that was there before is adopted and stays on destroy. A package that this step installed goes, with its
 * configuration, spool, users and groups, and with the packages that were installed along with it. Several stacks can use
 * the package of one of them if it is as all of them want it; only the stack that owns it can change it, and it stays on
 * destroy while another stack uses it.
 *
 * @owns The package: version, flavors and branch. Several stacks may use one.
 * @destroy Removes it, with configuration, spool, users and groups, if it installed it; refuses while mail is queued,
 *   unless `discardQueue`, and while mailboxes are in the spool.
 * @releases Before 6.1 the host does not say where packages are: give `packagePath`.
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
  /** The package's full name in the package database, such as "postfix-2.6.5-mysql". */
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
