/** The Pulumi CLI that is found or built on this machine, for the Automation API. */
import { basename, dirname, join } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { cacheFolder } from "../../testing/machine/folders";
import { findPulumi, type PulumiCli, pulumiEnvironment } from "./find";

/** The CLI as the Automation API takes it, and the environment that it wants. */
export interface AutomationCli {
  readonly cli: PulumiCli;
  readonly command: PulumiCommand;
  readonly environment: Readonly<Record<string, string>>;
}

let found: Promise<AutomationCli> | undefined;

/** Finds the CLI once for this process. */
export function cliForAutomation(): Promise<AutomationCli> {
  return (found ??= find());
}

async function find(): Promise<AutomationCli> {
  // PulumiCommand starts the CLI with this environment, and that writes a log where it is at home.
  process.env["PULUMI_HOME"] = join(cacheFolder(), "pulumi-home");
  const cli = await findPulumi();
  const bin = dirname(cli.path);
  // The Automation API takes a folder that has bin/pulumi, or what is on PATH.
  const root = basename(bin) === "bin" ? { root: dirname(bin) } : {};
  const command = await PulumiCommand.get(root);
  return { cli, command, environment: pulumiEnvironment(cli) };
}
