/**
 * The keeper of one host: a process that boots the host, serves the SSH line to it, takes requests about it on a unix
 * socket, and removes everything when the host ends.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Image, layersOf } from "../image/ensureImage";
import { isBefore, type Release } from "../image/releases";
import { cacheFolder, packageFolder } from "../machine/folders";
import { enterArgv, overlayOptions, removeFolder, unshareArgv } from "../machine/namespaces";
import { type ProcessRef, processRef } from "../machine/processes";
import { machineEnvironment, run } from "../machine/runProgram";
import { serveControl, type ControlRequest } from "./controlSocket";
import { overriddenFacts, type Facts, factsPath } from "./factOverrides";
import { controlPath, type HostRecord, runFolder, writeRecord } from "./hostRecord";
import { HostNetwork } from "./network";
import { generateSshKey, type SshKeyPair } from "./sshKeys";
import { SshLine } from "./sshLine";

/** The options of a keeper. It gets them as JSON in its only argument. */
export interface KeeperOptions {
  readonly id: string;
  readonly release: Release;
  readonly image: Image;
  readonly latencyMs: number;
  readonly facts: Facts;
  /** When the host was requested, in milliseconds since the epoch. */
  readonly requested: number;
}

/** What a keeper reports as JSON on its stdout: the record of the booted host, or why it did not boot. */
export type KeeperReport =
  { readonly record: HostRecord } | { readonly error: string; readonly console: string };

/** A file that process 1 of the host writes before it boots. */
interface SeedFile {
  readonly path: string;
  /** In octal. */
  readonly mode: string;
  readonly text: string;
}

/** What process 1 of the host (init.pl) needs before it boots. */
interface Seed {
  readonly files: readonly SeedFile[];
  /** The users who get `key` into their authorized_keys. */
  readonly users: readonly string[];
  /** A line of authorized_keys. */
  readonly key: string;
}

/** Somebody who waits for a line that process 1 prints. */
interface Waiting {
  /** The line's first word. */
  readonly kind: string;
  /** For a line about a boot: the number of the reboot that it has to come after. */
  readonly after: number;
  readonly tell: (line: string) => void;
}

/** The users of the host who can log in with the client key. */
const users = ["root", "alice", "bob", "op", "nobodyspecial"];

/** Whether a host of the release has an RSA key as well: its real sshd has no ed25519, which came with OpenBSD 5.5. */
function hasLegacyKey(release: Release): boolean {
  return isBefore(release, "5.5");
}

/** How long a host may take to boot, in milliseconds. */
const bootLimitMs = 60_000;

/** Runs one host from its start to its end. */
class Keeper {
  private readonly folder: string;
  private readonly line: SshLine;
  private readonly network: HostNetwork;
  /** Whoever waits for a line that process 1 prints. */
  private waiting: readonly Waiting[] = [];
  private init: ChildProcess | undefined;
  private initRef: ProcessRef | undefined;
  private stopping = false;
  /** Whether process 1 is being ended in order to start it again. */
  private halting = false;
  /** Whether process 1 has ended all processes and not booted again yet, also when a program of the host asked for that. */
  private booting = false;
  /** How many works are going on for which the host is down. */
  private works = 0;
  /** How many reboots process 1 was asked for since it started. */
  private reboots = 0;
  private record: HostRecord | undefined;
  private image: Image;
  private release: Release;

  constructor(private readonly options: KeeperOptions) {
    this.image = options.image;
    this.release = options.release;
    this.folder = runFolder(options.id);
    this.line = new SshLine(() => this.startSshd(), options.latencyMs);
    this.network = new HostNetwork(options.id);
  }

