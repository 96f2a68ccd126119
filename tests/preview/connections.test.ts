/** Finding hosts: renamed, dead, with rotated keys, by users without rights. Small programs, real CLI. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { diffTrees, generateSshKey, startHost, type TestHost, type Tree } from "../../testing";
import { connectionTo, sh } from "./server";
import { changeOf, type Outcome, printedUnder, Project } from "./stack";

/** A program of single steps: `[component, name, args]`. */
function steps(...made: readonly (readonly [string, string, Record<string, unknown>])[]): string {
  return `
const components = require("pulumi-openbsd-postfix");
for (const [component, name, args] of ${JSON.stringify(made)}) new components[component](name, args);`;
}

const VARIABLES = { variables: { ntpd_flags: "-s" }, boot: "unchanged" };

function rcConf(
  name: string,
  connection: Record<string, unknown>,
): readonly [string, string, Record<string, unknown>] {
  return ["RcConfLocal", name, { connection, ...VARIABLES }];
}

async function projectOf(
  programText: string,
  environment: Record<string, string> = {},
): Promise<Project> {
  return Project.create({
    program: programText,
    environment: { SSH_AUTH_SOCK: "", ...environment },
  });
}

function everything(outcome: Outcome): string {
  return [outcome.stdout, outcome.stderr, ...outcome.diagnostics.values()].join("\n");
}

let host: TestHost;
let bare: Tree;
let project: Project;

beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host.stop());
beforeEach(async () => {
  bare = await host.snapshot();
});
afterEach(() => {
  project.remove();
});

test("an inline key that is rotated works for preview, up and destroy, and is never shown", async () => {
  const [first, second] = [await generateSshKey("ed25519"), await generateSshKey("ed25519")];
  const authorized = await sh(host, "cat /root/.ssh/authorized_keys");
  const allow = (key: string): Promise<unknown> =>
    host.exec(["/bin/sh", "-c", "cat > /root/.ssh/authorized_keys"], {
      stdin: `${authorized}${key}\n`,
    });
  const { privateKeyPath: _path, ...connection } = connectionTo(host);
  const inline = (privateKey: string): string => steps(rcConf("rc", { ...connection, privateKey }));
  // No other key may help: neither an agent nor a default key file.
  project = await projectOf(inline(first.private), { HOME: "/nonexistent" });
  await allow(first.public);
  await project.up();
  await allow(second.public);
  project.write(inline(second.private));
  const preview = await project.preview({ refresh: true });
  expect(changeOf(preview, "rc")?.op).toBe("update");
  const up = await project.up({ refresh: true });
  expect(everything(up)).toContain("refuses the credentials of the last `pulumi up`");
  await project.expectNoChanges();
  const destroyed = await project.destroy({ refresh: true });
  const secret = second.private.split("\n")[2] ?? "";
  expect(secret.length).toBeGreaterThan(20);
  for (const outcome of [preview, up, destroyed]) expect(everything(outcome)).not.toContain(secret);
  await host.exec(["/bin/sh", "-c", "cat > /root/.ssh/authorized_keys"], { stdin: authorized });
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});

test("a changed way to the host is an update that touches no host", async () => {
  project = await projectOf(steps(rcConf("rc", connectionTo(host))));
  await project.up();
  const before = await host.snapshot();
  const moved = { ...connectionTo(host), perDialTimeout: 9 };
  project.write(steps(rcConf("rc", moved)));
  await host.line.resetCounters();
  const outcome = await project.up();
  expect(changeOf(outcome, "rc")?.op).toBe("update");
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
  await project.destroy();
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});

test("a renamed host is taken over: nothing is undone on it, and destroy still restores", async () => {
  project = await projectOf(steps(rcConf("rc", connectionTo(host))));
  await project.up();
  const before = await sh(host, "cat /etc/rc.conf.local");
  project.write(steps(rcConf("rc", { ...connectionTo(host), host: "localhost" })));
  const outcome = await project.up({ refresh: true });
  expect(outcome.steps.map(({ op }) => op)).toContain("create-replacement");
  expect(await sh(host, "cat /etc/rc.conf.local")).toBe(before);
  await project.expectNoChanges();
  await project.destroy({ refresh: true });
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});

test("another machine behind the same address is an error with the ways out, and nothing is changed on it", async () => {
  const other = await startHost();
  const authorized = await sh(host, "cat /root/.ssh/authorized_keys");
  await other.exec(["/bin/sh", "-c", "cat > /root/.ssh/authorized_keys"], { stdin: authorized });
  const { hostKey: _key, ...connection } = connectionTo(host);
  const knownHostsPath = `${mkdtempSync(join(tmpdir(), "known-hosts-"))}/known_hosts`;
  const known = [host, other].map(({ port, hostKey }) => `[127.0.0.1]:${port} ${hostKey}\n`);
  writeFileSync(knownHostsPath, known.join(""));
  project = await projectOf(steps(rcConf("rc", { ...connection, knownHostsPath })));
  await project.up();
  const untouched = await other.snapshot();
  // A forwarded port that leads elsewhere now: the update of the address itself touches no host.
  project.write(steps(rcConf("rc", { ...connection, knownHostsPath, port: other.port })));
  await project.up();
  const outcome = await project.preview({ refresh: true, fails: true });
  expect(everything(outcome)).toContain("is another machine than the one in the state");
  expect(everything(outcome)).toContain(`PULUMI_OPENBSD_POSTFIX_FORGET=127.0.0.1:${other.port}`);
  expect(diffTrees(untouched, await other.snapshot())).toEqual([]);
  project.write(steps(rcConf("rc", { ...connection, knownHostsPath })));
  await project.up();
  await project.destroy();
  await other.stop();
  rmSync(dirname(knownHostsPath), { recursive: true });
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});

