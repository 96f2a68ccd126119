/** The `connection` argument, with which users say how to reach a host. */

/** One SSH server and how to log in to it. Names are those of `remote.ConnectionArgs` of `@pulumi/command`. */
export interface ConnectionHop {
  /** Name or address. */
  readonly host: string;
  /** @default 22 */
  readonly port?: number;
  /** root, or a user whom doas(1) lets become root without a password. @default "root" */
  readonly user?: string;
  /** The text of a private key. With it, the SSH agent is asked only when agentSocketPath is given as well. */
  readonly privateKey?: string;
  /** The passphrase of an encrypted private key. */
  readonly privateKeyPassword?: string;
  /** Tried after all keys. */
  readonly password?: string;
  /** The three above by the names of values in the stack's configuration, so that no state holds them. */
  readonly privateKeyConfig?: string;
  readonly privateKeyPasswordConfig?: string;
  readonly passwordConfig?: string;
  /** The socket of an SSH agent. @default $SSH_AUTH_SOCK */
  readonly agentSocketPath?: string;
  /**
   * The key that the host must have: `ssh-ed25519 AAAA…`, a line of known_hosts or of ssh-keyscan, or `SHA256:…`. A
   * host with several keys has one a line.
   *
   * @default the keys that known_hosts has for the host
   */
  readonly hostKey?: string;
  /** How many times to try; -1: as often as the time allows. @default 10 */
  readonly dialErrorLimit?: number;
  /** Seconds that one attempt to connect and log in may take; 0: no limit. @default 15 */
  readonly perDialTimeout?: number;
  /**
   * A file with a private key; `~` is the home folder. @default ~/.ssh/id_ed25519 and ~/.ssh/id_rsa, after the agent
   */
  readonly privateKeyPath?: string;
  /** A file in the format of known_hosts. @default ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts */
  readonly knownHostsPath?: string;
}

/** The argument as a whole. */
export interface ConnectionArgs extends ConnectionHop {
  /** A jump host to connect through; its key is verified like that of the host behind it. Only one is possible. */
  readonly proxy?: ConnectionHop;
}

/** `user@host:port`, for messages. */
export function addressOf(hop: ConnectionHop): string {
  return `${userOf(hop)}@${hop.host}:${portOf(hop)}`;
}

export function userOf({ user = "root" }: ConnectionHop): string {
  return user;
}

export function portOf({ port = 22 }: ConnectionHop): number {
  return port;
}
