/** The hosts of the bench, and what travels to and from them. */
import { startHost, type TestHost } from "../../testing";

/** What has passed between this machine and all hosts. */
export interface Traffic {
  readonly connections: number;
  /** The most of one host: hosts are asked at the same time. */
  readonly roundTrips: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Test hosts with OpenBSD 7.8, all alike. */
export class Fleet {
  private constructor(readonly hosts: readonly TestHost[]) {}

  /** Starts so many hosts, which have Python where others than this package need it. */
  static async start(count: number, python = false): Promise<Fleet> {
    const hosts: TestHost[] = [];
    const extras = python ? (["python"] as const) : [];
    for (let index = 0; index < count; index += 1)
      hosts.push(await startHost({ release: "7.8", extras }));
    return new Fleet(hosts);
  }

  /** Sets how many milliseconds pass between a question and its answer. */
  async roundTripTime(ms: number): Promise<void> {
    // The line is told the delay in each direction.
    await Promise.all(this.hosts.map((host) => host.line.latency(ms / 2)));
  }

  async counted<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly traffic: Traffic }> {
    await Promise.all(this.hosts.map((host) => host.line.resetCounters()));
    const result = await work();
    const all = await Promise.all(this.hosts.map((host) => host.line.counters()));
    const sum = (of: (one: (typeof all)[number]) => number): number =>
      all.reduce((total, one) => total + of(one), 0);
    return {
      result,
      traffic: {
        connections: sum((one) => one.connections),
        roundTrips: Math.max(0, ...all.map((one) => one.roundTrips)),
        sentBytes: sum((one) => one.bytesFromClient),
        receivedBytes: sum((one) => one.bytesFromHost),
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
  }
}
