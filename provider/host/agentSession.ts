/** Requests to a running agent and their replies: ids, deadlines, and the errors when the agent is gone. */
import { dictionaryOf } from "./agentAnswers";
import { type Changed, HostError, type HostErrorKind, reasonOf } from "./errors";
import { FileCache } from "./fileCache";
import type { ProgramEnd, RemoteProgram } from "./ssh/transport";
import { decode, encodeFrame, FrameReader, toText, type WireValue } from "./wire";

/** The agent's greeting. Output before it comes from the profile of the login shell and is skipped. */
const magic = Buffer.from("\0pulumi-openbsd-postfix agent 1\0\n", "latin1");
const maxNoise = 64 * 1024;
const maxErrorOutput = 8 * 1024;
/** Requests are written in pieces of this size, so that keepAlive sees progress. */
const pieceSize = 32 * 1024;
/** Bytes a millisecond (4 kB/s) of the slowest line for which deadlines leave time. */
const slowest = 4;
/** A reply that is coming in is waited for past the deadline while no more than this is missing of {@link slowest}. */
const arrivalMs = 10_000;
/** How long a deadline is put off at most, however steadily replies come in: 16 MiB at 9 kB/s. */
const longestArrivalMs = 1_800_000;
/** The longest time that setTimeout can take. */
const maxTimer = 2 ** 31 - 1;

/** The beginning of the reason when a line was given up because it was silent. */
export const SILENT = "the host has not answered";

/** Advice when this process and the agent disagree about the protocol. */
export const MISUNDERSTOOD = "The agent and this package do not understand each other; report this";

/** Counters for tests and the benchmark. */
export interface SessionCounters {
  /** Requests sent, except hello and ping. */
  requests: number;
  /** Requests that waited for the reply to an earlier one; requests that are sent together count once. */
  roundTrips: number;
}

export interface RequestOptions {
  /** What the request does, for messages: "reading 12 facts". */
  readonly during: string;
  /** When a reply takes longer, the agent counts as gone, and its connection is closed. */
  readonly timeoutMs: number;
  /** Tells, when the reply is an error or does not come, whether this or an earlier request changed the host. */
  readonly changed?: (cause: "failed" | "lost") => Changed;
  /** Its number, where one was reserved. */
  readonly id?: number;
  /** Called with the reply when it comes, in the order in which the agent sent its replies. */
  readonly received?: (reply: WireValue) => WireValue;
}

interface Pending extends RequestOptions {
  /** When it was sent, in milliseconds since the epoch. */
  readonly since: number;
  /** When it is given up whatever comes in. */
  readonly until: number;
  /** How many frames had come when the deadline was last put off; `undefined` where it was not. */
  readonly framesBefore?: number;
  readonly resolve: (value: WireValue) => void;
  readonly reject: (error: HostError) => void;
  readonly timer: NodeJS.Timeout;
}

const nextSteps: Partial<Record<HostErrorKind, string>> = {
  lost: "Run it again; if it happens again, look at the network and at sshd's log on the host",
  deadline: "Look at the load and the disks of the host, then run it again",
  locked: "Wait for it to end, then run it again",
  protocol: MISUNDERSTOOD,
};

/** The kind of an error that the agent sent. */
function agentErrorKind(kind: WireValue | undefined): HostErrorKind {
  return kind === "locked" || kind === "program" || kind === "skipped" ? kind : "refused";
}

export class AgentSession {
  readonly counters: SessionCounters = { requests: 0, roundTrips: 0 };
  /** What the agent has sent of files. */
  readonly fileCache = new FileCache();
  private readonly pending = new Map<number, Pending>();
  private readonly frames = new FrameReader();
  private noise: Buffer | undefined = Buffer.alloc(0);
  private errorOutput = Buffer.alloc(0);
  private outgoing: Buffer[] = [];
  /** Bytes that the stream had not taken yet at the last ping. */
  private unsent = 0;
  private lastId = 0;
  private repliedSinceSending = true;
  /** Pings since the host was heard. */
  private unheard = 0;
  /** Frames that are complete. */
  private framesHeard = 0;
  /** When the first byte of the frame that is coming in came. */
  private frameBegan = 0;
  private goneBecause: string | undefined;
  private watch: NodeJS.Timeout | undefined;
  private readonly goneListeners: ((reason: string) => void)[] = [];

