import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageFolder } from "./cache";
import { askControl, type ControlRequest } from "./control";
import type { Facts } from "./facts";
import { controlPath, type HostAddress, type HostRecord, isAlive, readRecord } from "./hostRecord";
import { launchHost, stopHost, type StartOptions } from "./hosts";
import { ensureImage, readImageIndex, type Release } from "./image";
import type { ImageIndex } from "./imageBuild";
import { enterArgv, run, type Finished } from "./namespaces";
import type { Admission, End, LineCounters } from "./sshLine";
import { parseTree, settledTree, type Tree } from "./tree";

export { cacheFolder } from "./cache";
export type { Facts } from "./facts";
export { listHosts, stopHost, type ListedHost, type StartOptions } from "./hosts";
export { ensureImage, familyReleases, releases, type Release } from "./image";
export { type Outcome, type Step } from "./outcome";
export {
  connectionOf,
  type PlannedStep,
  type Preview,
  previewOn,
  type PreviewOptions,
  ProgramOnHost,
  type RunOptions,
} from "./preview";
export { generateSshKey, type SshKeyPair } from "./sshKeys";
export type { Admission, End, LineCounters } from "./sshLine";
export { diffTrees, type Tree, type TreeEntry } from "./tree";
export { volatilePaths } from "./volatile";

/** What a command on the host came to; a signal counts as 128 plus its number, as in a shell. */
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The line between a test and a host. */
export interface HostLine {
  /** Sets the delay in each direction, in milliseconds. */
  latency(ms: number): Promise<void>;
  /** Cuts the standing connections now, or after so many more bytes from one end. */
  cut(after?: { readonly from: End; readonly bytes: number }): Promise<void>;
  /** Decides what new connections meet: the host, a refusal, or silence. */
  admit(admission: Admission): Promise<void>;
  /** Lets nothing move on the standing connections, or lets it move again. */
  freeze(frozen: boolean): Promise<void>;
  counters(): Promise<LineCounters>;
  resetCounters(): Promise<void>;
}

/** A running host. */
export interface TestHost extends HostAddress {
  readonly line: HostLine;
  /** Runs a program on the host as root, not over SSH. */
  exec(
    argv: readonly string[],
    options?: { readonly stdin?: string | Buffer },
  ): Promise<ExecResult>;
  /** What stands at every path of the host, but for what moves by itself. */
  snapshot(): Promise<Tree>;
  /** Ends every process of the host, and every connection to it, and boots it again on the same tree. */
  reboot(): Promise<void>;
  /**
   * Takes the host down and boots it as another release, as an upgrade by the install kernel and sysmerge(8)
   * leaves it: programs, rc(8) and whatever nobody changed are the new release's; changed files of /etc, /var,
   * /usr/local and the packages stay as they were. {@link TestHost.release} and {@link TestHost.root} are
   * then others.
   *
   * @param facts - Other answers to what the new release does.
   */
  upgrade(release: Release, facts?: Facts): Promise<void>;
  /** Ends the host; nothing of it is left. */
  stop(): Promise<void>;
}

/**
 * Starts a host shaped like OpenBSD, which lives as long as this process, or until it is stopped.
 * Makes the image first when it is not there, which takes a minute or two.
 *
 * @example
 * ```ts
 * const host = await startHost({ release: "7.8" });
 * console.log((await host.exec(["uname", "-sr"])).stdout); // OpenBSD 7.8
 * await host.stop();
 * ```
 */
export async function startHost(options: StartOptions = {}): Promise<TestHost> {
  return new RunningHost(await launchHost(options, true));
}

/** Takes hold of a host that something else started, e.g. the command line. */
export function attachHost(id: string): TestHost {
  const record = readRecord(id);
  if (record === undefined) throw new Error(`there is no host ${id}`);
  return new RunningHost(record);
}

/** The environment that a program on the host gets: what root's profile sets there. */
export const hostEnvironment: Readonly<Record<string, string>> = {
  PATH: "/sbin:/usr/sbin:/bin:/usr/bin:/usr/X11R6/bin:/usr/local/sbin:/usr/local/bin",
  HOME: "/root",
  LOGNAME: "root",
  USER: "root",
  SHELL: "/bin/ksh",
};

class RunningHost implements TestHost {
  readonly line: HostLine = {
    latency: (ms) => this.tell({ do: "latency", ms }),
    cut: (after) =>
      this.tell(
        after === undefined
          ? { do: "cut" }
          : { do: "cut", from: after.from, afterBytes: after.bytes },
      ),
    admit: (admission) => this.tell({ do: "admit", admission }),
    freeze: (frozen) => this.tell({ do: "freeze", frozen }),
    counters: async () => (await this.ask({ do: "counters" })) as LineCounters,
    resetCounters: () => this.tell({ do: "resetCounters" }),
  };
  private index: ImageIndex | undefined;

  constructor(private record: HostRecord) {}

  get id(): string {
    return this.record.id;
  }

  get release(): Release {
    return this.record.release;
  }

  get host(): string {
    return this.record.host;
  }

  get port(): number {
    return this.record.port;
  }

  get user(): string {
    return this.record.user;
  }

  get privateKeyPath(): string {
    return this.record.privateKeyPath;
  }

  get hostKey(): string {
    return this.record.hostKey;
  }

  get knownHostsPath(): string {
    return this.record.knownHostsPath;
  }

  get root(): string {
    return this.record.root;
  }

  get upMs(): number {
    return this.record.upMs;
  }

  async exec(
    argv: readonly string[],
    options: { readonly stdin?: string | Buffer } = {},
  ): Promise<ExecResult> {
    const { exitCode, stdout, stderr } = await this.enter(argv, options.stdin);
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  async snapshot(): Promise<Tree> {
    this.index ??= readImageIndex(this.record.image);
    const script = readFileSync(join(packageFolder(), "testing/image/tree.pl"));
    const argv = ["/usr/bin/perl", "-", String(this.index.built)];
    const { exitCode, stdout, stderr } = await this.enter(argv, script);
    if (exitCode !== 0) throw new Error(`cannot look at the host's tree: ${stderr.toString()}`);
    return settledTree(parseTree(stdout), this.index.hashes);
  }

  reboot(): Promise<void> {
    return this.tell({ do: "reboot" });
  }

  async upgrade(release: Release, facts: Facts = {}): Promise<void> {
    const image = await ensureImage(release);
    const answer = await this.ask({ do: "upgrade", release, image, facts });
    this.record = answer as HostRecord;
    this.index = undefined;
  }

  stop(): Promise<void> {
    return stopHost(this.id);
  }

  private enter(argv: readonly string[], stdin: string | Buffer = ""): Promise<Finished> {
    const { id, init } = this.record;
    if (!isAlive(init)) throw new Error(`the host ${id} is gone`);
    return run(enterArgv(init.pid, argv), { env: { ...hostEnvironment }, stdin });
  }

  private async tell(request: ControlRequest): Promise<void> {
    await this.ask(request);
  }

  private ask(request: ControlRequest): Promise<unknown> {
    return askControl(controlPath(this.id), request);
  }
}
