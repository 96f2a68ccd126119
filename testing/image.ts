import { existsSync, readFileSync, utimesSync } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ensurePackages, hostPackages } from "./debianPackages";
import { cacheFolder } from "./cache";
import { buildImage, type ImageIndex } from "./imageBuild";
import { imageStages, releases, type Release } from "./imageStages";
import { withLock } from "./lock";
import { namespacesProblem, removeFolder } from "./namespaces";

export { familyReleases, releases, type Release } from "./imageStages";

/** What a host is mounted from. Paths are relative to the cache folder. */
export interface Image {
  readonly base: string;
  readonly layer: string;
  /** The file with the image's {@link ImageIndex}. */
  readonly index: string;
}

/** A stage that was of no use for so long is deleted when the next one is built. */
const keptForMs = 2 * 24 * 3600 * 1000;

/**
 * Makes the image of a release, or those stages of it that are missing or whose sources changed.
 * Stages are kept in the cache folder under a hash of everything they are made from.
 *
 * @param say - Told what is being done, one line each.
 */
export async function ensureImage(
  release: Release,
  say: (line: string) => void = sayOnStderr,
): Promise<Image> {
  const stages = await imageStages(release);
  const folder = join(cacheFolder(), "image");
  if (!existsSync(join(folder, stages.base)) || !existsSync(join(folder, stages.layer))) {
    ensurePackages(hostPackages(), say);
    const problem = namespacesProblem();
    if (problem !== undefined) throw new Error(problem);
    await mkdir(folder, { recursive: true });
    const wait = (): void => say("waiting for another process that is building the image");
    const make = async (): Promise<void> => {
      await deleteUnused(folder);
      await buildImage(folder, release, stages, say);
    };
    await withLock(join(folder, "lock"), make, wait);
  }
  const now = new Date();
  for (const name of [stages.base, stages.layer]) utimesSync(join(folder, name), now, now);
  return {
    base: `image/${stages.base}`,
    layer: `image/${stages.layer}/tree`,
    index: `image/${stages.layer}/index.json`,
  };
}

/** Reads what the image knows of its own files. */
export function readImageIndex(image: Image): ImageIndex {
  return JSON.parse(readFileSync(join(cacheFolder(), image.index), "utf8")) as ImageIndex;
}

function sayOnStderr(line: string): void {
  process.stderr.write(`image: ${line}\n`);
}

/** Deletes what was left half made, and stages that neither this version's images nor any host uses. */
async function deleteUnused(folder: string): Promise<void> {
  const current = await Promise.all(releases.map((release) => imageStages(release)));
  const used = new Set(current.flatMap((stages) => Object.values(stages) as string[]));
  for (const name of await readdir(folder)) {
    if (name === "lock" || used.has(name)) continue;
    const { mtimeMs } = await stat(join(folder, name));
    if (name.startsWith("making-") || Date.now() - mtimeMs > keptForMs) {
      removeFolder(join(folder, name));
    }
  }
}
