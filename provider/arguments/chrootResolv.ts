/** The arguments of `ChrootResolv`. */
import { list, optional, step, text } from "./schema";

/** Arguments of `ChrootResolv`. */
export interface ChrootResolvArgs {
  /** The files to copy, by their names below /etc. @defaultValue the files that the release's package copies: hosts (from 5.0), localtime, resolv.conf, services */
  readonly files?: readonly string[];
}

/** Parts between slashes, none of them `..`. */
const NAME = /^(?!(.*\/)?\.\.(\/|$))[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/** What each argument of `ChrootResolv` may be. */
export const chrootResolvArguments = step<ChrootResolvArgs>({
  files: optional(
    list(
      text(NAME, "must be a name below /etc, as in resolv.conf or ssl/cert.pem."),
      "must be a list of names below /etc.",
    ),
  ),
});
