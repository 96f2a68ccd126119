/**
 * The connections of this process: one for each distinct set of connection arguments. All resources of a host share it.
 * A connection that broke is made anew when it is next used.
 */
import { sha256 } from "../values/digest";
import {
  AgentClient,
  agentCommand,
  agentCommandOnTerminal,
  type AgentOptions,
} from "./agentClient";
import { type SessionCounters, SILENT } from "./agentSession";
import { type ConnectionArgs } from "../arguments/connection";
import { addressOf } from "./ssh/connection";
import { secretOf } from "./ssh/credentials";
import { dial, type DialOptions } from "./ssh/dial";
import { HostError } from "./errors";
import type {
  Answers,
  Facts,
  Host,
  HostReader,
  HostWriter,
  Judgement,
  JudgementAnswer,
  SystemFacts,
} from "./host";
import type { Transport } from "./ssh/transport";
import { toBytes } from "./wire";

/** Counters for tests and the benchmark. */
export interface PoolCounters extends SessionCounters {
  /** Connections that were made. */
  connections: number;
}

export interface PoolOptions {
  /** A connection is closed this many milliseconds after its last use. @default 30 000 */
  readonly idleMs?: number;
  /** Options of all agents. */
  readonly agent?: Partial<Omit<AgentOptions, "address" | "fingerprint" | "lost">>;
  /** Makes a connection; replaced in tests. */
  readonly dial?: (args: ConnectionArgs, options: DialOptions) => Promise<Transport>;
}

/** What is known of a host since its first connection. */
interface Known {
  /** With what the configuration of ssh(1) adds. */
  readonly address: string;
  readonly fingerprint: string;
  readonly fingerprints: readonly string[];
  readonly system: SystemFacts;
  readonly warnings: readonly string[];
}

interface Live {
  readonly client: AgentClient;
  readonly transport: Transport;
}

const defaultIdleMs = 30_000;

/** Is this the error of a connection that has broken, and not of one that was given up because it was silent? */
function isBroken(error: unknown): boolean {
  return HostError.isInstance(error) && error.kind === "lost" && !error.reason.includes(SILENT);
}

/** A host whose connection is made when it is used and there is none. */
class PooledHost implements Host {
  private dialing: Promise<Live> | undefined;
  private live: Live | undefined;
  private known: Known | undefined;
  private users = 0;
  private idle: NodeJS.Timeout | undefined;
  private readonly past: SessionCounters = { requests: 0, roundTrips: 0 };
  connections = 0;

  constructor(
    private readonly args: ConnectionArgs,
    private readonly options: PoolOptions,
  ) {}

  get address(): string {
    return this.known?.address ?? addressOf(this.args);
  }

  get fingerprint(): string {
    return this.facts().fingerprint;
  }

  get fingerprints(): readonly string[] {
    return this.facts().fingerprints;
  }

  get warnings(): readonly string[] {
    return this.facts().warnings;
  }

  get system(): SystemFacts {
    return this.facts().system;
  }

  get isLive(): boolean {
    return this.live !== undefined;
  }

  get counters(): SessionCounters {
    const now = this.live?.client.counters ?? { requests: 0, roundTrips: 0 };
    return {
      requests: this.past.requests + now.requests,
      roundTrips: this.past.roundTrips + now.roundTrips,
    };
  }

  read<F extends Facts>(facts: F): Promise<Answers<F>> {
    return this.again((client) => client.read(facts));
  }

  judge(candidate: Judgement): Promise<readonly JudgementAnswer[]> {
    return this.again((client) => client.judge(candidate));
  }

  change<T>(purpose: string, work: (host: HostWriter) => Promise<T>, waitMs?: number): Promise<T> {
    return this.begunOnce((begun) =>
      this.use((client) =>
        client.change(
          purpose,
          (host) => {
            begun();
            return work(host);
          },
          waitMs,
        ),
      ),
    );
  }

  lookAndChange<T, S>(
    purpose: string,
    look: (host: HostReader) => Promise<S>,
    work: (host: HostWriter, seen: S) => Promise<T>,
  ): Promise<T> {
    return this.begunOnce((begun) =>
      this.use((client) =>
        client.lookAndChange(purpose, look, (host, seen) => {
          begun();
          return work(host, seen);
        }),
      ),
    );
  }

  /** Makes sure that there is a connection. */
  async connect(options: DialOptions): Promise<this> {
    await this.use(() => Promise.resolve(), options);
    return this;
  }

  close(): void {
    const live = this.live;
    if (live === undefined) return;
    this.drop(live);
    live.client.close();
    live.transport.close();
  }

  private facts(): Known {
    if (this.known === undefined) throw new Error(`${this.address} has not been connected to yet`);
    return this.known;
  }

  /**
   * Repeats a request that only looks on a new connection, because a broken one may show only when it is used. Not
   * after a silent one: that has taken its time already.
   */
  private async again<T>(work: (client: AgentClient) => Promise<T>): Promise<T> {
    try {
      return await this.use(work);
    } catch (error) {
      if (!isBroken(error)) throw error;
      return await this.use(work);
    }
  }

