/** A TCP connection of the agent on the host, as a stream in this process. */
import { Duplex } from "node:stream";

/** Requests to the agent for one connection. */
export interface RelayCalls {
  /** The next bytes; `undefined` when the service has closed its side. */
  receive(): Promise<Buffer | undefined>;
  /** Settles when the host's kernel has taken the bytes. */
  send(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** The largest number of bytes of one request. */
const CHUNK = 64 * 1024;

/**
 * At most one read and one write are under way, so that neither side buffers more than a chunk: a slow reader makes the
 * service wait, and a slow service the writer.
 */
export class RelayedConnection extends Duplex {
  private asked = false;

  constructor(private readonly calls: RelayCalls) {
    super({ allowHalfOpen: true, readableHighWaterMark: CHUNK, writableHighWaterMark: CHUNK });
    // An error without a listener would end the process, and users of the stream listen only while they use it.
    this.on("error", () => undefined);
  }

  /** Does nothing: the agent keeps a deadline for the whole connection. */
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
    // A connection cannot be closed in one direction here: the service sees the end when the other one has ended.
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