  /** Boots the host and starts to take requests. */
  async start(): Promise<HostRecord> {
    const { id, release, image, requested, facts } = this.options;
    const keeper = processRef(process.pid);
    if (keeper === undefined) throw new Error("this machine has no /proc");
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

  /** Finds process 1 of the host by the line in which it printed its process number. */
  private refer(pidLine: string): ProcessRef {
    const init = processRef(Number(pidLine.split(" ")[1]));
    if (init === undefined) throw new Error("process 1 of the host ended at once");
    this.initRef = init;
    return init;
  }

  /** Process 1 of the host. */
  private running(): ProcessRef {
    if (this.initRef === undefined) throw new Error("the host has not started yet");
    return this.initRef;
  }

  /** Waits until /etc/rc of the host has ended, at the boot after all reboots that process 1 was asked for. */
  private async booted(): Promise<void> {
    const status = (await this.nextLine("up", this.reboots)).split(" ")[1];
    if (status !== "0") throw new Error(`/etc/rc ended with exit status ${status}`);
  }

  /** Ends the host and deletes its run folder. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.line.close();
    this.network.close();
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

  /** Starts process 1 of the host in new namespaces. */
  private startInit(): void {
    const { base } = this.image;
    const scripts = join(packageFolder(), "testing/host");
    const boot = [
      "sh",
      join(scripts, "boot.sh"),
      base,
      layersOf(this.image),
      `hosts/${this.options.id}`,
    ];
    const argv = unshareArgv(
      ["mount", "pid", "net", "uts", "ipc", "fork", "kill-child"],
      [...boot, overlayOptions, join(scripts, "init.pl")],
    );
    const [command = "", ...args] = argv;
    this.reboots = 0;
    this.init = spawn(command, args, {
      cwd: cacheFolder(),
      env: machineEnvironment,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.init.on("error", () => undefined);
    this.init.stdin?.on("error", () => undefined);
    if (this.init.stdout === null) return;
    createInterface(this.init.stdout).on("line", (line) => this.hear(line));
    this.init.on("close", () => {
      const waited = this.waiting;
      this.waiting = [];
      for (const { tell } of waited) tell("ended");
      // The host ended by itself, so the keeper has nothing left to do. The host counts as gone from now on.
      if (!this.stopping && !this.halting) void this.stop().then(() => process.exit(1));
    });
  }

  /** Takes a line that process 1 printed: it says so before the host goes down, and after it has booted. */
  private hear(line: string): void {
    const [word = "", status, order = "0"] = line.split(" ");
    if (word === "down" || word === "up") {
      this.booting = word === "down";
      this.tellLine();
    }
    const meant = ({ kind, after }: Waiting): boolean => kind === word && after <= Number(order);
    const told = this.waiting.filter(meant);
    this.waiting = this.waiting.filter((one) => !meant(one));
    for (const { tell } of told) tell(line);
    // Somebody on the host asked for this boot, who cannot be told.
    if (word === "up" && status !== "0" && told.length === 0)
      console.error(`/etc/rc ended with exit status ${status}`);
  }

  /** Waits for a line of process 1 that begins with the word `kind`; one about a boot, after so many reboots. */
  private nextLine(kind: string, after = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the host is not up after ${bootLimitMs / 1000} s`));
      }, bootLimitMs);
      const tell = (line: string): void => {
        clearTimeout(timer);
        if (line.startsWith(`${kind} `)) resolve(line);
        else reject(new Error(`process 1 of the host: ${line}`));
      };
      this.waiting = [...this.waiting, { kind, after, tell }];
    });
  }

  /** Gives process 1 what it needs to boot. */
  private seed(seed: Seed): void {
    this.init?.stdin?.write(`${JSON.stringify(seed)}\n`);
  }

  /** Writes the files with which a client can log in to the host. */
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

  /**
   * Starts an sshd on the host for one connection, with as many open files as root's login class has (docs/openbsd.md 11).
   */
  private startSshd(): ChildProcess {
    const { pid } = this.running();
    // Clients of that time can verify only an RSA key. The key in sshd_config is offered in addition.
    const legacy = hasLegacyKey(this.release)
      ? ["-h", "/etc/ssh/ssh_host_rsa_key", "-o", "HostKeyAlgorithms=+ssh-rsa"]
      : [];
    const limited = 'ulimit -Sn 128; ulimit -Hn 1024; exec "$0" "$@"';
    const argv = ["/bin/sh", "-c", limited, "/usr/sbin/sshd", "-i", ...legacy];
    const [command = "", ...args] = enterArgv(pid, argv);
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
      case "throttle":
        this.line.bytesPerSecond = request.bytesPerSecond;
        return undefined;
      case "cut":
        this.line.cut();
        return undefined;
      case "mishap":
        this.line.mishapAfter(request.from, request.afterBytes, request.then);
        return undefined;
      case "disarm":
        this.line.disarm();
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
      case "network":
        return this.network.obey(request.order, this.running().pid);
      case "stop":
        // The reply goes out first: the one who asked then waits until the run folder is gone.
        setImmediate(() => void this.stop().then(() => process.exit(0)));
        return undefined;
    }
  }

  /** Does work for which the host is down. Nobody can connect to it until the work is done. */
  private async whileDown<T>(work: () => Promise<T>): Promise<T> {
    this.works += 1;
    this.tellLine();
    try {
      return await work();
    } finally {
      this.works -= 1;
      this.tellLine();
    }
  }

  /** Tells the line whether the host is up. */
  private tellLine(): void {
    this.line.hostUp(!this.booting && this.works === 0);
  }

  private async reboot(): Promise<void> {
    this.reboots += 1;
    const up = this.booted();
    this.init?.stdin?.write(`reboot ${this.reboots}\n`);
    await up;
  }

  /** Halts the host, turns its files into those of another release, and boots it again. */
  private async upgrade(release: Release, image: Image, facts: Facts): Promise<HostRecord> {
    const { record } = this;
    if (record === undefined) throw new Error("the host has not started yet");
    if (existsSync(join(this.folder, "memory"))) {
      throw new Error(
        "a host whose tree is in memory cannot be upgraded: the cache folder is on an overlay",
      );
    }
    await this.halt();
    const scripts = join(packageFolder(), "testing/host");
    const argv = [
      ...["sh", join(scripts, "upgrade.sh"), layersOf(this.image), this.image.base],
      ...[layersOf(image), image.base],
      ...[`hosts/${this.options.id}`, overlayOptions, join(scripts, "upgrade.pl")],
    ];
    const { exitCode, stderr } = await run(unshareArgv(["mount"], argv), { cwd: cacheFolder() });
    if (exitCode !== 0) throw new Error(`the host cannot be upgraded: ${stderr.toString().trim()}`);
    this.image = image;
    this.release = release;
    this.startInit();
    const init = this.refer(await this.nextLine("pid"));
    await this.network.follow(init.pid);
    this.seed({ files: factFiles(image, facts), users: [], key: "" });
    await this.booted();
    const upgraded = { ...record, release, image, init, root: `/proc/${init.pid}/root` };
    await writeRecord(upgraded);
    this.record = upgraded;
    return upgraded;
  }

  /** Ends all processes of the host. */
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

/** The files with the host's own SSH keys. */
function keyFiles(hostKey: SshKeyPair, legacyKey: SshKeyPair | undefined): SeedFile[] {
  const pair = (name: string, key: SshKeyPair): SeedFile[] => [
    { path: `/etc/ssh/${name}`, mode: "0600", text: ended(key.private) },
    { path: `/etc/ssh/${name}.pub`, mode: "0644", text: ended(key.public) },
  ];
  const legacy = legacyKey === undefined ? [] : pair("ssh_host_rsa_key", legacyKey);
  return [...pair("ssh_host_ed25519_key", hostKey), ...legacy];
}

/** A text with a newline at its end. */
function ended(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** The file that overrides facts about the release, if any are overridden. */
function factFiles(image: Image, facts: Facts): SeedFile[] {
  if (Object.keys(facts).length === 0) return [];
  return [{ path: factsPath, mode: "0644", text: overriddenFacts(image, facts) }];
}

async function main(argument: string): Promise<void> {
  const options = JSON.parse(argument) as KeeperOptions;
  mkdirSync(runFolder(options.id), { recursive: true, mode: 0o700 });
  const keeper = new Keeper(options);
  const end = (): void => void keeper.stop().then(() => process.exit(0));
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  // The process that started the host has the other end of this stdin. If that end closes, for whatever reason, the
  // host ends, unless it was released before by a line of text.
  let released = false;
  process.stdin.on("data", () => (released = true));
  process.stdin.on("end", () => {
    if (!released) end();
  });
  // The process that waits for the report may have ended.
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

/** The last lines that the host and its keeper printed. */
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
