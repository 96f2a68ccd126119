/** How to reach a host: the argument that users give, and the dialing, which never goes on without a verified key. */
import { connect as connectSocket, type Socket } from "node:net";
import type { AnyAuthMethod, Client, ConnectConfig } from "ssh2";
import { type Credential, type Credentials, findCredentials, privateKeyOf } from "./credentials";
import { HostError, reasonOf } from "./errors";
import {
  hostKeyAlgorithms,
  hostKeyError,
  judgeHostKey,
  parseHostKey,
  type Trust,
  trustFor,
} from "./hostKey";
import { fingerprintOf, keyTypeOf } from "./knownHosts";
import { type Line, type LoginConfig, SshTransport } from "./sshTransport";

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

/** What is wrong with a property of a connection; the path is relative to it, "" for itself. */
export interface ConnectionFault {
  readonly path: string;
  readonly reason: string;
}

export interface DialOptions {
  /** How many attempts; by default what the connection says. A preview makes one. */
  readonly tries?: number | undefined;
  /** Milliseconds for all attempts together. @default 60 000 */
  readonly totalMs?: number | undefined;
}

const defaultTries = 10;
const defaultPerDial = 15;
const defaultTotalMs = 60_000;
const firstPauseMs = 200;
const longestPauseMs = 5_000;

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
  if (isGiven("privateKey")) {
    const passphrase =
      typeof hop.privateKeyPassword === "string" ? hop.privateKeyPassword : undefined;
    const parsed =
      typeof hop.privateKey === "string"
        ? privateKeyOf(hop.privateKey, passphrase)
        : "it is no string";
    if (typeof parsed === "string")
      fault("privateKey", `must be a private key in OpenSSH or PEM format: ${parsed}`);
  }
  if (isGiven("proxy")) {
    if (proxyAllowed) faults.push(...hopFaults(hop.proxy, "proxy", false));
    else fault("proxy", "a host to go through cannot have one itself: only one hop is supported");
  }
  return faults;
}

/** An attempt that failed, and whether another makes sense. */
class DialFailure extends Error {
  constructor(
    override readonly cause: HostError,
    readonly again: boolean,
  ) {
    super(cause.message);
  }
}

/**
 * Connects and logs in. Tries again only what may come right by itself (refused, timed out, reset), with growing pauses,
 * within the connection's limit and one total time.
 *
 * @throws HostError
 */
export async function dial(args: ConnectionArgs, options: DialOptions = {}): Promise<SshTransport> {
  const [fault] = connectionFaults(args);
  if (fault !== undefined) {
    throw new HostError("protocol", {
      host: addressOf(args),
      during: "connecting",
      reason: `connection.${fault.path} ${fault.reason}`,
      changed: "no",
      next: "",
    });
  }
  const limit = options.tries ?? args.dialErrorLimit ?? defaultTries;
  const started = Date.now();
  const deadline = started + (options.totalMs ?? defaultTotalMs);
  for (
    let tries = 1, pause = firstPauseMs;
    ;
    tries++, pause = Math.min(pause * 2, longestPauseMs)
  ) {
    try {
      return await dialOnce(args, deadline);
    } catch (error) {
      if (!(error instanceof DialFailure)) throw error;
      const over = (limit >= 0 && tries >= limit) || Date.now() + pause >= deadline;
      if (error.again && !over) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        continue;
      }
      if (tries === 1) throw error.cause;
      const seconds = Math.round((Date.now() - started) / 1000);
      throw error.cause.with({
        reason: `${error.cause.reason} (tried ${tries} times in ${seconds} s)`,
      });
    }
  }
}

async function dialOnce(args: ConnectionArgs, deadline: number): Promise<SshTransport> {
  if (args.proxy === undefined) {
    return loginTo(args, deadline, (until) => openSocket(args, until));
  }
  const proxy = args.proxy;
  const below = await loginTo(proxy, deadline, (until) => openSocket(proxy, until));
  try {
    return await loginTo(
      args,
      deadline,
      () =>
        below.forward(args.host, args.port ?? 22).catch((error: unknown) => {
          const next =
            "Look whether the host runs, and whether the host in between may reach it (AllowTcpForwarding)";
          throw new DialFailure(
            unreachable(args, `${addressOf(proxy)} cannot connect to it: ${reasonOf(error)}`, next),
            true,
          );
        }),
      below,
    );
  } catch (error) {
    below.close();
    throw error;
  }
}

function unreachable(hop: ConnectionHop, reason: string, next?: string): HostError {
  return new HostError("unreachable", {
    host: addressOf(hop),
    during: "connecting",
    reason,
    changed: "no",
    next:
      next ??
      "Look whether the host runs, whether sshd listens on that port, and whether a firewall is in between",
    retriable: true,
  });
}

