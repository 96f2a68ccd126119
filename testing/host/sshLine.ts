/** The SSH line between a test and a host: a server on this machine that can be slow, be cut, refuse or fall silent. */
import type { ChildProcess } from "node:child_process";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

/** The two ends of the line. */
export type End = "client" | "host";

/** What happens to new connections. */
export type Admission =
  /** They reach the host. */
  | "open"
  /** Nothing listens on the port, so the client gets "connection refused". */
  | "refuse"
  /** They are accepted, but nothing ever answers. */
  | "blackhole";

/** Counters of the line since the host started or the counters were reset. */
export interface LineCounters {
  readonly connections: number;
  /** How many connections are open now. */
  readonly open: number;
  readonly bytesFromClient: number;
  readonly bytesFromHost: number;
  /** How often the client sent data after the host did. Each time costs the latency of a round trip. */
  readonly roundTrips: number;
}

/** One connection and the sshd that serves it. */
interface Link {
  readonly socket: Socket;
  readonly sshd: ChildProcess | undefined;
  readonly sources: Readable[];
  /** For each direction, a function that passes on all data whose delay is over. */
  readonly deliveries: (() => void)[];
  /** The end that sent data last. */
  lastSpoke: End;
}

/** Data on its way from one end to the other. */
interface Parcel {
  /** When it is passed on, in milliseconds since the epoch. */
  readonly due: number;
  /** Undefined: the end of the data. */
  readonly bytes: Buffer | undefined;
  /** Whether all connections are cut after this. */
  readonly thenCut: boolean;
}

/**
 * The line between a test and a host's sshd. It listens on 127.0.0.1 and starts `sshd -i` for each connection, as
 * inetd(8) does.
 */
export class SshLine {
  private server: Server | undefined;
  private port = 0;
  private readonly links = new Set<Link>();
  private counted = { connections: 0, bytesFromClient: 0, bytesFromHost: 0, roundTrips: 0 };
  private admission: Admission = "open";
  private frozen = false;
  private hostIsUp = true;
  /** After how many more bytes, from which end, all connections are cut. */
  private fuse: { readonly from: End; remaining: number } | undefined;

  /**
   * @param startSshd - Starts `sshd -i` inside the host, with pipes for stdin and stdout.
   * @param latencyMs - Delay in each direction.
   */
  constructor(
    private readonly startSshd: () => ChildProcess,
    public latencyMs: number,
  ) {}

  /** Listens on a free port of 127.0.0.1 and returns it. Later calls listen on the same port again. */
  async listen(): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.accept(socket),
    );
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    return this.port;
  }

  /** Decides what happens to new connections. Open ones are not affected. */
  async admit(admission: Admission): Promise<void> {
    this.admission = admission;
    if (admission === "refuse") {
      // Not awaited, because a server is closed only when its last connection has ended.
      this.server?.close();
      this.server = undefined;
    } else if (this.server === undefined) await this.listen();
  }

  /** Tells the line whether the host is up. While it is down, there are no connections and new ones are reset. */
  hostUp(up: boolean): void {
    this.hostIsUp = up;
    if (!up) this.cut();
  }

  /** Stops all data on the open connections, or lets it flow again. Nothing is lost. */
  freeze(frozen: boolean): void {
    this.frozen = frozen;
    for (const { sources, deliveries } of this.links) {
      for (const source of sources) {
        if (frozen) source.pause();
        else source.resume();
      }
      if (!frozen) for (const deliver of deliveries) deliver();
    }
  }

  /** Cuts all open connections: the client gets a reset, and sshd the end of its input. */
  cut(): void {
    this.fuse = undefined;
    for (const { socket, sshd } of this.links) {
      socket.resetAndDestroy();
      sshd?.stdin?.destroy();
      sshd?.stdout?.destroy();
    }
    this.links.clear();
  }

  /** Cuts all connections once `bytes` more bytes have come from one end, all connections together. */
  cutAfter(from: End, bytes: number): void {
    this.fuse = { from, remaining: bytes };
    if (bytes === 0) this.cut();
  }

  counters(): LineCounters {
    return { ...this.counted, open: this.links.size };
  }

  resetCounters(): void {
    this.counted = { connections: 0, bytesFromClient: 0, bytesFromHost: 0, roundTrips: 0 };
  }

  /** Stops listening and cuts all connections. */
  close(): void {
    this.server?.close();
    this.cut();
  }

  /** Handles a new connection. */
  private accept(socket: Socket): void {
    this.counted.connections += 1;
    socket.on("error", () => undefined);
    if (!this.hostIsUp) {
      socket.resetAndDestroy();
      return;
    }
    const silent = this.admission === "blackhole";
    const sshd = silent ? undefined : this.startSshd();
    const link: Link = { socket, sshd, sources: [], deliveries: [], lastSpoke: "host" };
    this.links.add(link);
    if (sshd?.stdin && sshd.stdout) {
      sshd.stdin.on("error", () => undefined);
      sshd.stdout.on("error", () => undefined);
      // A program that outlives its sshd may still have the pipe open, so the connection is ended explicitly.
      sshd.on("exit", () => sshd.stdin?.destroy());
      this.carry(link, "client", socket, sshd.stdin);
      this.carry(link, "host", sshd.stdout, socket);
    }
    socket.on("close", () => {
      sshd?.stdin?.destroy();
      this.links.delete(link);
    });
  }

  /** Passes data from one end to the other, after the delay. */
  private carry(link: Link, from: End, source: Readable, sink: Writable): void {
    link.sources.push(source);
    const parcels: Parcel[] = [];
    let timer: NodeJS.Timeout | undefined;
    const deliver = (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (this.frozen) return;
      for (let parcel = parcels[0]; parcel !== undefined; parcel = parcels[0]) {
        const wait = parcel.due - Date.now();
        if (wait > 0) {
          timer = setTimeout(deliver, wait);
          return;
        }
        parcels.shift();
        this.hand(parcel, source, sink);
      }
    };
    const post = (bytes: Buffer | undefined, thenCut = false): void => {
      const due = Math.max(Date.now() + this.latencyMs, parcels.at(-1)?.due ?? 0);
      parcels.push({ due, bytes, thenCut });
      if (timer === undefined) deliver();
    };
    source.on("data", (chunk: Buffer) => {
      this.count(link, from, chunk.length);
      const left = this.fuse?.from === from ? this.fuse.remaining : undefined;
      if (left === undefined) post(chunk);
      else {
        if (this.fuse) this.fuse.remaining -= Math.min(left, chunk.length);
        // Data that comes after the cut is lost.
        if (left > 0) post(chunk.subarray(0, left), chunk.length >= left);
      }
    });
    source.on("end", () => post(undefined));
    link.deliveries.push(deliver);
    if (this.frozen) source.pause();
  }

  /** Gives a parcel to the receiving end. */
  private hand(parcel: Parcel, source: Readable, sink: Writable): void {
    if (parcel.bytes === undefined) {
      sink.end();
      return;
    }
    const room = sink.write(parcel.bytes, () => {
      if (parcel.thenCut) this.cut();
    });
    if (room) return;
    source.pause();
    sink.once("drain", () => {
      if (!this.frozen) source.resume();
    });
  }

  /** Counts data that came from one end. */
  private count(link: Link, from: End, bytes: number): void {
    if (from === "client") {
      this.counted.bytesFromClient += bytes;
      if (link.lastSpoke === "host") this.counted.roundTrips += 1;
    } else this.counted.bytesFromHost += bytes;
    link.lastSpoke = from;
  }
}
