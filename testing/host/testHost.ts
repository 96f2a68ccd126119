/**
 * A running test host as a test sees it: run programs on it, take a snapshot of its files, disturb the SSH line to it,
 * reboot it, upgrade it, stop it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { ImageIndex } from "../image/buildImage";
import { ensureImage, readImageIndex } from "../image/ensureImage";
import { parseTree, type Tree } from "../image/fileTree";
import type { Release } from "../image/releases";
import { packageFolder } from "../machine/folders";
import { enterArgv } from "../machine/namespaces";
import { isAlive } from "../machine/processes";
import { type Finished, run } from "../machine/runProgram";
import { askControl, type ControlRequest } from "./controlSocket";
import { dialInto, type DialOptions } from "./dial";
import type { Facts } from "./factOverrides";
import {
  controlPath,
  type HostAddress,
  type HostRecord,
  networkPath,
  readRecord,
} from "./hostRecord";
import { launchHost, stopHost, type StartOptions } from "./lifecycle";
import { type NetworkOrder, type Reach, reachOrder } from "./network";
import { settledTree } from "./snapshot";
import type { Admission, End, LineCounters, Mishap } from "./sshLine";

/** The result of a program that ran on the host. */
export interface ExecResult {
  /** For a program that a signal ended: 128 plus the signal's number, as in a shell. */
  readonly exitCode: number;
  /** All that it wrote to its standard output. */
  readonly stdout: string;
  /** All that it wrote to its standard error. */
  readonly stderr: string;
}

/** Controls the SSH line between a test and a host, to test a slow, broken or dead network. */
export interface HostLine {
  /** Sets the delay in each direction, in milliseconds. */
  latency(ms: number): Promise<void>;
  /** Cuts all open connections: now, or once `bytes` more bytes have come from the end `from`. */
  cut(after?: { readonly from: End; readonly bytes: number }): Promise<void>;
  /** Lets no more than so many bytes a second pass in each direction, or all that come (`undefined`). */
  throttle(bytesPerSecond: number | undefined): Promise<void>;
  /** Freezes the line once `bytes` more bytes have come from the end `from`. */
  stall(after: { readonly from: End; readonly bytes: number }): Promise<void>;
  /** Changes one bit of the byte with this number, of those that come from the end `from`. */
  corrupt(byte: { readonly from: End; readonly bytes: number }): Promise<void>;
  /** Takes back a cut, stall or corruption that has not happened yet. */
  disarm(): Promise<void>;
  /** Decides what happens to new connections: they reach the host, are refused, or get no answer. */
  admit(admission: Admission): Promise<void>;
  /** Stops all data on the open connections (`true`), or lets it flow again (`false`). Nothing is lost. */
  freeze(frozen: boolean): Promise<void>;
  /** Counts connections, bytes and round trips since the start or the last {@link HostLine.resetCounters}. */
  counters(): Promise<LineCounters>;
  /** Sets all counters to zero. */
  resetCounters(): Promise<void>;
}

/** A running host. */
export interface TestHost extends HostAddress {
  /** The SSH line to the host, to slow down, cut and count. */
  readonly line: HostLine;
  /** Runs a program on the host as root, not over SSH. */
  exec(
    argv: readonly string[],
    options?: { readonly stdin?: string | Buffer },
  ): Promise<ExecResult>;
  /**
   * Lets programs of this host open TCP connections to another one. The other host can be reached at `reach.at` then, by
   * what listens there on all addresses or on that one. No interface shows the address, so Postfix does not count it among
   * those of the host by itself (`proxy_interfaces` would). Where nothing listens on the other
   * host, or it has ended, a connection is opened and reset at once. The way stays over a reboot and an upgrade of either.
   *
   * @example
   * ```ts
   * await relay.reach(hub, { at: "10.1.0.2", from: "10.1.0.1" });
   * await relay.exec(["postconf", "-e", "relayhost = [10.1.0.2]"]);
   * ```
   */
  reach(other: TestHost, reach: Reach): Promise<void>;
  /**
   * Opens a TCP connection to a port of this host, from any IPv4 address: by default from one that is in no list of the
   * host's, as a stranger on the Internet has. It costs about a millisecond, so a test may make hundreds.
   */
  dial(port: number, options?: DialOptions): Promise<Duplex>;
  /** Lists all files of the host, without those that change by themselves (`volatilePaths`). */
  snapshot(): Promise<Tree>;
  /** Ends all processes of the host and all connections to it, and boots it again with the same files. */
  reboot(): Promise<void>;
  /**
   * Takes the host down and boots it as another release, in the state in which an upgrade with the install
   * kernel and sysmerge(8) leaves a host: programs, rc(8) and all files that nobody changed are those of the
   * new release; changed files of /etc, and /var, /usr/local and the packages stay as they were. Afterwards
   * {@link TestHost.release} and {@link TestHost.root} have new values.
   *
   * @param facts - Overrides for facts about the new release.
   */
  upgrade(release: Release, facts?: Facts): Promise<void>;
  /** Ends the host and deletes all its files. */
  stop(): Promise<void>;
}

