/**
 * Proving that Postfix answers at its address. On a host where the base system's mailer still listens on loopback, a greeting
 * may come from that (docs/openbsd.md 8); so while the connection is held, a child of master must be there that serves it,
 * and the greeting must not name the other mailer.
 */
import type { RelayedConnection } from "../host/tcpRelay";
import { servicesOf } from "./masterServices";
import { type Address, GREETERS, isGreeting } from "./listening";
import type { Process } from "./processes";
import { LOOK_MS, NotServing, pause, type Proof, Throttled } from "./proof";

/** How long to wait for a line of the server, and for a good answer in all. */
const LINE_MS = 5000;
const GREETING_MS = 20_000;

/** What came of one connection. */
type Heard =
  | { readonly is: "greeting"; readonly line: string }
  /** Nobody took the connection. */
  | { readonly is: "refused"; readonly why: string }
  /** The server closed it, or said something else. */
  | { readonly is: "bad"; readonly why: string }
  /** The connection stands, and nobody says anything. */
  | { readonly is: "silence" }
  /** The greeting is of another program. */
  | { readonly is: "foreign"; readonly line: string };

/**
 * The greeting of Postfix at an address; `undefined` where all processes that could greet are busy with other clients: then
 * Postfix serves, and whether it does so by the new files is not known.
 *
 * @param limit - default_process_limit
 * @throws Throttled | NotServing
 */
export async function provenGreeting(
  proof: Proof,
  address: Address,
  limit: number,
): Promise<string | undefined> {
  const end = Date.now() + GREETING_MS;
  const where = `${address.host} port ${address.port}`;
  let bad = 0;
  for (;;) {
    const heard = await hear(proof, address);
    if (heard.is === "greeting") return heard.line;
    const { children } = await proof.now();
    const busy = children.filter(servesClients).length;
    if (heard.is === "silence" && busy >= limitOf(proof.masterCf, address, limit)) {
      proof.warn(
        `${where} does not greet, because all ${busy} processes there are busy with other clients. Postfix serves; that it does so by the new files is not proven.`,
      );
      return undefined;
    }
    if (heard.is === "silence" && busy === 0 && bad === 0)
      throw new Throttled(reasonOf(where, heard));
    // A daemon that cannot read its configuration ends at every connection. master starts it again after a minute only, and
    // nobody answers until then.
    if (heard.is === "bad") bad += 1;
    const alive = children.some((one) => servesClients(one) && !proof.former.has(one.pid));
    if (Date.now() > end || (bad > 0 && !alive && heard.is !== "refused") || bad > 3)
      throw new NotServing(reasonOf(where, heard));
    await pause(LOOK_MS);
  }
}

function reasonOf(where: string, heard: Heard): string {
  switch (heard.is) {
    case "greeting":
      return "";
    case "foreign":
      return `${where} is answered by another program, not by Postfix: "${heard.line}"`;
    case "silence":
      return `${where} takes connections, and nobody there says anything`;
    case "refused":
    case "bad":
      return `${where} says: ${heard.why}`;
  }
}

/** Is a child of master one that takes connections from the network? master tells it so by its arguments. */
function servesClients({ command }: Process): boolean {
  return / -t (inet|pass)( |$)/.test(command);
}

/**
 * Does a greeting name one of the base systems' mailers, and Postfix is not told to greet so? Whoever can listen beside
 * Postfix on its port is root's, and has no reason to lie.
 */
function namesBaseMailer(line: string, { banner, masterCf }: Proof): boolean {
  const name = /\b(OpenSMTPD|Sendmail)\b/.exec(line)?.[0];
  return name !== undefined && !banner.includes(name) && !masterCf.includes(name);
}

