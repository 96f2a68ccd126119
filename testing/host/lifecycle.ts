/** Starts, lists and stops hosts. Each host has a keeper, a process of its own, which is started here. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureImage } from "../image/ensureImage";
import type { Release } from "../image/releases";
import type { Extra } from "../image/stages";
import { packageFolder } from "../machine/folders";
import { removeFolder } from "../machine/namespaces";
import { isAlive, kill } from "../machine/processes";
import { askControl } from "./controlSocket";
import type { Facts } from "./factOverrides";
import {
  controlPath,
  type HostRecord,
  hostsFolder,
  readKeeper,
  readRecord,
  runFolder,
} from "./hostRecord";
import type { KeeperOptions, KeeperReport } from "./keeper";

/** How a host is started. */
export interface StartOptions {
  /** The OpenBSD release that the host is shaped like. @default "7.8" */
  readonly release?: Release;
  /** Delay of the network to the host, in milliseconds for each direction. @default 0 */
  readonly latencyMs?: number;
  /** Overrides for facts about the release. @default none */
  readonly facts?: Facts;
  /** What the host has besides a plain OpenBSD; an extra is made when it is first asked for. @default none */
  readonly extras?: readonly Extra[];
}

/** A host that has a run folder. The state `gone` means that its keeper crashed. */
export interface ListedHost {
  /** The random id by which commands and {@link stopHost} name it. */
  readonly id: string;
  /** Whether it has booted, is about to, or has no keeper any more. */
  readonly state: "running" | "starting" | "gone";
  /** How to reach it; none before it has booted. */
  readonly record: HostRecord | undefined;
}

/**
 * Starts a host and returns when it has booted.
 *
 * @param owned - Whether the host ends with this process. If not, it runs until it is stopped.
 */
export async function launchHost(options: StartOptions, owned: boolean): Promise<HostRecord> {
  const image = await ensureImage(options.release ?? "7.8", undefined, options.extras);
  const id = randomBytes(4).toString("hex");
  mkdirSync(runFolder(id), { recursive: true, mode: 0o700 });
  const keeper = startKeeper({
    id,
    release: options.release ?? "7.8",
    image,
    latencyMs: options.latencyMs ?? 0,
    facts: options.facts ?? {},
    requested: Date.now(),
  });
  const report = await readReport(keeper);
  if ("error" in report) {
    await stopHost(id);
    throw new Error(`the test host did not start: ${report.error}\n${report.console}`);
  }
  // The host must not keep this process alive.
  keeper.unref();
  keeper.stdout?.destroy();
  if (owned) (keeper.stdin as Socket | null)?.unref();
  else keeper.stdin?.end("released\n");
  return report.record;
}

function startKeeper(options: KeeperOptions): ChildProcess {
  const built = join(packageFolder(), "dist/testing/host/keeper.js");
  if (!existsSync(built)) throw new Error(`${built} is missing: run "npm run build" first`);
  const log = openSync(join(runFolder(options.id), "keeper.log"), "a");
  try {
    return spawn(process.execPath, [built, JSON.stringify(options)], {
      detached: true,
      stdio: ["pipe", "pipe", log],
    });
  } finally {
    closeSync(log);
  }
}

/** Waits until the keeper reports that its host has booted, or why not. */
function readReport(keeper: ChildProcess): Promise<KeeperReport> {
  return new Promise((resolve, reject) => {
    let text = "";
    keeper.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(JSON.parse(text) as KeeperReport);
    });
    keeper.once("error", reject);
    keeper.once("close", () =>
      resolve({ error: "its keeper ended without a report", console: text }),
    );
  });
}

/** Lists all hosts of this cache folder, also those whose keeper crashed. */
export function listHosts(): ListedHost[] {
  const names = existsSync(hostsFolder()) ? readdirSync(hostsFolder()).sort() : [];
  return names.map((id) => {
    const record = readRecord(id);
    if (!isAlive(readKeeper(id))) return { id, state: "gone", record };
    return { id, state: record === undefined ? "starting" : "running", record };
  });
}

/** Ends the processes and mounts of a host and deletes its folder. Works also if its keeper crashed. */
export async function stopHost(id: string): Promise<void> {
  if (!existsSync(runFolder(id))) return;
  const keeper = readKeeper(id);
  if (isAlive(keeper)) {
    await askControl(controlPath(id), { do: "stop" }).catch(() => kill(keeper));
    await until(() => !isAlive(keeper), 10_000).catch(() => kill(keeper));
  }
  // Process 1 of the host ends when the keeper ends, and with it all processes in the namespaces.
  const init = readRecord(id)?.init;
  await until(() => !isAlive(init), 2000).catch(() => kill(init));
  await until(() => !isAlive(init), 5000);
  if (existsSync(runFolder(id))) removeFolder(runFolder(id));
}

/** Waits until `done` returns true; throws if that takes longer than `limitMs`. */
async function until(done: () => boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`not done within ${limitMs / 1000} s`);
    await sleep(5);
  }
}
