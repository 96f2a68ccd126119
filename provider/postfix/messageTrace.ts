/** A message followed by its queue id through the text of a mail log (docs/openbsd.md 14). */

/** What became of a message for one recipient, as one line of the log says it. */
export interface Delivery {
  /** The address as local(8) and its like delivered to it. */
  readonly to: string;
  /** The delivery agent, as in "local", or the next host. */
  readonly relay: string;
  /** `status=`: "sent", "deferred", "bounced", … */
  readonly status: string;
  /** What stands in parentheses after it. */
  readonly detail: string;
  readonly line: string;
}

/** All that the log says of a message, and of those that it became. */
export interface Trace {
  /** The queue id it was taken under, and those under which it was forwarded. */
  readonly ids: readonly string[];
  readonly lines: readonly string[];
  readonly deliveries: readonly Delivery[];
  /** Has it arrived everywhere, and left the queue? */
  readonly done: boolean;
  /** A delivery that failed, for now or for good: there is nothing to wait for. */
  readonly failed: Delivery | undefined;
  /** Queue ids that are still in the queue, as far as the log says. */
  readonly queued: readonly string[];
}

/** Short queue ids are hexadecimal, long ones (Postfix 2.9) letters and digits without vowels. */
const LINE = /\[\d+\]: ([0-9A-Za-z]+): (.*)$/;
const DELIVERY = /^to=<([^>]*)>,.*?\brelay=([^,]+),.*\bstatus=(\w+) \((.*)\)$/;

/** Where the message goes on under another id: forwarded by local(8), or handed to a filter on this host and back. */
function nextId({ relay, detail }: Delivery): string | undefined {
  const forwarded = /^forwarded as ([0-9A-Za-z]+)/.exec(detail)?.[1];
  if (forwarded !== undefined) return forwarded;
  return /\[(127\.\d+\.\d+\.\d+|::1)\]/.test(relay)
    ? /\bqueued as ([0-9A-Za-z]+)/.exec(detail)?.[1]
    : undefined;
}

/** Reads what a log says of a message. */
export function traceMessage(log: string, queueId: string): Trace {
  const ids = [queueId];
  const lines: string[] = [];
  const deliveries: Delivery[] = [];
  const delivered = new Set<string>();
  const removed = new Set<string>();
  for (const line of log.split("\n")) {
    const [, id = "", text = ""] = LINE.exec(line) ?? [];
    if (!ids.includes(id)) continue;
    lines.push(line);
    if (text === "removed") removed.add(id);
    const [, to, relay, status, detail] = DELIVERY.exec(text) ?? [];
    if (to === undefined || relay === undefined || status === undefined || detail === undefined)
      continue;
    const delivery = { to, relay, status, detail, line };
    deliveries.push(delivery);
    delivered.add(id);
    const next = nextId(delivery);
    if (next !== undefined && !ids.includes(next)) ids.push(next);
  }
  const queued = ids.filter((id) => !removed.has(id));
  const failed = deliveries.find(({ status }) => status !== "sent");
  return {
    ids,
    lines,
    deliveries,
    queued,
    failed,
    done: failed === undefined && queued.length === 0 && ids.every((id) => delivered.has(id)),
  };
}
