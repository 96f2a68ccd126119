import { createHash } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { packageFolder } from "./cache";

/**
 * The releases of OpenBSD that a test host can be shaped like: all there have been since 4.7.
 * `openbsd/releases.table` has a row for each.
 */
export const releases = [
  ...(["4.7", "4.8", "4.9"] as const),
  ...(["5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "5.8", "5.9"] as const),
  ...(["6.0", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9"] as const),
  ...(["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7", "7.8"] as const),
] as const;
export type Release = (typeof releases)[number];

/**
 * One release of each family that differs in how mail, boot and services work, the newest first. The
 * last family is there twice, because its first rcctl(8) was another.
 */
export const familyReleases = ["7.8", "5.7", "5.6", "5.0", "4.7"] as const satisfies Release[];

/** The names of an image's stages in the image folder, each with a hash of what it is made from. */
export interface Stages {
  readonly bootstrap: string;
  readonly postfix: string;
  readonly base: string;
  readonly layer: string;
}

/** Names the stages of the image as the sources on this machine make it. */
export async function imageStages(release: Release): Promise<Stages> {
  const scripts = join(packageFolder(), "testing/image");
  const openbsd = join(packageFolder(), "testing/openbsd");
  const key = async (...parts: string[]): Promise<string> => {
    const hash = createHash("sha256").update(`${process.arch} ${process.getuid?.()}`);
    for (const part of parts) hash.update(part.startsWith("/") ? await contents(part) : part);
    return hash.digest("hex").slice(0, 12);
  };
  const bootstrap = await key(join(scripts, "bootstrap.sh"));
  const unpack = join(scripts, "chroot.sh");
  const postfix = await key(bootstrap, unpack, join(scripts, "build-postfix.sh"));
  const base = await key(bootstrap, unpack, join(scripts, "build-base.sh"));
  const sources = await layerSources(openbsd, release);
  const layer = await key(base, postfix, release, ...sources, join(scripts, "tree.pl"));
  return {
    bootstrap: `bootstrap-${bootstrap}.tar`,
    postfix: `postfix-${postfix}`,
    base: `base-${base}`,
    layer: `layer-${release}-${layer}`,
  };
}

/** What a release's layer is made from: everything but eras that begin later, and other releases' rows. */
async function layerSources(openbsd: string, release: Release): Promise<string[]> {
  const sources: string[] = [];
  for (const name of (await readdir(openbsd)).sort()) {
    const path = join(openbsd, name);
    if (name === "eras") {
      const taken = (await readdir(path)).filter((era) => ordinal(era) <= ordinal(release));
      sources.push(...taken.sort().map((era) => join(path, era)));
    } else if (name === "releases.table") {
      const rows = (await readFile(path, "utf8")).split("\n");
      sources.push(rows.filter((row) => row.startsWith(`${release} `)).join("\n"));
    } else sources.push(path);
  }
  return sources;
}

/** A release as a number that orders: "5.0" is 500. */
function ordinal(release: string): number {
  const [major, minor] = release.split(".").map(Number);
  return (major ?? 0) * 100 + (minor ?? 0);
}

/** Whether a host of one release comes before one of another. */
export function isBefore(release: Release, other: Release): boolean {
  return ordinal(release) < ordinal(other);
}

/** Mode and bytes of a file, or of every file below a folder with its name. */
async function contents(path: string): Promise<string> {
  if (!existsSync(path)) return "";
  const below = (await stat(path)).isDirectory() ? await readdir(path, { recursive: true }) : [""];
  const texts = below.sort().map(async (name) => {
    const file = join(path, name);
    const { mode } = await stat(file);
    const bytes =
      (mode & constants.S_IFMT) === constants.S_IFREG ? await readFile(file, "latin1") : "";
    return `${name}\0${mode & 0o111}\0${bytes}\0`;
  });
  return (await Promise.all(texts)).join("");
}
