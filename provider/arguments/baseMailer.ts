/** The arguments of `BaseMailer`. */
import { step } from "./schema";

/** Arguments of `BaseMailer`: it has none of its own. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a name for what may come
export interface BaseMailerArgs {}

/** What each argument of `BaseMailer` may be. */
export const baseMailerArguments = step<BaseMailerArgs>({});
