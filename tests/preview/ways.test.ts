/**
 * The ways in which people run Pulumi, each with the real CLI. Every program has a host of each release, so that a way
 * is tried on all of them at the price of one.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { RELEASES, sh } from "./server";
import { PROVIDER_PROCESSES } from "./stack";
import { Projects, pulumi, refused } from "./ways";

let hosts: readonly TestHost[];
let bare: readonly Tree[];
const projects = new Projects(() => hosts);
const now = ["--yes", "--skip-preview"];

const snapshots = (): Promise<readonly Tree[]> => Promise.all(hosts.map((host) => host.snapshot()));
const differences = (before: readonly Tree[], after: readonly Tree[]): string[] =>
  before.flatMap((tree, index) => diffTrees(tree, after[index] ?? new Map()));

/** Runs a script on every host; what each printed. */
const everywhere = (script: string): Promise<readonly string[]> =>
  Promise.all(hosts.map((host) => sh(host, script)));
const drift = (): Promise<unknown> =>
  everywhere("sed -i 's/^ntpd_flags=.*/ntpd_flags=-d/' /etc/rc.conf.local");

/** What rc.conf.local says on every host: `""` for a variable that is not there. */
async function expectVariables(wanted: Readonly<Record<string, string>>): Promise<void> {
  const texts = await everywhere("cat /etc/rc.conf.local 2>/dev/null || true");
  for (const text of texts)
    for (const [name, value] of Object.entries(wanted))
      expect(`${name}=${new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? ""}`).toBe(
        `${name}=${value}`,
      );
}

beforeAll(async () => {
  hosts = await Promise.all(RELEASES.map((release) => startHost({ release })));
  bare = await snapshots();
});
afterAll(() => Promise.all(hosts.map((host) => host.stop())));
afterEach(async () => {
  projects.remove();
  // Every way leads back: what a test made is gone when it ends.
  const left = differences(bare, await snapshots());
  await everywhere("rm -rf /etc/rc.conf.local /var/db/pulumi-openbsd-postfix");
  expect(left).toEqual([]);
});

test.each(PROVIDER_PROCESSES)(
  "preview, up, up --skip-preview, refresh and destroy, with the program and without, in the %s process",
  async (providerProcess) => {
    const project = await projects.of('rc("a", { ntpd_flags: "-s" });', { providerProcess });
    expect(await pulumi(project, "preview")).toContain("+ntpd_flags");
    expect(differences(bare, await snapshots())).toEqual([]);
    await pulumi(project, "up", "--yes");
    await expectVariables({ ntpd_flags: "-s" });
    for (const way of [[], ["--run-program"]]) {
      await drift();
      await pulumi(project, "refresh", ...now, ...way);
      // The state holds what the host has, and up puts it back.
      expect(await pulumi(project, "up", ...now)).toMatch(/~ 2 updated/);
      await expectVariables({ ntpd_flags: "-s" });
    }
    await pulumi(project, "destroy", ...now, "--run-program");
  },
);

test("--expect-no-changes fails exactly when something would change", async () => {
  const project = await projects.of('rc("a", { ntpd_flags: "-s" });');
  await refused(project, "preview", "--expect-no-changes");
  await pulumi(project, "up", ...now);
  // What nobody here owns is no drift.
  await everywhere("echo '# a remark' >> /etc/rc.conf.local");
  await pulumi(project, "refresh", "--preview-only", "--expect-no-changes");
  await pulumi(project, "preview", "--refresh", "--expect-no-changes");
  await drift();
  await refused(project, "refresh", "--preview-only", "--expect-no-changes");
  await refused(project, "preview", "--refresh", "--expect-no-changes");
  await everywhere("sed -i '/a remark/d; s/^ntpd_flags=.*/ntpd_flags=\"-s\"/' /etc/rc.conf.local");
  await pulumi(project, "destroy", ...now);
});

test("--target and --exclude work on one step and leave the other", async () => {
  const project = await projects.of(
    'rc("a", { ntpd_flags: "-s" }); rc("b", { apmd_flags: "-A" });',
  );
  await pulumi(project, "up", ...now, "--target", "**::a-*");
  await expectVariables({ ntpd_flags: "-s", apmd_flags: "" });
  await drift();
  await pulumi(project, "up", ...now, "--refresh", "--exclude", "**::a-*");
  await expectVariables({ ntpd_flags: "-d", apmd_flags: "-A" });
  await pulumi(project, "up", ...now, "--refresh", "--target", "**::a-*");
  await expectVariables({ ntpd_flags: "-s", apmd_flags: "-A" });
  await pulumi(project, "destroy", ...now, "--target", "**::a-*");
  await expectVariables({ ntpd_flags: "", apmd_flags: "-A" });
  await pulumi(project, "destroy", ...now);
});

