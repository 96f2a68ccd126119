import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { packageFolder } from "./cache";
import { aptOptions, debianSources } from "./debianSources";
import type { Release, Stages } from "./imageStages";
import { overlayOptions, removeFolder, run, unshareArgv } from "./namespaces";
import { parseTree } from "./tree";

/** What the index of an image holds. */
export interface ImageIndex {
  /** Seconds since the epoch: no inode of the image changed later. */
  readonly built: number;
  /** SHA-256 of every file by its path. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** What every stage is made with. */
interface Workshop {
  /** The image folder. */
  readonly folder: string;
  readonly scripts: string;
  readonly stages: Stages;
  readonly say: (line: string) => void;
}

const privateKinds = ["mount", "pid", "fork", "kill-child"];

/**
 * Makes those stages of an image that are not in `folder` yet; the caller holds the folder's lock.
 *
 * @param say - Told what is being done, one line each.
 */
export async function buildImage(
  folder: string,
  release: Release,
  stages: Stages,
  say: (line: string) => void,
): Promise<void> {
  const shop: Workshop = { folder, scripts: join(packageFolder(), "testing/image"), stages, say };
  if (!existsSync(join(folder, stages.postfix)) || !existsSync(join(folder, stages.base))) {
    await make(shop, stages.bootstrap, "fetching Debian packages (about 30 s)", bootstrap);
  }
  await make(shop, stages.postfix, "compiling Postfix (about 30 s)", async (_, target) => {
    const root = join(folder, "making-root");
    await runInBootstrap(shop, root, "build-postfix.sh");
    await mustRun(unshareArgv([], ["mv", join(root, "stage"), target]));
    removeFolder(root);
  });
  await make(shop, stages.base, "making the base system", (_, target) =>
    runInBootstrap(shop, target, "build-base.sh"),
  );
  await make(shop, stages.layer, `making OpenBSD ${release} out of it`, async (_, target) => {
    await buildLayer(shop, release, join(target, "tree"));
    await writeIndex(shop, basename(target));
  });
}

/** Makes one stage under another name, and gives it its own when it is whole. */
async function make(
  shop: Workshop,
  name: string,
  what: string,
  build: (shop: Workshop, target: string) => Promise<void>,
): Promise<void> {
  if (existsSync(join(shop.folder, name))) return;
  const start = Date.now();
  shop.say(what);
  const target = join(shop.folder, `making-${name}`);
  await build(shop, target);
  await rename(target, join(shop.folder, name));
  shop.say(`done in ${((Date.now() - start) / 1000).toFixed(1)} s`);
}

/** Unpacks the bootstrap root into a new folder and runs a script in it. */
async function runInBootstrap(shop: Workshop, target: string, script: string): Promise<void> {
  await mkdir(target, { mode: 0o755 });
  const archive = join(shop.folder, shop.stages.bootstrap);
  const chroot = ["sh", join(shop.scripts, "chroot.sh"), archive, target];
  await mustRun(unshareArgv(privateKinds, [...chroot, join(shop.scripts, script)]));
}

async function buildLayer(shop: Workshop, release: Release, tree: string): Promise<void> {
  await mkdir(tree, { recursive: true });
  const variables = [
    `RELEASE=${release}`,
    `LAYER=${tree}`,
    `BASE=${join(shop.folder, shop.stages.base)}`,
    `PKGROOT=${join(shop.folder, shop.stages.postfix)}`,
  ];
  const script = join(packageFolder(), "testing/openbsd/build-layer.sh");
  // The user's umask is none of the host's business.
  const shell = ["sh", "-c", 'umask 022; chmod 755 "$LAYER"; exec sh "$0"', script];
  await mustRun(unshareArgv(privateKinds, ["env", ...variables, ...shell]));
}

/** Tries each place that may have a Debian, and says of each why it failed. */
async function bootstrap(shop: Workshop, target: string): Promise<void> {
  const list = `${target}.list`;
  const failures: string[] = [];
  for (const { suite, mirror, components } of debianSources()) {
    const sources = ["deb", "deb-src"].map((kind) => `${kind} ${mirror} ${suite} ${components}\n`);
    await writeFile(list, sources.join(""));
    const argv = ["sh", join(shop.scripts, "bootstrap.sh"), suite, list, target, ...aptOptions()];
    const { exitCode, stderr } = await run(argv);
    if (exitCode === 0) {
      removeFolder(list);
      return;
    }
    const tail = stderr.toString().trim().split("\n").slice(-12).join("\n");
    failures.push(`${suite} from ${mirror}:\n${tail}`);
    shop.say(`no ${suite} to be had from ${mirror}`);
  }
  throw new Error(`cannot fetch the packages of the test host.\n\n${failures.join("\n\n")}`);
}

/** Notes the hash of every file of the image, so that a snapshot has to read only what changed. */
async function writeIndex(shop: Workshop, layer: string): Promise<void> {
  const { folder, scripts, stages } = shop;
  await mkdir(join(folder, layer, "mount"));
  const places = [stages.base, `${layer}/tree`, `${layer}/mount`];
  const script = ["sh", join(scripts, "index.sh"), ...places, overlayOptions];
  const argv = unshareArgv(privateKinds, [...script, join(scripts, "tree.pl")]);
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
