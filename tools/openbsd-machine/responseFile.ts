/**
 * The answers to the installer's questions, in the format of autoinstall(8): a line `QUESTION = ANSWER` each. Where the file
 * has none, the installer takes its own default; it ends where it has none either.
 */
import { siteSet } from "./releases";

/** What the answers depend on. */
export interface Answers {
  readonly release: string;
  /** The server with the sets, as the installer reaches it: a host with its port. */
  readonly server: string;
  /** The folder with the sets on the server. */
  readonly directory: string;
  /** The public key of root, as in authorized_keys. */
  readonly publicKey: string;
}

/** A password that no login can have: thirteen asterisks (autoinstall(8)). */
const noPassword = "*".repeat(13);

/** Makes the response file. */
export function responseFile({ release, server, directory, publicKey }: Answers): string {
  const site = siteSet(release);
  const answers: readonly (readonly [string, string])[] = [
    ["System hostname", "openbsd"],
    ["IPv4 address for", "autoconf"],
    ["IPv6 address for", "none"],
    ["Password for root account", noPassword],
    ["Public ssh key for root account", publicKey],
    ["Start sshd(8) by default", "yes"],
    ["Do you expect to run the X Window System", "no"],
    ["Change the default console to com0", "yes"],
    ["Which speed should com0 use", "115200"],
    ["Setup a user", "no"],
    ["Allow root ssh login", "prohibit-password"],
    ["What timezone are you in", "UTC"],
    ["Location of sets", "http"],
    // With the protocol, the installer does not try https first.
    ["HTTP Server", `http://${server}`],
    ["Server directory", directory],
    ["Set name(s)", `-all bsd* base* ${site}`],
    // All sets of OpenBSD are verified by the installer, too. The set of this package cannot be: it is not in the list that
    // OpenBSD has signed.
    [`Checksum test for ${site} failed. Continue anyway`, "yes"],
    [`Unverified sets: ${site}. Continue without verification`, "yes"],
  ];
  return answers.map(([question, answer]) => `${question} = ${answer}\n`).join("");
}
