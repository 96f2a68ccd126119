/** Following a message by its queue id through the text of a mail log (docs/openbsd.md 14). */

/** A line of the log that says what became of the message for one recipient. */
export interface Delivery {
  /** The recipient after aliases were followed. */
  readonly to: string;
  /** The delivery agent, such as "local", or the next host. */
  readonly relay: string;
  /** The daemon that logged it: "local", "virtual", "smtp", … */
  readonly agent: string;
  /** `status=`: "sent", "deferred", "bounced", … */
  readonly status: string;
  /** The text in parentheses after the status. */
  readonly detail: string;
  readonly line: string;
}

/** All that the log says of a message, and of the messages as which it was forwarded. */
export interface Trace {
  /** The queue id of the message, and those under which it was forwarded. */
  readonly ids: readonly string[];
  readonly lines: readonly string[];
  readonly deliveries: readonly Delivery[];
  /** Has it reached all recipients, and left the queue? */
  readonly done: boolean;
  /** The first delivery that failed, for now or for good: there is nothing more to wait for. */
  readonly failed: Delivery | undefined;
  /** The queue ids that, by the log, are still in the queue. */
  readonly queued: readonly string[];
}

/** Short queue ids are hexadecimal; long ones, from Postfix 2.9 on, are letters and digits without vowels. */
const QUEUE_ID = "([0-9A-Za-z]+)";
const LINE = new RegExp(`([\\w-]*)\\[\\d+\\]: ${QUEUE_ID}: (.*)$`);
const FORWARDED = new RegExp(`^forwarded as ${QUEUE_ID}`);
const QUEUED = new RegExp(`\\bqueued as ${QUEUE_ID}`);
const DELIVERY = /^to=<([^>]*)>,.*?\brelay=([^,]+),.*\bstatus=(\w+) \((.*)\)$/;

/** The queue id that a server names when it takes a message: "250 2.0.0 Ok: queued as 3mVbhX1". */
export function queuedAs(reply: string): string | undefined {
  return QUEUED.exec(reply)?.[1];
}

/** The queue id under which the message goes on: forwarded by local(8), or returned by a content filter on this host. */
function nextId({ relay, detail }: Delivery): string | undefined {
  const forwarded = FORWARDED.exec(detail)?.[1];
  if (forwarded !== undefined) return forwarded;
  return /\[(127\.\d+\.\d+\.\d+|::1)\]/.test(relay) ? queuedAs(detail) : undefined;
}

/** Another server that took a message. */
export interface Relay {
  /** As the log has it: `mx.example.net[192.0.2.1]:25`. */
  readonly relay: string;
  /** The id under which that server has it, as far as its answer says so. */
  readonly remoteQueueId: string | null;
}

/** The other server to which a delivery passed the message on; `undefined` where it stayed with this host's Postfix. */
export function relayedTo(delivery: Delivery): Relay | undefined {
  const { agent, relay, status, detail } = delivery;
  const isServer = /^[^[\s]+\[[^\]/]+\]:\d+$/.test(relay);
  // By LMTP a message goes into a mailbox, wherever it is.
  if (status !== "sent" || agent === "lmtp" || !isServer || nextId(delivery) !== undefined)
    return undefined;
  return { relay, remoteQueueId: /\b(?:queued as |id=)([^\s;,)]+)/.exec(detail)?.[1] ?? null };
}

export function traceMessage(log: string, queueId: string): Trace {
  const ids = [queueId];
  const lines: string[] = [];
  const deliveries: Delivery[] = [];
  const delivered = new Set<string>();
  const removed = new Set<string>();
  for (const line of log.split("\n")) {
    const [, agent = "", id = "", text = ""] = LINE.exec(line) ?? [];
    if (!ids.includes(id)) continue;
    lines.push(line);
    if (text === "removed") removed.add(id);
    const [, to, relay, status, detail] = DELIVERY.exec(text) ?? [];
    if (to === undefined || relay === undefined || status === undefined || detail === undefined)
      continue;
    const delivery = { to, relay, agent, status, detail, line };
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
