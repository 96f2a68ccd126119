/** The files in which a running host is recorded, so that every process on the machine can find it. */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "../image/ensureImage";
import type { Release } from "../image/releases";
import { cacheFolder } from "../machine/folders";
import type { ProcessRef } from "../machine/processes";

/** How to reach a host, and where its files are. */
export interface HostAddress {
  /** The random id by which commands name the host. */
  readonly id: string;
  /** The OpenBSD release that it is shaped like. */
  readonly release: Release;
  /** The address of its sshd. */
  readonly host: string;
  /** The TCP port of its sshd. */
  readonly port: number;
  /** Who may log in: root. */
  readonly user: string;
  /** The file on this machine with the private key that it lets in. */
  readonly privateKeyPath: string;
  /** The ed25519 host key, as in a public key file without the comment, e.g. `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** A known_hosts file on this machine with its host key. */
  readonly knownHostsPath: string;
  /**
   * The folder on this machine in which the host's files can be seen. Do not follow symbolic links in it: an
   * absolute one leads to a file of this machine. A program that runs on the host has no such problem.
   */
  readonly root: string;
  /** How long it took to start the host until it answered, in milliseconds. */
  readonly upMs: number;
}

/** Everything that is recorded about a host, in `host.json` of its run folder. */
export interface HostRecord extends HostAddress {
  readonly image: Image;
  /** The process on this machine that keeps the host running. */
  readonly keeper: ProcessRef;
  /** Process 1 of the host. */
  readonly init: ProcessRef;
}

/** The folder that has the run folders of all hosts. */
export function hostsFolder(): string {
  return join(cacheFolder(), "hosts");
}

/** The run folder of a host, which has everything that belongs to it. */
export function runFolder(id: string): string {
  return join(hostsFolder(), id);
}

/** The unix socket on which a host's keeper takes requests. */
export function controlPath(id: string): string {
  return join(runFolder(id), "control");
}

/** The unix socket behind which the TCP ports of a host are (network.ts). It is there once somebody has asked for it. */
export function networkPath(id: string): string {
  return join(runFolder(id), "network");
}

/** Writes a host's record. Nobody can read it half written, because it is renamed into place. */
export async function writeRecord(record: HostRecord): Promise<void> {
  const path = join(runFolder(record.id), "host.json");
  await writeFile(`${path}.new`, JSON.stringify(record));
  await rename(`${path}.new`, path);
}

/** The record of a host; undefined if there is no such host, or it has not booted. */
export function readRecord(id: string): HostRecord | undefined {
  return readJson(join(runFolder(id), "host.json")) as HostRecord | undefined;
}

/** The keeper of a host, which is known before the host has booted; undefined if there is no such host. */
export function readKeeper(id: string): ProcessRef | undefined {
  return readJson(join(runFolder(id), "keeper.json")) as ProcessRef | undefined;
}

/** Reads a JSON file; undefined if it is not there. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