/** When this attempt must be through. */
function attemptEnd(hop: ConnectionHop, deadline: number): number {
  const perDial = (hop.perDialTimeout ?? defaultPerDial) * 1000;
  return perDial > 0 ? Math.min(deadline, Date.now() + perDial) : deadline;
}

const socketReasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name cannot be resolved",
  EAI_AGAIN: "its name cannot be resolved at present (the resolver does not answer)",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was reset",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to its network",
};

function socketFailure(hop: ConnectionHop, error: unknown): DialFailure {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const reason = socketReasons[code];
  const text = reason === undefined ? reasonOf(error) : `${reason} (${code})`;
  const next =
    code === "ENOTFOUND"
      ? "Look for a typing error in connection.host, and whether the name is in the DNS"
      : undefined;
  return new DialFailure(unreachable(hop, text, next), code !== "ENOTFOUND");
}

function openSocket(hop: ConnectionHop, until: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const waitMs = Math.max(1, until - Date.now());
    const socket: Socket = connectSocket({ host: hop.host, port: hop.port ?? 22 });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new DialFailure(unreachable(hop, `no answer within ${Math.ceil(waitMs / 1000)} s`), true),
      );
    }, waitMs);
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(socketFailure(hop, error));
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      // From here on ssh2 reports errors; this listener only keeps one in between from ending the process.
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** What one login has seen, for telling its failure. */
interface Sight {
  shown: Buffer | undefined;
  refusedKey: HostError | undefined;
  handshaken: boolean;
  readonly tried: string[];
  readonly algorithms: string[];
}

/**
 * Logs in over a new line. A host of which only a fingerprint is known may have keys of several types: those it shows
 * and that do not match are asked for no more, until one matches or none is left.
 */
async function loginTo(
  hop: ConnectionHop,
  deadline: number,
  open: (until: number) => Promise<Line>,
  below?: SshTransport,
): Promise<SshTransport> {
  const trust = trustFor(hop.host, hop.port ?? 22, hop);
  const credentials = await findCredentials(hop);
  const shown: Buffer[] = [];
  for (;;) {
    const until = attemptEnd(hop, deadline);
    const without = new Set(shown.map(keyTypeOf));
    const sight: Sight = {
      shown: undefined,
      refusedKey: undefined,
      handshaken: false,
      tried: [],
      algorithms: [],
    };
    const line = await open(until);
    const config = configFor(hop, until, trust, without, credentials, sight, shown);
    try {
      const fingerprint = () => (sight.shown === undefined ? "" : fingerprintOf(sight.shown));
      return await SshTransport.login(line, config, addressOf(hop), fingerprint, below, (client) =>
        watch(client, sight),
      );
    } catch (error) {
      if (sight.refusedKey !== undefined) {
        const another = trust.fingerprints.length > 0 && sight.refusedKey.kind === "hostKeyChanged";
        if (sight.shown !== undefined) shown.push(sight.shown);
        if (another && hostKeyAlgorithms(trust, new Set(shown.map(keyTypeOf))).length > 0) continue;
        throw sight.refusedKey;
      }
      if (shown.length > 0 && /no matching host key/i.test(reasonOf(error))) {
        throw hostKeyError("changed", addressOf(hop), hop.host, hop.port ?? 22, trust, shown);
      }
      throw loginFailure(hop, error, sight, credentials);
    }
  }
}

function watch(client: Client, sight: Sight): void {
  client.once("handshake", () => {
    sight.handshaken = true;
  });
  // Every other path reports itself; keeps errors after the first from ending the process.
  client.on("error", () => undefined);
}

function configFor(
  hop: ConnectionHop,
  until: number,
  trust: Trust,
  without: ReadonlySet<string>,
  credentials: Credentials,
  sight: Sight,
  shown: readonly Buffer[],
): LoginConfig {
  return {
    username: hop.user ?? "root",
    readyTimeout: Math.max(1, until - Date.now()),
    // Signs of life are the agent's business: ssh2's timer would keep an idle process from ending.
    keepaliveInterval: 0,
    algorithms: {
      serverHostKey: hostKeyAlgorithms(trust, without) as never,
      // The servers of OpenBSD 4.7 (OpenSSH 5) have group exchange, in case it is off group14-sha1. It is at the end of the
      // list: chosen only by a server that has nothing better. ssh-dss, arcfour, MD5 and group1 are never offered.
      kex: { append: ["diffie-hellman-group14-sha1"], prepend: [], remove: [] },
    },
    hostVerifier: (blob: Buffer) => {
      sight.shown = blob;
      const verdict = judgeHostKey(blob, trust);
      if (verdict === "trusted") return true;
      sight.refusedKey = hostKeyError(verdict, addressOf(hop), hop.host, hop.port ?? 22, trust, [
        ...shown,
        blob,
      ]);
      return false;
    },
    authHandler: authenticator(hop.user ?? "root", credentials.found, sight),
    debug: (text: string) => {
      if (/^Handshake: \((?:local|remote)\)/.test(text)) sight.algorithms.push(text);
    },
  };
}

