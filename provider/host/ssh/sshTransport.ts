/** Starts programs over SSH. node-ssh logs in; its ssh2 client opens the channels, whose streams carry Buffers. */
import type { Duplex } from "node:stream";
import type { Client, ClientChannel, ConnectConfig } from "ssh2";
import { HostError, reasonOf } from "../errors";
import { nodeSsh } from "./libraries";
import type { ProgramEnd, RemoteProgram, Transport } from "./transport";

/** How long it may take to start a program, with all tries. */
const startMs = 20_000;
/** A server refuses a channel while all its sessions are in use (MaxSessions in sshd_config(5)): try some times. */
const channelTries = 5;
const breakShowsMs = 200;

/** A socket or a channel that serves as one. Sockets can be kept from keeping the process alive. */
export interface Line extends Duplex {
  ref?(): unknown;
  unref?(): unknown;
}

/** The configuration of ssh2; credentials come through `authHandler`. */
export type LoginConfig = Omit<ConnectConfig, "privateKey" | "password" | "sock">;

export class SshTransport implements Transport {
  readonly lost: Promise<string>;
  /** Added to by whoever has verified the host key. */
  readonly warnings: string[] = [];
  private readonly client: Client;
  private reasonLost: string | undefined;

  private constructor(
    client: Client,
    private readonly line: Line,
    readonly address: string,
    readonly fingerprint: string,
    private readonly below: Transport | undefined,
    lost: Promise<string>,
  ) {
    this.client = client;
    this.lost = lost;
    void lost.then((reason) => {
      this.reasonLost = reason;
    });
  }

  /**
   * Logs in over a connected line. Rejects with the error of ssh2, or with {@link LoginTimeout} at the time `until`:
   * ssh2 puts its own limit out of force at several points on the way.
   *
   * @param fingerprint - called after the login; returns the fingerprint of the verified host key
   * @param below - the connection that carries the line; it is closed with this one
   */
  static async login(
    line: Line,
    config: LoginConfig,
    until: number,
    address: string,
    fingerprint: () => string,
    below?: Transport,
    observe?: (client: Client) => void,
  ): Promise<SshTransport> {
    const { NodeSSH } = nodeSsh();
    const ssh = new NodeSSH();
    const login = ssh.connect({ ...config, readyTimeout: 0, sock: line });
    // It is rejected once more when the line is given up.
    login.catch(() => undefined);
    const client = ssh.connection;
    if (client === null) {
      await login;
      throw new Error("node-ssh has no connection");
    }
    observe?.(client);
    // After the login node-ssh no longer listens for errors, and an error without a listener ends the process.
    let last: string | undefined;
    const lost = new Promise<string>((resolve) => {
      client.on("error", (error: Error) => {
        last ??= error.message;
      });
      client.on("close", () => resolve(last ?? "the host closed the connection"));
      // ssh2 passes the close event of some lines on, not of all.
      line.on("close", () => setImmediate(() => resolve(last ?? "the host closed the connection")));
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LoginTimeout()), Math.max(1, until - Date.now()));
    });
    try {
      await Promise.race([login, late]);
    } catch (error) {
      line.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return new SshTransport(client, line, address, fingerprint(), below, lost);
  }

  async start(command: string, terminal = false): Promise<RemoteProgram> {
    const until = Date.now() + startMs;
    for (let tries = 1, pause = 200; ; tries++, pause *= 2) {
      try {
        return await this.open(command, terminal, until);
      } catch (error) {
        const full = /channel open failure/i.test(reasonOf(error));
        const over = tries >= channelTries || Date.now() + pause >= until;
        if (!full || over || this.reasonLost !== undefined) {
          await this.settled();
          throw this.startError(error, tries, full && this.reasonLost === undefined);
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** A line to another host, with this one as the jump host; by the time `until`. */
  forward(host: string, port: number, until: number): Promise<Line> {
    return this.within<Line>("no answer to the request to forward", until, (done) => {
      this.client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
        if (error) done(error);
        else done(undefined, channel);
      });
    });
  }

  ref(held: boolean): void {
    if (held) this.line.ref?.();
    else this.line.unref?.();
    this.below?.ref(held);
  }

  close(): void {
    this.client.end();
    // Leaves time for what is still to be sent; the timer does not keep the process from ending.
    setTimeout(() => this.line.destroy(), 500).unref();
    this.below?.close();
  }

  private open(command: string, terminal: boolean, until: number): Promise<RemoteProgram> {
    const silent = "no answer to the request to start a program";
    return this.within<RemoteProgram>(silent, until, (done) => {
      // asProgram listens at once: the exit code of a quick program may come in the same packet as the channel.
      this.client.exec(command, { pty: terminal }, (error, channel) => {
        if (error) done(error);
        else done(undefined, asProgram(channel));
      });
    });
  }

  /** Settles also where ssh2 does not call back: when the host is silent, and sometimes when the line breaks. */
  private within<T>(
    silent: string,
    until: number,
    ask: (done: (error: Error | undefined, result?: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const waitMs = Math.max(1, until - Date.now());
      const said = `${silent} within ${Math.ceil(waitMs / 1000)} s`;
      const timer = setTimeout(() => reject(new Silence(said)), waitMs);
      const settle = (act: () => void) => {
        clearTimeout(timer);
        act();
      };
      void this.lost.then((reason) => settle(() => reject(new Error(reason))));
      try {
        ask((error, result) =>
          settle(() => {
            if (error !== undefined) reject(error);
            else if (result !== undefined) resolve(result);
          }),
        );
      } catch (error) {
        settle(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    });
  }

  /** Waits a moment: for a line that breaks, ssh2 first reports a refusal by the server and the break only then. */
  private settled(): Promise<unknown> {
    const moment = new Promise((resolve) => setTimeout(resolve, breakShowsMs));
    return Promise.race([this.lost, moment]);
  }

  private startError(error: unknown, tries: number, full: boolean): HostError {
    const reason = reasonOf(error);
    const refused = full || (this.reasonLost === undefined && /unable to exec/i.test(reason));
    const kind = refused ? "protocol" : error instanceof Silence ? "deadline" : "lost";
    return new HostError(kind, {
      host: this.address,
      during: "starting a program on the host",
      reason: full ? `${reason} (tried ${tries} times)` : reason,
      changed: "no",
      next: refused
        ? "The server allows no (more) sessions on a connection: see MaxSessions and ForceCommand in its sshd_config"
        : "Run it again; if it happens again, look at sshd's log on the host",
      retriable: !refused,
    });
  }
}

/** The server did not answer in time. */
class Silence extends Error {}

/** A login was not through in time. */
export class LoginTimeout extends Error {}

function asProgram(channel: ClientChannel): RemoteProgram {
  let end: ProgramEnd = { code: null, signal: null };
  channel.on("exit", (code: number | null, signal?: string) => {
    end = { code, signal: signal?.replace(/^SIG/, "") ?? null };
  });
  // An error before the user of the streams listens must not end the process.
  channel.on("error", () => undefined);
  channel.stderr.on("error", () => undefined);
  // The program counts as ended with "close": "exit" may come before the last output.
  const ended = new Promise<ProgramEnd>((resolve) => {
    channel.on("close", () => resolve(end));
  });
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    ended,
    close: () => {
      try {
        channel.close();
      } catch {
        // The line is over, and ssh2 has given up its compression (ssh2 1.17, lib/protocol/zlib.js).
      }
    },
  };
}
