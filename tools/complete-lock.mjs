// Completes package-lock.json after `npm install`. Where a registry does not have a package's build for
// some other platform, npm leaves it out of the lock file, and `npm ci` then refuses the file. The
// entries added here name the version that the package asks for; no platform but their own fetches them.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const platform =
  /-(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)(?:-(gnu|musl)?\w*)?$/;

const added = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const places = [`${parent}/node_modules/${name}`, `node_modules/${name}`];
    if (places.some((place) => place in lock.packages)) continue;
    const [, os, cpu, libc] = platform.exec(name) ?? [];
    if (!os || !/^\d/.test(version))
      throw new Error(`${parent} wants ${name}@${version}: unlike a platform's build`);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(entry.dev && { dev: true }),
      optional: true,
      os: [os],
      cpu: [cpu],
      ...(os === "linux" && libc && { libc: [libc === "gnu" ? "glibc" : libc] }),
    };
    added.push(`${name}@${version}`);
  }
}
const sorted = Object.entries(lock.packages).sort(([one], [other]) => (one < other ? -1 : 1));
lock.packages = Object.fromEntries(sorted);
if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.error(added.length > 0 ? `added ${added.join(", ")}` : "nothing is missing");
