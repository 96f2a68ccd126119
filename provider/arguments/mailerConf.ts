/** The arguments of `MailerConf`. */
import { step } from "./schema";

/** Arguments of `MailerConf`: it has none of its own. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a name for what may come
export interface MailerConfArgs {}

/** What each argument of `MailerConf` may be. */
export const mailerConfArguments = step<MailerConfArgs>({});