/** Goes through the credentials; `false` ends it. A method that the server does not allow is skipped. */
function authenticator(
  username: string,
  found: readonly Credential[],
  sight: Sight,
): NonNullable<ConnectConfig["authHandler"]> {
  const methods = found.flatMap((credential): { label: string; method: AnyAuthMethod }[] => {
    const { label } = credential;
    switch (credential.type) {
      case "publickey":
        return [{ label, method: { type: "publickey", username, key: credential.key } }];
      case "agent":
        return [{ label, method: { type: "agent", username, agent: credential.socket } }];
      case "password": {
        const { password } = credential;
        // Some servers ask for a password only in this way. Nothing but one hidden question gets it.
        const interactive: AnyAuthMethod = {
          type: "keyboard-interactive",
          username,
          prompt: (_name, _instructions, _language, prompts, finish) => {
            const hidden = prompts.length === 1 && prompts[0]?.echo !== true;
            finish(prompts.map(() => (hidden ? password : "")));
          },
        };
        return [
          { label, method: { type: "password", username, password } },
          { label, method: interactive },
        ];
      }
    }
  });
  return (left, _partial, next) => {
    for (let one = methods.shift(); one !== undefined; one = methods.shift()) {
      const kind = one.method.type === "agent" ? "publickey" : one.method.type;
      // Null before the first attempt, whatever the types say.
      if ((left as readonly string[] | null)?.includes(kind) === false) continue;
      if (!sight.tried.includes(one.label)) sight.tried.push(one.label);
      next(one.method);
      return;
    }
    next(false as never);
  };
}

function loginFailure(
  hop: ConnectionHop,
  error: unknown,
  sight: Sight,
  credentials: Credentials,
): DialFailure {
  const reason = reasonOf(error);
  const level = (error as { level?: unknown }).level;
  const details = { host: addressOf(hop), changed: "no", retriable: false } as const;
  if (
    level === "client-authentication" ||
    level === "agent" ||
    /too many authentication/i.test(reason)
  ) {
    const tried =
      sight.tried.length === 0 ? "there was nothing to try" : `tried ${sight.tried.join(", ")}`;
    const unusable =
      credentials.unusable.length === 0 ? "" : `; not usable: ${credentials.unusable.join("; ")}`;
    const said =
      level === "client-authentication" ? "the host accepts none of the credentials" : reason;
    return new DialFailure(
      new HostError("authRefused", {
        ...details,
        during: `logging in as ${hop.user ?? "root"}`,
        reason: `${said}: ${tried}${unusable}`,
        next: "Add the public key to ~/.ssh/authorized_keys of that user on the host (for root, see also PermitRootLogin in its sshd_config), or give another key, agent or password in connection",
      }),
      false,
    );
  }
  // What ssh2 cannot make sense of: not SSH, or no common algorithm. A lost connection has the same level.
  const senseless = level === "handshake" || level === "protocol" || /header|ident/i.test(reason);
  if (senseless && !/\blost\b/i.test(reason)) {
    const lists =
      sight.algorithms.length === 0 ? "" : ` (${algorithmLists(reason, sight.algorithms)})`;
    return new DialFailure(
      new HostError("protocol", {
        ...details,
        during: "agreeing with the host's SSH server on how to talk",
        reason: `${reason}${lists}`,
        next: "Look whether connection.port is that of an SSH server, and which algorithms its sshd_config allows",
      }),
      false,
    );
  }
  if (/timed out while waiting for handshake/i.test(reason)) {
    const where = sight.handshaken ? "the login was not through" : "no SSH server answered";
    return new DialFailure(unreachable(hop, `${where} in time`), true);
  }
  if ((error as NodeJS.ErrnoException).code !== undefined && level === "client-socket")
    return socketFailure(hop, error);
  const where = sight.handshaken ? "during the login" : "before the login";
  return new DialFailure(unreachable(hop, `the connection broke ${where}: ${reason}`), true);
}

/** Of the lists that both sides sent, those that the failure is about. */
function algorithmLists(reason: string, lines: readonly string[]): string {
  const about: readonly [RegExp, RegExp][] = [
    [/key exchange/i, /KEX method/i],
    [/host key/i, /Host key/i],
    [/cipher/i, /cipher/i],
    [/MAC/, /MAC/],
  ];
  const wanted = about.find(([said]) => said.test(reason))?.[1] ?? /./;
  return lines
    .filter((line) => wanted.test(line))
    .map((line) =>
      line
        .replace(/^Handshake: \(local\)/, "ours:")
        .replace(/^Handshake: \(remote\)/, "the host's:"),
    )
    .join("; ");
}
