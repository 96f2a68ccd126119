/** Connecting and logging in, which never goes on without a verified host key. */
import { connect as connectSocket, type Socket } from "node:net";
import type { AnyAuthMethod, Client, ConnectConfig } from "ssh2";
import { addressOf, type ConnectionArgs, type ConnectionHop } from "./connection";
import { connectionFaults } from "./connectionFaults";
import { type Credential, type Credentials, findCredentials } from "./credentials";
import { HostError, reasonOf } from "./errors";
import { hostKeyAlgorithms, hostKeyError, judgeHostKey, type Trust, trustFor } from "./hostKey";
import { fingerprintOf, keyTypeOf } from "./knownHosts";
import { type Line, type LoginConfig, SshTransport } from "./sshTransport";

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
