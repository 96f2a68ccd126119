/** Builds an image stage by stage: packages of Debian, Postfix, the base root, and the layer of an OpenBSD release. */
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { packageFolder } from "../machine/folders";
import { overlayOptions, removeFolder, unshareArgv } from "../machine/namespaces";
import { run } from "../machine/runProgram";
import { aptOptions, debianSources, newerSuite } from "./debianSources";
import { parseTree } from "./fileTree";
import type { Release } from "./releases";
import { compiledPostfix, type Extra, type ExtraStages, type Stages } from "./stages";

/** The index of an image. With it, a snapshot of a host has to hash only the files that changed on the host. */
export interface ImageIndex {
  /** When the image was finished, in seconds since the epoch. A file whose inode changed later is not the image's. */
  readonly built: number;
  /** SHA-256 of every file by its path. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** What the steps of a build need to know. */
interface BuildContext {
  /** The folder that the stages are made in. */
  readonly folder: string;
  /** The folder of the build scripts. */
  readonly scripts: string;
  readonly stages: Stages;
  /** Called with a line of text for each step. */
  readonly say: (line: string) => void;
}

/** The options of unshare(1) that a build script runs with: a mount there cannot be seen elsewhere, nor left behind. */
const privateKinds = ["mount", "pid", "fork", "kill-child"];

/**
 * Makes those stages of an image that are not in `folder` yet. The caller holds the lock of the folder.
 *
 * @param say - Called with a line of text for each step.
 */
export async function buildImage(
  folder: string,
  release: Release,
  stages: Stages,
  say: (line: string) => void,
): Promise<void> {
  const context: BuildContext = {
    folder,
    scripts: join(packageFolder(), "testing/image"),
    stages,
    say,
  };
  if (!existsSync(join(folder, stages.postfix)) || !existsSync(join(folder, stages.base))) {
    await make(context, stages.bootstrap, "fetching Debian packages (about 30 s)", bootstrap);
  }
  await make(context, stages.postfix, "compiling Postfix (about 30 s)", async (_, target) => {
    const root = join(folder, "making-root");
    await runInBootstrap(context, root, "build-postfix.sh", compiledPostfix(release));
    await mustRun(unshareArgv([], ["mv", join(root, "stage"), target]));
    removeFolder(root);
  });
  await make(context, stages.base, "making the base system", (_, target) =>
    runInBootstrap(context, target, "build-base.sh"),
  );
  await make(
    context,
    stages.layer,
    `making OpenBSD ${release} from the base system`,
    async (_, target) => {
      await buildLayer(context, release, join(target, "tree"));
      await writeIndex(context, basename(target));
    },
  );
}

/**
 * Makes one stage, if it is not there yet. It is built under a temporary name and renamed when it is complete.
 *
 * @param what - Says what is made.
 */
async function make(
  context: BuildContext,
  name: string,
  what: string,
  build: (context: BuildContext, target: string) => Promise<void>,
): Promise<void> {
  if (existsSync(join(context.folder, name))) return;
  const start = Date.now();
  context.say(what);
  const target = join(context.folder, `making-${name}`);
  await build(context, target);
  await rename(target, join(context.folder, name));
  context.say(`done in ${((Date.now() - start) / 1000).toFixed(1)} s`);
}

/** What the extras fetch from Debian. The rest of a build is in the script. */
const extraPackages = {
  mariadb: "mariadb-server-core mariadb-client-core",
  dovecot: "dovecot-core",
  python: "python3",
  flavors: "libmariadb-dev libsasl2-dev libsasl2-modules",
};

/** Makes an extra of a release, if it is not in `folder` yet. The stages of the image are there. */
export async function buildExtra(
  folder: string,
  release: Release,
  stages: Stages,
  extra: Extra,
  extras: ExtraStages,
  say: (line: string) => void,
): Promise<void> {
  const scripts = join(packageFolder(), "testing/image");
  const context: BuildContext = { folder, scripts, stages, say };
  if (extra !== "flavors") {
    const what = `making the extra ${extra} of Debian packages (about 30 s)`;
    await make(context, extras[extra], what, async (_, target) => {
      await mkdir(target);
      await runWithPackages(context, extra, "", join(target, "tree"));
      await writeExtraIndex(context, basename(target), [stages.base]);
    });
    return;
  }
  if (existsSync(join(folder, extras.flavors))) return;
  const compiling = "compiling Postfix with MySQL and Cyrus SASL (about 60 s)";
  await make(context, extras.flavoredPostfix, compiling, (_, target) =>
    runWithPackages(context, extra, compiledPostfix(release), target),
  );
  const what = `making the packages of OpenBSD ${release} with flavors`;
  await make(context, extras.flavors, what, async (_, target) => {
    const whole = `${target}-whole`;
    await mkdir(whole, { recursive: true });
    const postfix = join(folder, extras.flavoredPostfix);
    const variables = [`WHOLE=${whole}`, `SCRIPT=${layerScript()}`];
    const script = join(scripts, "flavors-layer.sh");
    await buildLayer(context, release, join(target, "tree"), postfix, script, variables);
    removeFolder(whole);
    await writeExtraIndex(context, basename(target), [`${stages.layer}/tree`, stages.base]);
  });
}

/** Runs the build script of an extra with its packages at hand, and keeps what it makes. */
async function runWithPackages(
  context: BuildContext,
  extra: Extra,
  argument: string,
  target: string,
): Promise<void> {
  const root = join(context.folder, "making-root");
  await mkdir(root, { mode: 0o755 });
  const archive = join(context.folder, context.stages.bootstrap);
  const script = join(context.scripts, "extra.sh");
  const what = [extraPackages[extra], `build-${extra}.sh`, argument];
  const argv = ["sh", script, archive, root, ...what, ...aptOptions()];
  await mustRun(unshareArgv(privateKinds, argv));
  await mustRun(unshareArgv([], ["mv", join(root, "stage"), target]));
  removeFolder(root);
}

/** Unpacks the bootstrap archive into a new folder and runs a script in it. */
async function runInBootstrap(
  context: BuildContext,
  target: string,
  script: string,
  ...args: readonly string[]
): Promise<void> {
  await mkdir(target, { mode: 0o755 });
  const archive = join(context.folder, context.stages.bootstrap);
  const chroot = ["sh", join(context.scripts, "chroot.sh"), archive, target];
  await mustRun(unshareArgv(privateKinds, [...chroot, join(context.scripts, script), ...args]));
}

/** Writes the files of an OpenBSD release into the folder `tree`. */
async function buildLayer(
  context: BuildContext,
  release: Release,
  tree: string,
  postfix = join(context.folder, context.stages.postfix),
  script = layerScript(),
  more: readonly string[] = [],
): Promise<void> {
  await mkdir(tree, { recursive: true });
  const variables = [
    `RELEASE=${release}`,
    `LAYER=${tree}`,
    `BASE=${join(context.folder, context.stages.base)}`,
    `PKGROOT=${postfix}`,
    ...more,
  ];
  // The umask of the user who builds must not change the modes of the host's files.
  const shell = ["sh", "-c", 'umask 022; chmod 755 "$LAYER"; exec sh "$0"', script];
  await mustRun(unshareArgv(privateKinds, ["env", ...variables, ...shell]));
}

/** The script that makes the layer of a release. */
function layerScript(): string {
  return join(packageFolder(), "testing/openbsd/build-layer.sh");
}

/** Debian's own keys, also on a machine of another distribution (package debian-archive-keyring). */
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Fetches the Debian packages from the first source that has them all. If none does, the error says why for each. */
async function bootstrap(context: BuildContext, target: string): Promise<void> {
  const list = `${target}.list`;
  const failures: string[] = [];
  for (const { suite, mirror, components, newerMirror } of debianSources()) {
    const sources = [
      ...["deb", "deb-src"].map((kind) => `${kind} ${mirror} ${suite} ${components}\n`),
      // apt refuses to be told of one suite's keys in two ways.
      ...(suite === newerSuite
        ? []
        : [`deb-src [signed-by=${debianKeyring}] ${newerMirror} ${newerSuite} main\n`]),
    ];
    await writeFile(list, sources.join(""));
    const argv = [
      "sh",
      join(context.scripts, "bootstrap.sh"),
      suite,
      list,
      target,
      `${suite} ${newerSuite}`,
      ...aptOptions(),
    ];
    const { exitCode, stderr } = await run(argv);
    if (exitCode === 0) {
      removeFolder(list);
      return;
    }
    const tail = stderr.toString().trim().split("\n").slice(-12).join("\n");
    failures.push(`${suite} from ${mirror}:\n${tail}`);
    context.say(`${suite} cannot be fetched from ${mirror}`);
  }
  throw new Error(`cannot fetch the packages of the test host.\n\n${failures.join("\n\n")}`);
}

/** Writes the {@link ImageIndex} of a layer on its base. */
async function writeIndex(context: BuildContext, layer: string): Promise<void> {
  await saveIndex(context, layer, await hashesOf(context, layer, [context.stages.base]));
}

/** Writes the {@link ImageIndex} of an extra: only of the files that it brings itself. */
async function writeExtraIndex(
  context: BuildContext,
  extra: string,
  below: readonly string[],
): Promise<void> {
  const all = await hashesOf(context, extra, below);
  const own = Object.entries(all).filter(([path]) =>
    existsSync(join(context.folder, extra, "tree", path)),
  );
  await saveIndex(context, extra, Object.fromEntries(own));
}

/** The hashes of all files of a layer over others. */
async function hashesOf(
  context: BuildContext,
  layer: string,
  below: readonly string[],
): Promise<Record<string, string>> {
  const { folder, scripts } = context;
  await mkdir(join(folder, layer, "mount"));
  const places = [below.join(":"), `${layer}/tree`, `${layer}/mount`];
  const script = ["sh", join(scripts, "index.sh"), ...places, overlayOptions];
  const argv = unshareArgv(privateKinds, [...script, join(scripts, "tree.pl")]);
  const tree = parseTree(await mustRun(argv, folder));
  const hashes: Record<string, string> = {};
  for (const [path, entry] of tree) {
    if (entry.type === "file") hashes[path] = entry.sha256;
  }
  return hashes;
}

async function saveIndex(
  context: BuildContext,
  layer: string,
  hashes: Record<string, string>,
): Promise<void> {
  const index: ImageIndex = { built: Date.now() / 1000, hashes };
  await writeFile(join(context.folder, layer, "index.json"), JSON.stringify(index));
}

/** Runs a program and returns its stdout; throws if it fails. */
async function mustRun(argv: readonly string[], cwd?: string): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await run(argv, cwd === undefined ? {} : { cwd });
  if (exitCode === 0) return stdout;
  const output = Buffer.concat([stdout, stderr]).toString().trim();
  const tail = output.split("\n").slice(-30).join("\n");
  throw new Error(`the image cannot be built (${argv.join(" ")}: exit ${exitCode}):\n${tail}`);
}
