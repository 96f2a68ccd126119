/**
 * `npm run pulumi -- ARGS`: runs the Pulumi CLI that was found or built, from any folder. With `--find`
 * as the only argument it says where the CLI is, having fetched or built it if need be.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { constants } from "node:os";
import { findPulumi, pulumiEnvironment } from "./find";
import { reportOnStderr } from "./report";

/** Secrets in a local state are only as safe as the file: the passphrase is no secret. */
const localPassphrase = "openbsd-postfix";

async function main(args: readonly string[]): Promise<number> {
  const cli = await findPulumi();
  if (args.length === 1 && args[0] === "--find") {
    process.stdout.write(`${cli.path} ${cli.version}\n`);
    return 0;
  }
  // npm runs scripts in the package's folder and says where the user stood.
  const cwd = process.env["INIT_CWD"] ?? process.cwd();
  const env = { ...process.env, ...pulumiEnvironment(cli), ...localState(cwd, args) };
  return new Promise((end, fail) => {
    // Listening first: a signal that comes while the CLI starts must not end us and leave it alone.
    for (const signal of ["SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => child.kill(signal));
    }
    // A terminal sends ^C to both; the CLI decides what it means, and we wait for it.
    process.on("SIGINT", () => undefined);
    const child = spawn(cli.path, args, { cwd, stdio: "inherit", env });
    child.on("error", fail);
    child.on("exit", (code, signal) => {
      end(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

/** State beside the project, as long as the user has not said where it shall be. */
function localState(cwd: string, args: readonly string[]): Record<string, string> {
  if (process.env["PULUMI_BACKEND_URL"]) return {};
  const folder = join(projectFolder(chosenFolder(cwd, args)), ".state");
  const state: Record<string, string> = { PULUMI_BACKEND_URL: `file://${folder}` };
  if (!process.env["PULUMI_CONFIG_PASSPHRASE"] && !process.env["PULUMI_CONFIG_PASSPHRASE_FILE"]) {
    state["PULUMI_CONFIG_PASSPHRASE"] = localPassphrase;
  }
  if (!existsSync(folder)) {
    mkdirSync(folder, { mode: 0o700 });
    reportOnStderr(`state is kept in ${folder}; set PULUMI_BACKEND_URL for another place`);
    if ("PULUMI_CONFIG_PASSPHRASE" in state) {
      reportOnStderr(
        `its secrets are encrypted with the passphrase "${localPassphrase}"; set PULUMI_CONFIG_PASSPHRASE for one of your own`,
      );
    }
  }
  return state;
}

/** The folder of `--cwd`, as pulumi(1) has it. */
function chosenFolder(cwd: string, args: readonly string[]): string {
  const index = args.findIndex((arg) => arg === "-C" || arg === "--cwd");
  const named =
    index < 0 ? args.find((arg) => arg.startsWith("--cwd="))?.slice(6) : args[index + 1];
  return resolve(cwd, named ?? ".");
}

/** The nearest folder upwards that holds a project; without one, this repository. */
function projectFolder(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "Pulumi.yaml"))) return folder;
    if (folder === dirname(folder)) return resolve(__dirname, "../../..");
  }
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