/**
 * Starts a host shaped like OpenBSD. It ends with this process, unless it is stopped before.
 * If the image of the release does not exist yet, it is made first, which takes a minute or two.
 *
 * @example
 * ```ts
 * const host = await startHost({ release: "7.8" });
 * console.log((await host.exec(["uname", "-sr"])).stdout); // OpenBSD 7.8
 * await host.stop();
 * ```
 */
export async function startHost(options: StartOptions = {}): Promise<TestHost> {
  return new RunningHost(await launchHost(options, true));
}

/** Returns a running host that another process started, e.g. the command line. */
export function attachHost(id: string): TestHost {
  const record = readRecord(id);
  if (record === undefined) throw new Error(`there is no host ${id}`);
  return new RunningHost(record);
}

/** The environment of a program that runs on the host: the variables that a login as root sets. */
export const hostEnvironment: Readonly<Record<string, string>> = {
  PATH: "/sbin:/usr/sbin:/bin:/usr/bin:/usr/X11R6/bin:/usr/local/sbin:/usr/local/bin",
  HOME: "/root",
  LOGNAME: "root",
  USER: "root",
  SHELL: "/bin/ksh",
};

/** Reads what it knows of a host from its record, and asks the host's keeper for everything else. */
class RunningHost implements TestHost {
  readonly line: HostLine = {
    latency: (ms) => this.tell({ do: "latency", ms }),
    throttle: (bytesPerSecond) =>
      this.tell({ do: "throttle", ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) }),
    cut: (after) =>
      after === undefined ? this.tell({ do: "cut" }) : this.arrange("cut", after.from, after.bytes),
    stall: ({ from, bytes }) => this.arrange("stall", from, bytes),
    corrupt: ({ from, bytes }) => this.arrange("corrupt", from, bytes),
    disarm: () => this.tell({ do: "disarm" }),
    admit: (admission) => this.tell({ do: "admit", admission }),
    freeze: (frozen) => this.tell({ do: "freeze", frozen }),
    counters: async () => (await this.ask({ do: "counters" })) as LineCounters,
    resetCounters: () => this.tell({ do: "resetCounters" }),
  };
  private index: ImageIndex | undefined;

  constructor(private record: HostRecord) {}

  get id(): string {
    return this.record.id;
  }

  get release(): Release {
    return this.record.release;
  }

  get host(): string {
    return this.record.host;
  }

  get port(): number {
    return this.record.port;
  }

  get user(): string {
    return this.record.user;
  }

  get privateKeyPath(): string {
    return this.record.privateKeyPath;
  }

  get hostKey(): string {
    return this.record.hostKey;
  }

  get knownHostsPath(): string {
    return this.record.knownHostsPath;
  }

  get root(): string {
    return this.record.root;
  }

  get upMs(): number {
    return this.record.upMs;
  }

  async exec(
    argv: readonly string[],
    options: { readonly stdin?: string | Buffer } = {},
  ): Promise<ExecResult> {
    const { exitCode, stdout, stderr } = await this.enter(argv, options.stdin);
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  async snapshot(): Promise<Tree> {
    this.index ??= readImageIndex(this.record.image);
    const script = readFileSync(join(packageFolder(), "testing/image/tree.pl"));
    const argv = ["/usr/bin/perl", "-", String(this.index.built)];
    const { exitCode, stdout, stderr } = await this.enter(argv, script);
    if (exitCode !== 0) throw new Error(`cannot list the files of the host: ${stderr.toString()}`);
    return settledTree(parseTree(stdout), this.index.hashes);
  }

  async reach(other: TestHost, reach: Reach): Promise<void> {
    const order = reachOrder(other.id, reach);
    const there: NetworkOrder = { own: [reach.at], listen: [] };
    await askControl(controlPath(other.id), { do: "network", order: there });
    await this.tell({ do: "network", order });
  }

  async dial(port: number, { from = "192.0.2.9", to }: DialOptions = {}): Promise<Duplex> {
    const own = (await this.ask({ do: "network", order: { own: [], listen: [] } })) as string[];
    return dialInto(networkPath(this.id), port, { from, to: to ?? own[0] ?? "127.0.0.1" });
  }

  reboot(): Promise<void> {
    return this.tell({ do: "reboot" });
  }

  async upgrade(release: Release, facts: Facts = {}): Promise<void> {
    const extras = this.record.image.extras.map(({ name }) => name);
    const image = await ensureImage(release, undefined, extras);
    const answer = await this.ask({ do: "upgrade", release, image, facts });
    this.record = answer as HostRecord;
    this.index = undefined;
  }

  stop(): Promise<void> {
    return stopHost(this.id);
  }

  private enter(argv: readonly string[], stdin: string | Buffer = ""): Promise<Finished> {
    const { id, init } = this.record;
    if (!isAlive(init)) throw new Error(`the host ${id} is not running any more`);
    return run(enterArgv(init.pid, argv), { env: { ...hostEnvironment }, stdin });
  }

  private arrange(then: Mishap, from: End, afterBytes: number): Promise<void> {
    return this.tell({ do: "mishap", then, from, afterBytes });
  }

  private async tell(request: ControlRequest): Promise<void> {
    await this.ask(request);
  }

  private ask(request: ControlRequest): Promise<unknown> {
    return askControl(controlPath(this.id), request);
  }
}
