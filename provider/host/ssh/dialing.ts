/** Trying to connect, with whatever transport: how often, how long, and what is tried again. */
import type { ConnectionHop } from "../../arguments/connection";
import { addressOf } from "./connection";
import { HostError } from "../errors";

export interface DialOptions {
  /** How many times to try; a preview tries once. @default dialErrorLimit of the connection */
  readonly tries?: number | undefined;
  /** Milliseconds for all attempts. @default 60 000 */
  readonly totalMs?: number | undefined;
}

const defaultTries = 10;
const defaultPerDial = 15;
const defaultTotalMs = 60_000;
const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** A failed attempt. */
export class DialFailure extends Error {
  constructor(
    override readonly cause: HostError,
    /** Whether another attempt may succeed. */
    readonly again: boolean,
  ) {
    super(cause.message);
  }
}

/**
 * Tries to connect. A {@link DialFailure} that may pass by itself (refused, timed out, reset) is tried again after growing
 * pauses, up to the connection's limit and within one total time, whose end each attempt is told.
 *
 * @throws HostError
 */
export async function dialed<T>(
  { dialErrorLimit }: ConnectionHop,
  { tries: most = dialErrorLimit ?? defaultTries, totalMs = defaultTotalMs }: DialOptions,
  attempt: (deadline: number) => Promise<T>,
): Promise<T> {
  const started = Date.now();
  const deadline = started + totalMs;
  for (
    let tries = 1, pause = firstPauseMs;
    ;
    tries++, pause = Math.min(pause * 2, longestPauseMs)
  ) {
    try {
      return await attempt(deadline);
    } catch (error) {
      if (!(error instanceof DialFailure)) throw error;
      const over = (most >= 0 && tries >= most) || Date.now() + pause >= deadline;
      if (error.again && !over) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        continue;
      }
      if (tries === 1) throw error.cause;
      const seconds = Math.round((Date.now() - started) / 1000);
      throw error.cause.with({
        reason: `${error.cause.reason} (tried ${tries} times in ${seconds} s)`,
      });
    }
  }
}

/** When an attempt must have ended. */
export function attemptEnd({ perDialTimeout = defaultPerDial }: ConnectionHop, deadline: number) {
  const perDial = perDialTimeout * 1000;
  return perDial > 0 ? Math.min(deadline, Date.now() + perDial) : deadline;
}

export function unreachable(hop: ConnectionHop, reason: string, next?: string): HostError {
  return new HostError("unreachable", {
    host: addressOf(hop),
    during: "connecting",
    reason,
    changed: "no",
    next:
      next ??
      "Check that the host runs, that sshd listens on that port, and that no firewall is in between",
    retriable: true,
  });
}
