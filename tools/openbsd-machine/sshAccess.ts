/** How ssh(1) reaches a machine: by a key of its own, and only if it is the machine whose host key is known. */
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Finished, run } from "../../testing/machine/runProgram";
import { MachineError } from "./machineError";

/** Where a machine's sshd(8) is, as seen from this one. */
export const address = "127.0.0.1";

/** The user who logs in. */
export const user = "root";

/** Reads a public key of a host: type and base64, as in a file `ssh_host_*_key.pub` or in the output of ssh-keyscan(1). */
export function hostKeyOf(text: string): string | undefined {
  return /(?:^|\s)((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/]+={0,2})(?:\s|$)/m.exec(
    text,
  )?.[1];
}

/** Access to one machine, from the files that are written for it in a folder. */
export class SshAccess {
  readonly identity: string;
  readonly knownHosts: string;
  /** A configuration for `ssh -F`, in which the machine is the host `openbsd`. */
  readonly config: string;

  /**
   * @param folder - Gets the files.
   * @param identity - The file with the private key. It is copied: ssh(1) refuses one that others may read.
   */
  constructor(
    private readonly folder: string,
    readonly port: number,
    identity: string,
  ) {
    this.identity = join(folder, "identity");
    this.knownHosts = join(folder, "known_hosts");
    this.config = join(folder, "ssh_config");
    try {
      copyFileSync(identity, this.identity);
    } catch (error) {
      throw new MachineError(`The key to log in with cannot be read: ${(error as Error).message}`);
    }
    chmodSync(this.identity, 0o600);
    writeFileSync(this.config, configText(this));
  }

  /** Trusts this key of the host, and no other. */
  pin(hostKey: string): void {
    writeFileSync(this.knownHosts, `[${address}]:${this.port} ${hostKey}\n`);
  }

  /** Asks the machine for its host key, without knowing who answers. */
  async scan(): Promise<string | undefined> {
    const argv = ["ssh-keyscan", "-T", "20", "-t", "ed25519", "-p", String(this.port), address];
    const { stdout } = await run(argv);
    return hostKeyOf(stdout.toString());
  }

  /** Whether an sshd(8) answers at all: with the first line of its protocol, within a time in milliseconds. */
  answers(limitMs: number): Promise<boolean> {
    // QEMU takes every connection at once, and closes it where nobody listens in the machine.
    return new Promise((resolve) => {
      const socket = connect({ host: address, port: this.port });
      const done = (answered: boolean): void => {
        socket.destroy();
        resolve(answered);
      };
      socket.setTimeout(limitMs, () => done(false));
      socket.on("error", () => done(false));
      socket.on("close", () => done(false));
      socket.once("data", (chunk: Buffer) => done(chunk.toString("latin1").startsWith("SSH-")));
    });
  }

  /** Runs a command of the machine's shell. A failure is no exception; ssh(1) itself exits with 255. */
  run(command: string, limitMs: number): Promise<Finished> {
    const child = spawn("ssh", ["-F", "ssh_config", "openbsd", command], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limitMs,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    return new Promise((resolve, reject) => {
      child.on("error", (error) => {
        reject(new MachineError(`ssh cannot be started: ${error.message}`));
      });
      child.on("close", (code) =>
        resolve({
          exitCode: code ?? 255,
          stdout: Buffer.concat(stdout),
          stderr: Buffer.concat(stderr),
        }),
      );
    });
  }

  /** What a program needs to reach the machine, as variables of its environment. */
  get environment(): Readonly<Record<string, string>> {
    return {
      OPENBSD_HOST: address,
      OPENBSD_PORT: String(this.port),
      OPENBSD_USER: user,
      OPENBSD_IDENTITY: this.identity,
      OPENBSD_KNOWN_HOSTS: this.knownHosts,
      OPENBSD_SSH_CONFIG: this.config,
    };
  }
}

/** Reads the public key of a host from a file. */
export function readHostKey(path: string): string {
  const key = hostKeyOf(readFileSync(path, "utf8"));
  if (key === undefined)
    throw new MachineError(`${path} has no public key of a host, such as "ssh-ed25519 AAAA…".`);
  return key;
}

function configText({ port, identity, knownHosts }: SshAccess): string {
  return [
    "Host openbsd",
    `  HostName ${address}`,
    `  Port ${port}`,
    `  User ${user}`,
    `  IdentityFile ${quoted(identity)}`,
    "  IdentitiesOnly yes",
    "  BatchMode yes",
    "  StrictHostKeyChecking yes",
    `  UserKnownHostsFile ${quoted(knownHosts)}`,
    "  GlobalKnownHostsFile /dev/null",
    "  ConnectTimeout 20",
    "  ServerAliveInterval 15",
    "  ServerAliveCountMax 4",
    "",
  ].join("\n");
}

/** A path as ssh_config(5) reads it: quoted because of blanks, with a percent sign doubled, which begins a token. */
function quoted(path: string): string {
  if (/["\\\n]|\$\{/.test(path))
    throw new MachineError(
      `ssh_config(5) cannot name ${JSON.stringify(path)}: choose another folder with PULUMI_OPENBSD_POSTFIX_CACHE.`,
    );
  return `"${path.replaceAll("%", "%%")}"`;
}
