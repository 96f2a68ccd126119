import { createHash } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { packageFolder } from "./cache";

/** The releases of OpenBSD that a test host can be shaped like. */
export const releases = ["7.8", "4.7"] as const;
export type Release = (typeof releases)[number];

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
  const layer = await key(base, postfix, release, openbsd, join(scripts, "tree.pl"));
  return {
    bootstrap: `bootstrap-${bootstrap}.tar`,
    postfix: `postfix-${postfix}`,
    base: `base-${base}`,
    layer: `layer-${release}-${layer}`,
  };
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
