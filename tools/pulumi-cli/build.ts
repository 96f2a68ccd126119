import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { findGo, goBuild } from "./go";
import { languageHost, launcher } from "./plugins";
import { type Report, withProgress } from "./report";
import type { Environment } from "./run";

/** The last sdk module that holds the Node language host; it serves newer CLIs as well (measured). */
const languageHostVersion = "3.68.0";

/**
 * Builds the CLI and what it needs for Node programs to `folder`/bin. Takes about 4 minutes on two
 * cores, and 4 GB beside `folder`, which are kept only while a failed build may be tried again.
 */
export async function buildFromModules(
  version: string,
  folder: string,
  environment: Environment,
  report: Report,
): Promise<void> {
  const store = join(dirname(folder), "go");
  const bin = join(folder, "bin");
  const work = join(folder, "work");
  await withProgress(`building the Pulumi CLI ${version}`, report, async (note) => {
    const go = await findGo(store, environment, report);
    const cli = {
      module: "github.com/pulumi/pulumi/pkg/v3",
      moduleVersion: `v${version}`,
      path: "cmd/pulumi",
    };
    await goBuild(go, cli, join(work, "cli"), join(bin, "pulumi"), note);
    const host = {
      module: "github.com/pulumi/pulumi/sdk/v3",
      moduleVersion: `v${languageHostVersion}`,
      path: `nodejs/cmd/${languageHost}`,
    };
    await goBuild(go, host, join(work, "host"), join(bin, languageHost), note);
  });
  mkdirSync(bin, { recursive: true });
  const sdk = dirname(createRequire(__filename).resolve("@pulumi/pulumi/package.json"));
  copyFileSync(join(sdk, launcher), join(bin, launcher));
  chmodSync(join(bin, launcher), 0o755);
  rmSync(work, { recursive: true });
  rmSync(store, { recursive: true, force: true });
}
