import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link PostfixPackage}. */
export interface PostfixPackageArgs {
  /** Version as in the package's name, such as "2.6.5" or "3.5.25p2". @defaultValue the newest that the repository offers of the branch */
  readonly version?: pulumi.Input<string>;
  /** Flavors of the port: exactly these. SASL through Dovecot is in every one of them. @defaultValue none */
  readonly flavors?: pulumi.Input<
    pulumi.Input<"sasl2" | "ldap" | "mysql" | "pgsql" | "db4" | "sqlite">[]
  >;
  /** Postfix's stable releases, or its snapshots where the release has them as packages. @defaultValue "stable" */
  readonly branch?: pulumi.Input<"stable" | "snapshot">;
  /** Where packages are looked for, as PKG_PATH has it (pkg_add(1)). @defaultValue what the host says: /etc/installurl or /etc/pkg.conf */
  readonly packagePath?: pulumi.Input<string>;
  /** On destroy, delete mail that is still in the queue, instead of stopping with a list of it. @defaultValue false */
  readonly discardQueue?: pulumi.Input<boolean>;
}

/**
 * The Postfix package (guide 2.1), read back from the package database. A package that was there before stays on
 * destroy; one that this step installed goes, with its configuration, spool, users and groups.
 */
export class PostfixPackage extends Step {
  /** Full name in the package database, such as "postfix-2.6.5-mysql". */
  readonly packageName: pulumi.Output<string>;

  constructor(
    name: string,
    args: PostfixPackageArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("PostfixPackage", name, args, ["name", "installed"], opts);
    this.packageName = this.resource.output("name");
    this.registerOutputs({ packageName: this.packageName });
  }
}
