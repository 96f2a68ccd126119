import type { ChildProcess } from "node:child_process";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

/** The two ends of the line. */
export type End = "client" | "host";

/** How the line treats connections that are yet to come. */
export type Admission =
  /** As usual. */
  | "open"
  /** Nobody listens: the client's kernel is told "connection refused". */
  | "refuse"
  /** Accepted and never answered. */
  | "blackhole";

/** What went over the line since it was made or last reset. */
export interface LineCounters {
  readonly connections: number;
  /** Connections that stand now. */
  readonly open: number;
  readonly bytesFromClient: number;
  readonly bytesFromHost: number;
  /** How often the client spoke after the host did: what a round trip's latency multiplies. */
  readonly roundTrips: number;
}

interface Link {
  readonly socket: Socket;
  readonly sshd: ChildProcess | undefined;
  readonly sources: Readable[];
  /** Deliver what is due, one for each direction. */
  readonly deliveries: (() => void)[];
  lastSpoke: End;
}

interface Parcel {
  readonly due: number;
  readonly bytes: Buffer | undefined;
  readonly thenCut: boolean;
}

/**
 * The line between a test and a host's sshd: listens on loopback and starts `sshd -i` for each
 * connection, as inetd(8) would; can be slow, be cut at any byte, refuse and fall silent.
 */
export class SshLine {
  private server: Server | undefined;
  private port = 0;
  private readonly links = new Set<Link>();
  private counted = { connections: 0, bytesFromClient: 0, bytesFromHost: 0, roundTrips: 0 };
  private admission: Admission = "open";
  private frozen = false;
  private hostIsUp = true;
  private fuse: { readonly from: End; remaining: number } | undefined;

  /**
   * @param startSshd - Starts `sshd -i` inside the host, with pipes for stdin and stdout.
   * @param latencyMs - Delay in each direction.
   */
  constructor(
    private readonly startSshd: () => ChildProcess,
    public latencyMs: number,
  ) {}

  /** Listens on a port of 127.0.0.1, the same each time, and returns it. */
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

  /** Decides what happens to new connections; standing ones stay. */
  async admit(admission: Admission): Promise<void> {
    this.admission = admission;
    if (admission === "refuse") {
      // Not awaited: a server is closed for good only when its last connection is.
      this.server?.close();
      this.server = undefined;
    } else if (this.server === undefined) await this.listen();
  }

  /** Says that the host goes down, which ends what stands and lets nothing new through, or is up again. */
  hostUp(up: boolean): void {
    this.hostIsUp = up;
    if (!up) this.cut();
  }

  /** Stops, or lets go on, whatever moves on the standing connections; nothing is lost. */
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

  /** Cuts every standing connection: the client sees a reset, sshd the end of its input. */
  cut(): void {
    this.fuse = undefined;
    for (const { socket, sshd } of this.links) {
      socket.resetAndDestroy();
      sshd?.stdin?.destroy();
      sshd?.stdout?.destroy();
    }
    this.links.clear();
  }

  /** Cuts once `bytes` more bytes from one end have gone through, over all connections. */
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

  /** Ends everything. */
  close(): void {
    this.server?.close();
    this.cut();
  }

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
      // A program that sshd leaves running may keep its end of the pipe: the line ends with sshd.
      sshd.on("exit", () => sshd.stdin?.destroy());
      this.carry(link, "client", socket, sshd.stdin);
      this.carry(link, "host", sshd.stdout, socket);
    }
    socket.on("close", () => {
      sshd?.stdin?.destroy();
      this.links.delete(link);
    });
  }

  /** Carries bytes from one end to the other, each parcel when it is due. */
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
        // What comes after the cut is lost, and posted to nobody.
        if (left > 0) post(chunk.subarray(0, left), chunk.length >= left);
      }
    });
    source.on("end", () => post(undefined));
    link.deliveries.push(deliver);
    if (this.frozen) source.pause();
  }

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

  private count(link: Link, from: End, bytes: number): void {
    if (from === "client") {
      this.counted.bytesFromClient += bytes;
      if (link.lastSpoke === "host") this.counted.roundTrips += 1;
    } else this.counted.bytesFromHost += bytes;
    link.lastSpoke = from;
  }
}
