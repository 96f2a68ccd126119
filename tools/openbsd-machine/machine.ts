/** An installed machine that runs: started over a copy-on-write overlay, reached by ssh(1), stopped in good order. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheFolder } from "../../testing/machine/folders";
import type { Finished } from "../../testing/machine/runProgram";
import { Guarded, script } from "./guarded";
import { pause, unlessAborted } from "./interruption";
import { lastLines, MachineError } from "./machineError";
import { overlayArgv, startArgv, type StartOptions } from "./qemu";
import { Qmp, type QmpEvent } from "./qmp";
import { SshAccess } from "./sshAccess";

/** What is started, and how. */
export interface MachineOptions extends StartOptions {
  /** The file with the installed disk. */
  readonly disk: string;
  /** Whether what the machine writes is kept in the disk itself, and not in an overlay that is thrown away. */
  readonly keep: boolean;
  /** The file with the private key of root. */
  readonly identity: string;
  /** The public key of the machine's sshd(8); without one it is learned from the first answer. */
  readonly hostKey: string | undefined;
  /** How long the machine may take until its sshd(8) answers. */
  readonly bootLimitMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Called with a line of text for each step. */
  readonly say: (line: string) => void;
}

/** How a machine came to its end. */
export type End = "it shut itself down" | "it was switched off" | "it was killed";

/** How long a machine may take to shut itself down, in milliseconds: in software, OpenBSD takes a minute. */
const shutdownLimitMs = { kvm: 60_000, hvf: 60_000, tcg: 180_000 } as const;

/** The folder with the folders of the machines that run. */
export function runsFolder(): string {
  return join(cacheFolder(), "openbsd-machines", "running");
}

/** A running machine. */
export class Machine {
  private readonly qemu: Guarded;
  private readonly qmp: Qmp;
  private access: SshAccess | undefined;
  /** Rejects when the machine can serve no longer. Never resolves. */
  readonly failure: Promise<never>;
  private fail: (error: Error) => void = () => undefined;
  private stopping = false;

  private constructor(
    private readonly options: MachineOptions,
    private readonly folder: string,
  ) {
    this.failure = new Promise((_, reject) => (this.fail = reject));
    this.failure.catch(() => undefined);
    const disk = resolve(options.disk);
    this.qemu = new Guarded(
      folder,
      options.keep ? startArgv(disk, options) : overlayArgv(disk, script("overlay.sh"), options),
    );
    this.qmp = new Qmp(this.qemu.stdout, this.qemu.stdin, (event) => this.onEvent(event));
    void this.qemu.ended.then(() => {
      if (!this.stopping) this.fail(new MachineError(`The machine has ended.${this.told()}`));
    });
  }

  /** Starts a machine and returns when root can log in to it. */
  static async start(options: MachineOptions): Promise<Machine> {
    mkdirSync(runsFolder(), { recursive: true, mode: 0o700 });
    const machine = new Machine(options, join(runsFolder(), randomBytes(4).toString("hex")));
    try {
      await machine.boot();
      return machine;
    } catch (error) {
      await machine.abandon();
      throw error;
    }
  }

  /** How to reach the machine. */
  get ssh(): SshAccess {
    if (this.access === undefined) throw new MachineError("The machine has not started yet.");
    return this.access;
  }

  /** Ends with a process that uses the machine: see {@link Guarded.endWith}. */
  endWith(pid: number): void {
    this.qemu.endWith(pid);
  }

  /** Runs a command of the machine's shell as root. */
  run(command: string, limitMs: number): Promise<Finished> {
    return Promise.race([this.ssh.run(command, limitMs), this.failure]);
  }

  /** Shuts the machine down, and removes all that was made for it. */
  async stop(): Promise<End> {
    this.stopping = true;
    try {
      return await this.shutdown();
    } finally {
      await this.qemu.remove();
    }
  }

  /** Switches the machine off, and removes all that was made for it. */
  async abandon(): Promise<void> {
    this.stopping = true;
    await this.qemu.remove();
  }

  private async boot(): Promise<void> {
    const { options } = this;
    await this.unlessFailed(this.qmp.ready).catch((error: unknown) => {
      if (options.signal.aborted) throw error;
      throw new MachineError(
        `QEMU did not start: ${lastLines(this.qemu.stderr, 10) || "it gave no reason"}`,
      );
    });
    // QEMU has the overlay open: without a name, it is gone with QEMU, whatever happens.
    if (!options.keep) rmSync(join(this.folder, "overlay.qcow2"), { force: true });
    this.access = new SshAccess(this.folder, await this.forwardedPort(), options.identity);
    options.say(
      `started (${options.accelerator}); waiting for sshd at 127.0.0.1:${this.access.port}`,
    );
    if (options.hostKey !== undefined) this.access.pin(options.hostKey);
    await this.unlessFailed(this.untilLogin(this.access));
  }

