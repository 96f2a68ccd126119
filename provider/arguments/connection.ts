/** The argument `connection`: how to reach a host. */
import {
  type Fields,
  flag,
  number,
  object,
  type ObjectSchema,
  oneOf,
  optional,
  text,
} from "./schema";

/** One SSH server, and how to log in to it. */
export interface ConnectionHop {
  /** Host name, IP address, or the name of a host in `~/.ssh/config`. */
  readonly host: string;
  /** TCP port of sshd(8). @defaultValue that of `~/.ssh/config`, else 22 */
  readonly port?: number;
  /**
   * The user to log in as: root, or one whom doas.conf(5) lets run Perl as root.
   * @defaultValue that of `~/.ssh/config`, else "root"
   */
  readonly user?: string;
  /** A private key as text, in OpenSSH, PEM or PKCS#8 format. With it, an SSH agent is asked only where agentSocketPath is given. */
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
  /** The socket of an ssh-agent. @defaultValue that of `~/.ssh/config`, else the value of SSH_AUTH_SOCK */
  readonly agentSocketPath?: string;
  /**
   * The host's public key, as in `ssh-ed25519 AAAA…`, a line of known_hosts or of ssh-keyscan(1), or its fingerprint, as
   * in `SHA256:…`; several of them, one a line. @defaultValue the keys that known_hosts has for the host
   */
  readonly hostKey?: string;
  /** A known_hosts file. @defaultValue those of `~/.ssh/config`, else `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts` */
  readonly knownHostsPath?: string;
  /**
   * Accept the host key that a host shows at its first use, when no key of it is known, and add it to known_hosts. Nobody
   * has verified that key: whoever is in between at that moment can read and change everything, then and later. Each run
   * warns with the key's fingerprint. A key that is another than the known one is refused all the same.
   * @defaultValue false
   */
  readonly trustUnknownHostKeyOnFirstUse?: boolean;
  /**
   * Use SHA-1 in the key exchange, in signatures of host keys and in the authentication of messages, where the server has
   * nothing better. OpenBSD 4.7 to 4.9 have nothing better.
   * @defaultValue false
   */
  readonly legacyAlgorithms?: boolean;
  /** The number of tries to reach the host; -1 for as many as there is time for. @defaultValue 10 */
  readonly dialErrorLimit?: number;
  /** The seconds that one try may take, with the login; 0 for no limit. @defaultValue 15 */
  readonly perDialTimeout?: number;
}

/** The ways in which a host can be talked to. */
export const TRANSPORTS = ["ssh2", "openssh"] as const;

/**
 * How a host is reached. The names are those of `remote.ConnectionArgs` in `@pulumi/command`, so that one object
 * serves both packages.
 *
 * What is not given here is taken from `~/.ssh/config` and `/etc/ssh/ssh_config`, as `ssh -G` prints it.
 *
 * Host keys are always verified: against `hostKey`, or the user's known_hosts. Credentials are looked for in this
 * order: `privateKey` or `privateKeyConfig`, `privateKeyPath`, the ssh-agent, the key files that ssh(1) tries,
 * `password` or `passwordConfig`. A secret that is given inline is kept encrypted in the state; all other credentials are
 * read at run time and not kept.
 */
export interface ConnectionArgs extends ConnectionHop {
  /**
   * A host to connect through, whose key is verified as well. It has the properties from `host` to `perDialTimeout`, and it
   * may have a `proxy` itself.
   */
  readonly proxy?: ProxyArgs;
  /**
   * The password of the user, for doas(1). It is sent on a terminal of its own when doas asks for it, and stands in no
   * command. Without it, doas must need no password.
   */
  readonly doasPassword?: string;
  /** The name of a value of the stack's configuration that holds the password for doas(1). */
  readonly doasPasswordConfig?: string;
  /**
   * What makes the connection: "ssh2", a library in Pulumi's process, or "openssh", the ssh(1) of the machine where Pulumi
   * runs. @defaultValue "openssh" where `~/.ssh/config` or the keys need it, else "ssh2"
   */
  readonly transport?: (typeof TRANSPORTS)[number];
  /** The seconds after which a silent host is asked for a sign of life; it is lost after three times as many. @defaultValue 10 */
  readonly keepaliveInterval?: number;
}

/** A host to connect through. */
export interface ProxyArgs extends ConnectionHop {
  /** A host to connect through to this one. */
  readonly proxy?: ProxyArgs;
}

/** Credentials for a login that a program can also give as `…Config`, the name of a value of the stack's configuration. */
export const LOGIN_SECRETS = ["privateKey", "privateKeyPassword", "password"] as const;
/** All secrets that it can give in that way. */
export const CONFIGURED = [...LOGIN_SECRETS, "doasPassword"] as const;

/** The name of a value of the stack's configuration. */
export const CONFIGURATION_NAME = /^[^\s:]+(:[^\s:]+)?$/;

const name = text(CONFIGURATION_NAME, 'must be the name of a configuration value, as in "mailKey"');
const words = text(/^/, "must be a string");

/** What each property of a hop may be; whether keys and configuration values can be used is for the host's side. */
const hop: Fields<ConnectionHop> = {
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
  trustUnknownHostKeyOnFirstUse: optional(flag),
  legacyAlgorithms: optional(flag),
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

const proxy: ObjectSchema<ProxyArgs> = object<ProxyArgs>(
  // A proxy may have a proxy: its schema is needed before it is there.
  { ...hop, proxy: optional({ failures: (value) => proxy.failures(value) }) },
  PART,
  { reason },
);

/** What the argument may be. */
export const connectionArguments = object<ConnectionArgs>(
  {
    ...hop,
    proxy: optional(proxy),
    // A line end would be the end of the answer.
    doasPassword: optional(text(/^[^\r\n]+$/, "must be a password")),
    doasPasswordConfig: optional(name),
    transport: optional(oneOf(TRANSPORTS, 'must be "ssh2" or "openssh".')),
    keepaliveInterval: optional(
      number(
        (seconds) => seconds >= 1 && seconds <= 3_600,
        "must be a number of seconds from 1 to 3600",
      ),
    ),
  },
  PART,
  { reason },
);
