/** The SSH line between a test and a host: a server on this machine that can be slow, be cut, refuse or fall silent. */
import type { ChildProcess } from "node:child_process";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

/** How many pieces wait on a line that is throttled before their sender has to. */
const waitingPieces = 5;

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

/** What becomes of the line at a certain byte. */
export type Mishap =
  /** All connections are cut after the byte. */
  | "cut"
  /** Nothing moves any more after the byte, in either direction, until the line is no longer frozen. */
  | "stall"
  /** The byte arrives as another one; all others arrive as they were sent. */
  | "corrupt";

/** Counters of the line since the host started or the counters were reset. */
export interface LineCounters {
  /** How many connections were opened since the host started. */
  readonly connections: number;
  /** How many connections are open now. */
  readonly open: number;
  /** Bytes that clients sent to the host, as they went over the line. */
  readonly bytesFromClient: number;
  /** Bytes that the host sent to clients, as they went over the line. */
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
  /** After how many more bytes, from which end, what happens. */
  private fuse: { readonly from: End; readonly then: Mishap; remaining: number } | undefined;
  /** How many bytes a second pass in each direction of a connection; undefined for as many as come. */
  bytesPerSecond: number | undefined;

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

  /** Lets something happen once `bytes` more bytes have come from one end, all connections together. */
  mishapAfter(from: End, bytes: number, then: Mishap): void {
    this.fuse = { from, then, remaining: bytes };
    if (bytes === 0 && then === "cut") this.cut();
    if (bytes === 0 && then === "stall") this.freeze(true);
  }

  /** Forgets a mishap that has not happened yet. */
  disarm(): void {
    this.fuse = undefined;
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
    /** Whether the sender waits, because a slow line holds little. */
    let heldUp = false;
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
        if (heldUp && parcels.length < waitingPieces) {
          heldUp = false;
          source.resume();
        }
      }
    };
    const post = (bytes: Buffer | undefined, thenCut = false): void => {
      const due = Math.max(Date.now() + this.latencyMs, parcels.at(-1)?.due ?? 0);
      parcels.push({ due: due + this.timeFor(bytes?.length ?? 0), bytes, thenCut });
      if (timer === undefined) deliver();
    };
    source.on("data", (chunk: Buffer) => {
      this.count(link, from, chunk.length);
      for (const piece of this.pieces(chunk)) this.pass(from, piece, post);
      if (this.bytesPerSecond === undefined || parcels.length < waitingPieces) return;
      heldUp = true;
      source.pause();
    });
    source.on("end", () => post(undefined));
    link.deliveries.push(deliver);
    if (this.frozen) source.pause();
  }

  /** How long so many bytes take on a line that is throttled. */
  private timeFor(bytes: number): number {
    return this.bytesPerSecond === undefined ? 0 : (1000 * bytes) / this.bytesPerSecond;
  }

  /** A throttled line passes small pieces, ten a second, so that what is slow does not look silent. */
  private pieces(chunk: Buffer): Buffer[] {
    if (this.bytesPerSecond === undefined) return [chunk];
    const size = Math.max(1, Math.round(this.bytesPerSecond / 10));
    const starts = Array.from({ length: Math.ceil(chunk.length / size) }, (_, nth) => nth * size);
    return starts.map((start) => chunk.subarray(start, start + size));
  }

  /** Passes a piece of data on, up to the byte at which something happens. */
  private pass(from: End, chunk: Buffer, post: (bytes: Buffer, thenCut?: boolean) => void): void {
    const { fuse } = this;
    const left = fuse?.from === from ? fuse.remaining : Infinity;
    if (fuse === undefined || left > chunk.length) {
      if (fuse?.from === from) fuse.remaining -= chunk.length;
      post(chunk);
      return;
    }
    fuse.remaining = 0;
    switch (fuse.then) {
      case "cut":
        // Data that comes after the cut is lost.
        if (left > 0) post(chunk.subarray(0, left), true);
        return;
      case "stall":
        this.fuse = undefined;
        if (left > 0) post(chunk.subarray(0, left));
        this.freeze(true);
        if (left < chunk.length) post(chunk.subarray(left));
        return;
      case "corrupt": {
        this.fuse = undefined;
        const other = Buffer.from(chunk);
        const at = Math.max(0, left - 1);
        other.writeUInt8(other.readUInt8(at) ^ 0x01, at);
        post(other);
        return;
      }
    }
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
