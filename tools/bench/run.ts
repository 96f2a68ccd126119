/** One command under measurement: how long it took, and what of the machine. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { familyOf } from "../../testing/machine/processes";

/** What one run of a command took. */
export interface Cost {
  /** Milliseconds from its start to its end. */
  readonly wallMs: number;
  /** Milliseconds of processor time, of the command and of all that it waited for. */
  readonly cpuMs: number;
  /** The most memory of all its processes at a time, in KiB: each page by the part that is theirs (PSS of proc(5)). */
  readonly peakKiB: number;
}

/** A command, and what came of it. */
export interface Ran extends Cost {
  readonly code: number | null;
  readonly output: string;
}

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How often memory is looked at. To look takes time of its own, which is no part of the command's. */
const SAMPLE_MS = 250;

/** proc(5) counts processor time in hundredths of a second. */
const TICK_MS = 10;

/**
 * Runs a command to its end. SIGINT is reset for it: where that is ignored, as in what a shell starts in the background,
 * each command of Pulumi takes five seconds longer.
 */
export function run({ argv, cwd, env = {} }: Command): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const before = cpuOfChildren();
    const began = process.hrtime.bigint();
    const [program, ...args] = argv;
    const reset = ["-e", '$SIG{INT} = "DEFAULT"; exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n"'];
    const child = spawn("perl", [...reset, program, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    let peakKiB = 0;
    const sampler = setInterval(() => {
      peakKiB = Math.max(peakKiB, memoryOf(child.pid ?? 0));
    }, SAMPLE_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(sampler);
      const wallMs = Number(process.hrtime.bigint() - began) / 1e6;
      resolve({ code, output, wallMs, cpuMs: cpuOfChildren() - before, peakKiB });
    });
  });
}

/** The processor time of all children that have ended, and of theirs. */
function cpuOfChildren(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** The memory of a process and all that it has started. */
function memoryOf(pid: number): number {
  return familyOf(pid).reduce(
    (sum, one) =>
      sum + Number(/^Pss:\s+(\d+)/m.exec(textOf(`/proc/${one}/smaps_rollup`))?.[1] ?? 0),
    0,
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
