/** Runs a program that uses the machine, beside it. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { signalNumber } from "../../testing/machine/runProgram";
import { Interrupted, unlessAborted } from "./interruption";
import type { Machine } from "./machine";
import { MachineError } from "./machineError";

/** How long a program may take to end after it was asked to, in milliseconds. */
const endLimitMs = 10_000;

/**
 * Runs a program of this machine and returns its exit status. It ends when the machine fails, and by the signals that end
 * this process; when this process is killed, the guard of the machine ends it.
 */
export async function runCommand(
  machine: Machine,
  [command = "", ...args]: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  // On a terminal the program stays in the foreground, where it can ask and gets Ctrl-C from the terminal. Elsewhere it
  // has a group of its own, so that all that it starts can be told to end.
  const foreground = process.stdin.isTTY;
  const child = spawn(command, args, {
    detached: !foreground,
    stdio: "inherit",
    env: { ...process.env, ...machine.ssh.environment },
  });
  const status = exitStatus(child, command);
  const target = foreground ? child.pid : -(child.pid ?? 0);
  if (target !== undefined && target !== 0) machine.endWith(target);
  try {
    return await unlessAborted(Promise.race([status, machine.failure]), signal);
  } catch (error) {
    const asked = error instanceof Interrupted ? error.signal : "SIGTERM";
    await end(status, (name) => kill(target, name), foreground && asked === "SIGINT", asked);
    throw error;
  } finally {
    machine.endWith(0);
  }
}

/** Asks a program to end, and makes it. */
async function end(
  status: Promise<number>,
  tell: (signal: NodeJS.Signals) => void,
  knows: boolean,
  signal: NodeJS.Signals,
): Promise<void> {
  const over = status.then(
    () => true,
    () => true,
  );
  if (!knows) tell(signal);
  const late = new AbortController();
  const timer = sleep(endLimitMs, false, { signal: late.signal }).catch(() => false);
  if (!(await Promise.race([over, timer]))) tell("SIGKILL");
  late.abort();
  await over;
}

function exitStatus(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new MachineError(`${command} cannot be started: ${error.message}`));
    });
    child.once("exit", (code, name) => resolve(code ?? 128 + signalNumber(name)));
  });
}

function kill(target: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (target !== undefined && target !== 0) process.kill(target, signal);
  } catch {
    // It has ended meanwhile.
  }
}
