import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { ensurePackages, hostPackages } from "../tools/debian-packages";
import { cacheFolder, packageFolder } from "./cache";
import { aptOptions, debianSources } from "./debianSources";
import { withLock } from "./lock";
import { namespacesProblem, removeFolder, rootless, run, unshareArgv } from "./namespaces";
import { parseTree } from "./tree";

/** The releases of OpenBSD that a test host can be shaped like. */
export const releases = ["7.8", "4.7"] as const;
export type Release = (typeof releases)[number];

/** What a host is mounted from. Paths are relative to the cache folder. */
export interface Image {
  readonly base: string;
  readonly layer: string;
  /** A file: `built` in seconds, and `hashes` of every file by its path. */
  readonly index: string;
}

/** What {@link Image.index} holds. */
export interface ImageIndex {
  /** Seconds since the epoch: no inode of the image changed later. */
  readonly built: number;
  readonly hashes: Readonly<Record<string, string>>;
}

/**
 * Mount options of the overlay. An ordinary user's keeps its notes in `user.*` attributes; what else
 * is named are features that the machine's kernel may have switched on by default and that change
 * how a rename or a hard link looks.
 */
export const overlayOptions = rootless ? ",userxattr" : ",redirect_dir=off,metacopy=off,index=off";

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
  const stages = await describe(release);
  const folder = join(cacheFolder(), "image");
  if (!existsSync(join(folder, stages.base)) || !existsSync(join(folder, stages.layer))) {
    ensurePackages(hostPackages(), say);
    const problem = namespacesProblem();
    if (problem !== undefined) throw new Error(problem);
    await mkdir(folder, { recursive: true });
    const wait = (): void => say("waiting for another process that is building the image");
    await withLock(join(folder, "lock"), () => build(folder, release, stages, say), wait);
  }
  return {
    base: `image/${stages.base}`,
    layer: `image/${stages.layer}/tree`,
    index: `image/${stages.layer}/index.json`,
  };
}

function sayOnStderr(line: string): void {
  process.stderr.write(`image: ${line}\n`);
}

interface Stages {
  readonly bootstrap: string;
  readonly postfix: string;
  readonly base: string;
  readonly layer: string;
}

/** The names of the stages, each with the hash of what it is made from. */
async function describe(release: Release): Promise<Stages> {
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

/** Bytes of a file, or names and bytes of everything below a folder. */
async function contents(path: string): Promise<string> {
  if (!existsSync(path)) return "";
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => null);
  if (entries === null) return readFile(path, "latin1");
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  const texts = files
    .sort()
    .map(async (file) => `${file.slice(path.length)}\0${await readFile(file, "latin1")}\0`);
  return (await Promise.all(texts)).join("");
}

async function build(
  folder: string,
  release: Release,
  stages: Stages,
  say: (line: string) => void,
): Promise<void> {
  const scripts = join(packageFolder(), "testing/image");
  const at = (name: string): string => join(folder, name);
  const stage = async (
    name: string,
    what: string,
    make: (target: string) => Promise<void>,
  ): Promise<void> => {
    if (existsSync(at(name))) return;
    for (const left of await readdir(folder)) {
      if (left.startsWith("making-")) removeFolder(at(left));
    }
    const start = Date.now();
    say(what);
    const target = at(`making-${name}`);
    await make(target);
    await rename(target, at(name));
    say(`done in ${((Date.now() - start) / 1000).toFixed(1)} s`);
  };
  const chroot = async (target: string, script: string): Promise<void> => {
    await mkdir(target);
    const argv = [
      "sh",
      join(scripts, "chroot.sh"),
      at(stages.bootstrap),
      target,
      join(scripts, script),
    ];
    await mustRun(unshareArgv(["mount", "pid", "fork", "kill-child"], argv));
  };

  if (!existsSync(at(stages.postfix)) || !existsSync(at(stages.base))) {
    await stage(stages.bootstrap, "fetching Debian packages (about 30 s)", (target) =>
      bootstrap(scripts, target, say),
    );
  }
  await stage(stages.postfix, "compiling Postfix (about 30 s)", async (target) => {
    const root = at("making-root");
    await chroot(root, "build-postfix.sh");
    await mustRun(unshareArgv([], ["mv", join(root, "stage"), target]));
    removeFolder(root);
  });
  await stage(stages.base, "making the base system", (target) => chroot(target, "build-base.sh"));
  await stage(stages.layer, `making OpenBSD ${release} out of it`, async (target) => {
    await mkdir(join(target, "tree"), { recursive: true });
    const variables = [
      `RELEASE=${release}`,
      `LAYER=${join(target, "tree")}`,
      `BASE=${at(stages.base)}`,
      `PKGROOT=${at(stages.postfix)}`,
    ];
    const script = join(packageFolder(), "testing/openbsd/build-layer.sh");
    const argv = ["env", ...variables, "sh", script];
    await mustRun(unshareArgv(["mount", "pid", "fork", "kill-child"], argv));
    await writeIndex(folder, stages.base, basename(target));
  });
}

/** Tries each place that may have a Debian, and says of each why it failed. */
async function bootstrap(
  scripts: string,
  target: string,
  say: (line: string) => void,
): Promise<void> {
  const list = `${target}.list`;
  const failures: string[] = [];
  for (const { suite, mirror, components } of debianSources()) {
    const sources = ["deb", "deb-src"].map((kind) => `${kind} ${mirror} ${suite} ${components}\n`);
    await writeFile(list, sources.join(""));
    const argv = ["sh", join(scripts, "bootstrap.sh"), suite, list, target, ...aptOptions()];
    const { exitCode, stderr } = await run(argv);
    if (exitCode === 0) {
      removeFolder(list);
      return;
    }
    const tail = stderr.toString().trim().split("\n").slice(-12).join("\n");
    failures.push(`${suite} from ${mirror}:\n${tail}`);
    say(`no ${suite} to be had from ${mirror}`);
  }
  throw new Error(`cannot fetch the packages of the test host.\n\n${failures.join("\n\n")}`);
}

/** Notes the hash of every file of the image, so that a snapshot has to read only what changed. */
async function writeIndex(folder: string, base: string, layer: string): Promise<void> {
  const scripts = join(packageFolder(), "testing/image");
  const mountPoint = join(folder, layer, "mount");
  await mkdir(mountPoint);
  const inside = [
    base,
    `${layer}/tree`,
    `${layer}/mount`,
    overlayOptions,
    join(scripts, "tree.pl"),
  ];
  const argv = unshareArgv(["mount", "pid", "fork"], ["sh", join(scripts, "index.sh"), ...inside]);
  const tree = parseTree(await mustRun(argv, folder));
  const hashes: Record<string, string> = {};
  for (const [path, entry] of tree) {
    if (entry.type === "file") hashes[path] = entry.sha256;
  }
  const index: ImageIndex = { built: Date.now() / 1000, hashes };
  await writeFile(join(folder, layer, "index.json"), JSON.stringify(index));
}

async function mustRun(argv: readonly string[], cwd?: string): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await run(argv, cwd === undefined ? {} : { cwd });
  if (exitCode === 0) return stdout;
  const output = Buffer.concat([stdout, stderr]).toString().trim();
  const tail = output.split("\n").slice(-30).join("\n");
  throw new Error(`the image cannot be built (${argv.join(" ")}: exit ${exitCode}):\n${tail}`);
}
