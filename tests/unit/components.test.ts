/** The resource graph that the components make, seen through the SDK's own mocks. */
import * as pulumi from "@pulumi/pulumi";
import * as command from "@pulumi/command";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const registered: Registered[] = [];

/** What the steps put out, each of them its own. */
const OUTPUTS = {
  banner: "220 mx",
  version: "3.7.11",
  release: "7.8",
  name: "postfix-3.7.11",
  effective: { myhostname: "mx.example.org" },
  queueId: "4bX",
};

function mock(): void {
  registered.length = 0;
  void pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        registered.push({
          type: args.type,
          name: args.name,
          inputs: args.inputs as Record<string, unknown>,
        });
        return {
          id: `${args.name}-id`,
          state: { ...(args.inputs as object), revision: 1, ...OUTPUTS },
        };
      },
      call: () => ({}),
    },
    "project",
    "stack",
    true,
  );
}

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

mock();
// The components are loaded after the mocks, as the SDK asks for.
/* eslint-disable @typescript-eslint/no-require-imports */

const { PostfixServer, MainCf, ...others } =
  require("../../components") as typeof import("../../components");

/* eslint-enable */
const connection = { host: "mx1.example.org", user: "root" };
const DYNAMIC = "pulumi-nodejs:dynamic/openbsd:";

/** Every step of a server, in the order of the guide's undoing. */
const STEPS = [
  ["package", "PostfixPackage"],
  ["aliases", "Aliases"],
  ["mainCf", "MainCf"],
  ["chrootResolv", "ChrootResolv"],
  ["baseMailer", "BaseMailer"],
  ["mailerConf", "MailerConf"],
  ["rcConfLocal", "RcConfLocal"],
  ["service", "PostfixService"],
  ["rootCrontab", "RootCrontab"],
  ["mailCheck", "MailCheck"],
] as const;

async function settled(server: InstanceType<typeof PostfixServer>): Promise<void> {
  for (const [field] of STEPS) {
    const step = server[field];
    if (step) await value(step.revision);
  }
}

beforeEach(mock);

test("a server is all steps, each a component with one resource of its kind in it", async () => {
  await settled(new PostfixServer("mx", { connection, mailCheck: { recipient: "alice" } }));
  const types = registered.map(({ type }) => type);
  for (const [, kind] of STEPS) {
    expect(types).toContain(`openbsd-postfix:index:${kind}`);
    expect(types).toContain(`${DYNAMIC}${kind}`);
  }
  expect(types.filter((type) => type.startsWith(DYNAMIC))).toHaveLength(STEPS.length);
});

test("names of children begin with the name of their parent", async () => {
  await settled(new PostfixServer("mx", { connection, mailCheck: { recipient: "alice" } }));
  for (const { name } of registered) expect(name).toMatch(/^mx(-|$)/);
});

test.each(STEPS)("%s is left out when it is false", async (field, kind) => {
  const server = new PostfixServer("mx", {
    connection,
    mailCheck: { recipient: "alice" },
    [field]: false,
  });
  await settled(server);
  expect(server[field]).toBeUndefined();
  expect(registered.map(({ type }) => type)).not.toContain(`${DYNAMIC}${kind}`);
});

test("there is no test message unless one is asked for", async () => {
  const server = new PostfixServer("mx", { connection });
  await settled(server);
  expect(server.mailCheck).toBeUndefined();
});

test("the manual comes when it is asked for, and again with another package", async () => {
  const server = new PostfixServer("mx", { connection, docs: {} });
  await settled(server);
  expect(await value(server.docs?.revision ?? pulumi.output(0))).toBe(1);
  const docs = registered.find(({ type }) => type === `${DYNAMIC}PostfixDocs`);
  expect(docs).toMatchObject({ name: "mx-docs", inputs: { triggers: [1] } });
  const other = new PostfixServer("other", { connection });
  await settled(other);
  expect(other.docs).toBeUndefined();
});

