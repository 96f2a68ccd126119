/** An SSH server in this process that runs the real agent, and can go wrong at every stage. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AuthContext,
  type Connection,
  type KeyboardAuthContext,
  Server,
  type Session,
  utils,
} from "ssh2";
import type { ConnectionArgs } from "../../../provider/arguments/connection";
import { startLocalServer } from "../../localServer";

export interface ServerOptions {
  /** Private keys of the host, PEM. */
  readonly hostKeys?: readonly string[];
  /** The user's public key that may log in; none may when left out. */
  readonly authorized?: string;
  readonly password?: string;
  /** Asks for the password by keyboard-interactive. */
  readonly interactive?: boolean;
  /** Says nothing to any attempt to log in. */
  readonly silentLogin?: boolean;
  /** Asks one question after the other, and never lets anybody in. */
  readonly endlessQuestions?: boolean;
  /** How long the host waits before it shows its key. */
  readonly slowKeyExchangeMs?: number;
  /** Never answers the request to forward. */
  readonly silentForward?: boolean;
  /** Cuts the line when the login is asked for. */
  readonly cutAtLogin?: boolean;
  /** Refuses so many channels first. */
  readonly refuseChannels?: number;
  /** Never answers the request for a channel. */
  readonly silentChannel?: boolean;
  /** What runs instead of `perl -`: an argument list. */
  readonly program?: readonly string[];
  /** Bytes that come before the program's own output. */
  readonly noise?: string;
  readonly kex?: readonly string[];
  readonly serverHostKey?: readonly string[];
  readonly macs?: readonly string[];
  readonly ciphers?: readonly string[];
}

export interface TestServer {
  readonly port: number;
  /** Lines known_hosts would have, one for each host key. */
  readonly keyLines: readonly string[];
  /** Methods by which a login was tried, in order. */
  readonly attempts: string[];
  readonly commands: string[];
  readonly connections: { count: number };
  /** What the clients say they are: `OpenSSH_9.9` or `ssh2js1.17.0`. */
  readonly clients: string[];
  /** Channels that were asked for. */
  readonly sessions: { count: number };
  /** The agents that run. */
  readonly children: Set<ChildProcessWithoutNullStreams>;
  /** Cuts all lines, without a word. */
  cut(): void;
  /** Lets no more bytes through, without cutting the lines. */
  freeze(): void;
  close(): Promise<void>;
}

