/** Refers to processes of this machine so that a reused process number is never taken for the old process. */
import { readFileSync } from "node:fs";

/** A process. Its start time tells it from a later process with the same number. */
export interface ProcessRef {
  readonly pid: number;
  /** Field 22 of proc_pid_stat(5). */
  readonly startTime: string;
}

/** The running process with this number; undefined if there is none. */
export function processRef(pid: number): ProcessRef | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field, the name, is in parentheses and may itself contain blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, startTime] = [fields[0], fields[19]];
    return startTime === undefined || state === "Z" ? undefined : { pid, startTime };
  } catch {
    return undefined;
  }
}

/** Whether this process still runs. */
export function isAlive(process: ProcessRef | undefined): boolean {
  return process !== undefined && processRef(process.pid)?.startTime === process.startTime;
}

/** Kills a process with SIGKILL if it still runs. */
export function kill(ref: ProcessRef | undefined): void {
  if (ref === undefined || !isAlive(ref)) return;
  try {
    process.kill(ref.pid, "SIGKILL");
  } catch {
    // The process ended after the check.
  }
}
