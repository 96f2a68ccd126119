/** Every program of the cookbook, as it stands there, run by the real CLI on a host that has what the page says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { diffTrees, startDovecot, startHost, type TestHost } from "../../testing";
import { CertificateMaker } from "../certificates";
import { breakages } from "./breaking";
import { startMailDatabase } from "./mailDatabase";
import { connectionTo, sh } from "./server";
import { printedUnder, Project } from "./stack";

const cookbook = join(__dirname, "../../docs/cookbook");

/** The first program of a page, as JavaScript that Pulumi runs. */
function programOf(page: string): string {
  const text = readFileSync(join(cookbook, `${page}.md`), "utf8");
  const program = /^```ts\n([^]*?)^```$/m.exec(text)?.[1];
  if (program === undefined) throw new Error(`${page}.md has no program`);
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(program, { compilerOptions: options }).outputText;
}

interface Recipe {
  readonly page: string;
  /** Starts the host with what the program finds there, and says what it is configured with. */
  readonly prepare: (hosts: TestHost[]) => Promise<Prepared>;
  /** What the program's output must be. */
  readonly output: readonly [name: string, value: RegExp];
}

interface Prepared {
  readonly host: TestHost;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

const maker = new CertificateMaker();
afterAll(() => maker.clean());

async function started(hosts: TestHost[], extras: Parameters<typeof startHost>[0] = {}) {
  const host = await startHost({ release: "7.8", ...extras });
  hosts.push(host);
  return host;
}

/** Another mail server, which takes what comes. */
async function hub(hosts: TestHost[]): Promise<TestHost> {
  const other = await started(hosts);
  await sh(
    other,
    [
      "pkg_add -I postfix--%stable >/dev/null",
      "rcctl stop smtpd || true",
      "postconf -e 'myhostname = hub.example.com' 'mydestination = example.com' 'local_recipient_maps =' 'mailbox_command = /usr/bin/true'",
      "postalias /etc/postfix/aliases 2>/dev/null || true",
      "postconf -e alias_maps= alias_database=",
      "/usr/local/sbin/postfix start >/dev/null 2>&1",
    ].join("\n"),
  );
  return other;
}

/** A host with a Postfix of these flavors, Dovecot with these users, and a certificate for it by a private authority. */
async function withLogins(hosts: TestHost[], flavors: string, users: Record<string, string>) {
  const host = await started(hosts, { extras: ["dovecot"] });
  await sh(host, `pkg_add -I postfix--${flavors}%stable >/dev/null`);
  await startDovecot(host, { users });
  const authority = maker.issue({ name: "an authority", isCa: true });
  const { certificate, key } = maker.issue({ name: "mx1.example.org", by: authority });
  const config = { certificate, ca: authority.certificate };
  return { host, config, secrets: { privateKey: key } };
}

const recipes: readonly Recipe[] = [
  {
    page: "relay",
    prepare: async (hosts) => {
      const host = await started(hosts);
      await host.reach(await hub(hosts), { at: "10.1.0.2", from: "10.1.0.1" });
      return { host };
    },
    output: ["relayedTo", /10\.1\.0\.2/],
  },
  {
    page: "smarthost",
    prepare: async (hosts) => ({
      host: await started(hosts),
      secrets: { smarthostPassword: "canary-of-the-smarthost" },
    }),
    output: ["packageName", /^postfix-.*-sasl2$/],
  },
  {
    page: "submission",
    prepare: async (hosts) => {
      const { host, config, secrets } = await withLogins(hosts, "", { alice: "canary-of-alice" });
      return { host, config, secrets: { ...secrets, alicePassword: "canary-of-alice" } };
    },
    output: ["notAfter", /^2\d{3}-/],
  },
  {
    page: "virtual-accounts",
    prepare: async (hosts) => ({ host: await started(hosts) }),
    output: ["deliveredTo", /^\/var\/vmail\/alpha\.example\.org\/alfred$/],
  },
  {
    page: "virtual-accounts-mysql",
    prepare: async (hosts) => {
      const host = await started(hosts, { extras: ["mariadb", "flavors"] });
      await startMailDatabase(host, "canary-of-the-database");
      return { host, secrets: { databasePassword: "canary-of-the-database" } };
    },
    output: ["deliveredTo", /^\/var\/vmail\/alpha\.example\.org\/alfred$/],
  },
  {
    page: "all-roles",
    prepare: async (hosts) => {
      const password = "canary-of-alfred";
      const users = { "alfred@alpha.example.org": password };
      const { host, config, secrets } = await withLogins(hosts, "sasl2", users);
      const more = { alfredPassword: password, smarthostPassword: "canary-of-the-smarthost" };
      return { host, config, secrets: { ...secrets, ...more } };
    },
    output: ["deliveredTo", /^\/var\/vmail\/alpha\.example\.org\/berta$/],
  },
];

/** What Dovecot and a database write for themselves is not the program's. */
const OTHERS = /^\/var\/(run\/(dovecot|mysql)|mysql|log)\b/;

/** Everything that the program has put there is broken at once: the preview shows that and nothing else, and `up` mends it. */
async function drift(project: Project, host: TestHost): Promise<void> {
  const broken = await breakages(project);
  const whole = await host.snapshot();
  for (const { script } of broken) await sh(host, script);
  const before = await host.snapshot();
  const preview = await project.preview({ refresh: true });
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
  const shown = [...preview.changes.values()].flatMap(({ name, op, diffs }) => {
    // What is mended is a trigger of others: Postfix is told, and the test message is sent again.
    const own = diffs.filter((path) => !path.startsWith("triggers["));
    return diffs.length > 0 && own.length === 0 ? [] : [[name, op, ...own.sort()]];
  });
  const wanted = broken.map(({ name, diffs }) => [name, "update", ...[...diffs].sort()]);
  expect(shown.sort()).toEqual(wanted.sort());
  for (const { name, secrets } of broken)
    for (const path of secrets)
      expect(printedUnder(preview, name)).toContain(`${path} has drifted: the host has [secret, `);
  expect(preview.stdout + preview.stderr).not.toContain("canary");
  await project.up({ refresh: true });
  // A line of main.cf that had gone has another place now.
  const mended = diffTrees(whole, await host.snapshot()).filter(
    (path) => !/^(\/var\/db\/pulumi|\/etc\/postfix\/main\.cf: contents$)/.test(path),
  );
  expect(mended).toEqual([]);
  const again = await project.up({ refresh: true, expectNoChanges: true });
  expect([...again.changes]).toEqual([]);
}

describe.each(recipes)("$page.md", ({ page, prepare, output: [name, value] }) => {
  const hosts: TestHost[] = [];
  let project: Project | undefined;

  afterAll(async () => {
    project?.remove();
    await Promise.all(hosts.map((host) => host.stop()));
  });

  test("does what the page says, once, and is undone to the byte", async () => {
    const { host, config = {}, secrets = {} } = await prepare(hosts);
    const before = await host.snapshot();
    const changed = async (): Promise<readonly string[]> =>
      diffTrees(before, await host.snapshot()).filter((path) => !OTHERS.test(path));
    project = await Project.create({
      program: programOf(page),
      config: { connection: connectionTo(host), ...config },
      secrets,
    });
    await project.preview();
    expect(await changed()).toEqual([]);
    await project.up();
    expect((await project.outputs())[name]?.value).toMatch(value);
    const again = await project.up({ refresh: true, expectNoChanges: true });
    expect([...again.changes]).toEqual([]);
    await drift(project, host);
    await project.destroy();
    expect(await changed()).toEqual([]);
  });
});

describe("the pages about the life of a host", () => {
  let host: TestHost;
  let known: Record<string, unknown>;
  const projects: Project[] = [];

  beforeAll(async () => {
    host = await startHost({ release: "7.8" });
    known = connectionTo(host);
  });
  afterAll(async () => {
    for (const project of projects) project.remove();
    await host.stop();
  });

  const key = (): string => readFileSync(host.privateKeyPath, "utf8");
  const inOneObject = (): object => ({ config: { connection: known } });
  const pages: readonly (readonly [page: string, settings: () => object])[] = [
    ["adopting", inOneObject],
    ["upgrading", inOneObject],
    ["dkim", inOneObject],
    ["moving-away", inOneObject],
    ["several-hosts", () => ({ config: { hosts: { mx1: known } } })],
    [
      "key-rotation",
      () => ({
        config: { host: host.host, port: String(host.port), hostKey: host.hostKey },
        secrets: { mailKey: key() },
      }),
    ],
  ];

  test.each(pages)(
    "the program of %s.md passes its preview, which changes nothing",
    async (page, settings) => {
      const before = await host.snapshot();
      const project = await Project.create({ program: programOf(page), ...settings() });
      projects.push(project);
      const { ok, summary } = await project.preview();
      expect(ok).toBe(true);
      expect(summary.create).toBeGreaterThan(8);
      expect(diffTrees(before, await host.snapshot())).toEqual([]);
    },
  );
});
