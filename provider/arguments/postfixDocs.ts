/** What may be said of the HTML manual. */
import { optional, single, step, triggers } from "./schema";

/** Arguments of `PostfixDocs`. */
export interface PostfixDocsArgs {
  /**
   * The folder that the HTML manual is copied to: it becomes the manual's folder. Absolute, at least two folders below
   * /, and no folder of the system. @defaultValue "/var/www/htdocs/manual/postfix"
   */
  readonly path?: string;
  /** Anything; when one of them changes, the copy is looked at again: the package's `revision`, for one. */
  readonly triggers?: readonly unknown[];
}

/** Folders whose contents are no documents: nothing is moved aside or removed there. */
const FORBIDDEN =
  /^\/(bin|boot|dev|etc|root|sbin|sys|tmp|usr\/(?!local\/)[^/]+|usr\/local\/(bin|lib|libexec|man|sbin|share)|var\/(backups|cron|db|log|mail|postfix|run|spool))(\/|$)/;

function pathFault(path: unknown): string | undefined {
  if (typeof path !== "string" || !/^(\/[^/\0\n]+)+$/.test(path) || /\/\.\.?(\/|$)/.test(path))
    return 'must be an absolute path without a slash at its end, "." and "..".';
  if (path.split("/").length < 4)
    return "must lie at least two folders below /: what is in it and not of the manual goes.";
  return FORBIDDEN.test(path)
    ? "is no place for documents: what is in it and not of the manual goes."
    : undefined;
}

/** What each argument of `PostfixDocs` may be. */
export const postfixDocsArguments = step<PostfixDocsArgs>({
  path: optional(single<string>(pathFault)),
  triggers: optional(triggers),
});
