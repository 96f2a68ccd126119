/** How to reach a host: the argument that users give. */
import { suggestion } from "../values/spelling";
import { CONFIGURED, privateKeyOf, secretOf } from "./credentials";
import { parseHostKey } from "./hostKey";

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

/** Every property that a connection can have. */
const NAMES = Object.keys({
  host: true,
  port: true,
  user: true,
  privateKey: true,
  privateKeyPassword: true,
  privateKeyPath: true,
  password: true,
  privateKeyConfig: true,
  privateKeyPasswordConfig: true,
  passwordConfig: true,
  agentSocketPath: true,
  hostKey: true,
  knownHostsPath: true,
  dialErrorLimit: true,
  perDialTimeout: true,
  proxy: true,
} satisfies Record<keyof ConnectionArgs, true>);

/** What is wrong with a property of a connection; the path is relative to it, "" for itself. */
export interface ConnectionFault {
  readonly path: string;
  readonly reason: string;
}

/** `user@host:port`, for messages. */
export function addressOf(hop: ConnectionHop): string {
  return `${hop.user ?? "root"}@${hop.host}:${hop.port ?? 22}`;
}

/** Checks shapes and values, without looking at files or hosts. Secrets are never repeated. */
export function connectionFaults(connection: unknown): readonly ConnectionFault[] {
  return hopFaults(connection, "", true);
}

function hopFaults(value: unknown, at: string, proxyAllowed: boolean): ConnectionFault[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: at, reason: 'must be an object with at least "host"' }];
  }
  const hop = value as Readonly<Record<string, unknown>>;
  const faults: ConnectionFault[] = [];
  const fault = (name: string, reason: string) =>
    faults.push({ path: at === "" ? name : `${at}.${name}`, reason });
  const isGiven = (name: string) => hop[name] !== undefined;
  for (const name of Object.keys(hop).filter((one) => isGiven(one) && !NAMES.includes(one)))
    fault(name, `is no part of a connection${suggestion(name, NAMES) || `: ${NAMES.join(", ")}`}`);

  if (typeof hop.host !== "string" || !/^[A-Za-z0-9_:%][A-Za-z0-9._:%-]{0,254}$/.test(hop.host)) {
    fault("host", "must be a host name or an IP address");
  }
  const port = hop.port;
  if (isGiven("port") && !(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65535)) {
    fault("port", "must be an integer from 1 to 65535");
  }
  if (
    isGiven("user") &&
    !(typeof hop.user === "string" && /^[A-Za-z0-9_][A-Za-z0-9._-]*\$?$/.test(hop.user))
  ) {
    fault("user", "must be a user's name");
  }
  const limit = hop.dialErrorLimit;
  if (isGiven("dialErrorLimit") && !(Number.isInteger(limit) && Number(limit) >= -1)) {
    fault("dialErrorLimit", "must be an integer, -1 (no limit) or more");
  }
  const perDial = hop.perDialTimeout;
  if (
    isGiven("perDialTimeout") &&
    !(typeof perDial === "number" && perDial >= 0 && perDial < 86_400)
  ) {
    fault("perDialTimeout", "must be a number of seconds, 0 (no limit) or more");
  }
  for (const name of [
    "privateKeyPassword",
    "password",
    "agentSocketPath",
    "privateKeyPath",
    "knownHostsPath",
  ]) {
    if (isGiven(name) && typeof hop[name] !== "string") fault(name, "must be a string");
  }
  if (
    isGiven("hostKey") &&
    (typeof hop.hostKey !== "string" || parseHostKey(hop.hostKey) === undefined)
  ) {
    fault(
      "hostKey",
      'must be a public key ("ssh-ed25519 AAAA…"), a line of known_hosts, or a fingerprint ("SHA256:…")',
    );
  }
  for (const field of CONFIGURED) {
    const name = hop[`${field}Config`];
    if (name === undefined) continue;
    if (typeof name !== "string" || !/^[^\s:]+(:[^\s:]+)?$/.test(name))
      fault(`${field}Config`, 'must be the name of a configuration value, as in "mailKey"');
    else if (isGiven(field)) fault(`${field}Config`, `is another way to give ${field}: give one`);
    else {
      const found = secretOf(hop, field);
      if (typeof found === "object") fault(`${field}Config`, found.missing);
    }
  }
  if (isGiven("privateKey") || isGiven("privateKeyConfig")) {
    const key = secretOf(hop, "privateKey");
    const passphrase = secretOf(hop, "privateKeyPassword");
    const parsed =
      typeof key === "string"
        ? privateKeyOf(key, typeof passphrase === "string" ? passphrase : undefined)
        : "it is no string";
    // Of a value that is not there, or has no name, that was said.
    if (typeof parsed === "string" && (isGiven("privateKey") || typeof key === "string"))
      fault(
        isGiven("privateKey") ? "privateKey" : "privateKeyConfig",
        `must be a private key in OpenSSH or PEM format: ${parsed}`,
      );
  }
  if (isGiven("proxy")) {
    if (proxyAllowed) faults.push(...hopFaults(hop.proxy, "proxy", false));
    else fault("proxy", "a host to go through cannot have one itself: only one hop is supported");
  }
  return faults;
}
