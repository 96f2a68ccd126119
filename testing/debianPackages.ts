import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

/** Packages are missing that only an administrator can install; the message has the command. */
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

/** What the test host's image is made and run with; everything else is inside the image. */
export function hostPackages(): readonly string[] {
  const common = ["debian-archive-keyring", "hostname", "mmdebstrap", "mount", "util-linux"];
  return process.getuid?.() === 0 ? common : [...common, "uidmap"];
}

/** Those of `packages` that are not installed on this machine. */
export function missingPackages(packages: readonly string[]): string[] {
  const { status, stdout, error } = spawnSync(
    "dpkg-query",
    ["--show", "--showformat=${Package} ${db:Status-Status}\n", ...packages],
    // Exit status 1 says that one of them is unknown; the others are printed all the same.
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
 * Installs those of `packages` that are missing, after naming them; as an ordinary user throws
 * {@link MissingPackagesError} instead.
 *
 * @param say - Told what is being done, one line each.
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
    // The lists may be older than what the mirror still has.
    apt(["update"], say);
    apt(install, say);
  }
}

function hasLists(): boolean {
  const lists = "/var/lib/apt/lists";
  return existsSync(lists) && readdirSync(lists).some((name) => name.includes("_Packages"));
}

function apt(args: readonly string[], say: (line: string) => void): void {
  say(`apt-get ${args.join(" ")}`);
  const { status, stdout, stderr, error } = spawnSync("apt-get", ["-q", ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 1 << 26,
  });
  if (status === 0) return;
  const tail = `${stdout}${stderr}`.trim().split("\n").slice(-15).join("\n");
  throw new Error(`apt-get ${args[0]} failed (${error?.message ?? `exit ${status}`}):\n${tail}`);
}
