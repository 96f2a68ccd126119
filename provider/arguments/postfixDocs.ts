/** The arguments of `PostfixDocs`. */
import { optional, single, step, triggers } from "./schema";

/** Arguments of `PostfixDocs`. */
export interface PostfixDocsArgs {
  /**
   * The absolute path of the folder that the HTML manual is copied to, as its only content. It must be at least two folders
   * below / and no folder of the system. @defaultValue "/var/www/htdocs/manual/postfix"
   */
  readonly path?: string;
  /** Any values, such as the package's `revision`; when one of them changes, the copy is compared with the manual again. */
  readonly triggers?: readonly unknown[];
}

/** Folders with other contents than documents, where nothing must be moved aside or removed. */
const FORBIDDEN =
  /^\/(bin|boot|dev|etc|root|sbin|sys|tmp|usr\/(?!local\/)[^/]+|usr\/local\/(bin|lib|libexec|man|sbin|share)|var\/(backups|cron|db|log|mail|postfix|run|spool))(\/|$)/;

function pathFault(path: unknown): string | undefined {
  if (typeof path !== "string" || !/^(\/[^/\0\n]+)+$/.test(path) || /\/\.\.?(\/|$)/.test(path))
    return 'must be an absolute path without a slash at its end, "." and "..".';
  if (path.split("/").length < 4)
    return "must be at least two folders below /: the step removes all files in it that do not belong to the manual.";
  return FORBIDDEN.test(path)
    ? "is no place for documents: the step removes all files in it that do not belong to the manual."
    : undefined;
}

/** What each argument of `PostfixDocs` may be. */
export const postfixDocsArguments = step<PostfixDocsArgs>({
  path: optional(single<string>(pathFault)),
  triggers: optional(triggers),
});