  /** The port of this machine that leads to sshd(8), as QEMU has chosen it. */
  private async forwardedPort(): Promise<number> {
    const shown = await this.qmp.monitor("info usernet");
    const port = /TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s/.exec(shown)?.[1];
    if (port === undefined)
      throw new MachineError(`QEMU does not say which port it forwards:\n${shown}`);
    return Number(port);
  }

  private async untilLogin(access: SshAccess): Promise<void> {
    const { bootLimitMs, say, signal } = this.options;
    const started = Date.now();
    let came = "";
    const left = (): number => started + bootLimitMs - Date.now();
    while (left() > 0 && !this.stopping) {
      if (await access.answers(Math.min(5000, left()))) {
        if (this.options.hostKey === undefined && !(await this.learn(access))) continue;
        const { exitCode, stderr } = await access.run("true", 60_000);
        if (exitCode === 0) {
          say(`root can log in after ${((Date.now() - started) / 1000).toFixed(1)} s`);
          return;
        }
        came = stderr.toString().trim();
        if (/Host key verification failed|Permission denied/.test(came)) throw refused(came);
      }
      await pause(500, signal);
    }
    throw new MachineError(
      `sshd of the machine did not answer within ${bootLimitMs / 1000} s (--boot-seconds gives it more).` +
        `${came === "" ? "" : `\nThe last answer of ssh: ${came}`}${this.told()}`,
    );
  }

  /** Trusts the host key that the machine shows, for this run. */
  private async learn(access: SshAccess): Promise<boolean> {
    const key = await access.scan();
    if (key === undefined) return false;
    access.pin(key);
    this.options.say(`host key, as the machine itself shows it (--host-key pins one): ${key}`);
    return true;
  }

  private async shutdown(): Promise<End> {
    const limitMs = shutdownLimitMs[this.options.accelerator];
    if (await Promise.race([this.endsWithin(limitMs), this.refusesToShutDown(limitMs)]))
      return "it shut itself down";
    await this.qmp.order("system_powerdown").catch(() => undefined);
    if (await this.endsWithin(20_000)) return "it shut itself down";
    await this.qmp.order("quit").catch(() => undefined);
    return (await this.endsWithin(5000)) ? "it was switched off" : "it was killed";
  }

  /** Orders the machine to shut down. Resolves, with false, only if the order did not get there. */
  private async refusesToShutDown(limitMs: number): Promise<false> {
    const { exitCode, stderr } = await this.ssh.run("exec shutdown -p now", limitMs);
    // The connection of an order that is obeyed breaks, too.
    const never = /refused|timed out|Permission denied|Host key/.test(stderr.toString());
    if (exitCode === 127 || never) return false;
    return new Promise(() => undefined);
  }

  private async endsWithin(ms: number): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(ms, false, { signal: timer.signal }).catch(() => false);
    const ended = await Promise.race([this.qemu.ended.then(() => true), late]);
    timer.abort();
    return ended;
  }

  private onEvent({ event, data }: QmpEvent): void {
    // QEMU stops a machine whose disk cannot be written, so that no program in it sees the error.
    if (event !== "BLOCK_IO_ERROR" || data?.["action"] !== "stop") return;
    const reason = data["nospace"] === true ? "no space is left" : String(data["reason"]);
    this.fail(
      new MachineError(
        `The machine cannot write to its disk any more: ${reason} where ${this.folder} is.`,
      ),
    );
  }

  private unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return unlessAborted(Promise.race([promise, this.failure]), this.options.signal);
  }

  /** What QEMU and the machine's console said last, for an error message. */
  private told(): string {
    let console = "";
    try {
      console = readFileSync(join(this.folder, "console.log"), "latin1");
    } catch {
      // A QEMU that did not start has written none.
    }
    const texts = { QEMU: lastLines(this.qemu.stderr, 10), "its console": lastLines(console, 15) };
    return Object.entries(texts)
      .map(([who, text]) => (text === "" ? "" : `\nThe last words of ${who}:\n${text}`))
      .join("");
  }
}

function refused(answer: string): MachineError {
  const next = answer.includes("Host key verification failed")
    ? "Whoever answers there is not the machine that was installed, or its keys were made anew. If you know why, give its " +
      "key with --host-key, or install the machine again."
    : "Its root does not take the key of --identity.";
  return new MachineError(`ssh to the machine was refused:\n${answer}\n${next}`);
}
