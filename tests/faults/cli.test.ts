/** SIGKILL for the CLI, the program and the provider at once, in the middle of an `up` and of a `destroy`. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { installPostfix, sh } from "../preview/server";
import { type Project, projectName, stackName } from "../preview/stack";
import { Projects, pulumi } from "../preview/ways";
import { familyOf } from "../../testing/machine/processes";
import { findPulumi } from "../../tools/pulumi-cli/find";
import { figure } from "./figures";

const BODY = `
const first = alias("webmaster", "alice");
rc("after", { ntpd_flags: "-s" }, (index) => ({ dependsOn: [first[index]] }));`;

let host: TestHost;
let bare: Tree;
let project: Project;
const projects = new Projects(() => [host]);

beforeAll(async () => {
  host = await startHost();
  await installPostfix(host);
  bare = await host.snapshot();
  project = await projects.of(BODY);
});
afterAll(async () => {
  projects.remove();
  await host.stop();
});

/** Runs the CLI; all of it is killed once so many bytes have gone to the host. Without a limit it comes to its end. */
async function run(command: string, limit = Infinity): Promise<number> {
  await host.line.resetCounters();
  const { path } = await findPulumi();
  const argv = [command, "--yes", "--skip-preview", "--non-interactive", "--color", "never"];
  const child: ChildProcess = spawn(path, [...argv, "--stack", project.stack.name], {
    cwd: project.folder,
    env: { ...process.env, ...project.variables },
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let sent = 0;
  while (child.exitCode === null && child.signalCode === null) {
    sent = (await host.line.counters()).bytesFromClient;
    if (sent >= limit && child.pid !== undefined)
      for (const pid of familyOf(child.pid))
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It has ended by itself meanwhile.
        }
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  await ended;
  return Math.max(sent, (await host.line.counters()).bytesFromClient);
}

/** The operations that the state calls pending: what each does, and to which resource. */
async function pending(): Promise<readonly string[]> {
  const state = JSON.parse(await pulumi(project, "stack", "export")) as {
    deployment: { pending_operations?: readonly PendingOperation[] | null };
  };
  const operations = state.deployment.pending_operations ?? [];
  return operations.map(({ type, resource }) => `${type} ${resource.urn}`);
}

/**
 * The CLI writes a state in a folder in place, and keeps the one before it beside. If it is killed meanwhile, the state
 * is empty or ends in its middle, and its user has the copy.
 */
function restoreState(): void {
  const state = join(project.folder, "state/.pulumi/stacks", projectName, `${stackName}.json`);
  try {
    JSON.parse(readFileSync(state, "utf8"));
  } catch {
    copyFileSync(`${state}.bak`, state);
  }
}

interface PendingOperation {
  readonly type: string;
  readonly resource: { readonly urn: string };
}

test("F18: a killed up or destroy leaves one pending operation at most, and the next run goes on", async () => {
  const bytes = { up: await run("up"), destroy: await run("destroy") };
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  let killed = 0;
  // Of what is sent, the login and the agent's text are the first half.
  for (const part of [0.75, 0.95]) {
    for (const command of ["up", "destroy"] as const) {
      const before = await pending();
      await run(command, Math.round(part * bytes[command]));
      killed += 1;
      restoreState();
      // The engine keeps a pending creation through a destroy, until a refresh clears it.
      const more = (await pending()).filter((operation) => !before.includes(operation));
      expect(more.length).toBeLessThanOrEqual(1);
      await project.text("cancel", "--yes");
    }
    // A deletion that was killed may be done on the host and not yet known to the state, which a refresh finds.
    await pulumi(project, "up", "--yes", "--skip-preview", "--refresh");
    expect(await sh(host, "cat /etc/rc.conf.local")).toContain("ntpd_flags");
    await pulumi(project, "preview", "--refresh", "--expect-no-changes");
  }
  await pulumi(project, "destroy", "--yes", "--skip-preview");
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  figure("F18", `${killed} kills`);
});
