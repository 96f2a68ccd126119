/** Waiting for the replies to requests of which each is carried out only once the one before it has succeeded. */

/** Waits for all. @throws the error of the first that failed, which is why the host has skipped those after it */
export async function inTheirOrder(replies: readonly Promise<unknown>[]): Promise<void> {
  // The later ones fail too, and nobody may be waiting for them then.
  for (const reply of replies) reply.catch(() => undefined);
  for (const reply of replies) await reply;
}
