/** Connects and logs in. Nothing that proves who the user is leaves this process before the host key is verified. */
import { connect as connectSocket, type Socket } from "node:net";
import type { AnyAuthMethod, Client, ConnectConfig } from "ssh2";
import {
  type ConnectionArgs,
  type ConnectionHop,
  type ProxyArgs,
} from "../../arguments/connection";
import { addressOf, portOf, userOf } from "./connection";
import { connectionFaults } from "./connectionFaults";
import { type Credential, type Credentials, findCredentials } from "./credentials";
import { attemptEnd, DialFailure, dialed, type DialOptions, unreachable } from "./dialing";
import { HostError, reasonOf } from "../errors";
import {
  hostKeyAlgorithms,
  hostKeyError,
  judgeHostKey,
  type Trust,
  trustFor,
  firstUseWarning,
  isFirstUse,
  rememberHostKey,
} from "./hostKey";
import { fingerprintOf, keyTypeOf } from "./knownHosts";
import { type Chain, OpenSshTransport } from "./openSshTransport";
import { configuredChain, type ConfiguredChain, type EffectiveHop } from "./sshConfig";
import { type Line, type LoginConfig, LoginTimeout, SshTransport } from "./sshTransport";
import type { Transport } from "./transport";

export type { DialOptions } from "./dialing";

/**
 * Connects and logs in. With ssh(1) this is left to the start of the first program, which is one with the login.
 *
 * @throws HostError
 */
export async function dial(args: ConnectionArgs, options: DialOptions = {}): Promise<Transport> {
  const [fault] = connectionFaults(args);
  if (fault !== undefined) throw refusal(args, `connection.${fault.path} ${fault.reason}`);
  const chain = await configuredChain(args, Date.now() + (options.totalMs ?? configurationMs));
  const [host] = chain.hops;
  if (host === undefined) throw new Error("a connection has a host");
  if (transportFor(args, chain) === "openssh")
    return new OpenSshTransport(hopsOf(args), host, options);
  if (chain.jump !== undefined)
    throw refusal(
      args,
      `${asked(args)} ssh2 makes the connection, which knows nothing of ${chain.jump} in the configuration of ssh(1)`,
      'Give the jump host as connection.proxy, or keys instead of passwords, and connection.transport "openssh"',
    );
  return dialed(args, options, (deadline) => dialOnce(chain.hops, deadline));
}

/** Milliseconds for reading the configurations of ssh(1). */
const configurationMs = 60_000;

/** Which transport makes the connection: ssh(1) where its configuration or the keys need it, but it takes no passwords. */
function transportFor(args: ConnectionArgs, { jump, needs }: ConfiguredChain): "ssh2" | "openssh" {
  if (args.transport !== undefined) return args.transport;
  const hasPassword = hopsOf(args).some(
    ({ password, passwordConfig }) => password !== undefined || passwordConfig !== undefined,
  );
  return !hasPassword && (jump !== undefined || needs.length > 0) ? "openssh" : "ssh2";
}

function asked({ transport }: ConnectionArgs): string {
  return transport === undefined ? "because of the password" : "as connection.transport says,";
}

function refusal(args: ConnectionArgs, reason: string, next = ""): HostError {
  const [host, during] = [addressOf(args), "connecting"];
  return new HostError("protocol", { host, during, reason, changed: "no", next });
}

/** A host, and those on the way to it that the connection names: the host first. */
function hopsOf(hop: ProxyArgs): Chain {
  const { proxy, ...own } = hop;
  return proxy === undefined ? [own] : [own, ...hopsOf(proxy)];
}

/** What a host of a chain is for: to be worked on, or to be passed on the way to the next one. */
type Purpose = "work" | "way";

