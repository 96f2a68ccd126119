import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * The one folder on the machine that this project writes to: the test host's image, the hosts' run
 * folders, and whatever else is worth keeping between runs.
 *
 * `PULUMI_OPENBSD_POSTFIX_CACHE`, or a folder of our name below `XDG_CACHE_HOME` or `~/.cache`.
 */
export function cacheFolder(): string {
  const own = process.env["PULUMI_OPENBSD_POSTFIX_CACHE"];
  if (own !== undefined && own !== "") return own;
  const shared = process.env["XDG_CACHE_HOME"];
  const parent = shared !== undefined && shared !== "" ? shared : join(homedir(), ".cache");
  return join(parent, "pulumi-openbsd-postfix");
}

/** The package's folder, whether this runs from its sources or from its build below `dist/`. */
export function packageFolder(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: string };
      if (name === "pulumi-openbsd-postfix") return folder;
    }
    if (folder === dirname(folder)) throw new Error(`no package.json of ours above ${__dirname}`);
  }
}
