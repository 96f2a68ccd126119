/** States of years: old shapes are brought into today's, and unknown values are never wrong. */
import fc from "fast-check";
import * as provider from "../../provider";
import { migrate, migrateInputs, type Migration, SCHEMA } from "../../provider/driver/migrate";
import { UNKNOWN } from "../../provider/values/json";

const migrations: Record<number, Migration> = {
  1: ({ size, ...rest }) => ({ ...rest, ...(size === undefined ? {} : { bytes: size }) }),
  2: (state) => ({ ...state, unit: "byte" }),
};

test("a state of any earlier schema is brought into today's, step by step", () => {
  expect(migrate({ schema: 1, size: 3 }, migrations, 3)).toEqual({
    schema: 3,
    bytes: 3,
    unit: "byte",
  });
  expect(migrate({ schema: 2, bytes: 3 }, migrations, 3)).toEqual({
    schema: 3,
    bytes: 3,
    unit: "byte",
  });
});

test("a state of today's schema, and one that is yet to be made, stay as they are", () => {
  for (const state of [{ schema: 3, a: 1 }, { a: 1 }])
    expect(migrate(state, migrations, 3)).toBe(state);
});

test("there is a migration from every schema that ever was", () => {
  for (let schema = 1; schema < SCHEMA; schema += 1)
    expect(migrate({ schema })).toMatchObject({ schema: SCHEMA });
});

test("every method refuses a state that a newer version wrote, and says what to do", async () => {
  const newer = { schema: SCHEMA + 1 };
  expect(() => provider.diff("MainCf", "id", newer, {})).toThrow(
    /Upgrade the package.*Nothing was changed/,
  );
  await expect(provider.read("MainCf", "id", newer)).rejects.toThrow(/newer version/);
  await expect(provider.update("MainCf", "id", newer, {})).rejects.toThrow(/newer version/);
  await expect(provider.delete("MainCf", "id", newer)).rejects.toThrow(/newer version/);
});

/** Arguments of each kind that are as they should be. */
const VALID: Readonly<Record<string, Record<string, unknown>>> = {
  Aliases: {
    entries: { root: ["alice"], webmaster: ["root", "bob"] },
    file: "/etc/postfix/aliases",
  },
  BaseMailer: {},
  ChrootResolv: { files: ["resolv.conf", "hosts"] },
  LookupTable: {
    path: "/etc/postfix/transport",
    type: "hash",
    entries: { "example.org": "smtp:[10.1.0.2]", "example.net": null },
    mode: "merge",
    permissions: { mode: "0640", owner: "root", group: "_postfix" },
  },
  MailCheck: {
    recipient: "alice",
    sender: "",
    host: "127.0.0.1",
    port: 25,
    timeoutSeconds: 30,
    triggers: [1],
  },
  MailerConf: {},
  MailStore: { path: "/var/vmail", user: "_vmail", uid: 901, mode: "0770", discardMail: true },
  MainCf: { parameters: { myhostname: "mx1.example.org", relayhost: null, mydestination: "" } },
  MasterCf: {
    services: {
      "submission/inet": {
        command: "smtpd",
        chroot: "y",
        maxproc: "20",
        args: ["-v"],
        overrides: { syslog_name: "postfix/submission", smtpd_tls_security_level: null },
      },
      "smtp/unix": null,
    },
  },
  PostfixDocs: { triggers: [1] },
  PostfixPackage: { flavors: ["mysql"] },
  PostfixService: { triggers: [1, 2] },
  RcConfLocal: {
    boot: "unchanged",
    logSocket: false,
    variables: { ntpd_flags: "-s" },
    flags: { syslogd_flags: ["-h"] },
    packageScripts: ["postfix"],
  },
  RootCrontab: { commentOut: ["sm-msp-queue"] },
};

/** What stands beside them in a state, and is no argument. */
const FILLED_IN: Readonly<Record<string, object>> = {
  BaseMailer: { running: false },
  MailerConf: { mailer: "postfix" },
  PostfixPackage: { installed: true },
  PostfixService: { running: true },
};