  /** The same for a write section whose work has not begun: until then it has only looked. */
  private async begunOnce<T>(section: (begun: () => void) => Promise<T>): Promise<T> {
    let hasBegun = false as boolean;
    const once = (): Promise<T> => section(() => (hasBegun = true));
    try {
      return await once();
    } catch (error) {
      if (hasBegun || !isBroken(error)) throw error;
      return await once();
    }
  }

  private async use<T>(
    work: (client: AgentClient) => Promise<T>,
    options: DialOptions = {},
  ): Promise<T> {
    clearTimeout(this.idle);
    this.users++;
    try {
      const live = this.live ?? (await this.dialed(options));
      live.transport.ref(true);
      return await work(live.client);
    } finally {
      if (--this.users === 0) this.rest();
    }
  }

  /** Lets the process end although the unused connection is open, and closes that after a while. */
  private rest(): void {
    this.live?.transport.ref(false);
    this.idle = setTimeout(() => this.close(), this.options.idleMs ?? defaultIdleMs);
    this.idle.unref();
  }

  private doasPassword(): string | undefined {
    const found = secretOf(this.args, "doasPassword");
    if (typeof found !== "object") return found;
    throw new HostError("protocol", {
      host: this.address,
      during: "starting the agent on the host",
      reason: `connection.doasPasswordConfig: ${found.missing}`,
      changed: "no",
      next: "",
    });
  }

  private dialed(options: DialOptions): Promise<Live> {
    this.dialing ??= this.open(options).finally(() => {
      this.dialing = undefined;
    });
    return this.dialing;
  }

  private async open(options: DialOptions): Promise<Live> {
    const transport = await (this.options.dial ?? dial)(this.args, options);
    try {
      const doasPassword = this.doasPassword();
      const program = await (doasPassword === undefined
        ? transport.start(agentCommand)
        : transport.start(agentCommandOnTerminal, true));
      const { address, fingerprint, lost } = transport;
      const { keepaliveInterval: interval } = this.args;
      const client = await AgentClient.start(program, {
        ...(doasPassword === undefined ? {} : { doasPassword }),
        ...(interval === undefined ? {} : { pingMs: interval * 1000 }),
        ...this.options.agent,
        address,
        fingerprint,
        lost,
      });
      const { fingerprint: shown, fingerprints, system } = client;
      this.sameHost(fingerprints);
      const live = { client, transport };
      const { warnings } = transport;
      this.known = { address, fingerprint: shown, fingerprints, system, warnings };
      this.live = live;
      this.connections++;
      client.onGone(() => {
        this.drop(live);
        transport.close();
      });
      return live;
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  /** Refuses another machine at the same address: plans were made for the one that was seen before. */
  private sameHost(fingerprints: readonly string[]): void {
    if (this.known === undefined) return;
    const before = this.known.fingerprints;
    if (fingerprints.some((one) => before.includes(one))) return;
    const [fingerprint = ""] = fingerprints;
    throw new HostError("hostKeyChanged", {
      host: this.address,
      during: "connecting again",
      reason: `it now has the host key ${fingerprints.join(" and ")}, and had ${before.join(" and ")} before`,
      changed: "no",
      next: "Run it again if all of these keys belong to this host",
      fingerprint,
    });
  }

  private drop(live: Live): void {
    if (this.live !== live) return;
    this.live = undefined;
    this.past.requests += live.client.counters.requests;
    this.past.roundTrips += live.client.counters.roundTrips;
  }
}

/** The hosts of a process. */
export class HostPool {
  private readonly hosts = new Map<string, PooledHost>();

  constructor(private readonly options: PoolOptions = {}) {}

  /** A connected host. @throws HostError */
  connect(args: ConnectionArgs, options: DialOptions = {}): Promise<Host> {
    const key = keyOf(args);
    let host = this.hosts.get(key);
    if (host === undefined) this.hosts.set(key, (host = new PooledHost(args, this.options)));
    return host.connect(options);
  }

  /** A host with one of these host keys and an open connection, whatever its connection arguments are. */
  knownMachine(fingerprints: readonly string[]): Host | undefined {
    return [...this.hosts.values()].find(
      (host) => host.isLive && host.fingerprints.some((one) => fingerprints.includes(one)),
    );
  }

  get counters(): PoolCounters {
    const sum: PoolCounters = { connections: 0, requests: 0, roundTrips: 0 };
    for (const host of this.hosts.values()) {
      sum.connections += host.connections;
      sum.requests += host.counters.requests;
      sum.roundTrips += host.counters.roundTrips;
    }
    return sum;
  }

  close(): void {
    for (const host of this.hosts.values()) host.close();
  }
}

/** The key of a host in the pool: a digest, because connection arguments hold secrets. */
function keyOf(args: ConnectionArgs): string {
  const sorted = JSON.stringify(args, (_name, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return sha256(toBytes(sorted));
}

const pool = new HostPool();

/** A connected host of the pool. @throws HostError */
export function connect(args: ConnectionArgs, options: DialOptions = {}): Promise<Host> {
  return pool.connect(args, options);
}

/** {@link HostPool.knownMachine} of the pool. */
export function knownMachine(fingerprints: readonly string[]): Host | undefined {
  return pool.knownMachine(fingerprints);
}

/** Counts since the process began. */
export function poolCounters(): PoolCounters {
  return pool.counters;
}
