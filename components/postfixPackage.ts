import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link PostfixPackage}. */
export interface PostfixPackageArgs {
  /** Version as in the package's name, such as "2.6.5" or "3.5.25p2". @defaultValue the newest that the repository offers of the branch */
  readonly version?: pulumi.Input<string>;
  /**
   * Flavors of the port: exactly these. What the release has as packages is plain, one of ldap, mysql, pgsql, sasl2,
   * and from 5.7 on sasl2 with one of the others; every other combination is built from ports. "dovecot" may be said
   * and changes nothing: SASL through Dovecot is in every package.
   *
   * @defaultValue none
   */
  readonly flavors?: pulumi.Input<
    pulumi.Input<"sasl2" | "ldap" | "mysql" | "pgsql" | "db4" | "sqlite" | "dovecot">[]
  >;
  /**
   * Postfix's stable releases, its snapshots where the release has them (to 7.0), or an older stable series that is
   * kept beside the newest, such as "stable35" for 3.5.
   *
   * @defaultValue "stable" for what is still to come; a package that is there may be of any
   */
  readonly branch?: pulumi.Input<"stable" | "snapshot" | `stable${number}`>;
  /**
   * "packages" installs with pkg_add(1); "ports" builds in /usr/ports on the host, which needs the ports tree and the
   * compiler set there, and takes minutes to hours. The build goes on when the connection breaks.
   *
   * @defaultValue "packages"
   */
  readonly source?: pulumi.Input<"packages" | "ports">;
  /** Where packages are looked for, as PKG_PATH has it (pkg_add(1)). @defaultValue what the host says: /etc/installurl or /etc/pkg.conf */
  readonly packagePath?: pulumi.Input<string>;
  /** Seconds to wait while another program holds the lock of the package database, 0 to 3600. @defaultValue 300 */
  readonly lockTimeout?: pulumi.Input<number>;
  /** On destroy, delete mail that is still in the queue, instead of stopping with a list of it. @defaultValue false */
  readonly discardQueue?: pulumi.Input<boolean>;
}

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

  constructor(
    name: string,
    args: PostfixPackageArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("PostfixPackage", name, args, ["name", "installed", "forRelease"], opts);
    this.packageName = this.resource.output("name");
    this.registerOutputs({ packageName: this.packageName });
  }
}
