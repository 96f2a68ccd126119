import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, openSync, readdirSync, closeSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageFolder } from "./cache";
import { askControl } from "./control";
import type { Facts } from "./facts";
import {
  controlPath,
  hostsFolder,
  isAlive,
  kill,
  readKeeper,
  readRecord,
  runFolder,
  type HostRecord,
} from "./hostRecord";
import { ensureImage, type Release } from "./image";
import type { KeeperOptions, KeeperReport } from "./keeper";
import { removeFolder } from "./namespaces";

/** How a host is started. */
export interface StartOptions {
  /** @default "7.8" */
  readonly release?: Release;
  /** Delay on the line to the host, in milliseconds each way. @default 0 */
  readonly latencyMs?: number;
  /** Other answers to what the release does. @default none */
  readonly facts?: Facts;
}

/** A host whose folder is there: `gone` is what a crash left behind. */
export interface ListedHost {
  readonly id: string;
  readonly state: "running" | "starting" | "gone";
  readonly record: HostRecord | undefined;
}

/**
 * Starts a host and returns when it has booted.
 *
 * @param owned - Whether the host ends with this process; otherwise it lives until it is stopped.
 */
export async function launchHost(options: StartOptions, owned: boolean): Promise<HostRecord> {
  const image = await ensureImage(options.release ?? "7.8");
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
  // The host must not keep this process from ending.
  keeper.unref();
  keeper.stdout?.destroy();
  if (owned) (keeper.stdin as Socket | null)?.unref();
  else keeper.stdin?.end("released\n");
  return report.record;
}

function startKeeper(options: KeeperOptions): ChildProcess {
  const built = join(packageFolder(), "dist/testing/keeper.js");
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

function readReport(keeper: ChildProcess): Promise<KeeperReport> {
  return new Promise((resolve, reject) => {
    let text = "";
    keeper.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(JSON.parse(text) as KeeperReport);
    });
    keeper.once("error", reject);
    keeper.once("close", () =>
      resolve({ error: "its keeper ended without a word", console: text }),
    );
  });
}

/** Every host of this cache folder, also those that a crash left half behind. */
export function listHosts(): ListedHost[] {
  const names = existsSync(hostsFolder()) ? readdirSync(hostsFolder()).sort() : [];
  return names.map((id) => {
    const record = readRecord(id);
    if (!isAlive(readKeeper(id))) return { id, state: "gone", record };
    return { id, state: record === undefined ? "starting" : "running", record };
  });
}

/** Ends a host: its processes, its mounts and its folder, also when its keeper crashed. */
export async function stopHost(id: string): Promise<void> {
  if (!existsSync(runFolder(id))) return;
  const keeper = readKeeper(id);
  if (isAlive(keeper)) {
    await askControl(controlPath(id), { do: "stop" }).catch(() => kill(keeper));
    await until(() => !isAlive(keeper), 10_000).catch(() => kill(keeper));
  }
  // Process 1 ends when its keeper does, and everything in the namespaces with it.
  const init = readRecord(id)?.init;
  await until(() => !isAlive(init), 2000).catch(() => kill(init));
  await until(() => !isAlive(init), 5000);
  if (existsSync(runFolder(id))) removeFolder(runFolder(id));
}

async function until(done: () => boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`not done within ${limitMs / 1000} s`);
    await sleep(5);
  }
}
