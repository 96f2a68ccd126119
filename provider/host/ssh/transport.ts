/** The interface between the agent's client and SSH: programs on a host, with their streams and their end. */
import type { Readable, Writable } from "node:stream";
import type { PublicKey } from "./knownHosts";

/** How a program ended; both null when the connection broke before that was known. */
export interface ProgramEnd {
  readonly code: number | null;
  /** Without SIG. */
  readonly signal: string | null;
}

/** A program that runs on the host. Its streams carry Buffers: no encoding is set. */
export interface RemoteProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles after all output has been read; never rejects. */
  readonly ended: Promise<ProgramEnd>;
  /** Closes the streams, which may or may not end the program. */
  close(): void;
}

/** A connection that starts programs on a host. */
export interface Transport {
  /** `user@host:port`, for messages. */
  readonly address: string;
  /**
   * The fingerprint of the verified host key: `SHA256:…`. A transport that does not know it yet finds it among all keys
   * that the host says it has, or throws a HostError.
   */
  readonly fingerprint: string | ((hostKeys: readonly PublicKey[]) => string);
  /** What the user must be told of the connection, every time. Known when a program has been started. */
  readonly warnings: readonly string[];
  /**
   * Starts a command. The user's login shell reads it, which may be any: keep it simple. With `terminal` it has one, which
   * carries all three streams.
   */
  start(command: string, terminal?: boolean): Promise<RemoteProgram>;
  /** Settles with the reason when the connection is gone; never rejects. */
  readonly lost: Promise<string>;
  /** Sets whether the connection keeps this process from ending. */
  ref(held: boolean): void;
  close(): void;
}