test.each(PROVIDER_PROCESSES)(
  "a program that has the package only through another one, and a destroy that runs no program, in the %s process",
  async (providerProcess) => {
    const project = await projects.throughAnother(
      'rc("a", { ntpd_flags: "-s" });',
      providerProcess,
    );
    await pulumi(project, "up", ...now);
    await expectVariables({ ntpd_flags: "-s" });
    await drift();
    await pulumi(project, "refresh", ...now);
    expect(await pulumi(project, "up", ...now)).toMatch(/~ 2 updated/);
    await expectVariables({ ntpd_flags: "-s" });
    writeFileSync(join(project.folder, "index.js"), "process.exit(1);");
    await pulumi(project, "destroy", ...now);
  },
);

test("--parallel 1 and --json", async () => {
  const project = await projects.of(
    'rc("a", { ntpd_flags: "-s" }); rc("b", { apmd_flags: "-A" });',
  );
  const { stdout } = await project.text("preview", "--json", "--parallel", "1");
  const { steps } = JSON.parse(stdout) as {
    readonly steps: readonly { readonly urn: string }[];
  };
  for (const name of ["a-0", "a-1"])
    expect(
      steps.find(({ urn }) => urn.endsWith(`:dynamic/openbsd:RcConfLocal::${name}`)),
    ).toMatchObject({ op: "create", newState: { inputs: { variables: { ntpd_flags: "-s" } } } });
  await pulumi(project, "up", ...now, "--json", "--parallel", "1");
  await expectVariables({ ntpd_flags: "-s", apmd_flags: "-A" });
  await pulumi(project, "destroy", ...now, "--parallel", "1");
});

test("--continue-on-error does the rest, and the next up what failed", async () => {
  const body = (at: string): string => `
    const a = rc("a", { ntpd_flags: "-s" }, (index, connection) => ({ at: { ...connection, ${at} } }));
    rc("after", { hotplugd_flags: "-q" }, (index) => ({ dependsOn: [a[index]] }));
    rc("b", { apmd_flags: "-A" });`;
  const project = await projects.of(body("port: 1, dialErrorLimit: 1"));
  const output = await refused(project, "up", ...now, "--continue-on-error");
  expect(output).toContain("127.0.0.1:1");
  await expectVariables({ ntpd_flags: "", hotplugd_flags: "", apmd_flags: "-A" });
  projects.rewrite(project, body(""));
  await pulumi(project, "up", ...now);
  await expectVariables({ ntpd_flags: "-s", hotplugd_flags: "-q", apmd_flags: "-A" });
  await pulumi(project, "destroy", ...now);
});

test("protect keeps a step from being undone, and trying changes nothing", async () => {
  const project = await projects.of('rc("a", { ntpd_flags: "-s" }, () => ({ protect: true }));');
  await pulumi(project, "up", ...now);
  const before = await snapshots();
  expect(await refused(project, "destroy", ...now)).toContain("protect");
  expect(differences(before, await snapshots())).toEqual([]);
  await pulumi(project, "state", "unprotect", "--all", "--yes");
  await pulumi(project, "destroy", ...now);
});

test("retainOnDelete leaves the host as it is, and a later up takes it over with what was there before", async () => {
  const project = await projects.of(
    'rc("a", { ntpd_flags: "-s" }, () => ({ retainOnDelete: true }));',
  );
  await pulumi(project, "up", ...now);
  const before = await snapshots();
  projects.rewrite(project, "");
  await pulumi(project, "up", ...now);
  expect(differences(before, await snapshots())).toEqual([]);
  projects.rewrite(project, 'rc("a", { ntpd_flags: "-s" });');
  await pulumi(project, "up", ...now);
  await pulumi(project, "destroy", ...now);
});

test("ignoreChanges leaves what it names as it is", async () => {
  const body = (ntpd: string, apmd: string, options: string): string =>
    `rc("a", { ntpd_flags: "${ntpd}", apmd_flags: "${apmd}" }, () => (${options}));`;
  const project = await projects.of(body("-s", "-A", "{}"));
  await pulumi(project, "up", ...now);
  projects.rewrite(project, body("-v", "-L", '{ ignoreChanges: ["variables.ntpd_flags"] }'));
  await pulumi(project, "up", ...now);
  await expectVariables({ ntpd_flags: "-s", apmd_flags: "-L" });
  await drift();
  await pulumi(project, "up", ...now, "--refresh");
  await expectVariables({ ntpd_flags: "-d", apmd_flags: "-L" });
  await everywhere("sed -i 's/^ntpd_flags=.*/ntpd_flags=\"-s\"/' /etc/rc.conf.local");
  await pulumi(project, "destroy", ...now, "--refresh");
});