  constructor(
    private readonly program: RemoteProgram,
    private readonly address: string,
    /** Settles with the reason when the SSH connection breaks. */
    lost?: Promise<string>,
  ) {
    program.stdout.on("data", (chunk: Buffer) => this.receive(chunk));
    program.stderr.on("data", (chunk: Buffer) => {
      this.errorOutput = Buffer.concat([this.errorOutput, chunk]).subarray(-maxErrorOutput);
    });
    // Each stream emits its own error for a broken connection, and an error without a listener ends the process.
    for (const stream of [program.stdin, program.stdout, program.stderr]) {
      stream.on("error", (error: Error) => this.gone(`the connection broke: ${error.message}`));
    }
    void lost?.then((reason) => this.gone(reason));
    void program.ended.then((end) => this.gone(this.describeEnd(end)));
  }

  /** A number for a request that others can name before it is sent. */
  reserve(): number {
    return ++this.lastId;
  }

  /** Whether the agent has sent its greeting. */
  get greeted(): boolean {
    return this.noise === undefined;
  }

  /** Why the agent is gone; undefined while it runs. */
  get ended(): string | undefined {
    return this.goneBecause;
  }

  /** What came instead of the greeting, and what came on the error output. */
  get complaints(): string {
    const noise = (this.noise ?? Buffer.alloc(0)).subarray(-maxErrorOutput);
    const text = toText(Buffer.concat([noise, this.errorOutput]).toString("latin1"));
    return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "").trim();
  }

  onGone(listener: (reason: string) => void): void {
    if (this.goneBecause === undefined) this.goneListeners.push(listener);
    else listener(this.goneBecause);
  }

  /** Sends bytes in front of the first frame: the text of the agent. */
  preface(text: Buffer): void {
    this.enqueue(text);
  }

  /** Sends a request. Those of one turn of the event loop go out together; replies come in any order. */
  request(
    op: string,
    values: Readonly<Record<string, WireValue>>,
    options: RequestOptions,
  ): Promise<WireValue> {
    return new Promise((resolve, reject) => {
      if (this.goneBecause !== undefined) {
        // This request was not sent and changed nothing; earlier ones may have.
        reject(this.errorFor("lost", this.goneBecause, options, "failed"));
        return;
      }
      const id = options.id ?? this.reserve();
      const frame = encodeFrame({ ...values, op, id });
      const ahead = [frame, ...this.outgoing].reduce((sum, { length }) => sum + length, 0);
      const sendMs = (ahead + this.program.stdin.writableLength) / slowest;
      const limit = Math.min(options.timeoutMs + sendMs, maxTimer);
      const timer = setTimeout(() => this.expire(id), limit);
      if (op === "ping") timer.unref();
      const since = Date.now();
      const until = since + limit + longestArrivalMs;
      this.pending.set(id, { ...options, resolve, reject, timer, since, until });
      if (op !== "hello" && op !== "ping") {
        this.counters.requests++;
        if (this.repliedSinceSending) this.counters.roundTrips++;
        this.repliedSinceSending = false;
      }
      this.enqueue(frame);
    });
  }

  /**
   * Pings the agent every `intervalMs`. After `times` pings during which nothing came from the host, the connection
   * counts as lost. The pings also tell the agent that its client is alive and needs its write section. (The
   * keepalive of ssh2 would keep an idle process from ending.)
   */
  keepAlive(intervalMs: number, times: number): void {
    this.watch = setInterval(() => {
      // While the other side takes bytes the line is slow, not dead.
      const unsent = this.program.stdin.writableLength;
      if (unsent < this.unsent) this.unheard = 0;
      this.unsent = unsent;
      if (this.unheard >= times) {
        this.gone(`${SILENT} for ${Math.round((intervalMs * times) / 1000)} s`);
      } else {
        // Pings are counted instead of time: when this process was held up, unread replies may be waiting.
        this.unheard++;
        const ping = this.request(
          "ping",
          {},
          { during: "asking for a sign of life", timeoutMs: maxTimer },
        );
        ping.catch(() => undefined);
      }
    }, intervalMs);
    this.watch.unref();
  }

  close(reason = "this process closed the connection"): void {
    this.gone(reason);
  }

  private enqueue(bytes: Buffer): void {
    this.outgoing.push(bytes);
    if (this.outgoing.length > 1) return;
    queueMicrotask(() => {
      const all = Buffer.concat(this.outgoing);
      this.outgoing = [];
      if (this.goneBecause !== undefined || !this.program.stdin.writable) return;
      try {
        for (let at = 0; at < all.length; at += pieceSize)
          this.program.stdin.write(all.subarray(at, at + pieceSize));
      } catch (error) {
        // ssh2 throws where a line with compression is over before its stream says so.
        this.gone(`the connection was lost: ${reasonOf(error)}`);
      }
    });
  }

  private receive(chunk: Buffer): void {
    this.unheard = 0;
    try {
      const before = this.frames.partial;
      const bodies = this.frames.push(this.skipNoise(chunk));
      if (before === 0 || bodies.length > 0) this.frameBegan = Date.now();
      this.framesHeard += bodies.length;
      for (const body of bodies) this.take(body);
    } catch (error) {
      this.gone(`what the host sent cannot be understood: ${reasonOf(error)}`);
    }
  }

  private skipNoise(chunk: Buffer): Buffer {
    if (this.noise === undefined) return chunk;
    this.noise = Buffer.concat([this.noise, chunk]);
    const at = this.noise.indexOf(magic);
    if (at >= 0) {
      const rest = this.noise.subarray(at + magic.length);
      this.noise = undefined;
      return rest;
    }
    if (this.noise.length > maxNoise) {
      this.noise = this.noise.subarray(0, 200);
      throw new Error("it is not the agent's greeting");
    }
    return Buffer.alloc(0);
  }

  private take(body: Buffer): void {
    const reply = dictionaryOf(decode(body), "a reply");
    const waiting = typeof reply.id === "number" ? this.pending.get(reply.id) : undefined;
    if (waiting === undefined) throw new Error("it is a reply to no request");
    this.pending.delete(Number(reply.id));
    clearTimeout(waiting.timer);
    this.repliedSinceSending = true;
    if (reply.error === undefined) {
      const ok = reply.ok ?? null;
      waiting.resolve(waiting.received?.(ok) ?? ok);
      return;
    }
    const error = dictionaryOf(reply.error, "an error");
    const holder = typeof error.holder === "string" ? toText(error.holder) : undefined;
    const message = typeof error.message === "string" ? toText(error.message) : "no reason given";
    const reason =
      holder === undefined || holder === ""
        ? message
        : `${message}: ${holder.replaceAll("\n", ", ")}`;
    waiting.reject(this.errorFor(agentErrorKind(error.kind), reason, waiting, "failed", holder));
  }

  private expire(id: number): void {
    const waiting = this.pending.get(id);
    if (waiting === undefined) return;
    const more = Math.min(this.mayTake(waiting), waiting.until - Date.now());
    if (more > 0) {
      const framesBefore = this.framesHeard;
      const timer = setTimeout(() => this.expire(id), more);
      this.pending.set(id, { ...waiting, timer, framesBefore });
      return;
    }
    this.pending.delete(id);
    const { partial } = this.frames;
    const came = partial === 0 ? "no reply came" : `only ${partial} bytes of a reply came`;
    // What the line was given for the request's own bytes is part of the time that is named.
    const reason = `${came} within ${Math.round((Date.now() - waiting.since) / 1000)} s`;
    waiting.reject(this.errorFor("deadline", reason, waiting, "lost"));
    this.gone(`the agent stopped answering while ${waiting.during}`);
  }

  /**
   * For how many more milliseconds a request that is past its deadline is waited for. A reply that is coming in may be
   * its own, or one that its own stands behind; but only at a rate at which the reply comes to an end. A few bytes now
   * and then are no sign of one.
   */
  private mayTake({ framesBefore = this.framesHeard }: Pending): number {
    const { partial } = this.frames;
    if (partial > 0) return this.frameBegan + arrivalMs + partial / slowest - Date.now();
    return this.framesHeard > framesBefore ? arrivalMs : 0;
  }

  private gone(reason: string): void {
    if (this.goneBecause !== undefined) return;
    this.goneBecause = reason;
    clearInterval(this.watch);
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const one of waiting) {
      clearTimeout(one.timer);
      one.reject(this.errorFor("lost", reason, one, "lost"));
    }
    this.program.close();
    for (const listener of this.goneListeners) listener(reason);
  }

  private errorFor(
    kind: HostErrorKind,
    reason: string,
    request: RequestOptions,
    cause: "failed" | "lost",
    holder?: string,
  ): HostError {
    return new HostError(kind, {
      host: this.address,
      during: request.during,
      reason,
      changed: request.changed?.(cause) ?? "no",
      next: nextSteps[kind] ?? "",
      retriable: kind === "lost" || kind === "deadline" || kind === "locked",
      ...(holder === undefined ? {} : { holder }),
    });
  }

  private describeEnd(end: ProgramEnd): string {
    const said = this.complaints === "" ? "" : `: ${this.complaints}`;
    if (end.signal !== null) return `the agent was ended by SIG${end.signal}${said}`;
    if (end.code !== null) return `the agent ended with exit code ${end.code}${said}`;
    return `the connection was lost${said}`;
  }
}