/** How many processes of the service at an address there may be. */
function limitOf(masterCf: string, { port }: Address, standard: number): number {
  const service = servicesOf(masterCf).services.findLast(
    ({ name, type, daemon }) =>
      (type === "inet" || type === "pass") &&
      GREETERS.includes(daemon) &&
      (new RegExp(`(^|:)${port}$`).test(name) || /(^|:)smtp$/.test(name) || type === "pass"),
  );
  // The one process of postscreen(8) serves all clients.
  if (service?.daemon === "postscreen") return Infinity;
  const own = Number(service?.maxproc);
  // A limit of 0 is none.
  if (service !== undefined && /^\d+$/.test(service.maxproc)) return own === 0 ? Infinity : own;
  return standard > 0 ? standard : Infinity;
}

/** Connects, and listens for the first line; who says it is looked at while the connection stands. */
async function hear(proof: Proof, address: Address): Promise<Heard> {
  let connection: RelayedConnection;
  try {
    connection = await proof.host.connect(address.host, address.port, LINE_MS * 4);
  } catch (error) {
    return { is: "refused", why: error instanceof Error ? error.message : String(error) };
  }
  try {
    const line = await firstLine(connection);
    if (line === undefined) return { is: "silence" };
    if (!isGreeting(line)) return { is: "bad", why: line };
    const { children } = await proof.now();
    const ours = children.some((one) => servesClients(one) && !proof.former.has(one.pid));
    // The child that is there may be serving somebody else, who came by another address.
    if (!ours || namesBaseMailer(line, proof)) return { is: "foreign", line };
    await useDaemons(connection, line);
    return { is: "greeting", line };
  } finally {
    connection.destroy();
  }
}

/**
 * Asks for a recipient, and hands nothing in: smtpd(8) then asks trivial-rewrite(8) and cleanup(8). One of these that cannot
 * start has its master say so in the log, which the proof of the daemons reads next. The answers decide nothing, because what
 * a server refuses is its own affair.
 */
async function useDaemons(connection: RelayedConnection, greeting: string): Promise<void> {
  // The first part of a greeting by postscreen(8), which takes some seconds for the rest.
  if (greeting.startsWith("220-")) return say(connection, ["QUIT"]).then(() => undefined);
  const offer = await say(connection, ["EHLO localhost"]);
  if (offer === undefined) return;
  const commands = ["MAIL FROM:<>", "RCPT TO:<postmaster>", "QUIT"];
  // RFC 2920: the commands go out together, and the answers come in their order.
  if (/^250[ -]PIPELINING\r?$/m.test(offer)) await say(connection, commands);
  else for (const command of commands) if ((await say(connection, [command])) === undefined) return;
}

/** Sends commands, and returns what came until all were answered; `undefined` for silence. */
function say(
  connection: RelayedConnection,
  commands: readonly string[],
): Promise<string | undefined> {
  connection.write(commands.map((command) => `${command}\r\n`).join(""));
  // The last line of an answer has a blank behind its code.
  return lineOf(connection, new RegExp(`(?:^\\d{3} [^]*?\n[^]*?){${commands.length}}`, "m"));
}

/** The first line, or why the connection ended; `undefined` for silence. */
async function firstLine(connection: RelayedConnection): Promise<string | undefined> {
  const text = await lineOf(connection, /\n/);
  return text?.split("\n")[0]?.replace(/\r$/, "");
}

/** What comes until it fits a pattern, or why the connection ended; `undefined` for silence. */
function lineOf(connection: RelayedConnection, enough: RegExp): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const hear = (bytes: Buffer): void => {
      text += bytes.toString("latin1");
      if (enough.test(text) || text.length > 65_536) done(text);
    };
    const end = (): void => done("the service closed the connection");
    const broken = (error: Error): void => done(error.message);
    const timer = setTimeout(() => done(undefined), LINE_MS);
    function done(said: string | undefined): void {
      clearTimeout(timer);
      connection.off("data", hear).off("end", end).off("error", broken);
      resolve(said);
    }
    connection.on("data", hear).on("end", end).on("error", broken);
  });
}
