import { homedir } from "node:os";
import { join } from "node:path";

/** A path in which a leading `~` is the home folder. */
export function homePath(path: string): string {
  if (path !== "~" && !path.startsWith("~/")) return path;
  const home = process.env.HOME;
  return join(home === undefined || home === "" ? homedir() : home, path.slice(1));
}
