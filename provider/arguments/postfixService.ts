/** The arguments of `PostfixService`. */
import { optional, step, triggers } from "./schema";

/** Arguments of `PostfixService`. */
export interface PostfixServiceArgs {
  /** Any values, usually the `revision` of each step whose files Postfix reads. All changes since the last reload lead to one reload. */
  readonly triggers?: readonly unknown[];
}

/** What each argument of `PostfixService` may be. */
export const postfixServiceArguments = step<PostfixServiceArgs>({ triggers: optional(triggers) });
