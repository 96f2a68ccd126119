// Builds dist/: JavaScript and types by tsc, plus the files that travel as they are.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
mkdirSync(join(root, "dist/provider/host"), { recursive: true });
cpSync(join(root, "provider/host/agent.pl"), join(root, "dist/provider/host/agent.pl"));
