/** Provides the image of a release: the read-only part of a host's file system. Makes it if it is not in the cache. */
import { existsSync, readFileSync, utimesSync } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../machine/fileLock";
import { cacheFolder } from "../machine/folders";
import { namespacesProblem, removeFolder } from "../machine/namespaces";
import { buildImage, type ImageIndex } from "./buildImage";
import { ensurePackages, hostPackages } from "./debianPackages";
import { type Release, releases } from "./releases";
import { imageStages } from "./stages";

/** The folders that a host's root is mounted from. Paths are relative to the cache folder. */
export interface Image {
  /** The root that all hosts have in common. */
  readonly base: string;
  /** The files of the OpenBSD release, which are mounted over the base. */
  readonly layer: string;
  /** The file with the image's {@link ImageIndex}. */
  readonly index: string;
}

/** How long an unused stage of another version of the sources is kept, in milliseconds. */
const keptForMs = 2 * 24 * 3600 * 1000;

/**
 * Makes the image of a release: only those stages that are missing or whose sources changed. Stages are kept in the
 * cache folder ({@link imageStages}).
 *
 * @param say - Called with a line of text for each step.
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

/** Reads the index of an image: the hashes of its files. */
export function readImageIndex(image: Image): ImageIndex {
  return JSON.parse(readFileSync(join(cacheFolder(), image.index), "utf8")) as ImageIndex;
}

function sayOnStderr(line: string): void {
  process.stderr.write(`image: ${line}\n`);
}

/** Deletes unfinished stages, and stages of other versions of the sources that were not used for {@link keptForMs}. */
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
