/** The arguments of `PostfixService`. */
import { number, optional, step, triggers } from "./schema";

/** Arguments of `PostfixService`. */
export interface PostfixServiceArgs {
  /** Any values, usually the `revision` of each step whose files Postfix reads. All changes since the last reload lead to one reload. */
  readonly triggers?: readonly unknown[];
  /**
   * Seconds, 10 to 3600, within which a start, reload or restart must be proven to serve. Unless it is, also because the line
   * or the machine that runs Pulumi is gone, the host itself puts back what served before, and serves by it.
   *
   * @defaultValue 120
   */
  readonly confirmWithinSeconds?: number;
}

/** What each argument of `PostfixService` may be. */
export const postfixServiceArguments = step<PostfixServiceArgs>({
  triggers: optional(triggers),
  confirmWithinSeconds: optional(
    number(
      (seconds) => seconds >= 10 && seconds <= 3600,
      "must be a number of seconds from 10 to 3600.",
    ),
  ),
});
