/** `run`: starts an installed machine, runs the acceptance suite or another program on it, and stops it. */
import { installedIn } from "./installedMachine";
import { Machine } from "./machine";
import type { CommonOptions, RunOptions } from "./options";
import { chooseAccelerator, type Hardware, requireQemu } from "./qemu";
import { runCommand } from "./runCommand";
import { address, readHostKey, type SshAccess, user } from "./sshAccess";

/** How long a machine may take to start, in seconds. */
const bootSeconds = { kvm: 180, hvf: 180, tcg: 900 } as const;

/** What a machine is made of here, as far as it was not said. */
export function hardwareOf(options: CommonOptions, say: (line: string) => void): Hardware {
  const { cpu, memoryMb } = options;
  if (options.accelerator !== undefined) return { accelerator: options.accelerator, cpu, memoryMb };
  const { accelerator, reason } = chooseAccelerator();
  say(
    accelerator === "tcg"
      ? `in software, some ten times slower than a real machine: ${reason}`
      : `accelerated by ${accelerator}: ${reason}`,
  );
  return { accelerator, cpu, memoryMb };
}

/** How long the machine may take to start, in milliseconds. */
export function bootLimit({ accelerator }: Hardware, seconds?: number): number {
  return (seconds ?? bootSeconds[accelerator]) * 1000;
}

/** Runs the program and returns its exit status. */
export async function run(
  options: RunOptions,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number> {
  requireQemu();
  const { disk, identity, hostKey } = chosen(options);
  const hardware = hardwareOf(options, say);
  const machine = await Machine.start({
    ...hardware,
    disk,
    keep: false,
    identity,
    hostKey: hostKey === undefined ? undefined : readHostKey(hostKey),
    port: options.port,
    offline: options.offline,
    more: options.more,
    bootLimitMs: bootLimit(hardware, options.bootSeconds),
    signal,
    say,
  });
  let status: number;
  try {
    status = await runCommand(machine, commandOf(options.rest, machine.ssh), signal);
  } catch (error) {
    // Either the machine has failed, or somebody wants an end: there is nothing to be saved.
    await machine.abandon();
    say("the machine was switched off, and nothing of it is left");
    throw error;
  }
  say("stopping the machine");
  say(`${await machine.stop()}, and nothing of it is left`);
  return status;
}

function chosen(options: RunOptions): { disk: string; identity: string; hostKey?: string } {
  const { disk, identity, hostKeyFile } = options;
  if (disk === undefined || identity === undefined)
    return installedIn(options.folder, options.release);
  return { disk, identity, ...(hostKeyFile === undefined ? {} : { hostKey: hostKeyFile }) };
}

/** The program to run: the acceptance suite unless another is named. */
export function commandOf(
  rest: readonly string[],
  ssh: Pick<SshAccess, "port" | "identity" | "knownHosts">,
): readonly string[] {
  const [first] = rest;
  if (first !== undefined && !first.startsWith("-")) return rest;
  return [
    ...["npm", "run", "test:acceptance", "--", `${user}@${address}`, "--port", String(ssh.port)],
    ...["--identity", ssh.identity, "--known-hosts", ssh.knownHosts, "--yes", "--reboot"],
    ...rest,
  ];
}
