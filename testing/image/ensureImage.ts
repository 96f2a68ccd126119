/** Provides the image of a release: the read-only part of a host's file system. Makes it if it is not in the cache. */
import { existsSync, readFileSync, utimesSync } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../machine/fileLock";
import { cacheFolder } from "../machine/folders";
import { namespacesProblem, removeFolder } from "../machine/namespaces";
import { buildExtra, buildImage, type ImageIndex } from "./buildImage";
import { ensurePackages, hostPackages } from "./debianPackages";
import { type Release, releases } from "./releases";
import { type Extra, extraStages, imageStages } from "./stages";

/** The folders that a host's root is mounted from. Paths are relative to the cache folder. */
export interface Image {
  /** The root that all hosts have in common. */
  readonly base: string;
  /** The files of the OpenBSD release, which are mounted over the base. */
  readonly layer: string;
  /** The file with the image's {@link ImageIndex}. */
  readonly index: string;
  /** What is mounted over the layer, the uppermost first. */
  readonly extras: readonly ExtraLayer[];
}

/** The folder and the index of an extra. Paths are relative to the cache folder. */
export interface ExtraLayer {
  readonly name: Extra;
  readonly layer: string;
  readonly index: string;
}

/** How long an unused stage of another version of the sources is kept, in milliseconds. */
const keptForMs = 2 * 24 * 3600 * 1000;

/**
 * Makes the image of a release: only those stages that are missing or whose sources changed. Stages are kept in the
 * cache folder (`imageStages`, `extraStages`).
 *
 * @param say - Called with a line of text for each step.
 * @param extras - What the host is to have besides.
 */
export async function ensureImage(
  release: Release,
  say: (line: string) => void = sayOnStderr,
  extras: readonly Extra[] = [],
): Promise<Image> {
  const stages = await imageStages(release);
  const folder = join(cacheFolder(), "image");
  const extraNamed = extras.length === 0 ? undefined : await extraStages(release);
  const layers =
    extraNamed === undefined
      ? []
      : [...new Set(extras)].map((name) => ({ name, stage: extraNamed[name] }));
  const needed = [stages.base, stages.layer, ...layers.map(({ stage }) => stage)];
  if (needed.some((name) => !existsSync(join(folder, name)))) {
    ensurePackages(hostPackages(), say);
    const problem = namespacesProblem();
    if (problem !== undefined) throw new Error(problem);
    await mkdir(folder, { recursive: true });
    const wait = (): void => say("waiting for another process that is building the image");
    const make = async (): Promise<void> => {
      await deleteUnused(folder);
      await buildImage(folder, release, stages, say);
      if (extraNamed === undefined) return;
      for (const { name } of layers)
        await buildExtra(folder, release, stages, name, extraNamed, say);
    };
    await withLock(join(folder, "lock"), make, wait);
  }
  const now = new Date();
  for (const name of needed) utimesSync(join(folder, name), now, now);
  const place = (stage: string): { layer: string; index: string } => ({
    layer: `image/${stage}/tree`,
    index: `image/${stage}/index.json`,
  });
  return {
    base: `image/${stages.base}`,
    ...place(stages.layer),
    extras: layers.map(({ name, stage }) => ({ name, ...place(stage) })),
  };
}

/** All that is mounted over the base of an image, as overlayfs wants it. */
export function layersOf(image: Image): string {
  return [...image.extras.map(({ layer }) => layer), image.layer].join(":");
}

/** Reads the index of an image: the hashes of its files. */
export function readImageIndex(image: Image): ImageIndex {
  // Of two that have the same file, the upper one counts.
  const indexes = [image, ...[...image.extras].reverse()].map(
    ({ index }) => JSON.parse(readFileSync(join(cacheFolder(), index), "utf8")) as ImageIndex,
  );
  const hashes: Record<string, string> = {};
  for (const index of indexes) Object.assign(hashes, index.hashes);
  return { built: Math.max(...indexes.map(({ built }) => built)), hashes };
}

function sayOnStderr(line: string): void {
  process.stderr.write(`image: ${line}\n`);
}

/** Deletes unfinished stages, and stages of other versions of the sources that were not used for {@link keptForMs}. */
async function deleteUnused(folder: string): Promise<void> {
  const current = await Promise.all(
    releases.flatMap((release) => [imageStages(release), extraStages(release)]),
  );
  const used = new Set(current.flatMap((stages) => Object.values(stages) as string[]));
  for (const name of await readdir(folder)) {
    if (name === "lock" || used.has(name)) continue;
    const { mtimeMs } = await stat(join(folder, name));
    if (name.startsWith("making-") || Date.now() - mtimeMs > keptForMs) {
      removeFolder(join(folder, name));
    }
  }
}
