/** SMTP with the mail servers of test hosts. */
import type { Duplex } from "node:stream";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { TestHost } from "../../testing";
import { sh } from "../preview/server";
import { installPostfix } from "./fidelity/row";

/** A client in a dialogue with a mail server. */
export class SmtpClient {
  private text = "";
  private over = false;
  private wake: () => void = () => undefined;

  constructor(private stream: Duplex) {
    this.listen();
  }

  private listen(): void {
    this.stream.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
      this.wake();
    });
    for (const event of ["end", "error", "close"])
      this.stream.on(event, () => {
        this.over = true;
        this.wake();
      });
  }

  /** The server's next reply, all its lines. */
  async reply(): Promise<string> {
    for (;;) {
      const reply = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.text)?.[0];
      if (reply !== undefined) {
        this.text = this.text.slice(reply.length);
        return reply;
      }
      if (this.over) throw new Error(`the server has gone, and said only: ${this.text}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** Says a line, and returns the reply to it. */
  ask(line: string): Promise<string> {
    this.stream.write(`${line}\r\n`);
    return this.reply();
  }

  /** Begins TLS, now; rejects where the server's certificate is not trusted for its name. */
  async beginTls(options: ConnectionOptions): Promise<TLSSocket> {
    const plain = this.stream;
    for (const event of ["data", "end", "error", "close"]) plain.removeAllListeners(event);
    const secured = await new Promise<TLSSocket>((resolve, reject) => {
      const begun = connect({ ...options, socket: plain }, () => resolve(begun));
      begun.once("error", reject);
    });
    this.stream = secured;
    this.listen();
    return secured;
  }

  leave(): void {
    this.stream.destroy();
  }
}

/** What a client says to log in with PLAIN. */
export function plain(user: string, password: string): string {
  return `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`;
}

/** Says lines to a mail server, each after the reply to the one before it, and returns the last line of each reply. */
export async function dialogue(connection: Duplex, lines: readonly string[]): Promise<string[]> {
  const client = new SmtpClient(connection);
  const replies = [await client.reply()];
  for (const line of lines) replies.push(await client.ask(line));
  client.leave();
  return replies.map((reply) => /.*(?=\r\n$)/.exec(reply)?.[0] ?? "");
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