/** Logs in to each host of a chain through the one behind it in the list. */
async function dialOnce(
  [hop, ...others]: readonly EffectiveHop[],
  deadline: number,
  purpose: Purpose = "work",
): Promise<SshTransport> {
  if (hop === undefined) throw new Error("a chain has a host");
  const [proxy] = others;
  if (proxy === undefined)
    return loginTo(hop, deadline, purpose, (until) => openSocket(hop, until));
  const below = await dialOnce(others, deadline, "way");
  try {
    return await loginTo(
      hop,
      deadline,
      purpose,
      (until) =>
        below.forward(hop.host, portOf(hop), until).catch((error: unknown) => {
          const next =
            "Check that the host runs, and that the jump host may connect to it (AllowTcpForwarding in its sshd_config)";
          throw new DialFailure(
            unreachable(hop, `${addressOf(proxy)} cannot connect to it: ${reasonOf(error)}`, next),
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
      ? "Check connection.host for a typing error, and that the name is in the DNS"
      : undefined;
  return new DialFailure(unreachable(hop, text, next), code !== "ENOTFOUND");
}

function openSocket(hop: ConnectionHop, until: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const waitMs = Math.max(1, until - Date.now());
    const socket: Socket = connectSocket({ host: hop.host, port: portOf(hop) });
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
      // ssh2 reports errors from here on. Without a listener, one before it listens would end the process.
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** What happened during one login, from which its error is made. */
interface Sight {
  /** The host key that the host sent. */
  shown: Buffer | undefined;
  /** The error for that key, when it is not trusted. */
  refusedKey: HostError | undefined;
  /** Whether the key is accepted although it is not known. */
  isFirstUse: boolean;
  /** Whether the host said which version of SSH it speaks. */
  greeted: boolean;
  /** Whether both sides agreed on algorithms and keys. */
  handshaken: boolean;
  /** Credentials that were tried. */
  readonly tried: string[];
  /** Lists of algorithms that both sides offered, as ssh2 logs them. */
  readonly algorithms: string[];
}

/**
 * Logs in over a new line. A host of which only a fingerprint is known may have keys of several types: while the key
 * that it shows does not match, it is asked for a key of the types that are left.
 */
async function loginTo(
  hop: EffectiveHop,
  deadline: number,
  purpose: Purpose,
  open: (until: number) => Promise<Line>,
  below?: SshTransport,
): Promise<SshTransport> {
  const began = Date.now();
  const until = attemptEnd(hop, deadline);
  const trust = trustFor(hop.host, portOf(hop), hop);
  const credentials = await findCredentials(hop, until);
  const shown: Buffer[] = [];
  for (;;) {
    const sight: Sight = {
      shown: undefined,
      refusedKey: undefined,
      isFirstUse: false,
      greeted: false,
      handshaken: false,
      tried: [],
      algorithms: [],
    };
    const line = await open(until);
    const config = configFor(hop, purpose, trust, credentials, sight, shown);
    const fingerprint = () => (sight.shown === undefined ? "" : fingerprintOf(sight.shown));
    const observe = (client: Client) => watch(client, sight);
    try {
      const address = addressOf(hop);
      const transport = await SshTransport.login(
        ...([line, config, until, address, fingerprint, below, observe] as const),
      );
      if (hop.trustUnknownHostKeyOnFirstUse === true && sight.shown !== undefined) {
        const file = sight.isFirstUse ? rememberHostKey(hop, sight.shown) : undefined;
        transport.warnings.push(firstUseWarning(transport.fingerprint, file));
      }
      if (below !== undefined) transport.warnings.push(...below.warnings);
      return transport;
    } catch (error) {
      if (error instanceof LoginTimeout) throw lateLogin(hop, sight, Date.now() - began);
      if (sight.refusedKey === undefined)
        throw shown.length > 0 && /no matching host key/i.test(reasonOf(error))
          ? hostKeyError("changed", hop, trust, shown)
          : loginFailure(hop, error, sight, credentials);
      if (sight.shown !== undefined) shown.push(sight.shown);
      if (!mayShowAnother(sight.refusedKey, trust, shown)) throw sight.refusedKey;
    }
  }
}

function mayShowAnother(refused: HostError, trust: Trust, shown: readonly Buffer[]): boolean {
  return (
    trust.fingerprints.length > 0 &&
    refused.kind === "hostKeyChanged" &&
    hostKeyAlgorithms(trust, new Set(shown.map(keyTypeOf))).length > 0
  );
}

function watch(client: Client, sight: Sight): void {
  client.once("handshake", () => {
    sight.handshaken = true;
  });
  // SshTransport.login rejects with the first error. Without a listener, a later one would end the process.
  client.on("error", () => undefined);
}

/** Those of ssh2's defaults that are SHA-1. */
const sha1Macs = ["hmac-sha1-etm@openssh.com", "hmac-sha1"] as const;

function configFor(
  hop: ConnectionHop,
  purpose: Purpose,
  trust: Trust,
  credentials: Credentials,
  sight: Sight,
  shown: readonly Buffer[],
): LoginConfig {
  const { legacyAlgorithms: legacy = false } = hop;
  return {
    username: userOf(hop),
    // AgentSession.keepAlive does this: the timer of ssh2 would keep an idle process from ending.
    keepaliveInterval: 0,
    algorithms: {
      serverHostKey: hostKeyAlgorithms(trust, new Set(shown.map(keyTypeOf)), legacy) as never,
      // SHA-1 is offered only where the connection asks for it, and last. The OpenSSH 5 of OpenBSD 4.7 to 4.9 has no
      // hmac-sha2, and group14-sha1 where its group exchange is off. ssh-dss, arcfour, MD5 and group1 are never offered.
      kex: { append: legacy ? ["diffie-hellman-group14-sha1"] : [], prepend: [], remove: [] },
      // Compression begins after the login (sshd_config(5), "Compression"). What passes a jump host is encrypted already.
      compress: purpose === "work" ? ["zlib@openssh.com", "none"] : ["none"],
      hmac: { append: [], prepend: [], remove: legacy ? [] : [...sha1Macs] },
    },
    hostVerifier: (blob: Buffer) => {
      sight.shown = blob;
      const verdict = judgeHostKey(blob, trust);
      if (verdict === "trusted") return true;
      sight.isFirstUse = isFirstUse(hop, verdict, trust);
      if (sight.isFirstUse) return true;
      sight.refusedKey = hostKeyError(verdict, hop, trust, [...shown, blob]);
      return false;
    },
    authHandler: authenticator(userOf(hop), credentials.found, sight),
    debug: (text: string) => {
      if (text.startsWith("Remote ident:")) sight.greeted = true;
      if (/^Handshake: \((?:local|remote)\)/.test(text)) sight.algorithms.push(text);
    },
  };
}

interface Method {
  readonly label: string;
  readonly method: AnyAuthMethod;
}

/** Gives ssh2 one method after the other, without those that the server does not allow; `false` ends the login. */
function authenticator(
  username: string,
  found: readonly Credential[],
  sight: Sight,
): NonNullable<ConnectConfig["authHandler"]> {
  const methods = found.flatMap((credential) => methodsOf(credential, username));
  return (left, _partial, next) => {
    for (let one = methods.shift(); one !== undefined; one = methods.shift()) {
      const kind = one.method.type === "agent" ? "publickey" : one.method.type;
      // `left` is null before the first attempt, which the types do not say.
      if ((left as readonly string[] | null)?.includes(kind) === false) continue;
      if (!sight.tried.includes(one.label)) sight.tried.push(one.label);
      next(one.method);
      return;
    }
    next(false as never);
  };
}

function methodsOf(credential: Credential, username: string): readonly Method[] {
  const { label } = credential;
  switch (credential.type) {
    case "publickey":
      return [{ label, method: { type: "publickey", username, key: credential.key } }];
    case "agent":
      return [{ label, method: { type: "agent", username, agent: credential.socket } }];
    case "password": {
      const { password } = credential;
      return [
        { label, method: { type: "password", username, password } },
        { label, method: interactively(username, password) },
      ];
    }
  }
}

/** Some servers take a password only as the answer to a question. Only a single hidden question gets it. */
function interactively(username: string, password: string): AnyAuthMethod {
  return {
    type: "keyboard-interactive",
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      const hidden = prompts.length === 1 && prompts[0]?.echo !== true;
      finish(prompts.map(() => (hidden ? password : "")));
    },
  };
}

function lateLogin(hop: ConnectionHop, { greeted, handshaken }: Sight, ms: number): DialFailure {
  const what = handshaken
    ? "the login did not end"
    : greeted
      ? "the key exchange did not end"
      : "no SSH server answered";
  return new DialFailure(unreachable(hop, `${what} within ${Math.ceil(ms / 1000)} s`), true);
}

function loginFailure(
  hop: ConnectionHop,
  error: unknown,
  sight: Sight,
  credentials: Credentials,
): DialFailure {
  const reason = reasonOf(error);
  const level = (error as { level?: unknown }).level;
  if (
    level === "client-authentication" ||
    level === "agent" ||
    /too many authentication/i.test(reason)
  ) {
    const said =
      level === "client-authentication" ? "the host accepts none of the credentials" : reason;
    return new DialFailure(authRefused(hop, said, sight, credentials), false);
  }
  // The level is the same when the connection was lost.
  const senseless = level === "handshake" || level === "protocol" || /header|ident/i.test(reason);
  if (senseless && !/\blost\b/i.test(reason))
    return new DialFailure(noCommonProtocol(hop, reason, sight), false);
  if ((error as NodeJS.ErrnoException).code !== undefined && level === "client-socket")
    return socketFailure(hop, error);
  const where = sight.handshaken ? "during the login" : "before the login";
  return new DialFailure(unreachable(hop, `the connection broke ${where}: ${reason}`), true);
}

function authRefused(
  hop: ConnectionHop,
  said: string,
  { tried }: Sight,
  { unusable }: Credentials,
): HostError {
  const attempts = tried.length === 0 ? "there was nothing to try" : `tried ${tried.join(", ")}`;
  const others = unusable.length === 0 ? "" : `; not usable: ${unusable.join("; ")}`;
  return new HostError("authRefused", {
    host: addressOf(hop),
    during: `logging in as ${userOf(hop)}`,
    reason: `${said}: ${attempts}${others}`,
    changed: "no",
    next: "Add the public key to ~/.ssh/authorized_keys of that user on the host (for root, see also PermitRootLogin in its sshd_config), or give another key, agent or password in connection",
    retriable: false,
  });
}

/** What answers does not speak SSH, or has no algorithm that ssh2 has as well. */
function noCommonProtocol(hop: ConnectionHop, reason: string, { algorithms }: Sight): HostError {
  const lists = algorithms.length === 0 ? "" : ` (${algorithmLists(reason, algorithms)})`;
  return new HostError("protocol", {
    host: addressOf(hop),
    during: "agreeing with the host's SSH server on how to talk",
    reason: `${reason}${lists}`,
    changed: "no",
    next:
      hop.legacyAlgorithms !== true && /sha1|ssh-rsa\b/.test(lists)
        ? "Where the host is too old for anything better, set connection.legacyAlgorithms"
        : "Check that connection.port is that of an SSH server, and which algorithms its sshd_config allows",
    retriable: false,
  });
}

/** The lists of algorithms that the failure is about, of both sides. */
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
