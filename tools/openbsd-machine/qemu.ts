/** QEMU's programs and their command lines. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { MachineError } from "./machineError";

const qemu = "qemu-system-x86_64";
const qemuImg = "qemu-img";

/** How QEMU runs a machine's processor: by the processor of this one (`kvm`, `hvf`), or in software (`tcg`). */
export type Accelerator = "kvm" | "hvf" | "tcg";

/** The accelerators that may be asked for. */
export const accelerators: readonly Accelerator[] = ["kvm", "hvf", "tcg"];

/** What a machine is made of. */
export interface Hardware {
  readonly accelerator: Accelerator;
  /** A model of `qemu-system-x86_64 -cpu help`. */
  readonly cpu: string;
  readonly memoryMb: number;
}

/** Throws an error that says how QEMU is installed, if a program of it is missing. */
export function requireQemu(): void {
  const missing = [qemu, qemuImg].filter(
    (program) => spawnSync(program, ["--version"], { stdio: "ignore" }).status !== 0,
  );
  if (missing.length === 0) return;
  throw new MachineError(
    `${missing.join(" and ")} cannot be started: this needs QEMU. It is installed with ` +
      "`apt-get install --no-install-recommends qemu-system-x86 qemu-utils` on Debian and Ubuntu, " +
      "`brew install qemu` on macOS.",
  );
}

/** Whether and why QEMU has to run the machine in software here. */
export interface Choice {
  readonly accelerator: Accelerator;
  readonly reason: string;
}

/** Chooses the fastest accelerator that this machine has. */
export function chooseAccelerator(): Choice {
  const software = (reason: string): Choice => ({ accelerator: "tcg", reason });
  if (process.arch !== "x64")
    return software(`a machine of type amd64 can only be emulated on ${process.arch}`);
  if (process.platform === "darwin") {
    return { accelerator: "hvf", reason: "macOS on Intel has Hypervisor.framework" };
  }
  if (process.platform !== "linux") return software(`${process.platform} has no KVM`);
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch (error) {
    return software(`/dev/kvm cannot be used (${(error as NodeJS.ErrnoException).code})`);
  }
  // There are KVMs that need no help of the processor (PVM): a kernel that was not made for them hangs in them at once.
  if (!/^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync("/proc/cpuinfo", "utf8")))
    return software("there is a /dev/kvm, but the processor has neither vmx nor svm");
  return { accelerator: "kvm", reason: "/dev/kvm can be used" };
}

/** A value within an option of QEMU, in which a comma separates and a doubled one stands for itself. */
export function inOption(value: string): string {
  return value.replaceAll(",", ",,");
}

/** The format of a disk's file. Throws an error that has qemu-img's own words if it is none. */
export function diskFormat(disk: string): string {
  const argv = ["info", "--output=json", "--", disk];
  const { status, stdout, stderr } = spawnSync(qemuImg, argv, { encoding: "utf8" });
  if (status !== 0) throw new MachineError(`The disk cannot be read: ${stderr.trim()}`);
  return (JSON.parse(stdout) as { format: string }).format;
}

/** Makes an empty disk. */
export function createDisk(path: string, size: string): void {
  const argv = ["create", "-q", "-f", "qcow2", "--", path, size];
  const { status, stderr } = spawnSync(qemuImg, argv, { encoding: "utf8" });
  if (status !== 0) throw new MachineError(`The disk cannot be made: ${stderr.trim()}`);
}

/** How an installed machine is started. */
export interface StartOptions extends Hardware {
  /** The port of 127.0.0.1 that leads to its sshd(8); 0 is one that is free. */
  readonly port: number;
  /** Whether the machine reaches nothing but that port's clients. */
  readonly offline: boolean;
  /** Further arguments of QEMU. */
  readonly more: readonly string[];
}

/**
 * The command line of an installed machine, whose disk is the file `disk`, relative to QEMU's working folder. Its
 * standard input and output are QMP, QEMU's protocol for other programs; its console is written to console.log.
 */
export function startArgv(disk: string, options: StartOptions): string[] {
  const net = [
    "user,id=net,ipv6=off",
    ...(options.offline ? ["restrict=on"] : []),
    `hostfwd=tcp:127.0.0.1:${options.port}-:22`,
  ];
  return [
    ...common(options),
    ...["-chardev", "stdio,id=qmp,signal=off", "-mon", "chardev=qmp,mode=control"],
    ...["-chardev", "file,id=console,path=console.log", "-serial", "chardev:console"],
    // Nothing of an overlay outlives the machine, so nothing has to reach the disk of this one before its time.
    ...["-drive", `if=none,id=disk,format=qcow2,cache=unsafe,file=${inOption(disk)}`],
    ...["-device", "virtio-blk-pci,drive=disk,bootindex=1"],
    ...["-netdev", net.join(","), "-device", "virtio-net-pci,netdev=net,romfile="],
    ...options.more,
  ];
}

/** The command line that runs an overlay over a disk: see overlay.sh. */
export function overlayArgv(disk: string, script: string, options: StartOptions): string[] {
  return ["sh", script, qemuImg, disk, diskFormat(disk), ...startArgv("overlay.qcow2", options)];
}

/**
 * The command line of an installation: the machine starts from the network (TFTP, from the folder `tftp`), and its
 * console is QEMU's standard input and output. Both paths are relative to QEMU's working folder.
 */
export function installArgv(disk: string, tftp: string, hardware: Hardware): string[] {
  return [
    ...common(hardware),
    ...["-monitor", "none", "-chardev", "stdio,id=console,signal=off"],
    ...["-serial", "chardev:console"],
    // The installer ends with a reboot, after which the disk would be started.
    ...["-boot", "order=n", "-no-reboot"],
    ...["-drive", `if=none,id=disk,format=qcow2,cache=unsafe,file=${inOption(disk)}`],
    ...["-device", "virtio-blk-pci,drive=disk"],
    ...["-netdev", `user,id=net,ipv6=off,tftp=${inOption(tftp)},bootfile=pxeboot`],
    ...["-device", "virtio-net-pci,netdev=net,bootindex=0"],
  ];
}

function common({ accelerator, cpu, memoryMb }: Hardware): string[] {
  return [
    qemu,
    ...["-name", "openbsd-machine", "-nodefaults", "-no-user-config"],
    ...["-machine", "pc", "-accel", accelerator, "-cpu", cpu, "-smp", "1", "-m", `${memoryMb}M`],
    ...["-display", "none", "-vga", "std", "-device", "virtio-rng-pci"],
  ];
}
