/** The Debian packages that must be installed on this machine to make and run test hosts. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

/** Thrown to an ordinary user if packages are missing. The message has the command that installs them. */
export class MissingPackagesError extends Error {
  constructor(
    readonly packages: readonly string[],
    readonly command: string,
  ) {
    super(
      `These Debian packages are missing: ${packages.join(", ")}. ` +
        `An administrator installs them with:\n\n    ${command}\n`,
    );
    this.name = "MissingPackagesError";
  }
}

/** The packages that this machine needs to make an image and to run hosts. Everything else is in the image. */
export function hostPackages(): readonly string[] {
  const common = ["debian-archive-keyring", "hostname", "mmdebstrap", "mount", "util-linux"];
  return process.getuid?.() === 0 ? common : [...common, "uidmap"];
}

/** Returns those of `packages` that are not installed on this machine. */
export function missingPackages(packages: readonly string[]): string[] {
  const { status, stdout, error } = spawnSync(
    "dpkg-query",
    ["--show", "--showformat=${Package} ${db:Status-Status}\n", ...packages],
    // Exit status 1 means that a package is unknown. The others are printed nevertheless.
    { encoding: "utf8" },
  );
  if (error !== undefined || status === null || status > 1) {
    throw new Error(
      `This needs a Debian or Ubuntu machine (dpkg-query: ${error?.message ?? `exit ${status}`}). ` +
        `Elsewhere, run it in a Debian virtual machine.`,
    );
  }
  const installed = new Set(
    stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

/**
 * Installs those of `packages` that are missing. Only root can do that: for an ordinary user it throws a
 * {@link MissingPackagesError}.
 *
 * @param say - Called with a line of text for each step.
 */
export function ensurePackages(packages: readonly string[], say: (line: string) => void): void {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  const install = ["install", "-y", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0) {
    throw new MissingPackagesError(missing, `sudo apt-get ${install.join(" ")}`);
  }
  say(`installing the Debian packages ${missing.join(", ")}`);
  if (!hasLists()) apt(["update"], say);
  try {
    apt(install, say);
  } catch {
    // The package lists may name versions that the mirror has no longer.
    apt(["update"], say);
    apt(install, say);
  }
}

/** Whether apt has package lists of any repository. */
function hasLists(): boolean {
  const lists = "/var/lib/apt/lists";
  return existsSync(lists) && readdirSync(lists).some((name) => name.includes("_Packages"));
}

function apt(args: readonly string[], say: (line: string) => void): void {
  say(`apt-get ${args.join(" ")}`);
  // Another apt may be at work: another test, or the machine's own upgrades.
  const patient = ["-q", "-o", "DPkg::Lock::Timeout=300"];
  const { status, stdout, stderr, error } = spawnSync("apt-get", [...patient, ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 1 << 26,
  });
  if (status === 0) return;
  const tail = `${stdout}${stderr}`.trim().split("\n").slice(-15).join("\n");
  throw new Error(`apt-get ${args[0]} failed (${error?.message ?? `exit ${status}`}):\n${tail}`);
}
