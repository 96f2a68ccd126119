/** How mailer.conf(5) maps /usr/sbin/sendmail and its like to Postfix (docs/openbsd.md 2.2 and 2.4). */
import type { Bytes } from "../formats/bytes";
import { mapping } from "../formats/mailerConf";
import { PROGRAMS } from "./paths";

export const MAILER_CONF = "/etc/mailer.conf";

/** The mapping that the package brings; `postfix-enable` copies it to {@link MAILER_CONF}. */
export const POSTFIX_MAILER_CONF = `${MAILER_CONF}.postfix`;

/** Where `postfix-enable` keeps the base system's mapping. */
export const BASE_MAILER_CONF = `${MAILER_CONF}.pre-postfix`;

/** The text that the package's installation writes to {@link POSTFIX_MAILER_CONF}. */
export const MAILER_ROWS: Bytes = ["sendmail\t", "send-mail\t", "mailq\t\t", "newaliases\t"]
  .map((name) => `${name}${PROGRAMS.sendmail}\n`)
  .join("");

/** Does the text of a mailer.conf map sendmail to Postfix? */
export function isPostfixEnabled(mailerConf: Bytes): boolean {
  return mapping(mailerConf, "sendmail")?.program === PROGRAMS.sendmail;
}
