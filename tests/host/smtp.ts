/** SMTP with the mail servers of test hosts. */
import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { TestHost } from "../../testing";
import { sh } from "../preview/server";
import { installPostfix } from "./fidelity/row";

/** Says lines to a mail server, each after the reply to the one before it, and returns the last line of each reply. */
export async function dialogue(connection: Duplex, lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  let text = "";
  const reply = async (): Promise<void> => {
    for (;;) {
      const last = /^(?:\d{3}-.*\r\n)*(\d{3} .*)\r\n/.exec(text);
      if (last !== null) {
        text = text.slice(last[0].length);
        replies.push(last[1] ?? "");
        return;
      }
      const chunk = connection.read() as Buffer | null;
      if (chunk !== null) text += chunk.toString("latin1");
      else if (connection.readableEnded || connection.destroyed) throw new Error(`only: ${text}`);
      else await Promise.race([once(connection, "readable"), once(connection, "close")]);
    }
  };
  await reply();
  for (const line of lines) {
    connection.write(`${line}\r\n`);
    await reply();
  }
  connection.destroy();
  return replies;
}

/**
 * Starts the Postfix of a package in the place of the base system's mailer, on all addresses, with these lines at the
 * end of main.cf.
 */
export async function servePostfix(
  host: TestHost,
  mainCf: readonly string[],
  install = installPostfix,
): Promise<void> {
  const end = (command: string): string => `${command} >/dev/null 2>&1`;
  await sh(
    host,
    [
      install,
      end("postfix-enable"),
      "pkill -x smtpd; pkill -x sendmail; sleep 0.5",
      "/usr/local/sbin/newaliases",
      "cat >> /etc/postfix/main.cf <<'END'",
      "inet_interfaces = all",
      ...mainCf,
      "END",
      end("/usr/local/sbin/postfix start"),
    ].join("\n"),
  );
}
