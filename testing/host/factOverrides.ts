/** Overrides for the facts about a release that the tools on a host act by. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Image } from "../image/ensureImage";
import { cacheFolder } from "../machine/folders";

/**
 * Overrides for facts about a release, by the keys of `openbsd/eras/…/release.conf`. They serve to test both
 * possibilities if it is unconfirmed how OpenBSD behaves. They change only what the tools on the host look up while they
 * run, not the files that were made from a fact when the image was built.
 *
 * @example
 * ```ts
 * const host = await startHost({ release: "5.6", facts: { rc_disabled: "silent" } });
 * ```
 */
export type Facts = Readonly<Record<string, string>>;

/** The file on the host from which its tools read the facts. */
export const factsPath = "/usr/libdata/testhost/release.conf";

/**
 * The text of the file {@link factsPath} with these overrides.
 *
 * @throws Error if the release has no fact of that name.
 */
export function overriddenFacts(image: Image, facts: Facts): string {
  const lines = readFileSync(join(cacheFolder(), image.layer, factsPath), "utf8").split("\n");
  const known = new Set(lines.map((line) => line.split("=")[0]));
  for (const key of Object.keys(facts)) {
    if (!known.has(key)) throw new Error(`${key} is not a known fact about this release`);
  }
  return lines
    .map((line) => {
      const key = line.split("=")[0] ?? "";
      const value = facts[key];
      return value === undefined ? line : `${key}=${value}`;
    })
    .join("\n");
}