test("tables come when they are asked for, before the services and the main.cf that name them", async () => {
  const server = new PostfixServer("mx", {
    connection,
    masterCf: { services: { "submission/inet": { command: "smtpd" } } },
    tables: {
      transport: { path: "/etc/postfix/transport", entries: { "example.com": "smtp:[10.1.0.2]" } },
      passwords: {
        path: "/etc/postfix/sasl_passwd",
        entries: { "[mx.example.org]": pulumi.secret("user:secret") },
      },
    },
  });
  await settled(server);
  const inputs = registered.filter(({ type }) => type.startsWith(DYNAMIC));
  const names = inputs.map(({ name }) => name);
  for (const own of ["mx-master-cf", "mx-table-transport", "mx-table-passwords"])
    expect(names.indexOf(own)).toBeLessThan(names.indexOf("mx-main-cf"));
  for (const own of ["mx-table-transport", "mx-table-passwords", "mx-aliases"])
    expect(names.indexOf(own)).toBeLessThan(names.indexOf("mx-master-cf"));
  expect(Object.keys(server.tables)).toEqual(["transport", "passwords"]);
  const service = inputs.find(({ name }) => name === "mx-service")?.inputs;
  expect(service?.["triggers"]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  const permissions = (name: string): unknown =>
    inputs.find((one) => one.name === name)?.inputs["permissions"];
  expect(permissions("mx-table-transport")).toBeUndefined();
  expect(permissions("mx-table-passwords")).toEqual({
    mode: "0640",
    owner: "root",
    group: "_postfix",
  });
});

test("main.cf reads the alias file that the aliases step manages", async () => {
  await settled(new PostfixServer("mx", { connection, aliases: { file: "/etc/mail/aliases" } }));
  const inputs = registered.find(({ type }) => type === `${DYNAMIC}MainCf`)?.inputs;
  expect(inputs?.["parameters"]).toEqual({
    alias_maps: "hash:/etc/mail/aliases",
    alias_database: "hash:/etc/mail/aliases",
  });
});

test("a parameter that the user names is the user's", async () => {
  await settled(
    new PostfixServer("mx", {
      connection,
      mainCf: { parameters: { alias_maps: "", myhostname: "a.example" } },
    }),
  );
  const inputs = registered.find(({ type }) => type === `${DYNAMIC}MainCf`)?.inputs;
  expect(inputs?.["parameters"]).toEqual({
    alias_maps: "",
    alias_database: "hash:/etc/postfix/aliases",
    myhostname: "a.example",
  });
});

test("the service takes the revisions of everything that Postfix reads or logs by as triggers", async () => {
  await settled(new PostfixServer("mx", { connection }));
  const inputs = registered.find(({ type }) => type === `${DYNAMIC}PostfixService`)?.inputs;
  // The package, aliases, main.cf, the chroot, and rc.conf.local with its syslogd.
  expect(inputs?.["triggers"]).toEqual([1, 1, 1, 1, 1]);
});

test.each([
  ["a list", ["mine"]],
  ["an output", pulumi.output(["mine"])],
])("triggers of the user come on top of ours: %s", async (_how, triggers) => {
  await settled(
    new PostfixServer("mx", {
      connection,
      docs: { triggers },
      service: { triggers },
      mailCheck: { recipient: "alice", triggers },
    }),
  );
  const of = (kind: string): unknown =>
    registered.find(({ type }) => type === `${DYNAMIC}${kind}`)?.inputs["triggers"];
  expect(of("PostfixDocs")).toEqual([1, "mine"]);
  expect(of("PostfixService")).toEqual([1, 1, 1, 1, 1, "mine"]);
  // Every step before it, so that whatever changed on the host, mail is proven to be delivered after it.
  expect(of("MailCheck")).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, "mine"]);
});

test("a server's outputs are what a larger stack needs of it", async () => {
  const server = new PostfixServer("mx", { connection, mailCheck: { recipient: "alice" } });
  await settled(server);
  const { banner, version, release, packageName, hostname, queueId } = server;
  const outputs = [banner, version, release, packageName, hostname, queueId];
  expect(
    await Promise.all(outputs.map((output) => value(output as pulumi.Output<unknown>))),
  ).toEqual(["220 mx", "3.7.11", "7.8", "postfix-3.7.11", "mx.example.org", "4bX"]);
  const without = new PostfixServer("none", { connection, service: false, mainCf: false });
  await settled(without);
  expect([without.banner, without.version, without.hostname, without.queueId]).toEqual(
    Array(4).fill(undefined),
  );
  expect(await value(without.release as pulumi.Output<string>)).toBe("7.8");
});

