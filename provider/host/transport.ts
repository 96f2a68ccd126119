/** The small interface below which SSH is: start a program on a host, and have its streams and its end. */
import type { Readable, Writable } from "node:stream";

/** How a program ended. Both null when that is not known: the connection broke before it was told. */
export interface ProgramEnd {
  readonly code: number | null;
  /** Without SIG. */
  readonly signal: string | null;
}

/** A program that runs on the host. Streams carry Buffers; they have no encoding set. */
export interface RemoteProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once, after all output has been read, and never rejects. */
  readonly ended: Promise<ProgramEnd>;
  /** Lets go of it: closes its streams. Whether it ends by that is up to it. */
  close(): void;
}

/** A connection over which programs can be started. */
export interface Transport {
  /** `user@host:port`, for messages. */
  readonly address: string;
  /** Of the verified host key, `SHA256:…`. */
  readonly fingerprint: string;
  /** `command` is read by the user's login shell, whichever that is: keep it trivial. */
  start(command: string): Promise<RemoteProgram>;
  /** Settles with the reason when the connection is gone, for whatever cause; never rejects. */
  readonly lost: Promise<string>;
  /** Does the connection keep this process from ending? */
  ref(held: boolean): void;
  close(): void;
}
