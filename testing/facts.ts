import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache";
import type { Image } from "./image";

/**
 * Other answers to what a release does, by the keys of `openbsd/eras/…/release.conf`: for facts about
 * OpenBSD that are unconfirmed, to test both. Only what the host's tools ask while they run can be
 * answered so, not what its files were made from.
 *
 * @example
 * ```ts
 * const host = await startHost({ release: "5.6", facts: { rc_disabled: "silent" } });
 * ```
 */
export type Facts = Readonly<Record<string, string>>;

/** Where the host's tools look for them. */
export const factsPath = "/usr/libdata/testhost/release.conf";

/** The file at {@link factsPath} with those other answers, which must be to questions that the image knows. */
export function answeredFacts(image: Image, facts: Facts): string {
  const lines = readFileSync(join(cacheFolder(), image.layer, factsPath), "utf8").split("\n");
  const known = new Set(lines.map((line) => line.split("=")[0]));
  for (const key of Object.keys(facts)) {
    if (!known.has(key)) throw new Error(`${key} is no fact about this release`);
  }
  return lines
    .map((line) => {
      const key = line.split("=")[0] ?? "";
      const value = facts[key];
      return value === undefined ? line : `${key}=${value}`;
    })
    .join("\n");
}
