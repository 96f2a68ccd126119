/** The folder of an installed machine: what `make` leaves and `run` needs. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MachineError } from "./machineError";

/** The files of an installed machine. */
export interface InstalledMachine {
  readonly disk: string;
  /** The private key of root. */
  readonly identity: string;
  /** The public key of sshd(8). */
  readonly hostKey: string;
}

/** The names of the files in the folder of an installed machine. */
export function filesIn(folder: string): InstalledMachine {
  return {
    disk: join(folder, "disk.qcow2"),
    identity: join(folder, "identity"),
    hostKey: join(folder, "host_key.pub"),
  };
}

/** The files of the machine that is installed in a folder. */
export function installedIn(folder: string, release: string): InstalledMachine {
  const files = filesIn(folder);
  const missing = Object.values(files as unknown as Record<string, string>).filter(
    (path) => !existsSync(path),
  );
  if (missing.length === 0) return files;
  throw new MachineError(
    `There is no installed machine: ${missing.join(", ")} cannot be found. ` +
      `Install one with: npm run openbsd-machine -- make --release ${release}`,
  );
}
