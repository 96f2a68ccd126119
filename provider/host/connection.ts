/** How to reach a host: the argument that users give. */

/** One SSH server and how to log in to it. Names are those of `remote.ConnectionArgs` of `@pulumi/command`. */
export interface ConnectionHop {
  /** Name or address. */
  readonly host: string;
  /** @default 22 */
  readonly port?: number;
  /** root, or a user whom doas(1) lets become root without a password. @default "root" */
  readonly user?: string;
  /** A private key, inline. It is tried first, and the SSH agent is then left alone. */
  readonly privateKey?: string;
  /** For a private key that is encrypted. */
  readonly privateKeyPassword?: string;
  /** Tried last, and only when given. */
  readonly password?: string;
  /** Names of values of the stack's configuration, by which those three are found at run time. */
  readonly privateKeyConfig?: string;
  readonly privateKeyPasswordConfig?: string;
  readonly passwordConfig?: string;
  /** Socket of the SSH agent. @default $SSH_AUTH_SOCK */
  readonly agentSocketPath?: string;
  /**
   * The key that the host must show: `ssh-ed25519 AAAA…`, a line of known_hosts or of ssh-keyscan, or `SHA256:…`; or
   * several of these, one a line.
   *
   * @default what known_hosts says
   */
  readonly hostKey?: string;
  /** How often dialing is tried; -1: as often as there is time. @default 10 */
  readonly dialErrorLimit?: number;
  /** Seconds that one attempt may take until the login is through; 0: no limit of its own. @default 15 */
  readonly perDialTimeout?: number;
  /** A private key's file; `~` is the home folder. @default ~/.ssh/id_ed25519 and ~/.ssh/id_rsa, after the agent */
  readonly privateKeyPath?: string;
  /** A file like known_hosts. @default ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts */
  readonly knownHostsPath?: string;
}

/** How to reach a host. */
export interface ConnectionArgs extends ConnectionHop {
  /** A host to go through (one hop). Its key is verified, and it is logged in to, like the other. */
  readonly proxy?: ConnectionHop;
}

/** `user@host:port`, for messages. */
export function addressOf(hop: ConnectionHop): string {
  return `${hop.user ?? "root"}@${hop.host}:${hop.port ?? 22}`;
}
