/** A TCP connection that the agent holds on the host, as a stream of Node's. */
import { Duplex } from "node:stream";

/** What the agent does for one connection; each call settles when the agent has done it. */
export interface RelayCalls {
  /** The next bytes; `undefined` when the service has closed its side. */
  receive(): Promise<Buffer | undefined>;
  /** Settles when the host's system has taken the bytes. */
  send(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** The most that one request carries: a large write is several of them. */
const CHUNK = 64 * 1024;

/**
 * The stream. At most one read and one write are under way, so neither side holds more than a chunk: a reader that
 * is slow keeps the service waiting, and a service that is slow keeps the writer waiting.
 */
export class RelayedConnection extends Duplex {
  private asked = false;

  constructor(private readonly calls: RelayCalls) {
    super({ allowHalfOpen: true, readableHighWaterMark: CHUNK, writableHighWaterMark: CHUNK });
    // An error that nobody listens to would end the process; who uses the stream listens while it does.
    this.on("error", () => undefined);
  }

  /** The agent keeps the deadline of the whole connection; those of its users have no clock of their own. */
  setTimeout(): this {
    return this;
  }

  override _read(): void {
    if (this.asked) return;
    this.asked = true;
    this.calls.receive().then(
      (bytes) => {
        this.asked = false;
        this.push(bytes ?? null);
      },
      (error: unknown) => this.destroy(asError(error)),
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.sendAll(chunk).then(
      () => done(),
      (error: unknown) => done(asError(error)),
    );
  }

  override _writev(
    chunks: { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "latin1", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    // There is nothing more to say: the service hears of it when the connection is closed.
    done();
    if (this.readableEnded) this.destroy();
    else this.once("end", () => this.destroy());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.calls.close().then(
      () => done(error),
      () => done(error),
    );
  }

  private async sendAll(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += CHUNK)
      await this.calls.send(bytes.subarray(at, at + CHUNK));
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
