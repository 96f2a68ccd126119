/**
 * Processes of this machine: references by which a reused process number is never taken for the old process, and families.
 */
import { readdirSync, readFileSync } from "node:fs";

/** A process. Its start time tells it from a later process with the same number. */
export interface ProcessRef {
  readonly pid: number;
  /** Field 22 of proc_pid_stat(5). */
  readonly startTime: string;
}

/** The running process with this number; undefined if there is none. */
export function processRef(pid: number): ProcessRef | undefined {
  const fields = statOf(pid);
  const [state, startTime] = [fields?.[0], fields?.[19]];
  return startTime === undefined || state === "Z" ? undefined : { pid, startTime };
}

/** What proc_pid_stat(5) tells of a process from its third field on; undefined if there is none. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field, the name, is in parentheses and may itself contain blanks and parentheses.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
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

/** A process and all that it has started and that runs still: each comes after the one that started it. */
export function familyOf(pid: number): readonly number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = pids.map((one) => [one, Number(statOf(one)?.[1])] as const);
  const family = new Set([pid]);
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const [one, parent] of parents) if (family.has(parent)) family.add(one);
  }
  return [...family];
}
