/**
 * The stages in which an image is made. A stage's folder is named by a hash of everything that it is made from, so a stage
 * is made again exactly when its sources change.
 */
import { createHash } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { packageFolder } from "../machine/folders";
import { isBefore, ordinal, type Release } from "./releases";

/** The names of an image's stages in the image folder. */
export interface Stages {
  /** An archive of a small Debian with all packages that the other stages need. */
  readonly bootstrap: string;
  /** Postfix, in one of two versions, compiled as the OpenBSD port compiles it. */
  readonly postfix: string;
  /** The root that all hosts have in common. */
  readonly base: string;
  /** The files of one OpenBSD release, which are mounted over the base. */
  readonly layer: string;
}

/**
 * What a host can have besides the image of its release, each made when a host first asks for it:
 *
 * - `mariadb`: a MariaDB server with its client.
 * - `dovecot`: Dovecot, of which tests use the authentication.
 * - `flavors`: packages of Postfix with the flavors mysql and sasl2 whose programs were compiled with them. On a host
 *   without it, every package has the same programs.
 * - `python`: the Python that others than this package need on a host.
 */
export const extraNames = ["mariadb", "dovecot", "flavors", "python"] as const;

/** See `extraNames`. */
export type Extra = (typeof extraNames)[number];

/** The names of the stages of extras in the image folder. */
export interface ExtraStages extends Readonly<Record<Extra, string>> {
  /** The Postfix in the packages of `flavors`, in the version of the release. */
  readonly flavoredPostfix: string;
}

/** A hash of texts, and of what stands at absolute paths. */
async function key(...parts: string[]): Promise<string> {
  const hash = createHash("sha256").update(`${process.arch} ${process.getuid?.()}`);
  for (const part of parts) hash.update(part.startsWith("/") ? await contents(part) : part);
  return hash.digest("hex").slice(0, 12);
}

/** The stages of a release's extras as the sources of this package make them now. */
export async function extraStages(release: Release): Promise<ExtraStages> {
  const scripts = join(packageFolder(), "testing/image");
  const { bootstrap, base, layer } = await imageStages(release);
  const compiled = compiledPostfix(release);
  const common = ["extra.sh", "extra-tree.sh"].map((name) => join(scripts, name));
  const made = (...names: string[]): Promise<string> =>
    key(bootstrap, base, ...common, ...names.map((name) => join(scripts, name)));
  const mariadb = await made("build-mariadb.sh");
  const dovecot = await made("build-dovecot.sh");
  const python = await made("build-python.sh");
  const postfix = await made("build-flavors.sh", "build-postfix.sh");
  const flavors = await key(layer, compiled, postfix, join(scripts, "flavors-layer.sh"));
  return {
    mariadb: `mariadb-${mariadb}`,
    dovecot: `dovecot-${dovecot}`,
    python: `python-${python}`,
    flavoredPostfix: `flavored-postfix-${compiled}-${postfix}`,
    flavors: `flavors-${release}-${flavors}`,
  };
}

/** The stages of a release's image as the sources of this package make them now. */
export async function imageStages(release: Release): Promise<Stages> {
  const scripts = join(packageFolder(), "testing/image");
  const openbsd = join(packageFolder(), "testing/openbsd");
  const bootstrap = await key(join(scripts, "bootstrap.sh"));
  const unpack = join(scripts, "chroot.sh");
  const compiled = compiledPostfix(release);
  const postfix = await key(bootstrap, unpack, compiled, join(scripts, "build-postfix.sh"));
  const base = await key(bootstrap, unpack, join(scripts, "build-base.sh"));
  const sources = await layerSources(openbsd, release);
  const layer = await key(base, postfix, release, ...sources, join(scripts, "tree.pl"));
  return {
    bootstrap: `bootstrap-${bootstrap}.tar`,
    postfix: `postfix-${compiled}-${postfix}`,
    base: `base-${base}`,
    layer: `layer-${release}-${layer}`,
  };
}

/**
 * Which of two compiled versions of Postfix stands in for the one of a release's package: the newest releases have the
 * newer one, with defaults, daemons and parameters that the older one does not know (docs/openbsd.md 1.1).
 */
export function compiledPostfix(release: Release): "older" | "newer" {
  return isBefore(release, "7.8") ? "older" : "newer";
}

/** Everything that a release's layer is made from: not the eras that begin later, and of the table only its own row. */
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

/** The bytes of a file and whether it is executable; for a folder, those of all files below it, with their names. */
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
