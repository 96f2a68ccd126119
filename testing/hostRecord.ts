import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "./cache";
import type { Image, Release } from "./image";

/** A process, told from a later one with the same number by when it started. */
export interface ProcessRef {
  readonly pid: number;
  /** Field 22 of proc_pid_stat(5). */
  readonly startTime: string;
}

/** What others may know of a host: how to reach it, and where its files are. */
export interface HostAddress {
  readonly id: string;
  readonly release: Release;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKeyPath: string;
  /** The ed25519 host key, as in a public key file without the comment, e.g. `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  readonly knownHostsPath: string;
  /**
   * The host's file tree as seen from outside. Absolute symbolic links in it lead out of it, to the
   * machine's own files, so follow none: what runs on the host sees what the host sees.
   */
  readonly root: string;
  /** From the request to a booted host that answers, in milliseconds. */
  readonly upMs: number;
}

/** What is known of a host, kept in its run folder. */
export interface HostRecord extends HostAddress {
  readonly image: Image;
  readonly keeper: ProcessRef;
  /** Process 1 of the host. */
  readonly init: ProcessRef;
}

/** The folder of all run folders. */
export function hostsFolder(): string {
  return join(cacheFolder(), "hosts");
}

/** The run folder of one host. */
export function runFolder(id: string): string {
  return join(hostsFolder(), id);
}

/** The socket on which a host's keeper listens. */
export function controlPath(id: string): string {
  return join(runFolder(id), "control");
}

/** Writes a record so that no reader sees half of it. */
export async function writeRecord(record: HostRecord): Promise<void> {
  const path = join(runFolder(record.id), "host.json");
  await writeFile(`${path}.new`, JSON.stringify(record));
  await rename(`${path}.new`, path);
}

/** The record of a host; undefined when it never came up, or there is none of that name. */
export function readRecord(id: string): HostRecord | undefined {
  return readJson(join(runFolder(id), "host.json")) as HostRecord | undefined;
}

/** The keeper of a host that may not be up yet. */
export function readKeeper(id: string): ProcessRef | undefined {
  return readJson(join(runFolder(id), "keeper.json")) as ProcessRef | undefined;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Refers to a running process; undefined when there is none of that number. */
export function processRef(pid: number): ProcessRef | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field, the name, is in parentheses and may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, startTime] = [fields[0], fields[19]];
    return startTime === undefined || state === "Z" ? undefined : { pid, startTime };
  } catch {
    return undefined;
  }
}

/** Whether the very process still runs. */
export function isAlive(process: ProcessRef | undefined): boolean {
  return process !== undefined && processRef(process.pid)?.startTime === process.startTime;
}

/** Ends a process at once, if it is still the same. */
export function kill(ref: ProcessRef | undefined): void {
  if (ref === undefined || !isAlive(ref)) return;
  try {
    process.kill(ref.pid, "SIGKILL");
  } catch {
    // It ended in between.
  }
}