export interface TestKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A key pair as ssh-keygen makes it. (ssh2's own generator drops leading zero bytes of one key in 256.) */
export function testKey(passphrase = "", type: "ed25519" | "ecdsa" | "rsa" = "ed25519"): TestKey {
  const folder = mkdtempSync(join(tmpdir(), "test-key-"));
  try {
    const path = join(folder, "key");
    spawnSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-C", "test", "-f", path]);
    const publicKey = readFileSync(`${path}.pub`, "utf8").trim();
    return { privateKey: readFileSync(path, "utf8"), publicKey };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An RSA host key in PEM. */
export function rsaKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}

function publicLine(privateKey: string): string {
  const parsed: unknown = utils.parseKey(privateKey);
  const key = (Array.isArray(parsed) ? parsed[0] : parsed) as {
    type: string;
    getPublicSSH(): Buffer;
  };
  return `${key.type} ${key.getPublicSSH().toString("base64")}`;
}

function isAuthorized(context: AuthContext, options: ServerOptions): boolean {
  if (context.method === "password") return context.password === options.password;
  if (context.method !== "publickey" || options.authorized === undefined) return false;
  const allowed = options.authorized.split(" ")[1];
  return context.key.data.toString("base64") === allowed;
}

function authenticate(client: Connection, options: ServerOptions, attempts: string[]): void {
  client.on("authentication", (context) => {
    attempts.push(context.method);
    if (options.silentLogin === true) return;
    if (options.cutAtLogin === true) {
      client.end();
      return;
    }
    if (options.endlessQuestions === true) {
      const ask = (questioned: KeyboardAuthContext): void =>
        questioned.prompt([{ prompt: "Password: ", echo: false }], () => {
          setTimeout(() => ask(questioned), 20);
        });
      if (context.method === "keyboard-interactive") ask(context);
      else context.reject(["keyboard-interactive"]);
      return;
    }
    if (options.interactive === true && context.method === "keyboard-interactive") {
      context.prompt([{ prompt: "Password: ", echo: false }], (answers) => {
        if (answers[0] === options.password) context.accept();
        else context.reject();
      });
      return;
    }
    if (isAuthorized(context, options) && !(options.interactive && context.method === "password")) {
      context.accept();
    } else context.reject(["publickey", "password", "keyboard-interactive"]);
  });
}

/** Starts one on a free port of the loopback. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const hostKeys = options.hostKeys ?? [testKey().privateKey];
  const attempts: string[] = [];
  const commands: string[] = [];
  const children = new Set<ChildProcessWithoutNullStreams>();
  const connections = { count: 0 };
  const clients: string[] = [];
  const sessions = { count: 0 };
  let refusals = options.refuseChannels ?? 0;

  const runProgram = (session: Session) => {
    session.on("exec", (accept, _reject, info) => {
      commands.push(info.command);
      const channel = accept();
      const [file = "perl", ...args] = options.program ?? ["perl", "-"];
      const child = spawn(file, args, { stdio: "pipe" });
      children.add(child);
      if (options.noise !== undefined) channel.write(options.noise);
      // ssh2 ends both streams when the channel closes, and tells of it later: a program that floods writes meanwhile.
      channel.on("error", () => undefined);
      channel.stderr.on("error", () => undefined);
      child.stdin.on("error", () => undefined);
      channel.pipe(child.stdin);
      child.stdout.pipe(channel, { end: false });
      child.stderr.pipe(channel.stderr, { end: false });
      channel.on("close", () => {
        child.stdin.end();
        child.stdout.destroy();
        child.stderr.destroy();
      });
      child.on("close", (code, signal) => {
        children.delete(child);
        if (signal === null) channel.exit(code ?? 0);
        else channel.exit(signal);
        channel.end();
      });
    });
  };

  const server = new Server(
    {
      hostKeys: [...hostKeys],
      algorithms: {
        ...(options.kex === undefined ? {} : { kex: [...options.kex] as never }),
        ...(options.serverHostKey === undefined
          ? {}
          : { serverHostKey: [...options.serverHostKey] as never }),
        ...(options.macs === undefined ? {} : { hmac: [...options.macs] as never }),
        ...(options.ciphers === undefined ? {} : { cipher: [...options.ciphers] as never }),
        // As with "Compression no" in sshd_config. With it, this server's channels throw once their line is over.
        compress: ["none"],
      },
    },
    (client, { header }) => {
      connections.count++;
      clients.push(header.versions.software);
      client.on("error", () => undefined);
      authenticate(client, options, attempts);
      client.on("session", (accept, reject) => {
        sessions.count++;
        if (options.silentChannel === true) return;
        if (refusals > 0) {
          refusals--;
          reject();
          return;
        }
        runProgram(accept());
      });
      client.on("tcpip", (accept, _reject, info) => {
        if (options.silentForward === true) return;
        const channel = accept();
        const onward = connect(info.destPort, info.destIP);
        channel.on("error", () => undefined);
        onward.on("error", () => channel.end());
        channel.pipe(onward).pipe(channel);
      });
    },
  );
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  const behind = (server.address() as AddressInfo).port;

  // In front of it, a line that can be cut and frozen.
  const sockets = new Set<Socket>();
  const front = await startLocalServer((socket) => {
    const onward = connect(behind, "127.0.0.1");
    onward.on("error", () => undefined);
    // Also before the key exchange: a connection that is still open here keeps the server from closing.
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    if (options.slowKeyExchangeMs !== undefined) {
      socket.pause();
      setTimeout(() => socket.pipe(onward).pipe(socket), options.slowKeyExchangeMs);
    } else socket.pipe(onward).pipe(socket);
  });

  return {
    port: front.port,
    keyLines: hostKeys.map(publicLine),
    attempts,
    commands,
    connections,
    clients,
    sessions,
    children,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      const ended = [...children].map((child) => {
        // What floods is held up by a line that is no more, and would never end.
        child.stdout.destroy();
        child.stderr.destroy();
        const over = child.exitCode !== null || child.signalCode !== null;
        return over ? undefined : new Promise((resolve) => child.once("exit", resolve));
      });
      await Promise.all([front.close(), new Promise((resolve) => server.close(resolve)), ...ended]);
    },
  };
}

/** Arguments that reach it. */
export function argsFor(server: TestServer, more: Partial<ConnectionArgs> = {}): ConnectionArgs {
  return {
    host: "127.0.0.1",
    port: server.port,
    hostKey: server.keyLines[0] ?? "",
    dialErrorLimit: 1,
    perDialTimeout: 10,
    ...more,
  };
}