test("steps are registered in the order in which what runs changes last", async () => {
  await settled(new PostfixServer("mx", { connection, mailCheck: { recipient: "alice" } }));
  const order = registered
    .filter(({ type }) => type.startsWith(DYNAMIC))
    .map(({ type }) => type.slice(DYNAMIC.length));
  const at = (kind: string): number => order.indexOf(kind);
  for (const before of ["PostfixPackage", "Aliases", "MainCf", "ChrootResolv"])
    expect(at(before)).toBeLessThan(at("MailerConf"));
  for (const [first, second] of [
    ["PostfixPackage", "Aliases"],
    ["Aliases", "MainCf"],
    ["MailerConf", "BaseMailer"],
    ["BaseMailer", "RcConfLocal"],
    ["RcConfLocal", "PostfixService"],
    ["PostfixService", "RootCrontab"],
    ["RootCrontab", "MailCheck"],
  ] as const)
    expect(at(first)).toBeLessThan(at(second));
});

/** The paths in which each resource of a server is replaced for a change, by its kind. */
async function replacedFor(...replaceOnChanges: string[]): Promise<Record<string, unknown>> {
  const name = `mx${registered.length}`;
  const tables = { "a.b": { path: "/etc/postfix/ab", entries: { x: "y" } } };
  await settled(new PostfixServer(name, { connection, tables }, { replaceOnChanges }));
  return Object.fromEntries(
    registered
      .filter((one) => one.name.startsWith(`${name}-`))
      .filter(({ inputs }) => inputs["replaceOnChanges"] !== undefined)
      .map(({ type, inputs }) => [type.slice(DYNAMIC.length), inputs["replaceOnChanges"]]),
  );
}

test("a path of an option goes to the step that it leads into, a step's name means all that it is told", async () => {
  expect(await replacedFor("mainCf.parameters.relayhost", "aliases.file")).toEqual({
    MainCf: ["parameters.relayhost"],
    Aliases: ["file"],
  });
  const whole = { MainCf: ["parameters", "mode", "userDefined", "accept"] };
  expect(await replacedFor("mainCf")).toEqual(whole);
  expect(await replacedFor("mainCf.*", "mainCf")).toEqual(whole);
  expect(await replacedFor('tables["a.b"].entries["x"]', "tables.other")).toEqual({
    LookupTable: ['entries["x"]'],
  });
  for (const path of ["tables", "tables[*]", 'tables["a.b"]'])
    expect(await replacedFor(path)).toEqual({
      LookupTable: ["path", "type", "entries", "mode", "text", "permissions", "probe"],
    });
  expect(await replacedFor("mainCfX", "baseMailer")).toEqual({});
});

test("a path into the connection goes to every step", async () => {
  const kinds = STEPS.map(([, kind]) => kind).filter((kind) => kind !== "MailCheck");
  for (const path of ["connection", "connection.port"])
    expect(await replacedFor(path)).toEqual(
      Object.fromEntries([...kinds, "LookupTable"].map((kind) => [kind, [path]])),
    );
});

describe("what a server is told wrongly stops the program", () => {
  test.each<[string, unknown, string]>([
    [
      "a misspelt step",
      { mainCF: {} },
      "mainCF is no argument of PostfixServer: did you mean mainCf?",
    ],
    ["no step at all", { spam: {} }, "spam is no argument of PostfixServer: connection, package, "],
    ["a step that is true", { docs: true }, "docs must be an object of arguments,"],
    ["a list", { service: [] }, "service must be an object of arguments,"],
    ["an output", { aliases: pulumi.output({}) }, "aliases must be an object of arguments,"],
    ["tables that are a list", { tables: [] }, "tables must be, by names of your own,"],
    ["a table that is left out", { tables: { a: false } }, "tables must be, by names of your own,"],
    ["no connection", { connection: undefined }, "connection must be given."],
  ])("%s", (_what, args, reason) => {
    const make = (): unknown => new PostfixServer("mx", { connection, ...(args as object) });
    expect(make).toThrow(pulumi.RunError);
    expect(make).toThrow(`PostfixServer mx: ${reason}`);
    expect(registered).toEqual([]);
  });

  test("and all of it is said", () => {
    const args = { connection, mainCF: {}, docs: 1 };
    expect(() => new PostfixServer("mx", args as never)).toThrow(/mainCF is no [^]*\ndocs must be/);
  });
});

test.each([
  [["*"], ["parameters", "mode", "userDefined", "accept", "connection"]],
  [
    ["release", "parameters.relayhost", "connection.port"],
    ["parameters.relayhost", "connection.port"],
  ],
])(
  "what is no argument cannot be ignored, the engine would bring it back as one: %j",
  async (paths, own) => {
    const ignored: unknown[] = [];
    const step = new MainCf(
      "main",
      { connection, parameters: {} },
      {
        ignoreChanges: paths,
        transformations: [
          ({ type, opts }) => {
            if (type === `${DYNAMIC}MainCf`) ignored.push(opts.ignoreChanges);
            return undefined;
          },
        ],
      },
    );
    await value(step.revision);
    expect(ignored).toEqual([own]);
  },
);

