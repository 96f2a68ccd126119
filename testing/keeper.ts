import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cacheFolder, packageFolder } from "./cache";
import { serveControl, type ControlRequest } from "./control";
import { answeredFacts, type Facts, factsPath } from "./facts";
import {
  controlPath,
  processRef,
  runFolder,
  writeRecord,
  type HostRecord,
  type ProcessRef,
} from "./hostRecord";
import type { Image, Release } from "./image";
import { isBefore } from "./imageStages";
import {
  enterArgv,
  machineEnvironment,
  overlayOptions,
  removeFolder,
  run,
  unshareArgv,
} from "./namespaces";
import { generateSshKey, type SshKeyPair } from "./sshKeys";
import { SshLine } from "./sshLine";

/** What a keeper is started with, as JSON in its only argument. */
export interface KeeperOptions {
  readonly id: string;
  readonly release: Release;
  readonly image: Image;
  readonly latencyMs: number;
  readonly facts: Facts;
  /** Milliseconds since the epoch. */
  readonly requested: number;
}

/** What a keeper says, on one line of its stdout, when it is done with starting. */
export type KeeperReport =
  { readonly record: HostRecord } | { readonly error: string; readonly console: string };

/** A file that process 1 writes before the first boot. */
interface SeedFile {
  readonly path: string;
  /** In octal. */
  readonly mode: string;
  readonly text: string;
}

/** What process 1 is told first. */
interface Seed {
  readonly files: readonly SeedFile[];
  readonly users: readonly string[];
  /** The line of authorized_keys for all of them. */
  readonly key: string;
}

/** Users of the host that the one client key opens. */
const users = ["root", "alice", "bob", "op", "nobodyspecial"];

/** Whether sshd of the release knows no ed25519 keys, which came with OpenSSH 6.5 in OpenBSD 5.5. */
function hasLegacyKey(release: Release): boolean {
  return isBefore(release, "5.5");
}

/** How long a host may take to boot. */
const bootLimitMs = 60_000;

/** Keeps one host: holds its process 1 and its line, and takes everything away at the end. */
class Keeper {
  private readonly folder: string;
  private readonly line: SshLine;
  private readonly initLines: ((line: string) => void)[] = [];
  private init: ChildProcess | undefined;
  private initRef: ProcessRef | undefined;
  private stopping = false;
  /** Whether process 1 ends because it was told to, to be started again. */
  private halting = false;
  private record: HostRecord | undefined;
  private image: Image;
  private release: Release;

  constructor(private readonly options: KeeperOptions) {
    this.image = options.image;
    this.release = options.release;
    this.folder = runFolder(options.id);
    this.line = new SshLine(() => this.startSshd(), options.latencyMs);
  }

  async start(): Promise<HostRecord> {
    const { id, release, image, requested, facts } = this.options;
    const keeper = processRef(process.pid);
    if (keeper === undefined) throw new Error("no /proc here");
    writeFileSync(join(this.folder, "keeper.json"), JSON.stringify(keeper));
    this.startInit();
    const [pidLine, client, hostKey, legacyKey, port] = await Promise.all([
      this.nextLine("pid"),
      generateSshKey("ed25519"),
      generateSshKey("ed25519"),
      hasLegacyKey(release) ? generateSshKey("rsa") : undefined,
      this.line.listen(),
    ]);
    const init = this.refer(pidLine);
    this.seed({
      files: [...keyFiles(hostKey, legacyKey), ...factFiles(image, facts)],
      users,
      key: `${client.public} test`,
    });
    await this.booted();
    const record: HostRecord = {
      id,
      release,
      host: "127.0.0.1",
      port,
      user: "root",
      privateKeyPath: join(this.folder, "id_ed25519"),
      hostKey: hostKey.public,
      knownHostsPath: join(this.folder, "known_hosts"),
      root: `/proc/${init.pid}/root`,
      image,
      keeper,
      init,
      upMs: Date.now() - requested,
    };
    this.writeKeys(record, client, legacyKey);
    await serveControl(controlPath(id), (request) => this.answer(request));
    await writeRecord(record);
    this.record = record;
    return record;
  }

  /** Notes which process is the host's first, by what it said of itself. */
  private refer(pidLine: string): ProcessRef {
    const init = processRef(Number(pidLine.split(" ")[1]));
    if (init === undefined) throw new Error("process 1 of the host ended at once");
    this.initRef = init;
    return init;
  }