test("a host key that the program names anew is the user's word that the machine is right", async () => {
  const other = await startHost();
  const otherBare = await other.snapshot();
  project = await projectOf(steps(rcConf("rc", connectionTo(host))));
  await project.up();
  project.write(steps(rcConf("rc", connectionTo(other))));
  await project.up();
  expect(await sh(other, "cat /etc/rc.conf.local")).toContain("ntpd_flags");
  await project.expectNoChanges();
  await project.destroy({ refresh: true });
  expect(diffTrees(otherBare, await other.snapshot())).toEqual([]);
  await other.stop();
  await sh(host, "rm -rf /etc/rc.conf.local /var/db/pulumi-openbsd-postfix");
});

test("with one of three hosts dead, the others are updated and destroyed, and the dead one is forgotten", async () => {
  const [dead, third] = [await startHost(), await startHost()];
  const thirdBare = await third.snapshot();
  const at = (one: TestHost, value: string): readonly [string, string, Record<string, unknown>] => [
    "RcConfLocal",
    `rc-${one.id}`,
    {
      connection: { ...connectionTo(one), dialErrorLimit: 2 },
      boot: "unchanged",
      variables: { ntpd_flags: value },
    },
  ];
  project = await projectOf(steps(at(host, "-s"), at(dead, "-s"), at(third, "-s")));
  await project.up();
  await dead.stop();
  const name = `127.0.0.1:${dead.port}`;
  const refused = await project.up({ refresh: true, fails: true });
  expect(everything(refused)).toContain("--refresh=false");
  expect(everything(refused)).toContain(`PULUMI_OPENBSD_POSTFIX_FORGET=${name}`);
  project.write(steps(at(host, "-v"), at(dead, "-s"), at(third, "-v")));
  await project.up();
  for (const one of [host, third]) expect(await sh(one, "cat /etc/rc.conf.local")).toContain("-v");
  process.env["PULUMI_OPENBSD_POSTFIX_FORGET"] = name;
  try {
    await project.expectNoChanges();
    const destroyed = await project.destroy({ refresh: true });
    expect(everything(destroyed)).toContain("is forgotten");
  } finally {
    delete process.env["PULUMI_OPENBSD_POSTFIX_FORGET"];
  }
  expect(diffTrees(thirdBare, await third.snapshot())).toEqual([]);
  await third.stop();
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});

test("a host that cannot be reached is one quiet line in the first preview and an error in up", async () => {
  const dead = {
    host: "127.0.0.1",
    port: 1,
    user: "root",
    hostKey: host.hostKey,
    dialErrorLimit: 2,
    privateKeyPath: host.privateKeyPath,
  };
  project = await projectOf(steps(rcConf("rc", dead)));
  const preview = await project.preview();
  expect(printedUnder(preview, "rc")).toMatch(/^127\.0\.0\.1 cannot be looked at yet: .*\n?$/);
  const up = await project.up({ fails: true });
  expect(everything(up)).toContain("127.0.0.1:1");
  expect(everything(up)).toContain("Nothing was changed");
});

const WRONG: readonly {
  readonly law: string;
  readonly step: (
    connection: Record<string, unknown>,
  ) => readonly [string, string, Record<string, unknown>];
  readonly says: readonly string[];
}[] = [
  {
    law: "an unknown flavor",
    step: (connection) => ["PostfixPackage", "x", { connection, flavors: ["msql"] }],
    says: ["flavors[0]", 'no flavor "msql"', "mysql"],
  },
  {
    law: "a flavor that this release does not have",
    step: (connection) => ["PostfixPackage", "x", { connection, flavors: ["sqlite"] }],
    says: ["flavors[0]", "has no flavor"],
  },
  {
    law: "a parameter name with a newline",
    step: (connection) => ["MainCf", "x", { connection, parameters: { "my\nhostname": "a" } }],
    says: ['parameters["my\\nhostname"]', "letters, digits and underscores"],
  },
  {
    law: "a parameter value with a newline",
    step: (connection) => ["MainCf", "x", { connection, parameters: { myhostname: "a\nb" } }],
    says: ["parameters.myhostname", "one line"],
  },
  {
    law: "an alias without recipients",
    step: (connection) => ["Aliases", "x", { connection, entries: { webmaster: [] } }],
    says: ["entries.webmaster", "at least one recipient"],
  },
  {
    law: "a wrong host key",
    step: (connection) => [
      "RcConfLocal",
      "x",
      {
        connection: {
          ...connection,
          hostKey: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        },
      },
    ],
    says: ["connection.hostKey", "SHA256:"],
  },
  {
    law: "a user who is neither root nor allowed by doas",
    step: (connection) => [
      "RcConfLocal",
      "x",
      { connection: { ...connection, user: "nobodyspecial" } },
    ],
    says: ["connection.user", "doas"],
  },
  {
    law: "two owners of one thing",
    step: (connection) => ["RcConfLocal", "x", { connection, variables: { ntpd_flags: "-s" } }],
    says: ["two owners"],
  },
];

test.each(WRONG)(
  "$law is a failure of the preview that names the property, before anything is touched",
  async ({ law, step, says }) => {
    const made = [step(connectionTo(host))];
    if (law === "two owners of one thing") made.push(rcConf("y", connectionTo(host)));
    project = await projectOf(steps(...made));
    const outcome = await project.preview({ fails: true });
    for (const text of says) expect(everything(outcome)).toContain(text);
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  },
);

test("a user whom doas allows does what root does", async () => {
  project = await projectOf(steps(rcConf("rc", { ...connectionTo(host), user: "op" })));
  await project.up();
  expect(await sh(host, "cat /etc/rc.conf.local")).toContain("ntpd_flags");
  await project.destroy();
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});
