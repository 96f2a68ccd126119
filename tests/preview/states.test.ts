/**
 * State that lives for years: stacks recorded with each released version are imported and previewed; a state that was
 * lost or restored from a backup is gone on from. `PULUMI_OPENBSD_POSTFIX_RECORD=0.1.0` records that version's.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { packageOf, connectionTo, RELEASES, sh } from "./server";
import { Project } from "./stack";
import { pulumi, refused } from "./ways";

const STATES = join(__dirname, "states");
const now = ["--yes", "--skip-preview"];

interface Resource {
  readonly urn: string;
  readonly outputs?: Readonly<Record<string, unknown>>;
}
interface Exported {
  readonly deployment: { readonly resources: readonly Resource[] };
}

function program(host: TestHost): string {
  return `
const pulumi = require("@pulumi/pulumi");
const { PostfixServer } = require("pulumi-openbsd-postfix");
new PostfixServer("mx", {
  connection: ${JSON.stringify(connectionTo(host))},
  package: ${JSON.stringify(packageOf(host.release))},
  mainCf: { parameters: { myhostname: "myhost.example.org", relayhost: pulumi.secret("[relay.example.org]") } },
  aliases: { entries: { root: ["alice"] } },
  docs: {},
  masterCf: { services: { "submission/inet": { command: "smtpd", overrides: { syslog_name: "postfix/submission" } } } },
  tables: { transport: { path: "/etc/postfix/transport", entries: { "example.com": "smtp:[192.0.2.1]" } } },
  mailCheck: { recipient: "alice@localhost" },
});`;
}

/** What is another one on every host, by the name that stands for it in a recorded stack. */
function placeholders(host: TestHost, exported: Exported): readonly (readonly [string, string])[] {
  const outputs = exported.deployment.resources.flatMap((one) =>
    one.outputs?.["instance"] === undefined ? [] : [[one.urn, one.outputs] as const],
  );
  return [
    [`"port": ${host.port}`, '"port": "PORT"'],
    // A secret is exported as JSON in a string.
    [`\\"port\\":${host.port}`, '\\"port\\":\\"PORT\\"'],
    [host.hostKey, "HOST-KEY"],
    [host.privateKeyPath, "KEY-FILE"],
    ...outputs.map(
      ([urn, { instance }]) =>
        [instance as string, `INSTANCE-OF-${urn.split("::").at(-1) ?? ""}`] as const,
    ),
    ...outputs.slice(0, 1).map(([, { machine }]) => [machine as string, "MACHINE"] as const),
  ];
}

/** Leaves out where on this machine the program made a resource. */
function elsewhere(key: string, value: unknown): unknown {
  return key === "sourcePosition" || key === "stackTrace" ? undefined : value;
}

async function exported(project: Project): Promise<string> {
  const { stdout } = await project.text("stack", "export", "--show-secrets");
  return stdout;
}

async function imported(project: Project, state: string): Promise<void> {
  const file = join(project.folder, "imported.json");
  writeFileSync(file, state);
  await pulumi(project, "stack", "import", "--file", file);
}

function recorded(release: string): readonly string[] {
  return readdirSync(STATES).filter((name) => name.endsWith(`-${release}.json`));
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let project: Project;

  beforeAll(async () => {
    host = await startHost({ release });
    project = await Project.create({ program: program(host) });
  });
  afterAll(async () => {
    project.remove();
    await host.stop();
  });

  test("states of years are gone on from, and what was there before comes back", async () => {
    const bare = await host.snapshot();
    await pulumi(project, "up", ...now);
    const current = await exported(project);
    const names = placeholders(host, JSON.parse(current) as Exported);
    const version = process.env["PULUMI_OPENBSD_POSTFIX_RECORD"];
    if (version !== undefined) {
      const named = names.reduce(
        (text, [value, name]) => text.replaceAll(value, name),
        JSON.stringify(JSON.parse(current), elsewhere, 2),
      );
      mkdirSync(STATES, { recursive: true });
      writeFileSync(join(STATES, `${version}-${release}.json`), named);
    }

    // Stacks of every version that was released.
    expect(recorded(release).length).toBeGreaterThan(0);
    for (const name of recorded(release)) {
      const text = readFileSync(join(STATES, name), "utf8");
      await imported(
        project,
        names.reduce((state, [value, placeholder]) => state.replaceAll(placeholder, value), text),
      );
      const outcome = await project.preview({ refresh: true });
      expect(Object.keys(outcome.summary)).toEqual(["same"]);
    }

    // A state by a newer version.
    await imported(project, current.replaceAll(/"schema": \d+/g, '"schema": 99'));
    const output = await refused(project, "preview", "--refresh");
    expect(output).toContain("newer version of pulumi-openbsd-postfix");
    expect(output).toContain("Upgrade the package");

    // A backup of before a change that was made since: nothing is left for up but to see that.
    await imported(project, current);
    project.write(program(host).replace("myhost.example.org", "other.example.org"));
    await pulumi(project, "up", ...now);
    const changed = await host.snapshot();
    await imported(project, current);
    await pulumi(project, "up", ...now, "--refresh");
    expect(written(changed, await host.snapshot())).toEqual([]);

    // No state at all.
    await imported(project, JSON.stringify({ version: 3, deployment: {} }));
    const pid = await sh(host, "cat /var/spool/postfix/pid/master.pid");
    await pulumi(project, "up", ...now);
    expect(written(changed, await host.snapshot())).toEqual([]);
    expect(await sh(host, "cat /var/spool/postfix/pid/master.pid")).toBe(pid);
    await pulumi(project, "destroy", ...now);
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });
});

/** What is another one on the host, but for our own record, which names the new owner. */
function written(...trees: Parameters<typeof diffTrees>): readonly string[] {
  return diffTrees(...trees).filter((line) => !line.startsWith("/var/db/pulumi-openbsd-postfix"));
}
