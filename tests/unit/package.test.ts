import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(__dirname, "../..");

interface Packed {
  readonly filename: string;
  /** Bytes of the tarball. */
  readonly size: number;
  /** Bytes of what is in it. */
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** Above today's size by what some months of work may add; a dependency or a folder that slipped in adds more. */
const BUDGET = { size: 850_000, unpackedSize: 3_000_000 };

let folder: string;
let packed: Packed;
let files: readonly string[];

/** Packs the package as a maintainer does, and unpacks it as `npm install` would. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-package-"));
  const pack = ["run", "--silent", "package", "--", "--json", "--pack-destination", folder];
  const printed = execFileSync("npm", pack, {
    cwd: repository,
    // npm's own logs stay out of the home folder.
    env: { ...process.env, npm_config_cache: join(folder, "npm"), npm_config_offline: "true" },
    encoding: "utf8",
  });
  [packed] = JSON.parse(printed) as [Packed];
  files = packed.files.map(({ path }) => path);
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", join(folder, packed.filename), "-C", modules]);
  execFileSync("mv", [join(modules, "package"), join(modules, "pulumi-openbsd-postfix")]);
  for (const name of readdirSync(join(repository, "node_modules"))) {
    if (!name.startsWith(".")) {
      symlinkSync(join(repository, "node_modules", name), join(modules, name));
    }
  }
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("what is published is the library, the test host, the pages for users, and nothing else", () => {
  const belongs = [
    /^(package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE)$/,
    /^docs\/[\w-]+\.md$/,
    /^docs\/(cookbook|reference|performance)\/[^/]*\.(md|sql|svg)$/,
    /^examples\/[\w-]+\/[\w.-]+$/,
    /^dist\/(components|plugin|provider|testing)\/.*\.(js|d\.ts)$/,
    /^dist\/provider\/host\/agent\.pl$/,
    /^plugin\/pulumi-resource-pulumi-nodejs(\.cmd)?$/,
    /^testing\/(host|image|machine)\/[^/]*\.(sh|pl)$/,
    /^testing\/openbsd\//,
  ];
  expect(files.filter((path) => !belongs.some((shape) => shape.test(path)))).toEqual([]);
});

test("what is published fits its budget", () => {
  const { size, unpackedSize } = packed;
  expect({ size: size <= BUDGET.size, unpackedSize: unpackedSize <= BUDGET.unpackedSize }).toEqual({
    size: true,
    unpackedSize: true,
  });
});

test.each([
  ["publint", ["publint/src/cli.js", "--strict"]],
  ["attw", ["@arethetypeswrong/cli/dist/index.js", "--no-definitely-typed", "--no-emoji"]],
])("%s has nothing to say against the tarball", (_name, [tool = "", ...options]) => {
  const program = join(repository, "node_modules", tool);
  const tarball = join(folder, packed.filename);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, tarball, ...options], {
    encoding: "utf8",
    env: { ...process.env, FORCE_COLOR: "0" },
  });
  expect({ status, printed: status === 0 ? "" : stdout + stderr }).toEqual({
    status: 0,
    printed: "",
  });
});

test("no file that is published names a source map, since none is published", () => {
  const unpacked = join(folder, "node_modules/pulumi-openbsd-postfix");
  const naming = files.filter((path) =>
    /^\/\/# sourceMappingURL=/m.test(readFileSync(join(unpacked, path), "utf8")),
  );
  expect(naming).toEqual([]);
});

test("every link of the README leads to what is published", () => {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const targets = [...readme.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !target.startsWith("https:"));
  const isThere = (target: string): boolean =>
    files.some((path) => path === target || path.startsWith(`${target}/`));
  expect(targets.length).toBeGreaterThan(20);
  expect(targets.filter((target) => !isThere(target))).toEqual([]);
});

test.each([
  "README.md",
  "dist/components/index.js",
  "dist/components/index.d.ts",
  "dist/plugin/main.js",
  "dist/provider/index.js",
  "dist/provider/host/agent.pl",
  "dist/testing/index.js",
  "dist/testing/host/keeper.js",
  "plugin/pulumi-resource-pulumi-nodejs",
  "plugin/pulumi-resource-pulumi-nodejs.cmd",
  "testing/host/boot.sh",
  "testing/host/init.pl",
  "testing/image/build-base.sh",
  "testing/image/tree.pl",
  "testing/machine/map-ids.sh",
  "testing/openbsd/build-layer.sh",
])("%s is published", (path) => {
  expect(files).toContain(path);
});

test("every path that the manifest names is published", () => {
  const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
    main: string;
    types: string;
    exports: Record<string, string | { types: string; default: string }>;
  };
  const named = [manifest.main, manifest.types, ...Object.values(manifest.exports)].flatMap(
    (target) => (typeof target === "string" ? [target] : [target.types, target.default]),
  );
  const missing = named.map((path) => path.replace(/^\.\//, "")).filter((p) => !files.includes(p));
  expect(missing).toEqual([]);
});

test.each(["node10", "node16", "bundler"])(
  "types are found by moduleResolution %s",
  (resolution) => {
    const program = `
import { PostfixServer } from "pulumi-openbsd-postfix";
import { startHost } from "pulumi-openbsd-postfix/testing";
import { check } from "pulumi-openbsd-postfix/provider";
export const all: readonly unknown[] = [PostfixServer, startHost, check];
export const wrong: number = startHost;
`;
    writeFileSync(join(folder, "program.ts"), program);
    const module =
      resolution === "bundler" ? "esnext" : resolution === "node16" ? "node16" : "commonjs";
    const tsc = join(repository, "node_modules/typescript/bin/tsc");
    const options = [
      "--noEmit",
      "--skipLibCheck",
      "--module",
      module,
      "--moduleResolution",
      resolution,
    ];
    const { stdout } = spawnSync(process.execPath, [tsc, ...options, "program.ts"], {
      cwd: folder,
      encoding: "utf8",
    });
    // The one error is that of the line that is wrong: what is not found would be of any type.
    expect(stdout.trim()).toMatch(/^program\.ts\(6,14\): error TS2322: [^\n]*$/);
  },
);

test.each([
  ["pulumi-openbsd-postfix", "PostfixServer"],
  ["pulumi-openbsd-postfix/testing", "startHost"],
])("%s is loaded from the installed package and has %s", (name, member) => {
  const script = `process.stdout.write(typeof require(${JSON.stringify(name)}).${member})`;
  const found = execFileSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" });
  expect(found).toBe("function");
});

test("the provider is loaded the way that states keep for ever", () => {
  const load = 'require("module").createRequire(process.cwd() + "/package.json")';
  const script = `process.stdout.write(typeof ${load}("pulumi-openbsd-postfix/provider"))`;
  const found = execFileSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" });
  expect(found).toBe("object");
});

test("the process for dynamic providers can be run from the installed package, and says its port", async () => {
  const plugin = "node_modules/pulumi-openbsd-postfix/plugin/pulumi-resource-pulumi-nodejs";
  expect(statSync(join(folder, plugin)).mode & 0o100).toBe(0o100);
  const child = spawn(join(folder, plugin), ["127.0.0.1:1"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [printed] = (await once(child.stdout, "data")) as [Buffer];
    expect(printed.toString()).toMatch(/^\d+\n$/);
  } finally {
    child.kill("SIGINT");
  }
});