test("the resource knows its component and that this is a preview", async () => {
  const step = new MainCf("main", { connection, parameters: { myhostname: "a.example" } });
  await value(step.revision);
  const owner = registered.find(({ type }) => type === `${DYNAMIC}MainCf`)?.inputs["owner"];
  expect(owner).toEqual({ urn: await value(step.urn), preview: true });
});

test("inline credentials are secrets, and so are their traces", async () => {
  const step = new MainCf("main", {
    connection: { host: "mx1.example.org", privateKey: "-----BEGIN" },
    parameters: { relayhost: pulumi.secret("relay.example"), myhostname: "a.example" },
  });
  await value(step.revision);
  const inputs = registered.find(({ type }) => type === `${DYNAMIC}MainCf`)?.inputs;
  expect(inputs?.["secretPaths"]).toEqual(["parameters.relayhost"]);
});

test.each([
  ["mysql", "mysql", ["text"]],
  ["memcache, known later", pulumi.output("memcache"), ["text"]],
  ["regexp", "regexp", undefined],
  ["the default type", undefined, undefined],
])("the text of a table is a secret by its type: %s", async (_what, type, paths) => {
  const step = new others.LookupTable("table", {
    connection,
    path: "/etc/postfix/table",
    text: "password = x\n",
    ...(type === undefined ? {} : { type }),
  });
  await value(step.revision);
  const inputs = registered.find(({ type: kind }) => kind === `${DYNAMIC}LookupTable`)?.inputs;
  expect(inputs?.["secretPaths"]).toEqual(paths);
  expect(inputs?.["permissions"]).toEqual(
    paths && { mode: "0640", owner: "root", group: "_postfix" },
  );
  // How the engine gets a secret.
  expect(JSON.stringify(inputs?.["text"]).includes("4dabf18193072939515e22adb298388d")).toBe(
    paths !== undefined,
  );
});

test("a private key of TLS is a secret, whether or not the program marked it", async () => {
  const step = new others.TlsCertificate("tls", {
    connection,
    certificatePath: "/etc/ssl/a.pem",
    privateKeyPath: "/etc/ssl/private/a.key",
    privateKey: "a key",
  });
  await value(step.revision);
  const inputs = registered.find(({ type }) => type === `${DYNAMIC}TlsCertificate`)?.inputs;
  expect(inputs?.["secretPaths"]).toEqual(["privateKey"]);
  // How the engine gets a secret.
  expect(JSON.stringify(inputs?.["privateKey"])).toContain("4dabf18193072939515e22adb298388d");
});

test.each([
  ["a login by its parts", { user: "alice", password: "a password" }, ["login.password"]],
  [
    "a login that is known later",
    pulumi.output({ user: "alice", password: "a password" }),
    ["login"],
  ],
])("the password of a test message is a secret: %s", async (_what, login, paths) => {
  const step = new others.MailCheck("check", { connection, recipient: "alice", login });
  await value(step.revision);
  const inputs = registered.find(({ type }) => type === `${DYNAMIC}MailCheck`)?.inputs;
  expect(inputs?.["secretPaths"]).toEqual(paths);
  expect(JSON.stringify(inputs?.["login"])).toContain("4dabf18193072939515e22adb298388d");
});

test("every exported step is a component of the package's own type", () => {
  for (const [name, component] of Object.entries(others))
    expect(typeof component === "function" ? component.name : name).toBe(name);
});

test("one connection object serves @pulumi/command as well", () => {
  // The compiler is the test: each type takes what the other one gives.
  const ours: import("../../components").ConnectionArgs = {
    host: "mx1.example.org",
    port: 22,
    user: "root",
  };
  const theirs: command.types.input.remote.ConnectionArgs = ours;
  const names: Record<keyof command.types.input.remote.ConnectionArgs, true> = {
    agentSocketPath: true,
    dialErrorLimit: true,
    host: true,
    hostKey: true,
    password: true,
    perDialTimeout: true,
    port: true,
    privateKey: true,
    privateKeyPassword: true,
    proxy: true,
    user: true,
  };
  const back: import("../../components").ConnectionArgs = theirs;
  expect(back.host).toBe("mx1.example.org");
  expect(Object.keys(names)).toHaveLength(11);
});