  /** Waits until /etc/rc is done. */
  private async booted(): Promise<void> {
    const status = (await this.nextLine("up")).split(" ")[1];
    if (status !== "0") throw new Error(`/etc/rc ended with exit status ${status}`);
  }

  /** Ends the host and deletes its run folder. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.line.close();
    const init = this.init;
    if (init !== undefined && init.exitCode === null && init.signalCode === null) {
      const ended = new Promise((resolve) => init.once("close", resolve));
      init.stdin?.end();
      const timer = setTimeout(() => init.kill("SIGKILL"), 2000);
      await ended;
      clearTimeout(timer);
    }
    removeFolder(this.folder);
  }

  private startInit(): void {
    const { base, layer } = this.image;
    const scripts = join(packageFolder(), "testing/image");
    const boot = ["sh", join(scripts, "boot.sh"), base, layer, `hosts/${this.options.id}`];
    const argv = unshareArgv(
      ["mount", "pid", "net", "uts", "ipc", "fork", "kill-child"],
      [...boot, overlayOptions, join(scripts, "init.pl")],
    );
    const [command = "", ...args] = argv;
    this.init = spawn(command, args, {
      cwd: cacheFolder(),
      env: machineEnvironment,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.init.on("error", () => undefined);
    this.init.stdin?.on("error", () => undefined);
    if (this.init.stdout === null) return;
    createInterface(this.init.stdout).on("line", (line) => this.initLines.shift()?.(line));
    this.init.on("close", () => {
      for (const tell of this.initLines.splice(0)) tell("ended");
      // Nothing is left to keep: whatever started the host will find it gone.
      if (!this.stopping && !this.halting) void this.stop().then(() => process.exit(1));
    });
  }

  /** The next line that process 1 says, which must be of the kind expected. */
  private nextLine(kind: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the host is not up after ${bootLimitMs / 1000} s`));
      }, bootLimitMs);
      this.initLines.push((line) => {
        clearTimeout(timer);
        if (line.startsWith(`${kind} `)) resolve(line);
        else reject(new Error(`process 1 of the host: ${line}`));
      });
    });
  }

  private seed(seed: Seed): void {
    this.init?.stdin?.write(`${JSON.stringify(seed)}\n`);
  }

  private writeKeys(
    record: HostRecord,
    client: SshKeyPair,
    legacyKey: SshKeyPair | undefined,
  ): void {
    const name = `[${record.host}]:${record.port}`;
    const hostKeys = [record.hostKey, ...(legacyKey === undefined ? [] : [legacyKey.public])];
    const lines = hostKeys.map((key) => `${name} ${key}\n`);
    writeFileSync(record.knownHostsPath, lines.join(""));
    writeFileSync(record.privateKeyPath, client.private, { mode: 0o600 });
    writeFileSync(`${record.privateKeyPath}.pub`, `${client.public}\n`);
  }

  private startSshd(): ChildProcess {
    if (this.initRef === undefined) throw new Error("the host is not there yet");
    // What a client of that era can verify; the key of the configuration file is offered besides.
    const legacy = hasLegacyKey(this.release)
      ? ["-h", "/etc/ssh/ssh_host_rsa_key", "-o", "HostKeyAlgorithms=+ssh-rsa"]
      : [];
    const argv = ["/usr/sbin/sshd", "-i", ...legacy];
    const [command = "", ...args] = enterArgv(this.initRef.pid, argv);
    const sshd = spawn(command, args, {
      env: machineEnvironment,
      stdio: ["pipe", "pipe", "inherit"],
    });
    sshd.on("error", () => undefined);
    return sshd;
  }

  private async answer(request: ControlRequest): Promise<unknown> {
    switch (request.do) {
      case "counters":
        return this.line.counters();
      case "resetCounters":
        this.line.resetCounters();
        return undefined;
      case "latency":
        this.line.latencyMs = request.ms;
        return undefined;
      case "cut":
        if (request.from === undefined) this.line.cut();
        else this.line.cutAfter(request.from, request.afterBytes ?? 0);
        return undefined;
      case "admit":
        await this.line.admit(request.admission);
        return undefined;
      case "freeze":
        this.line.freeze(request.frozen);
        return undefined;
      case "reboot":
        await this.whileDown(() => this.reboot());
        return undefined;
      case "upgrade":
        return this.whileDown(() => this.upgrade(request.release, request.image, request.facts));
      case "stop":
        // Answered first: the one who asked waits for the folder to go.
        setImmediate(() => void this.stop().then(() => process.exit(0)));
        return undefined;
    }
  }

  /** Does what takes the host down; meanwhile the line is dead. */
  private async whileDown<T>(work: () => Promise<T>): Promise<T> {
    this.line.hostUp(false);
    try {
      return await work();
    } finally {
      this.line.hostUp(true);
    }
  }

  private async reboot(): Promise<void> {
    const up = this.booted();
    this.init?.stdin?.write("reboot\n");
    await up;
  }

  /** Halts the host, makes its tree into that of the other release, and boots that. */
  private async upgrade(release: Release, image: Image, facts: Facts): Promise<HostRecord> {
    const { record } = this;
    if (record === undefined) throw new Error("the host is not there yet");
    if (existsSync(join(this.folder, "memory"))) {
      throw new Error(
        "a host whose tree is in memory cannot be upgraded: the cache folder is on an overlay",
      );
    }
    await this.halt();
    const scripts = join(packageFolder(), "testing/image");
    const { base, layer } = this.image;
    const argv = [
      ...["sh", join(scripts, "upgrade.sh"), layer, base, image.layer, image.base],
      ...[`hosts/${this.options.id}`, overlayOptions, join(scripts, "upgrade.pl")],
    ];
    const { exitCode, stderr } = await run(unshareArgv(["mount"], argv), { cwd: cacheFolder() });
    if (exitCode !== 0) throw new Error(`the host cannot be upgraded: ${stderr.toString().trim()}`);
    this.image = image;
    this.release = release;
    this.startInit();
    const init = this.refer(await this.nextLine("pid"));
    this.seed({ files: factFiles(image, facts), users: [], key: "" });
    await this.booted();
    const upgraded = { ...record, release, image, init, root: `/proc/${init.pid}/root` };
    await writeRecord(upgraded);
    this.record = upgraded;
    return upgraded;
  }

  private async halt(): Promise<void> {
    const { init } = this;
    if (init === undefined) return;
    this.halting = true;
    const ended = new Promise((resolve) => init.once("close", resolve));
    init.stdin?.write("halt\n");
    await ended;
    this.halting = false;
  }
}

/** The host's own keys, where sshd looks for them. */
function keyFiles(hostKey: SshKeyPair, legacyKey: SshKeyPair | undefined): SeedFile[] {
  const pair = (name: string, key: SshKeyPair): SeedFile[] => [
    { path: `/etc/ssh/${name}`, mode: "0600", text: ended(key.private) },
    { path: `/etc/ssh/${name}.pub`, mode: "0644", text: ended(key.public) },
  ];
  const legacy = legacyKey === undefined ? [] : pair("ssh_host_rsa_key", legacyKey);
  return [...pair("ssh_host_ed25519_key", hostKey), ...legacy];
}

function ended(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

function factFiles(image: Image, facts: Facts): SeedFile[] {
  if (Object.keys(facts).length === 0) return [];
  return [{ path: factsPath, mode: "0644", text: answeredFacts(image, facts) }];
}

async function main(argument: string): Promise<void> {
  const options = JSON.parse(argument) as KeeperOptions;
  mkdirSync(runFolder(options.id), { recursive: true, mode: 0o700 });
  const keeper = new Keeper(options);
  const end = (): void => void keeper.stop().then(() => process.exit(0));
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  // Whoever started the host holds the other end of stdin. When that closes, however that came
  // about, the host ends with it, unless it was released first.
  let released = false;
  process.stdin.on("data", () => (released = true));
  process.stdin.on("end", () => {
    if (!released) end();
  });
  // Whoever listened to the report may be gone.
  process.stdout.on("error", () => undefined);
  let report: KeeperReport;
  try {
    report = { record: await keeper.start() };
  } catch (error) {
    report = { error: String(error), console: consoleOf(options.id) };
  }
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if ("error" in report) {
    await keeper.stop();
    process.exit(1);
  }
}

function consoleOf(id: string): string {
  const texts = ["overlay.log", "keeper.log", "console.log"].map((name) => {
    try {
      return readFileSync(join(runFolder(id), name), "utf8");
    } catch {
      return "";
    }
  });
  return texts.join("").trim().split("\n").slice(-20).join("\n");
}

if (require.main === module) void main(process.argv[2] ?? "{}");
