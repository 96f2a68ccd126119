/** The arguments of `RootCrontab`. */
import { list, optional, single, step } from "./schema";

/** Arguments of `RootCrontab`. */
export interface RootCrontabArgs {
  /**
   * Patterns of the lines to comment out: every active line of root's crontab that contains one of them. A pattern is a
   * text, or a regular expression between slashes, as in `"/sm-msp-queue +-Ac/"`.
   * @defaultValue sendmail's clientmqueue runner on releases that have it (before 5.6); nothing on the others
   */
  readonly commentOut?: readonly string[];
}

/** `/…/` is a regular expression, everything else a text that the line contains. */
export function patternOf(word: string): RegExp | string {
  const source = /^\/(.+)\/$/.exec(word)?.[1];
  return source === undefined ? word : new RegExp(source);
}

function isPattern(word: unknown): boolean {
  if (typeof word !== "string" || word.trim() === "" || /[\n\r\0]/.test(word)) return false;
  try {
    return patternOf(word) !== "";
  } catch {
    return false;
  }
}

const pattern = single<string>((word) =>
  isPattern(word)
    ? undefined
    : "must be a text of one line that the crontab lines contain, or between slashes a regular expression that they match.",
);

/** What each argument of `RootCrontab` may be. */
export const rootCrontabArguments = step<RootCrontabArgs>({
  commentOut: optional(list(pattern, "must be a list of patterns.")),
});
