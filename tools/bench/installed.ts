/** What the bench compares with, installed into the cache at pinned versions, each once. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../testing/machine/folders";
import { run } from "./run";

/** Makes a folder of the cache by commands that write to `folder`, where it is not there yet. */
async function once(
  name: string,
  commands: (folder: string) => readonly (readonly [string, ...string[]])[],
): Promise<string> {
  const folder = join(cacheFolder(), name);
  const done = join(folder, "installed");
  if (existsSync(done)) return folder;
  // A folder of an interrupted run is made anew. It cannot be made elsewhere and moved: Python's scripts name their place.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const argv of [...commands(folder), ["touch", done] as const]) {
    const { code, output } = await run({ argv, cwd: "/" });
    if (code !== 0) throw new Error(`${argv.join(" ")}: status ${code}\n${output}`);
  }
  return folder;
}

/** A folder with packages of Python; their programs are in its `bin`. */
export function withPython(name: string, packages: readonly string[]): Promise<string> {
  return once(name, (folder) => [
    ["python3", "-m", "venv", folder],
    [join(folder, "bin/pip"), "install", "--quiet", ...packages],
  ]);
}

/** Node 22, as the npm package `node` has it for each platform: that package itself would run a script to choose. */
const NODE = "22.23.5";

/** The folder of a Node that is newer than the oldest supported one. */
export async function newerNode(): Promise<{ readonly bin: string; readonly version: string }> {
  const platform = `node-${process.platform}-${process.arch}`;
  const flags = ["--no-save", "--ignore-scripts", "--no-audit"];
  const folder = await once(`node-${NODE}`, (prefix) => [
    ["npm", "install", "--prefix", prefix, ...flags, `${platform}@${NODE}`],
  ]);
  return { bin: join(folder, "node_modules", platform, "bin"), version: NODE };
}
