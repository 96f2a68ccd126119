/** The rows of /etc/mailer.conf that make /usr/sbin/sendmail and its like Postfix's (docs/openbsd.md 2.2 and 2.4). */
import type { Bytes } from "../formats/bytes";
import { mapping } from "../formats/mailerConf";
import { PROGRAMS } from "./paths";

export const MAILER_CONF = "/etc/mailer.conf";

/** What the package offers for {@link MAILER_CONF}; `postfix-enable` puts it there. */
export const POSTFIX_MAILER_CONF = `${MAILER_CONF}.postfix`;

/** Where `postfix-enable` keeps the base system's mapping. */
export const BASE_MAILER_CONF = `${MAILER_CONF}.pre-postfix`;

/** What the package's installation writes to {@link POSTFIX_MAILER_CONF}. */
export const MAILER_ROWS: Bytes = ["sendmail\t", "send-mail\t", "mailq\t\t", "newaliases\t"]
  .map((name) => `${name}${PROGRAMS.sendmail}\n`)
  .join("");

/** Does a mailer.conf make /usr/sbin/sendmail Postfix's? */
export function isPostfixEnabled(mailerConf: Bytes): boolean {
  return mapping(mailerConf, "sendmail")?.program === PROGRAMS.sendmail;
}
