/** What signals do to this program: the first one asks it to end, the second one ends it at once. */

import { setTimeout as sleep } from "node:timers/promises";

/** The signals, with the exit status of a program that ends by them. */
const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Thrown where something was waited for, after a signal. */
export class Interrupted extends Error {
  constructor(
    readonly signal: keyof typeof statuses,
    /** The exit status of this program. */
    readonly status: number,
  ) {
    super(`interrupted by ${signal}`);
    this.name = "Interrupted";
  }
}

/**
 * Listens for signals from now on. The returned signal is aborted, with an {@link Interrupted} as its reason, by the
 * first of them; the second ends this program: the guards of what it has started clean up after it.
 */
export function listenForSignals(): AbortSignal {
  const controller = new AbortController();
  for (const [name, status] of Object.entries(statuses)) {
    const signal = name as keyof typeof statuses;
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(status);
      controller.abort(new Interrupted(signal, status));
    });
  }
  return controller.signal;
}

/** Waits for something, or until the signal is aborted: then it rejects with the signal's reason. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stopListening: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const tell = (): void => reject(signal.reason as Error);
    if (signal.aborted) tell();
    signal.addEventListener("abort", tell, { once: true });
    stopListening = () => signal.removeEventListener("abort", tell);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stopListening();
  }
}

/** Waits for a time in milliseconds, or until the signal is aborted: then it rejects with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const timer = new AbortController();
  const over = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    await unlessAborted(over, signal);
  } finally {
    timer.abort();
  }
}
