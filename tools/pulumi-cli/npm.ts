import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./report";
import { type Environment, lastLine, run } from "./run";

/** Where the npm package `pulumi` gets the CLI from; it is not in the package itself. */
const downloads = "https://get.pulumi.com/install.sh";

/** Lets the npm package `pulumi` of the same version download the CLI to `folder`/bin. */
export async function downloadByNpm(
  version: string,
  folder: string,
  environment: Environment,
  report: Report,
): Promise<void> {
  await reach(downloads);
  const work = join(folder, "work");
  mkdirSync(work);
  const settings = {
    ...environment,
    // npm would keep the package and its logs in the home folder.
    npm_config_cache: join(work, "npm"),
    npm_config_update_notifier: "false",
    // The package downloads to $PULUMI_HOME/versions/<version>, and takes the version from here.
    PULUMI_HOME: work,
    PULUMI_VERSION: version,
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  report(`installing the npm package pulumi@${version}`);
  const install = ["install", "--prefix", work, "--no-save", "--ignore-scripts", "--no-audit"];
  const installed = await run("npm", [...install, `pulumi@${version}`], {
    cwd: work,
    environment: settings,
    timeoutMs: 120_000,
  });
  if (installed.code !== 0) throw new Error(`npm install: ${lastLine(installed.stderr)}`);
  const started = await run(
    process.execPath,
    [join(work, "node_modules/pulumi/run.js"), "version"],
    { cwd: work, environment: settings, timeoutMs: 600_000, onLine: report },
  );
  if (started.code !== 0) throw new Error(lastLine(started.stderr));
  renameSync(join(work, "versions", version, "bin"), join(folder, "bin"));
  rmSync(work, { recursive: true });
}

/** The package sets no time limit of its own: where packets are dropped, it would wait for minutes. */
async function reach(url: string): Promise<void> {
  const reply = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(10_000) });
  if (!reply.ok) throw new Error(`HTTP ${reply.status} for ${url}`);
}
