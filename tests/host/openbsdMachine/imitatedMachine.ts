/**
 * An imitated machine for QEMU: the file tree of a test host on a disk, with Debian's kernel. It differs from a test host in
 * its process 1 (machine-init.pl), in that sshd(8) runs as a daemon, and in that it has its own network; and from a real
 * OpenBSD in all that a test host does, and in its kernel. Its folder is like that of an installed machine.
 */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { generateSshKey } from "../../../testing/host/sshKeys";
import { ensurePackages, MissingPackagesError } from "../../../testing/image/debianPackages";
import { ensureImage, layersOf } from "../../../testing/image/ensureImage";
import { withLock } from "../../../testing/machine/fileLock";
import { cacheFolder } from "../../../testing/machine/folders";
import { overlayOptions, removeFolder, unshareArgv } from "../../../testing/machine/namespaces";
import { run } from "../../../testing/machine/runProgram";

/** The packages that QEMU and the tests of it need on this machine. */
const packages = [
  "qemu-system-x86",
  "qemu-utils",
  "e2fsprogs",
  "openssh-client",
  "signify-openbsd",
];

/** Debian's kernel for virtual machines: few drivers, so that it starts soon. */
const kernelPackage = "linux-image-cloud-amd64";

/** An imitated machine. */
export interface ImitatedMachine {
  /** With the files of an installed machine. */
  readonly folder: string;
  readonly kernel: string;
  readonly initrd: string;
  /** The first program of the imitated installer (installer-init.sh), as an initial RAM disk. */
  readonly installer: string;
  /** The machine's file tree as a set of OpenBSD: an archive that an installer unpacks. */
  readonly base: string;
}

/** Why no imitated machine can be made and run here; undefined if it can. Installs what is missing, if root asks. */
export function whyNot(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64")
    return "an imitated machine is made of Debian's packages for amd64";
  try {
    ensurePackages(packages, (line) => process.stderr.write(`${line}\n`));
  } catch (error) {
    if (error instanceof MissingPackagesError) return error.message;
    throw error;
  }
  const { stdout } = spawnSync("apt-cache", ["show", kernelPackage], { encoding: "utf8" });
  return stdout === "" ? `apt has no package ${kernelPackage}` : undefined;
}

/**
 * The options of `npm run openbsd-machine` with which the machine starts: its disk has no boot program of its own.
 *
 * @param rc - Whether it runs /etc/rc, and not sshd(8) alone.
 */
export function kernelOptions({ kernel, initrd }: ImitatedMachine, rc: boolean): string[] {
  const command = `console=ttyS0 panic=-1 quiet${rc ? "" : " without-rc"}`;
  const argv = ["-kernel", kernel, "-initrd", initrd, "-append", command];
  return argv.map((argument) => `--qemu-arg=${argument}`);
}

/** Makes the machine, unless it is in the cache already: half a minute. */
export async function imitatedMachine(): Promise<ImitatedMachine> {
  const image = await ensureImage("7.8");
  const lower = `${layersOf(image)}:${image.base}`;
  const hash = createHash("sha256").update(lower);
  for (const name of readdirSync(__dirname).sort())
    hash.update(readFileSync(join(__dirname, name)));
  const store = join(cacheFolder(), "imitated-machines");
  const folder = join(store, hash.digest("hex").slice(0, 12));
  mkdirSync(store, { recursive: true });
  const make = async (): Promise<void> => {
    if (existsSync(folder)) return;
    // What other versions of the sources have left.
    for (const name of readdirSync(store)) if (name !== "lock") removeFolder(join(store, name));
    const making = join(store, `making-${randomBytes(4).toString("hex")}`);
    mkdirSync(making);
    await makeIn(making, lower);
    renameSync(making, folder);
  };
  await withLock(join(store, "lock"), make, () => undefined);
  return {
    folder,
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd"),
    installer: join(folder, "installer"),
    base: join(folder, "base.tgz"),
  };
}

async function makeIn(folder: string, lower: string): Promise<void> {
  const work = join(folder, "work");
  mkdirSync(join(work, "packages"), { recursive: true });
  await fetchPackages(join(work, "packages"));
  const ramDisks = [
    "initrd",
    join(__dirname, "initrd-init.sh"),
    "installer",
    join(__dirname, "installer-init.sh"),
  ];
  const script = join(__dirname, "make-initrd.sh");
  await must(["sh", script, join(work, "packages"), folder, ...ramDisks], work);

  const own = join(work, "own");
  await writeOwnFiles(own, folder);
  // The base is below the cache folder, and so are the folders that lie over it.
  const all = `${relative(cacheFolder(), own)}:${lower}`;
  const raw = join(work, "disk.raw");
  const argv = [
    "sh",
    join(__dirname, "make-disk.sh"),
    all,
    overlayOptions,
    raw,
    join(folder, "base.tgz"),
  ];
  await must(unshareArgv(["mount", "pid", "fork"], argv), cacheFolder());
  await must(["qemu-img", "convert", "-O", "qcow2", raw, join(folder, "disk.qcow2")], work);
  rmSync(work, { recursive: true });
}

/** Fetches the kernel and the programs of the initial RAM disks. */
async function fetchPackages(folder: string): Promise<void> {
  const download = async (): Promise<unknown> =>
    must(["apt-get", "download", await kernelName(), "busybox-static"], folder);
  // The package lists may name versions that the mirror has no longer; only root can renew them.
  await download().catch(async () => {
    await must(["apt-get", "-q", "update"]);
    await download();
  });
}

/** The kernel that the package for "the newest kernel" depends on. */
async function kernelName(): Promise<string> {
  const text = await must(["apt-cache", "depends", "--important", kernelPackage]);
  const name = /Depends: (linux-image-\S+)/.exec(text)?.[1];
  if (name === undefined) throw new Error(`${kernelPackage} depends on no kernel:\n${text}`);
  return name;
}

/** What the machine has beyond a test host, and the keys of both sides. */
async function writeOwnFiles(own: string, folder: string): Promise<void> {
  const [client, host] = await Promise.all([generateSshKey(), generateSshKey()]);
  writeFileSync(join(folder, "identity"), client.private, { mode: 0o600 });
  writeFileSync(join(folder, "host_key.pub"), `${host.public}\n`);
  for (const name of ["root/.ssh", "etc/ssh", "usr/libexec/testhost", "sbin"])
    mkdirSync(join(own, name), { recursive: true, mode: 0o755 });
  for (const name of ["root", "root/.ssh"]) chmodSync(join(own, name), 0o700);
  writeFileSync(join(own, "root/.ssh/authorized_keys"), `${client.public}\n`, { mode: 0o600 });
  writeFileSync(join(own, "etc/ssh/ssh_host_ed25519_key"), host.private, { mode: 0o600 });
  writeFileSync(join(own, "etc/ssh/ssh_host_ed25519_key.pub"), `${host.public}\n`);
  copyFileSync(
    join(__dirname, "machine-init.pl"),
    join(own, "usr/libexec/testhost/machine-init.pl"),
  );
  for (const name of ["shutdown", "halt"]) {
    copyFileSync(join(__dirname, "shutdown.sh"), join(own, "sbin", name));
    chmodSync(join(own, "sbin", name), 0o755);
  }
}

/** Runs a program of this machine and returns what it printed; throws if it fails. */
async function must(argv: readonly string[], cwd = __dirname): Promise<string> {
  const { exitCode, stdout, stderr } = await run(argv, { cwd });
  if (exitCode === 0) return stdout.toString();
  throw new Error(`${argv.join(" ")}: exit ${exitCode}\n${stderr.toString()}`);
}
