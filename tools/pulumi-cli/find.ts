import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { cacheFolder } from "../../testing/machine/folders";
import { withLock } from "../../testing/machine/fileLock";
import { buildFromModules } from "./build";
import { goNeeded } from "./go";
import { downloadByNpm } from "./npm";
import { languageHost, launcher } from "./plugins";
import { type Report, reason, reportOnStderr } from "./report";
import { type Environment, run } from "./run";
import { type Version, formatVersion, isAtLeast, parseVersion } from "./version";

/** The first CLI whose engine takes `inputs` from a dynamic provider's `read`. */
export const oldestVersion: Version = [3, 216, 0];

/** The one that is fetched or built where the machine has none. */
export const ownVersion = "3.259.0";

/** A Pulumi CLI that works. */
export interface PulumiCli {
  /** Absolute path of the program `pulumi`. */
  readonly path: string;
  /** Such as `3.259.0`. */
  readonly version: string;
}

/** Where to look and what to tell; everything has a default. */
export interface FindOptions {
  /** Its PATH is searched, and what is fetched or built is made with it. */
  readonly environment?: Environment;
  readonly report?: Report;
  /** What to try where the machine has none. */
  readonly ways?: readonly Way[];
}

/** A way to get a CLI. */
export interface Way {
  readonly name: string;
  /** Makes `folder`/bin/pulumi and what belongs beside it, or throws an error of one line. */
  readonly obtain: (
    version: string,
    folder: string,
    environment: Environment,
    report: Report,
  ) => Promise<void>;
}

const ownWays: readonly Way[] = [
  { name: "npm package pulumi", obtain: downloadByNpm },
  { name: "build from Go modules", obtain: buildFromModules },
];

/**
 * Finds a Pulumi CLI: the first that works of the one on PATH, the one in the cache, the npm package
 * `pulumi` and a build from Go modules. Throws an error that says what was tried and what to do.
 */
export async function findPulumi({
  environment = process.env,
  report = reportOnStderr,
  ways = ownWays,
}: FindOptions = {}): Promise<PulumiCli> {
  const onPath = await examineOnPath(environment);
  if ("version" in onPath) return onPath;
  const target = join(cacheFolder(), "pulumi-cli", ownVersion);
  const path = join(target, "bin/pulumi");
  // Its presence is enough: it was started once before it was moved to this name.
  if (existsSync(path)) return { path, version: ownVersion };
  mkdirSync(dirname(target), { recursive: true });
  const work = async () => {
    if (!existsSync(path)) await obtain(target, onPath.refused, { environment, report, ways });
  };
  await withLock(`${target}.lock`, work, () => {
    report("another process is getting the Pulumi CLI: waiting for it");
  });
  return { path, version: ownVersion };
}

/** Tries the ways in turn, and puts what the first that works has made to `target`. */
async function obtain(
  target: string,
  refused: string,
  { environment, report, ways }: Required<FindOptions>,
): Promise<void> {
  removeLeftovers(target);
  const tried: string[] = [];
  const failed = (what: string, why: string) => {
    tried.push(`${what}: ${why}`);
    report(`${what}: ${why}`);
  };
  failed("Pulumi CLI on PATH", refused);
  for (const way of ways) {
    const folder = mkdtempSync(`${target}.new-`);
    try {
      await way.obtain(ownVersion, folder, environment, report);
      const made = await examine(join(folder, "bin/pulumi"), environment);
      if ("refused" in made) throw new Error(made.refused);
      renameSync(folder, target);
      return;
    } catch (error) {
      failed(way.name, reason(error));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    [
      "There is no Pulumi CLI, and none could be had.",
      ...tried.map((line) => `  ${line}`),
      `Install Pulumi ${formatVersion(oldestVersion)} or newer (https://www.pulumi.com/docs/install/),`,
      `or Go ${formatVersion(goNeeded)} or newer (https://go.dev/doc/install) to have it built.`,
    ].join("\n"),
  );
}

/** Removes what a killed run was working in; the caller holds the lock. */
function removeLeftovers(target: string): void {
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(`${basename(target)}.new-`)) continue;
    rmSync(join(dirname(target), name), { recursive: true, force: true });
  }
}

interface Refused {
  /** Why, in one line. */
  readonly refused: string;
}

async function examineOnPath(environment: Environment): Promise<PulumiCli | Refused> {
  const candidate = onPath("pulumi", environment);
  if (candidate === undefined) return { refused: "none" };
  return examine(candidate, environment);
}

/** Whether a CLI is new enough and has the two plugins without which no Node program runs. */
async function examine(path: string, environment: Environment): Promise<PulumiCli | Refused> {
  const home = { PULUMI_HOME: pulumiHome(environment), PULUMI_SKIP_UPDATE_CHECK: "true" };
  const { code, stdout, stderr } = await run(path, ["version"], {
    environment: { ...environment, ...home },
  });
  const version = code === 0 ? parseVersion(stdout) : undefined;
  if (!version) return { refused: `${path} version fails: ${(stderr || stdout).trim()}` };
  if (!isAtLeast(version, oldestVersion)) {
    const needed = formatVersion(oldestVersion);
    return { refused: `${path} is ${formatVersion(version)}, older than ${needed}` };
  }
  const beside = [dirname(path), dirname(realpathSync(path))];
  for (const plugin of [languageHost, launcher]) {
    const found = beside.some((folder) => isExecutable(join(folder, plugin)));
    if (!found && onPath(plugin, environment) === undefined) {
      return { refused: `${path} has no ${plugin}` };
    }
  }
  return { path, version: formatVersion(version) };
}

/** What a shell would start, but for programs that npm put on PATH: they are no installed CLI. */
function onPath(program: string, environment: Environment): string | undefined {
  return (environment["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !folder.includes("node_modules"))
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Pulumi's own folder: credentials, plugins, templates. Ours, unless the user chose one. */
export function pulumiHome(environment: Environment = process.env): string {
  return environment["PULUMI_HOME"] || join(cacheFolder(), "pulumi-home");
}

/** What a process needs to run a CLI: its plugins found, nothing asked of the network. */
export function pulumiEnvironment(
  cli: PulumiCli,
  environment: Environment = process.env,
): Record<string, string> {
  const home = pulumiHome(environment);
  mkdirSync(home, { recursive: true });
  const path = [dirname(cli.path), dirname(process.execPath), environment["PATH"] ?? ""];
  return {
    PATH: path.join(delimiter),
    PULUMI_HOME: home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The CLI logs each command in its home folder, up to 500 MB by default.
    PULUMI_LOG_ROTATION_MAX_TOTAL_MB: "20",
  };
}
