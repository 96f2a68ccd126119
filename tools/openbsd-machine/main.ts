/**
 * `npm run openbsd-machine`: a machine with OpenBSD for whoever has none. Exit status: that of the program that was run;
 * 1 if there was no machine for it, 64 if the command was called in a wrong way.
 */
import { Interrupted, listenForSignals } from "./interruption";
import { MachineError } from "./machineError";
import { make } from "./make";
import { MediaError } from "./media";
import { readOptions, usage, UsageError } from "./options";
import { run } from "./run";

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  const signal = listenForSignals();
  if (options.command === "run") return run(options, signal, say);
  await make(options, signal, say);
  return 0;
}

function say(line: string): void {
  process.stderr.write(`openbsd-machine: ${line}\n`);
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${usage}`);
      process.exit(64);
    }
    if (error instanceof Interrupted) {
      say(error.message);
      process.exit(error.status);
    }
    if (!(error instanceof MachineError || error instanceof MediaError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
