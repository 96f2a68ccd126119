/** The argument `connection`: how to reach a host. */
import { number, object, optional, single, text } from "./schema";

/** One SSH server, and how to log in to it. */
export interface ConnectionHop {
  /** Host name or IP address. */
  readonly host: string;
  /** TCP port of sshd(8). @defaultValue 22 */
  readonly port?: number;
  /** The user to log in as: root, or one whom doas.conf(5) lets run commands as root without a password. @defaultValue "root" */
  readonly user?: string;
  /** A private key as text, in OpenSSH or PEM format. With it, an SSH agent is asked only where agentSocketPath is given. */
  readonly privateKey?: string;
  /** The passphrase of the private key. */
  readonly privateKeyPassword?: string;
  /** A file with a private key, read at run time where Pulumi runs; `~` is the home folder. */
  readonly privateKeyPath?: string;
  /** A password to log in with. It is tried after all keys. */
  readonly password?: string;
  /**
   * The name of a value of the stack's configuration that holds the private key: `mailKey` of the project, or
   * `namespace:mailKey` (`pulumi config set --secret`). The resources' state holds only the name, so a new key does not
   * change them. A refresh and a destroy use the key of the last `up`, because Pulumi keeps a stack's configuration with
   * its own provider resource, encrypted where it is secret.
   */
  readonly privateKeyConfig?: string;
  /** The name of a value of the stack's configuration that holds the passphrase of the private key. */
  readonly privateKeyPasswordConfig?: string;
  /** The name of a value of the stack's configuration that holds the password to log in with. */
  readonly passwordConfig?: string;
  /** The socket of an ssh-agent. @defaultValue the value of SSH_AUTH_SOCK */
  readonly agentSocketPath?: string;
  /**
   * The host's public key, as in `ssh-ed25519 AAAA…`, a line of known_hosts or of ssh-keyscan(1), or its fingerprint, as
   * in `SHA256:…`; several of them, one a line. @defaultValue the keys that known_hosts has for the host
   */
  readonly hostKey?: string;
  /** A known_hosts file. @defaultValue `~/.ssh/known_hosts`, then `/etc/ssh/ssh_known_hosts` */
  readonly knownHostsPath?: string;
  /** The number of tries to reach the host; -1 for as many as there is time for. @defaultValue 10 */
  readonly dialErrorLimit?: number;
  /** The seconds that one try may take, with the login; 0 for no limit. @defaultValue 15 */
  readonly perDialTimeout?: number;
}

/**
 * How a host is reached. The names are those of `remote.ConnectionArgs` in `@pulumi/command`, so that one object
 * serves both packages.
 *
 * Host keys are always verified: against `hostKey`, or the user's known_hosts. Credentials are looked for in this
 * order: `privateKey` or `privateKeyConfig`, `privateKeyPath`, the ssh-agent, `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`,
 * `password` or `passwordConfig`. A secret that is given inline is kept encrypted in the state; all other credentials are
 * read at run time and not kept.
 */
export interface ConnectionArgs extends ConnectionHop {
  /** A host to connect through; its key is verified as well. Only one such host is possible. */
  readonly proxy?: ConnectionHop;
}

/** Credentials that a program can also give as `…Config`, the name of a value of the stack's configuration. */
export const CONFIGURED = ["privateKey", "privateKeyPassword", "password"] as const;

/** The name of a value of the stack's configuration. */
export const CONFIGURATION_NAME = /^[^\s:]+(:[^\s:]+)?$/;

const name = text(CONFIGURATION_NAME, 'must be the name of a configuration value, as in "mailKey"');
const words = text(/^/, "must be a string");

/** What each property of a hop may be; whether keys and configuration values can be used is for the host's side. */
const hop = {
  host: text(/^[A-Za-z0-9_:%][A-Za-z0-9._:%-]{0,254}$/, "must be a host name or an IP address"),
  port: optional(
    number(
      (port) => Number.isInteger(port) && port >= 1 && port <= 65_535,
      "must be an integer from 1 to 65535",
    ),
  ),
  user: optional(text(/^[A-Za-z0-9_][A-Za-z0-9._-]*\$?$/, "must be a user's name")),
  privateKey: optional(words),
  privateKeyPassword: optional(words),
  privateKeyPath: optional(words),
  password: optional(words),
  privateKeyConfig: optional(name),
  privateKeyPasswordConfig: optional(name),
  passwordConfig: optional(name),
  agentSocketPath: optional(words),
  hostKey: optional(words),
  knownHostsPath: optional(words),
  dialErrorLimit: optional(
    number(
      (limit) => Number.isInteger(limit) && limit >= -1,
      "must be an integer, -1 (no limit) or more",
    ),
  ),
  perDialTimeout: optional(
    number(
      (seconds) => seconds >= 0 && seconds < 86_400,
      "must be a number of seconds, 0 (no limit) or more",
    ),
  ),
};

const PART = "part of a connection";
const reason = 'must be an object with at least "host"';

const proxy = object<ConnectionHop & { readonly proxy?: never }>(
  {
    ...hop,
    proxy: optional(
      single(() => "a jump host cannot have a proxy itself: only one hop is supported"),
    ),
  },
  PART,
  { reason },
);

/** What the argument may be. */
export const connectionArguments = object<ConnectionArgs>(
  { ...hop, proxy: optional(proxy) },
  PART,
  { reason },
);
