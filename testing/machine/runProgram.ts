/** Runs a program of this machine to its end. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** The environment of programs that run on this machine. An ordinary user's PATH may lack the sbin folders. */
export const machineEnvironment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin`,
  LC_ALL: "C",
};

/** The result of a program. */
export interface Finished {
  /** For a program that a signal ended: 128 plus the signal's number, as in a shell. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a program and returns what it printed. A failure is no exception: see {@link Finished.exitCode}. */
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
  // The program may end before it has read all its input, which makes the write fail.
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

/** The number of a signal by its name; 0 if there is no signal. */
export function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
