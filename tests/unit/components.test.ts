/** The resource graph that the components make, seen through the SDK's own mocks. */
import * as pulumi from "@pulumi/pulumi";
import * as command from "@pulumi/command";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const registered: Registered[] = [];

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
        return { id: `${args.name}-id`, state: { ...(args.inputs as object), revision: 1 } };
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
  expect(service?.["triggers"]).toEqual([1, 1, 1, 1, 1, 1, 1]);
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

test("the service takes the revisions of everything that Postfix reads as triggers", async () => {
  await settled(new PostfixServer("mx", { connection }));
  const inputs = registered.find(({ type }) => type === `${DYNAMIC}PostfixService`)?.inputs;
  expect(inputs?.["triggers"]).toEqual([1, 1, 1, 1]);
});

test("steps are registered in the order in which what runs changes last", async () => {
  await settled(new PostfixServer("mx", { connection, mailCheck: { recipient: "alice" } }));
  const order = registered
    .filter(({ type }) => type.startsWith(DYNAMIC))
    .map(({ type }) => type.slice(DYNAMIC.length));
  const at = (kind: string): number => order.indexOf(kind);
  for (const before of ["PostfixPackage", "Aliases", "MainCf", "ChrootResolv"])
    expect(at(before)).toBeLessThan(at("BaseMailer"));
  for (const [first, second] of [
    ["PostfixPackage", "Aliases"],
    ["Aliases", "MainCf"],
    ["BaseMailer", "MailerConf"],
    ["MailerConf", "RcConfLocal"],
    ["RcConfLocal", "PostfixService"],
    ["PostfixService", "RootCrontab"],
    ["RootCrontab", "MailCheck"],
  ] as const)
    expect(at(first)).toBeLessThan(at(second));
});

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
