/** Runs commands on a host by ssh(1): the suite has no other way into it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../testing/machine/runProgram";
import type { HostCommand } from "./commands";

/** How to reach the host. What is not said comes from ssh_config(5), as for any other use of ssh(1). */
export interface Address {
  readonly user: string;
  readonly host: string;
  readonly port?: number;
  /** The private key's file. */
  readonly identity?: string;
  /** The file with the host's key, in the place of the user's own. */
  readonly knownHosts?: string;
  /** Whether to speak SHA-1, without which nothing reaches OpenBSD 4.7 to 4.9. */
  readonly legacy?: boolean;
}

/** A command did not succeed on the host, or the host was not reached. */
export class HostFailure extends Error {
  constructor(
    message: string,
    /** The exit status of the command; 255 where ssh(1) itself failed. */
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/** The status by which ssh(1) tells that it, and not the command, has failed. */
const SSH_FAILED = 255;

const LEGACY: readonly (readonly [string, string])[] = [
  ["KexAlgorithms", "+diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1"],
  ["HostKeyAlgorithms", "+ssh-rsa"],
  ["PubkeyAcceptedAlgorithms", "+ssh-rsa"],
];

/** A connection that all commands share. Call {@link Ssh.close} at the end. */
export class Ssh {
  /** Holds the socket of the shared connection. */
  private readonly folder = mkdtempSync(join(tmpdir(), "acceptance-ssh-"));

  constructor(readonly address: Address) {}

  /** As in root@192.0.2.1, and the port where it is not 22. */
  get name(): string {
    const { user, host, port } = this.address;
    return `${user}@${host}${port === undefined || port === 22 ? "" : `:${port}`}`;
  }

  /** Runs a command and gives what it printed on its standard output. */
  async run(command: HostCommand, ...args: readonly string[]): Promise<string> {
    const stdin = asInput(command.script, args);
    const { exitCode, stdout, stderr } = await run([...this.argv(), "/bin/sh -s"], { stdin });
    if (exitCode === 0) return stdout.toString();
    const said = [stderr, stdout]
      .map((text) => text.toString().trim())
      .filter((text) => text !== "");
    const why = said.join("\n").split("\n").slice(-20).join("\n  ");
    const status = exitCode === SSH_FAILED ? "ssh(1) did not reach it" : `exit status ${exitCode}`;
    throw new HostFailure(`${this.name}: ${command.what}: ${status}\n  ${why}`, exitCode);
  }

  /** Forgets the shared connection: the next command makes another. */
  async disconnect(): Promise<void> {
    await run([...this.argv("-O", "exit")]);
  }

  async close(): Promise<void> {
    await this.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private argv(...more: readonly string[]): string[] {
    const { user, host, port, identity, knownHosts, legacy = false } = this.address;
    const options: readonly (readonly [string, string])[] = [
      ["BatchMode", "yes"],
      ["ConnectTimeout", "20"],
      ["ServerAliveInterval", "15"],
      ["ServerAliveCountMax", "8"],
      ["ControlMaster", "auto"],
      ["ControlPath", join(this.folder, "s")],
      ["ControlPersist", "60"],
      ...(knownHosts === undefined ? [] : [["UserKnownHostsFile", `"${knownHosts}"`] as const]),
      ...(legacy ? LEGACY : []),
    ];
    return [
      ...["ssh", "-T", ...options.flatMap(([name, value]) => ["-o", `${name}=${value}`])],
      ...(port === undefined ? [] : ["-p", String(port)]),
      ...(identity === undefined ? [] : ["-i", identity]),
      ...more,
      ...["-l", user, host],
    ];
  }
}

/**
 * A script with its arguments as sh(1) reads it. Root's shell may be csh(1), so nothing travels on the command
 * line; and the script is a function that is read to its end before it begins, so that no program in it reads the rest.
 */
export function asInput(script: string, args: readonly string[]): string {
  const words = args.map((word) => `'${word.replace(/'/g, `'\\''`)}'`);
  return `main() {\n${script}\n}\nmain ${words.join(" ")} </dev/null\nexit $?\n`;
}
