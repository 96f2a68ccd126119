import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants, userInfo } from "node:os";
import { join } from "node:path";
import { packageFolder } from "./cache";

/** An ordinary user gets a user namespace of their own, in which they are root. */
export const rootless = process.getuid?.() !== 0;

/** Ids that a host's tree needs below the user's own: OpenBSD's nobody is 32767. */
const idsNeeded = 65535;

/**
 * Mount options of the overlay. An ordinary user's keeps its notes in `user.*` attributes; what else
 * is named are features that the machine's kernel may have switched on by default and that change
 * how a rename or a hard link looks.
 */
export const overlayOptions = rootless ? ",userxattr" : ",redirect_dir=off,metacopy=off,index=off";

/** What programs of this machine are run with: an ordinary user's PATH lacks some of their folders. */
export const machineEnvironment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin`,
  LC_ALL: "C",
};

/** `unshare(1)` into new namespaces of the kinds given; the command that follows runs as their root. */
export function unshareArgv(kinds: readonly string[], argv: readonly string[]): string[] {
  const options = [...kinds.map((kind) => `--${kind}`), "--", ...argv];
  if (!rootless) return ["unshare", ...options];
  if (mapsIdsItself()) return ["unshare", "--user", "--map-auto", "--map-root-user", ...options];
  return ["sh", join(packageFolder(), "testing/image/map-ids.sh"), ...options];
}

let mapsIds: boolean | undefined;

/** Whether this machine's `unshare(1)` has `--map-auto`: util-linux 2.38 and later. */
function mapsIdsItself(): boolean {
  mapsIds ??= spawnSync("unshare", ["--help"], { encoding: "utf8" }).stdout.includes("--map-auto");
  return mapsIds;
}

/** `nsenter(1)` into the namespaces of a host whose process 1 is `pid`. */
export function enterArgv(pid: number, argv: readonly string[]): string[] {
  const kinds = ["mount", "uts", "ipc", "net", "pid", ...(rootless ? ["user"] : [])];
  return ["nsenter", `--target=${pid}`, ...kinds.map((kind) => `--${kind}`), "--", ...argv];
}

/** Deletes a folder whose files may belong to the subordinate ids of an ordinary user. */
export function removeFolder(folder: string): void {
  const [command = "", ...args] = rootless
    ? unshareArgv([], ["rm", "-rf", "--", folder])
    : ["rm", "-rf", "--", folder];
  const { status, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: machineEnvironment,
  });
  if (status !== 0) throw new Error(`cannot delete ${folder}: ${stderr.trim()}`);
}

/**
 * Says why this machine cannot make the namespaces of a test host, in words that name the way out;
 * undefined when it can.
 */
export function namespacesProblem(): string | undefined {
  if (rootless) {
    const { username } = userInfo();
    for (const file of ["/etc/subuid", "/etc/subgid"]) {
      if (subordinateIds(file, username) < idsNeeded) {
        return (
          `The user ${username} has no range of ${idsNeeded} subordinate ids in ${file}. ` +
          `An administrator gives one with: ` +
          `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`
        );
      }
    }
  }
  const [command = "", ...args] = unshareArgv(["mount", "pid", "net", "fork"], ["true"]);
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: machineEnvironment,
  });
  if (status === 0) return undefined;
  const reason = error?.message ?? stderr.trim();
  const hint = rootless
    ? restriction()
    : "Inside a container this takes the right to mount (CAP_SYS_ADMIN).";
  return `Test hosts need namespaces, which cannot be made here: ${reason}. ${hint}`;
}

/** What usually stands in an ordinary user's way, and how an administrator takes it away. */
function restriction(): string {
  const name = "kernel.apparmor_restrict_unprivileged_userns";
  const path = `/proc/sys/${name.replaceAll(".", "/")}`;
  // Ubuntu 23.10 and later.
  if (existsSync(path) && readFileSync(path, "utf8").trim() === "1") {
    return `An administrator allows them to ordinary users with: sysctl -w ${name}=0`;
  }
  return "They may be switched off for ordinary users (sysctl user.max_user_namespaces).";
}

function subordinateIds(file: string, user: string): number {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return 0;
  }
  const uid = String(process.getuid?.());
  const counts = text
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([name]) => name === user || name === uid)
    .map(([, , count]) => Number(count));
  return Math.max(0, ...counts);
}

/** The result of a program: a signal counts as 128 plus its number, as in a shell. */
export interface Finished {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a program to its end. */
export function run(
  argv: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; stdin?: string | Buffer } = {},
): Promise<Finished> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? machineEnvironment });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // The program may end without reading what it was given.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({
        exitCode: code ?? 128 + signalNumber(signal),
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr),
      }),
    );
  });
}

/** The number of a signal by its name, 0 for none. */
export function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
