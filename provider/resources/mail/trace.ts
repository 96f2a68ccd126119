/** A message followed by its queue id through the mail log (openbsd.md 14). Pure, but for {@link MailLog}. */
import type { HostReader, TailState } from "../../host/host";

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

export const MAILLOG = "/var/log/maillog";
const PIECE = 262_144;

/** What is written to the mail log from now on, whole lines only, also when newsyslog(8) rotates it meanwhile. */
export class MailLog {
  private text = "";

  private constructor(
    private readonly host: HostReader,
    private inode: string,
    private offset: number,
  ) {}

  /** Begins at the log's present end. */
  static async from(host: HostReader): Promise<MailLog> {
    const { log } = await host.read({
      log: { fact: "tail", path: MAILLOG, offset: -1, limit: 1 },
    });
    return new MailLog(host, log?.inode ?? "", log?.size ?? 0);
  }

  /** All that was written so far. */
  async read(): Promise<string> {
    for (;;) {
      const { log, former } = await this.host.read({
        log: { fact: "tail", path: MAILLOG, offset: this.offset, limit: PIECE },
        // Where newsyslog(8) puts it, before it compresses it.
        former: { fact: "tail", path: `${MAILLOG}.0`, offset: this.offset, limit: PIECE },
      });
      if (log === null) break;
      const rotated = log.inode !== this.inode || log.size < this.offset;
      const source: TailState | null = !rotated
        ? log
        : former !== null && former.inode === this.inode
          ? former
          : null;
      this.text += source?.contents ?? "";
      this.offset += source?.contents.length ?? 0;
      if (source !== null && source.contents.length === PIECE) continue;
      if (!rotated) break;
      this.inode = log.inode;
      this.offset = 0;
    }
    return this.text.slice(0, this.text.lastIndexOf("\n") + 1);
  }
}
