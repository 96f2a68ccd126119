/** What may be said of the running Postfix. */
import { optional, step, triggers } from "./schema";

/** Arguments of `PostfixService`. */
export interface PostfixServiceArgs {
  /** Anything; usually the `revision` of what Postfix reads. What the running Postfix has not been told makes it reload, once. */
  readonly triggers?: readonly unknown[];
}

/** What each argument of `PostfixService` may be. */
export const postfixServiceArguments = step<PostfixServiceArgs>({ triggers: optional(triggers) });
