/** The arguments of `ChrootResolv`. */
import { list, optional, single, step } from "./schema";

/** Arguments of `ChrootResolv`. */
export interface ChrootResolvArgs {
  /**
   * The files to copy, by their names below /etc. Only what everybody on the host may read is copied: passwords and keys
   * are refused. @defaultValue the files that the release's package copies: hosts (from 5.0), localtime, resolv.conf, services
   */
  readonly files?: readonly string[];
}

/** Parts between slashes, none of them `..`. */
const NAME = /^(?!(.*\/)?\.\.(\/|$))[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/**
 * Files below /etc that hold passwords and private keys (passwd(5), ssl(8), sshd(8), signify(1)): what
 * a broken daemon in the chroot must not be able to read.
 */
const SECRET =
  /^(master\.passwd|spwd\.db)([.~-].*)?$|(^|\/)private(\/|$)|^ssh\/ssh_host_\w*key$|\.key$|^signify\/.*\.sec$|^(soii|random)\.(key|seed)$/;

function nameFault(name: string): string | undefined {
  if (!NAME.test(name)) return "must be a name below /etc, as in resolv.conf or ssl/cert.pem.";
  return SECRET.test(name)
    ? "holds passwords or keys, which must not be in reach of the daemons in the chroot."
    : undefined;
}

/** What each argument of `ChrootResolv` may be. */
export const chrootResolvArguments = step<ChrootResolvArgs>({
  files: optional(
    list(
      single((name) =>
        typeof name === "string"
          ? nameFault(name)
          : "must be a name below /etc, as in resolv.conf.",
      ),
      "must be a list of names below /etc.",
    ),
  ),
});
