/** A client of QMP, the protocol in which QEMU takes orders from other programs: one JSON object on each line. */
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { MachineError } from "./machineError";

/** Something that QEMU tells without being asked. */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Gives orders to a QEMU by its QMP streams. */
export class Qmp {
  /** Resolves when QEMU is ready to take orders; rejects if it ends before. */
  readonly ready: Promise<void>;
  private readonly waiting: Waiting[] = [];
  private closed = false;

  constructor(
    input: Readable,
    private readonly output: Writable,
    onEvent: (event: QmpEvent) => void,
  ) {
    let greeted: () => void = () => undefined;
    const greeting = new Promise<void>((resolve, reject) => {
      greeted = resolve;
      this.onEnd(input, reject);
    });
    createInterface(input).on("line", (line) => {
      const message = JSON.parse(line) as Record<string, unknown>;
      if ("QMP" in message) greeted();
      else if (typeof message["event"] === "string") onEvent(message as unknown as QmpEvent);
      else this.answer(message);
    });
    this.ready = greeting.then(async () => {
      await this.order("qmp_capabilities");
    });
    this.ready.catch(() => undefined);
  }

  /** Gives an order and returns QEMU's answer. */
  order(execute: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.closed) return Promise.reject(ended());
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.output.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
  }

  /** Gives an order of QEMU's monitor for people, and returns the text that it prints. */
  async monitor(command: string): Promise<string> {
    return String(await this.order("human-monitor-command", { "command-line": command }));
  }

  private answer(reply: Reply): void {
    const waiting = this.waiting.shift();
    if (reply.error === undefined) waiting?.resolve(reply.return);
    else waiting?.reject(new MachineError(`QEMU refuses: ${reply.error.desc}`));
  }

  private onEnd(input: Readable, reject: (error: Error) => void): void {
    input.once("close", () => {
      this.closed = true;
      reject(ended());
      for (const waiting of this.waiting.splice(0)) waiting.reject(ended());
    });
  }
}

function ended(): MachineError {
  return new MachineError("QEMU has ended");
}
