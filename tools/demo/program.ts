/** The project that the demo runs: what a user would write for a host of their own. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageFolder } from "../../testing/machine/folders";
import type { Release } from "../../testing";

/** The project's name, and so the namespace of its configuration. */
export const projectName = "demo";

/** The name of the only stack. */
export const stackName = "demo";

/** What the program makes of the host, for the checks to look for. */
export const wanted = { hostname: "mx.example.org", recipient: "alice" } as const;

/** How the program reaches the host; credentials by a key file. */
export interface DemoConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKeyPath: string;
  readonly hostKey: string;
}

/** Is a release older than another? */
export function isBefore(release: Release, other: string): boolean {
  return Number(release) < Number(other);
}

/** Where packages are: before 6.1 there is no file in which the host itself says it. */
function packagePath(release: Release): string {
  if (!isBefore(release, "6.1")) return "";
  const architecture = isBefore(release, "5.0") ? "i386" : "amd64";
  return `
  package: { packagePath: "/mirror/pub/OpenBSD/${release}/packages/${architecture}/" },`;
}

/** The program's text, in TypeScript, with these parameters of main.cf beside its own. */
export function programText(
  release: Release,
  parameters: Readonly<Record<string, string>> = {},
): string {
  const more = Object.entries(parameters).map(
    ([name, value]) => `, ${name}: ${JSON.stringify(value)}`,
  );
  return `import * as pulumi from "@pulumi/pulumi";
import { type ConnectionArgs, PostfixServer } from "pulumi-openbsd-postfix";

const mx = new PostfixServer("mx", {
  connection: new pulumi.Config().requireObject<ConnectionArgs>("connection"),${packagePath(release)}
  mainCf: { parameters: { myhostname: "${wanted.hostname}", mydomain: "example.org", myorigin: "$mydomain"${more.join("")} } },
  aliases: { entries: { root: ["${wanted.recipient}"], postmaster: ["root"], webmaster: ["root"] } },
  mailCheck: { recipient: "${wanted.recipient}", keep: true }, // kept, to be shown here
});

export const banner = mx.banner;
export const dialogue = mx.mailCheck?.transcript;
export const log = mx.mailCheck?.log;
`;
}

/** Pulumi.yaml's text. */
export const projectText = `name: ${projectName}
runtime: nodejs
options:
  refresh: always # look at the host before each run: drift is found, and repaired
`;

/** The stack's configuration: which host, and how to reach it. */
export function configText(connection: DemoConnection): string {
  const lines = Object.entries(connection).map(
    ([name, value]) => `    ${name}: ${value as string}`,
  );
  return ["config:", `  ${projectName}:connection:`, ...lines, ""].join("\n");
}

/**
 * The same settings as this repository's: types are left to an editor or to `tsc`, so that the program starts at once.
 */
const compilerText = `{
  "ts-node": { "transpileOnly": true },
  "compilerOptions": { "strict": true, "target": "es2022", "module": "node16", "moduleResolution": "node16" }
}
`;

/** Writes the project into an empty folder, with this repository as the package that is installed there. */
export function writeProject(
  folder: string,
  release: Release,
  connection: DemoConnection,
  parameters: Readonly<Record<string, string>> = {},
): void {
  const files = {
    "index.ts": programText(release, parameters),
    "Pulumi.yaml": projectText,
    [`Pulumi.${stackName}.yaml`]: configText(connection),
    "package.json": `{ "name": "${projectName}", "private": true }\n`,
    "tsconfig.json": compilerText,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (const name of ["state", "tmp"]) mkdirSync(join(folder, name));
  mkdirSync(join(folder, "node_modules/@pulumi"), { recursive: true });
  const repository = packageFolder();
  symlinkSync(repository, join(folder, "node_modules/pulumi-openbsd-postfix"));
  for (const name of ["@pulumi/pulumi", "typescript", "ts-node"]) {
    symlinkSync(join(repository, "node_modules", name), join(folder, "node_modules", name));
  }
}