test("replaceOnChanges replaces, and destroy still restores", async () => {
  const body = (value: string): string =>
    `rc("a", { ntpd_flags: "${value}" }, () => ({ replaceOnChanges: ["variables.*"] }));`;
  const project = await projects.of(body("-s"));
  await pulumi(project, "up", ...now);
  projects.rewrite(project, body("-v"));
  const outcome = await project.up();
  expect(outcome.summary).toMatchObject({ replace: 2 });
  await expectVariables({ ntpd_flags: "-v" });
  await pulumi(project, "preview", "--refresh", "--expect-no-changes");
  await pulumi(project, "destroy", ...now);
});

test("deletedWith a machine, a step is not undone on it", async () => {
  const project = await projects.of(`
    const machine = new Machine("vm", connections[0]);
    rc("a", { ntpd_flags: "-s" }, () => ({ deletedWith: machine }));`);
  await pulumi(project, "up", ...now);
  const before = await snapshots();
  await pulumi(project, "destroy", ...now);
  expect(differences(before, await snapshots())).toEqual([]);
  await everywhere("rm -rf /etc/rc.conf.local /var/db/pulumi-openbsd-postfix");
});

test("a step that is renamed with an alias is the same step", async () => {
  const alias = '(index) => ({ aliases: [{ name: "a-" + index }] })';
  const both = '{ ntpd_flags: "-s", apmd_flags: "-A" }';
  const project = await projects.of(`rc("a", ${both});`);
  await pulumi(project, "up", ...now);
  projects.rewrite(project, `rc("b", ${both}, ${alias});`);
  await pulumi(project, "up", ...now, "--refresh", "--expect-no-changes");
  // The old name is free for another step, which is not taken for the old one.
  projects.rewrite(project, `rc("b", ${both}, ${alias}); rc("a", { hotplugd_flags: "-q" });`);
  await pulumi(project, "up", ...now);
  await expectVariables({ ntpd_flags: "-s", apmd_flags: "-A", hotplugd_flags: "-q" });
  // What it has owned since before the new name it still owns: the preview shows it go.
  projects.rewrite(
    project,
    `rc("b", { ntpd_flags: "-s" }, ${alias}); rc("a", { hotplugd_flags: "-q" });`,
  );
  expect(await pulumi(project, "up", "--yes")).toContain("-apmd_flags");
  await expectVariables({ ntpd_flags: "-s", apmd_flags: "", hotplugd_flags: "-q" });
  await pulumi(project, "destroy", ...now);
});

test("two stacks on one host: each has its own, and neither undoes the other's", async () => {
  const first = await projects.of('rc("a", { ntpd_flags: "-s" });');
  const second = await projects.of('rc("b", { apmd_flags: "-A" });', { stack: "second" });
  await pulumi(first, "up", ...now);
  await pulumi(second, "up", ...now);
  const third = await projects.of('rc("c", { apmd_flags: "-L" });', { stack: "third" });
  expect(await refused(third, "preview")).toMatch(
    /apmd_flags on this host belongs to urn:pulumi:second::/,
  );
  await pulumi(first, "destroy", ...now, "--refresh");
  await expectVariables({ ntpd_flags: "", apmd_flags: "-A" });
  await pulumi(second, "preview", "--refresh", "--expect-no-changes");
  await pulumi(second, "destroy", ...now);
});

test.each(PROVIDER_PROCESSES)(
  "a stack that makes its hosts, by a provider of its own in the same %s process: unknown in the first preview, set up by the same up",
  async (providerProcess) => {
    const keys = hosts.map((host) => readFileSync(host.privateKeyPath, "utf8"));
    const body = (image: string): string => `
    const keys = ${JSON.stringify(keys)};
    rc("a", { ntpd_flags: "-s" }, (index, connection) => {
      const machine = new Machine("vm-" + index, connection, "${image}");
      const { host, port, hostKey, privateKeyPath, ...rest } = connection;
      const at = { ...rest, host: machine.address, port: machine.port, hostKey: machine.key };
      return { at: { ...at, privateKey: machine.key.apply(() => pulumi.secret(keys[index])) } };
    });`;
    const project = await projects.of(body("1"), { providerProcess });
    const preview = await pulumi(project, "preview", "--diff");
    expect(preview).toContain("not known yet");
    expect(differences(bare, await snapshots())).toEqual([]);
    const up = await pulumi(project, "up", ...now);
    await expectVariables({ ntpd_flags: "-s" });
    await pulumi(project, "preview", "--refresh", "--expect-no-changes");
    // The machine is made anew: its address may be another one, and turns out to be the same.
    projects.rewrite(project, body("2"));
    const anew = await project.preview();
    expect(anew.summary).toMatchObject({ replace: 2, update: 2 });
    await pulumi(project, "up", ...now);
    await pulumi(project, "preview", "--refresh", "--expect-no-changes");
    const destroyed = await pulumi(project, "destroy", ...now);
    for (const key of keys) expect(preview + up + destroyed).not.toContain(key.split("\n")[2]);
  },
);
