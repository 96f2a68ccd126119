/** The arguments of `PostfixPackage`. */
import { flag, list, number, oneOf, optional, single, step, text } from "./schema";

type Flavor = "sasl2" | "ldap" | "mysql" | "pgsql" | "db4" | "sqlite" | "dovecot";

/** Arguments of `PostfixPackage`. */
export interface PostfixPackageArgs {
  /** The version as in the package's name, such as "2.6.5" or "3.5.25p2". @defaultValue the newest of the branch that the repository offers */
  readonly version?: string;
  /**
   * The flavors of the port, exactly these. Packages exist without a flavor, with one of ldap, mysql, pgsql and sasl2, and
   * from 5.7 on with sasl2 and one of the others; any other combination must be built from ports. "dovecot" may be given
   * and changes nothing: SASL through Dovecot is in every package.
   *
   * @defaultValue none
   */
  readonly flavors?: readonly Flavor[];
  /**
   * "stable" for Postfix's stable versions, "snapshot" for its snapshots, which releases up to 7.0 have, or an older stable
   * series that a release has beside the newest, such as "stable35" for 3.5.
   *
   * @defaultValue "stable" for a package to install; an installed package may be of any branch
   */
  readonly branch?: "stable" | "snapshot" | `stable${number}`;
  /**
   * "packages" installs with pkg_add(1); "ports" builds in /usr/ports on the host, which needs the ports tree and the
   * compiler set there, and takes minutes to hours. The build goes on when the connection breaks.
   *
   * @defaultValue "packages"
   */
  readonly source?: "packages" | "ports";
  /** The places to look for packages, in the form of PKG_PATH (pkg_add(1)). @defaultValue the host's own: /etc/installurl or /etc/pkg.conf */
  readonly packagePath?: string;
  /** Seconds to wait while another program holds the lock of the package database, 0 to 3600. @defaultValue 300 */
  readonly lockTimeout?: number;
  /** On destroy, delete mail that is still in the queue, instead of stopping with a list of it. @defaultValue false */
  readonly discardQueue?: boolean;
}

function flavorFault(flavor: unknown): string | undefined {
  if (typeof flavor === "string" && /^[a-z][a-z0-9_]*$/.test(flavor)) return undefined;
  const name = typeof flavor === "string" ? `"${flavor}" cannot be` : "must be the name of";
  return `${name} a flavor: lower-case letters and digits, as in "mysql".`;
}

/** What each argument of `PostfixPackage` may be. Which flavors and versions a release has is asked on the host. */
export const postfixPackageArguments = step<PostfixPackageArgs>({
  version: optional(
    text(
      /^\d[A-Za-z0-9.]*$/,
      'must be a version as in a package name, such as "2.6.5" or "3.5.25p2".',
    ),
  ),
  flavors: optional(list(single<Flavor>(flavorFault), 'must be a list, as in ["mysql"].')),
  branch: optional(
    text(
      /^(stable\d*|snapshot)$/,
      'must be "stable", "snapshot", or an older series such as "stable35".',
    ),
  ),
  source: optional(oneOf(["packages", "ports"], 'must be "packages" or "ports".')),
  packagePath: optional(
    text(/^[^\s\0]+$/, "must be a PKG_PATH: URLs or folders, colon separated, without blanks."),
  ),
  lockTimeout: optional(
    number((value) => value >= 0 && value <= 3600, "must be seconds, from 0 to 3600."),
  ),
  discardQueue: optional(flag),
});