const CONNECTION = {
  host: "mx1.example.org",
  port: 22,
  user: "root",
  proxy: { host: "jump.example.org" },
};

/** The value with what stands at some of its places unknown: at which, the numbers say. */
function withUnknown(value: unknown, choose: () => boolean): unknown {
  if (choose()) return UNKNOWN;
  if (Array.isArray(value)) return value.map((item) => withUnknown(item, choose));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withUnknown(item, choose)]),
  );
}

/** All but the host is known, or more: then `check` looks at none. */
function inputsWith(kind: string, choices: readonly boolean[]): Record<string, unknown> {
  let at = 0;
  const choose = (): boolean => choices[at++ % choices.length] ?? false;
  const args = withUnknown({ ...VALID[kind] }, () => false) as Record<string, unknown>;
  const inputs = Object.fromEntries(
    Object.entries({ ...args, connection: CONNECTION }).map(([key, value]) => [
      key,
      withUnknown(value, choose),
    ]),
  );
  const connection = inputs["connection"];
  return {
    ...inputs,
    connection: typeof connection === "object" ? { ...connection, host: UNKNOWN } : connection,
    owner: { urn: "urn:pulumi:test::project::type::name", preview: true },
  };
}

test.each(Object.keys(VALID))(
  "%s: whichever inputs are unknown, that is no failure, and no replacement",
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), async (choices) => {
        const news = inputsWith(kind, choices);
        const { failures, inputs } = await provider.check(kind, {}, news);
        expect(failures).toEqual([]);
        const args = { ...VALID[kind], ...FILLED_IN[kind] };
        const olds = { ...args, connection: CONNECTION, schema: SCHEMA, applied: {} };
        const { replaces } = await provider.diff(kind, "id", olds, inputs);
        expect(replaces).toEqual([]);
        // The same with a state: what the release fills in is filled in beside what is unknown.
        const again = await provider.check(kind, { ...olds, release: "7.8" }, news);
        expect(again.failures).toEqual([]);
      }),
      { numRuns: 200 },
    );
  },
);

test("a changed name of the host replaces; one that becomes unknown does not", async () => {
  const replaces = async (connection: unknown): Promise<readonly string[]> =>
    (
      await provider.diff(
        "MainCf",
        "id",
        { connection: CONNECTION, schema: SCHEMA },
        { connection },
      )
    ).replaces;
  expect(await replaces({ ...CONNECTION, host: "mx2.example.org" })).toEqual(["connection"]);
  expect(await replaces({ ...CONNECTION, port: 2222 })).toEqual([]);
  expect(await replaces({ ...CONNECTION, host: UNKNOWN })).toEqual([]);
  expect(await replaces(UNKNOWN)).toEqual([]);
});

test("replaceOnChanges replaces for the paths that it names, and for no others", async () => {
  const olds = { connection: CONNECTION, schema: SCHEMA, parameters: { a: "1", b: "1" } };
  const replaces = async (paths: readonly string[]): Promise<readonly string[]> =>
    (
      await provider.diff("MainCf", "id", olds, {
        connection: CONNECTION,
        parameters: { a: "1", b: "2" },
        replaceOnChanges: paths,
      })
    ).replaces;
  expect(await replaces(["parameters.b"])).toEqual(["parameters.b"]);
  expect(await replaces(["parameters.*"])).toEqual(["parameters.*"]);
  expect(await replaces(["parameters.a", "connection"])).toEqual([]);
});

test("inputs of before, which do not say their schema, are brought into today's shape as well", () => {
  expect(migrateInputs({ size: 3 }, migrations, 3)).toEqual({ bytes: 3, unit: "byte" });
  expect(migrateInputs({}, migrations, 3)).toEqual({});
});

test("a state of an older schema is no change by itself", async () => {
  const inputs = { connection: CONNECTION, parameters: { a: "1" } };
  for (const schema of [SCHEMA, undefined])
    expect(
      await provider.diff("MainCf", "id", { ...inputs, schema, applied: inputs }, inputs),
    ).toMatchObject({ changes: false });
});
