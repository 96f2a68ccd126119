/** Where this package stands on the machine, and the one folder on the machine that it writes to. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * The folder for everything that is kept between runs: images of test hosts, the run folders of running hosts,
 * downloads.
 *
 * It is `PULUMI_OPENBSD_POSTFIX_CACHE` if that is set, otherwise `pulumi-openbsd-postfix` in `XDG_CACHE_HOME` or
 * `~/.cache`.
 */
export function cacheFolder(): string {
  const own = process.env["PULUMI_OPENBSD_POSTFIX_CACHE"];
  if (own !== undefined && own !== "") return own;
  const shared = process.env["XDG_CACHE_HOME"];
  const parent = shared !== undefined && shared !== "" ? shared : join(homedir(), ".cache");
  return join(parent, "pulumi-openbsd-postfix");
}

/** The folder of this package, which has its package.json. Works from the sources and from the build in `dist/`. */
export function packageFolder(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: string };
      if (name === "pulumi-openbsd-postfix") return folder;
    }
    if (folder === dirname(folder))
      throw new Error(
        `no folder above ${__dirname} has the package.json of pulumi-openbsd-postfix`,
      );
  }
}
