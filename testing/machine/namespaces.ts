/**
 * The Linux namespaces that test hosts live in: command lines that make and enter them, and the reason if this machine
 * cannot make them.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { packageFolder } from "./folders";
import { machineEnvironment } from "./runProgram";

/** Whether an ordinary user runs this. Their hosts need a user namespace, in which they are root. */
export const rootless = process.getuid?.() !== 0;

/** How many subordinate ids a host needs: one for every user id up to 65535. OpenBSD's nobody is 32767. */
const idsNeeded = 65535;

/**
 * Mount options of the hosts' overlay file system. An ordinary user's overlay has to keep its metadata in `user.*`
 * attributes. For root, these options switch off features that the kernel may have on by default and that change what
 * a program sees of a rename or a hard link.
 */
export const overlayOptions = rootless ? ",userxattr" : ",redirect_dir=off,metacopy=off,index=off";

/** A command line that runs `argv` as root in new namespaces of these kinds, by `unshare(1)`. */
export function unshareArgv(kinds: readonly string[], argv: readonly string[]): string[] {
  const options = [...kinds.map((kind) => `--${kind}`), "--", ...argv];
  if (!rootless) return ["unshare", ...options];
  if (mapsIdsItself()) return ["unshare", "--user", "--map-auto", "--map-root-user", ...options];
  return ["sh", join(packageFolder(), "testing/machine/map-ids.sh"), ...options];
}

let mapsIds: boolean | undefined;

/** Whether `unshare(1)` of this machine has `--map-auto`, which came with util-linux 2.38. */
function mapsIdsItself(): boolean {
  mapsIds ??= spawnSync("unshare", ["--help"], { encoding: "utf8" }).stdout.includes("--map-auto");
  return mapsIds;
}

/** A command line that runs `argv` in the namespaces of the host whose process 1 is `pid`, by `nsenter(1)`. */
export function enterArgv(pid: number, argv: readonly string[]): string[] {
  const kinds = ["mount", "uts", "ipc", "net", "pid", ...(rootless ? ["user"] : [])];
  return ["nsenter", `--target=${pid}`, ...kinds.map((kind) => `--${kind}`), "--", ...argv];
}

/**
 * A command line that runs `argv`, a program of this machine, where only the network is that of the host whose process 1
 * is `pid`.
 */
export function enterNetworkArgv(pid: number, argv: readonly string[]): string[] {
  const kinds = ["net", ...(rootless ? ["user"] : [])];
  return ["nsenter", `--target=${pid}`, ...kinds.map((kind) => `--${kind}`), "--", ...argv];
}

/** Deletes a folder, also if its files belong to subordinate ids of an ordinary user. */
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

/** Explains why this machine cannot make the namespaces of a test host, and what helps; undefined if it can. */
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
    : "In a container, the right to mount is needed (CAP_SYS_ADMIN).";
  return `Test hosts need namespaces, which cannot be made here: ${reason}. ${hint}`;
}

/** The usual reason why an ordinary user may not make namespaces, and how an administrator allows it. */
function restriction(): string {
  const name = "kernel.apparmor_restrict_unprivileged_userns";
  const path = `/proc/sys/${name.replaceAll(".", "/")}`;
  // Ubuntu has this setting since 23.10.
  if (existsSync(path) && readFileSync(path, "utf8").trim() === "1") {
    return `An administrator allows them to ordinary users with: sysctl -w ${name}=0`;
  }
  return "Namespaces may be switched off for ordinary users (sysctl user.max_user_namespaces).";
}

/** The size of the largest range of ids that `file`, in the format of subuid(5), gives to a user. */
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
