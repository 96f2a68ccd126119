/** Waits for something on a host. */
import { setTimeout as sleep } from "node:timers/promises";
import { HostFailure } from "./host/ssh";

/** Asks once a second, and takes a host that does not answer for "not yet". Throws after `limitMs`. */
export async function until(
  limitMs: number,
  what: string,
  holds: () => Promise<boolean>,
): Promise<void> {
  const end = Date.now() + limitMs;
  let trouble = "";
  while (Date.now() < end) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (!(error instanceof HostFailure)) throw error;
      trouble = `\n${error.message}`;
    }
    await sleep(1000);
  }
  throw new Error(`waited ${Math.round(limitMs / 1000)} s for ${what}${trouble}`);
}
