/**
 * `npm run demo`: the main job on a test host, with the real Pulumi CLI, a real sshd and a real Postfix. Shows a
 * preview, `up`, a delivered message, a second `up`, drift and its repair, and `destroy`; ends with a table of what was
 * seen, and with exit status 1 when any of it was not.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Release, releases, startHost, type TestHost } from "../testing";
import { DemoError, play } from "./demo/acts";
import { Checks } from "./demo/checks";
import { type DemoConnection, stackName, writeProject } from "./demo/program";
import { Pulumi } from "./demo/pulumi";
import { Screen } from "./demo/screen";
import { findPulumi } from "./pulumi-cli/find";

const usage = `usage: npm run demo [-- [--release ${releases.join("|")}] [--all]]

  --release  the OpenBSD release that the host is shaped like; 7.8 unless given
  --all      show every line that the Pulumi CLI prints
`;

interface Options {
  readonly release: Release;
  readonly all: boolean;
}

/** What is there to be taken away at the end. */
interface Stand {
  host?: TestHost;
  folder?: string;
  pulumi?: Pulumi;
  cleaned?: Promise<void>;
}

function options(argv: readonly string[]): Options | undefined {
  const known = { release: { type: "string" }, all: { type: "boolean" } } as const;
  try {
    const { values } = parseArgs({ args: [...argv], options: known });
    const wanted = values.release ?? "7.8";
    const release = releases.find((name) => name === wanted);
    return release === undefined ? undefined : { release, all: values.all ?? false };
  } catch {
    return undefined;
  }
}

async function demo({ release, all }: Options, stand: Stand, screen: Screen): Promise<boolean> {
  const checks = new Checks(screen);
  try {
    screen.heading(`A bare host with OpenBSD ${release}`);
    const host = await screen.during("starting the host", startHost({ release }));
    stand.host = host;
    screen.say(
      `A test host is up after ${host.upMs} ms: its own file tree, processes and network, a real sshd on\n` +
        `${host.host} port ${host.port}; shaped like OpenBSD from its documented behaviour, and not OpenBSD itself.`,
    );
    const cli = await findPulumi();
    const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-demo-"));
    stand.folder = folder;
    const connection = connectionTo(host);
    writeProject(folder, release, connection);
    screen.say(`Pulumi ${cli.version} works in ${folder}.\n`);
    const pulumi = new Pulumi(cli, folder, screen, all);
    stand.pulumi = pulumi;
    const stack = await pulumi.quiet(["stack", "init", stackName, "--no-select"]);
    if (!stack.ok) throw new DemoError(`Pulumi cannot make a stack:\n${stack.text}`);
    await play({ host, pulumi, screen, checks }, connection);
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
    screen.say(`\n${error.message}`);
  }
  checks.summary();
  return checks.complete;
}

function connectionTo(host: TestHost): DemoConnection {
  const { host: address, port, user, privateKeyPath, hostKey } = host;
  return { host: address, port, user, privateKeyPath, hostKey };
}

/** Takes everything away, once: the CLI that may still run, the host, the folder. */
function clean(stand: Stand): Promise<void> {
  return (stand.cleaned ??= cleanAll(stand));
}

async function cleanAll({ host, folder, pulumi }: Stand): Promise<void> {
  // A step that is under way can end only while its host is there.
  await pulumi?.stop();
  await host?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

async function main(argv: readonly string[]): Promise<number> {
  const chosen = options(argv);
  if (chosen === undefined) {
    process.stderr.write(usage);
    return 64;
  }
  const screen = new Screen();
  const stand: Stand = {};
  let interrupted = 0;
  const interrupt = (status: number): void => {
    // The second one is from somebody who does not want to wait: the host ends with this process.
    if (interrupted !== 0) process.exit(status);
    interrupted = status;
    screen.print("\nInterrupted: stopping Pulumi and the host, and removing what the demo made.");
    void clean(stand).then(() => process.exit(status));
  };
  process.on("SIGINT", () => interrupt(130));
  process.on("SIGTERM", () => interrupt(143));
  process.on("SIGHUP", () => interrupt(129));
  try {
    const complete = await demo(chosen, stand, screen);
    return complete ? 0 : 1;
  } catch (error) {
    // What fails because it was stopped is no news.
    if (interrupted === 0) throw error;
    return interrupted;
  } finally {
    await clean(stand);
  }
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(
      `\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
