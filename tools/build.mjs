// Builds dist/: JavaScript and types by tsc, plus the files that travel as they are. Does nothing
// when nothing changed since the last build, and writes nothing to stdout: `npm run host` prints JSON.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "dist/.sources");
const folders = ["acceptance", "components", "plugin", "provider", "testing", "tools"];
const settings = ["package-lock.json", "tsconfig.json", "tsconfig.build.json", "tools/build.mjs"];
const copied = ["acceptance/host/manifest.pl", "provider/host/agent.pl"];

/** Every file below a folder of the repository, by its path in the repository. */
const list = (folder) => {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
};

const sources = folders.flatMap(list).filter((path) => path.endsWith(".ts"));

const state = [...settings, ...copied, ...sources]
  .map((path) => {
    const { mtimeMs, size } = statSync(join(root, path));
    return `${path} ${size} ${mtimeMs}`;
  })
  .join("\n");

/** Removes what was built from a source that is gone, so that nothing can go on using it. */
const removeOrphans = () => {
  const wanted = new Set(sources.map((path) => path.replace(/\.ts$/, "")));
  for (const path of folders.flatMap((folder) => list(`dist/${folder}`))) {
    const source = path.slice("dist/".length).replace(/(\.d\.ts|\.js)$/, "");
    if (!wanted.has(source) && !copied.includes(source)) rmSync(join(root, path));
  }
};

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== state) {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  removeOrphans();
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
  for (const path of copied) {
    mkdirSync(dirname(join(root, "dist", path)), { recursive: true });
    cpSync(join(root, path), join(root, "dist", path));
  }
  writeFileSync(stamp, state);
}
