/** What is secret stands in nothing that a method says, returns in clear or throws. */
import { hideSecrets } from "../../provider/contract/hashedSecrets";
import { claimKeyedFile, restoreKeyedFile } from "../../provider/contract/keyedFile";
import {
  forgetSecrets,
  isSecretValue,
  learnFromRecord,
  learnSecrets,
} from "../../provider/driver/secrets/known";
import { keepingSecrets } from "../../provider/driver/secrets/keeping";
import { driftedSecrets } from "../../provider/driver/secrets/drift";
import { hashDrift } from "../../provider/driver/secrets/drift";
import { mask } from "../../provider/driver/secrets/masking";
import { maskOwn } from "../../provider/driver/secrets/masking";
import { maskAll } from "../../provider/driver/secrets/masking";
import { maskAgain } from "../../provider/driver/secrets/masking";
import type { FileState, Fact, Facts, HostReader } from "../../provider/host/host";
import { EMPTY_RECORD, type HostRecord, type Json } from "../../provider/host/record";
import { setStackConfig } from "../../provider/host/stackConfig";
import { keyedTextOf } from "../../provider/kinds/secretFormats";
import { platformOf } from "../../provider/openbsd/platform";
import { lookupTable } from "../../provider/kinds/lookupTable";

const inputs = {
  parameters: {
    relayhost: "[relay.example.org]",
    myhostname: "mx1.example.org",
    "a.b": "dotted secret",
  },
  entries: { root: ["hidden@example.org", "bob"] },
  connection: {
    host: "mx1.example.org",
    password: "open sesame",
    privateKey: "-----BEGIN KEY-----\nAAAABBBBCCCC\n-----END KEY-----\n",
    proxy: { host: "jump.example.org", password: "open barley" },
  },
  secretPaths: ["parameters.relayhost", 'parameters["a.b"]', "entries.root[0]"],
};
const during = <T>(work: () => T | Promise<T>): Promise<T> =>
  keepingSecrets([inputs], () => Promise.resolve(work()));

/** What stands for a secret in a text: how long it is, and a hash that holds in this process. */
const MEASURED = /\[secret, \d+ characters, hash [0-9a-f]{8}\]/g;
const plain = (text: string): string => text.replace(MEASURED, "[secret]");

beforeEach(forgetSecrets);

test.each([
  "[relay.example.org]",
  "dotted secret",
  "hidden@example.org",
  "open sesame",
  "open barley",
  "AAAABBBBCCCC",
])("%s does not pass", async (secret) => {
  expect(plain(await during(() => mask(`before ${secret} after`)))).toBe("before [secret] after");
});

test("what is not secret passes", async () => {
  const text = "myhostname = mx1.example.org, root: bob";
  expect(await during(() => mask(text))).toBe(text);
});

test("outputs are masked in whatever depth", async () => {
  const outputs = { log: [{ line: "to <hidden@example.org>" }], count: 3, none: null };
  expect(await during(() => maskAll(outputs))).toEqual({
    log: [{ line: "to <[secret]>" }],
    count: 3,
    none: null,
  });
});

test("an error keeps what the engine needs of it, and loses the secret in every text", async () => {
  const thrown = Object.assign(new Error("cannot use open sesame"), {
    id: "MainCf/x",
    reasons: ["-"],
  });
  const error: unknown = await keepingSecrets([inputs], () => Promise.reject(thrown)).catch(
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ id: "MainCf/x", reasons: ["-"] });
  expect(plain((error as Error).message)).toBe("cannot use [secret]");
  expect((error as Error).stack).not.toContain("sesame");
});

test("what stands on the host in the place of a secret is one too", async () => {
  const text = await during(() => {
    learnSecrets(inputs, { parameters: { relayhost: "[old.example.org]", myhostname: "old" } });
    return mask("relayhost = [old.example.org], myhostname = old");
  });
  expect(plain(text)).toBe("relayhost = [secret], myhostname = old");
});

test("a drifted secret is told by its hash, in the shape that it has; an equal one stays", () => {
  const live = {
    parameters: { ...inputs.parameters, relayhost: "[drift.example.org]", myhostname: "drift" },
    entries: { root: ["else@example.org", "bob"] },
  };
  const hashed = hashDrift(inputs, live) as typeof live;
  expect(JSON.stringify(hashed)).not.toMatch(/drift\.example|else@/);
  expect(hashed.parameters.relayhost).toMatch(/^\[another value, hash [0-9a-f]{12}\]$/);
  expect(hashed.parameters.myhostname).toBe("drift");
  expect(hashed.entries.root).toEqual([expect.stringMatching(/hash/), "bob"]);
  const same = { parameters: inputs.parameters, entries: inputs.entries };
  expect(hashDrift(inputs, same)).toEqual(same);
  expect(hashDrift(inputs, { parameters: { relayhost: null } })).toEqual({
    parameters: { relayhost: null },
  });
});

test("the hash of a drifted secret is the same at the next refresh, and is not one of the value alone", () => {
  const drifted = (given: string): unknown => {
    const paths = { secretPaths: ["parameters.relayhost"] };
    return hashDrift(
      { ...paths, parameters: { relayhost: given } },
      { parameters: { relayhost: "pin 1234" } },
    );
  };
  expect(drifted("one")).toEqual(drifted("one"));
  expect(drifted("one")).not.toEqual(drifted("other"));
});

test("what one resource knows to be secret, another one does not print", async () => {
  const other = keepingSecrets([{ connection: { password: "other one" } }], async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return mask("open sesame, other one, bob");
  });
  await during(() => undefined);
  expect(plain(await other)).toBe("[secret], [secret], bob");
});

test("a mail log that a resource without secrets quotes loses those of the others, in errors and in outputs", async () => {
  await during(() => undefined);
  const line = "to=<hidden@example.org>, relay=[relay.example.org]:25, status=deferred";
  const service = { connection: { host: "mx1.example.org" } };
  const error: unknown = await keepingSecrets([service], () =>
    Promise.reject(new Error(`start of Postfix failed: ${line}`)),
  ).catch((caught: unknown) => caught);
  expect(plain((error as Error).message)).toBe(
    "start of Postfix failed: to=<[secret]>, relay=[secret]:25, status=deferred",
  );
  const outputs = await keepingSecrets([service], () => Promise.resolve(maskAll({ log: [line] })));
  expect(outputs).toEqual({ log: ["to=<[secret]>, relay=[secret]:25, status=deferred"] });
});

test("a neighbour's short secret is not looked for in everything", async () => {
  const short = { parameters: { mail_name: "no" }, secretPaths: ["parameters.mail_name"] };
  expect(plain(await keepingSecrets([short], () => Promise.resolve(mask("no, nobody"))))).toBe(
    "[secret], [secret]body",
  );
  expect(await during(() => mask("no, nobody"))).toBe("no, nobody");
});

test("an id is hidden by the resource's own secrets only: it is the same in each run", async () => {
  await keepingSecrets([{ connection: { password: "main" } }], () => Promise.resolve());
  expect(await during(() => maskOwn("MainCf/etc/postfix/main.cf, open sesame"))).toBe(
    "MainCf/etc/postfix/main.cf, [secret]",
  );
});

test("two values in one output are told apart, by their lengths and by a hash of this process", async () => {
  const [one, same, other] = (
    await during(() => mask("open sesame\nopen sesame\nopen barley"))
  ).split("\n");
  expect(one).toMatch(/^\[secret, 11 characters, hash [0-9a-f]{8}\]$/);
  expect(same).toBe(one);
  expect(other).toMatch(/^\[secret, 11 characters, hash [0-9a-f]{8}\]$/);
  expect(other).not.toBe(one);
});

test("a secret that is a part of what stands for another one does no harm", async () => {
  const values = {
    a: "secret, 11",
    b: "characters",
    c: "\uE010\uE001 odd",
    secretPaths: ["a", "b", "c"],
  };
  const masked = await keepingSecrets([values], () =>
    Promise.resolve(mask("x secret, 11 y characters z")),
  );
  expect(plain(masked)).toBe("x [secret] y [secret] z");
});

const QUOTED = '|/usr/local/bin/hook --token "tok 9911"';

test.each([
  ["as aliases(5) quotes it", '"|/usr/local/bin/hook --token \\"tok 9911\\""'],
  ["as a message quotes it", JSON.stringify(QUOTED)],
  ["as local(8) logs the command", `(delivered to command: ${QUOTED.slice(1)})`],
  ["with other blanks", QUOTED.replace(" ", "  ").replace(/\s+/g, " ")],
])("a secret %s does not pass", async (_how, text) => {
  const values = { entries: { hook: [QUOTED] }, secretPaths: ["entries.hook[0]"] };
  const masked = await keepingSecrets([values], () => Promise.resolve(mask(`hook: ${text}`)));
  expect(masked).not.toContain("9911");
});

test("a secret that the program gives in quotes is known without them", async () => {
  const quoted = '"|/usr/local/bin/hook --token \\"tok 9911\\""';
  const values = { entries: { hook: [quoted] }, secretPaths: ["entries.hook[0]"] };
  const masked = await keepingSecrets([values], () => Promise.resolve(mask(QUOTED.slice(1))));
  expect(plain(masked)).toBe("[secret]");
});

test("the password in the text of a mysql table is a secret by itself", async () => {
  const values = { text: "user = postfix\npassword = s3same-7\n", secretPaths: ["text"] };
  const masked = await keepingSecrets([values], () =>
    Promise.resolve(mask("denied for s3same-7, user postfix")),
  );
  expect(plain(masked)).toBe("denied for [secret], user postfix");
});

test.each([
  ["pw = s3c\n", "denied for s3c"],
  ["hosts = postgresql://u:s3same%2F7@db/mail\n", "in postgresql://u:s3same%2F7@db: s3same/7"],
])("so is the one in %j", async (text, message) => {
  const values = { text, secretPaths: ["text"] };
  const masked = await keepingSecrets([values], () => Promise.resolve(mask(message)));
  expect(plain(masked)).not.toMatch(/s3/);
});

test.each([
  ["as a server may quote it", "535 wrong password s3same-7 of mx"],
  [
    "as smtp(8) sends it by PLAIN",
    `AUTH PLAIN ${Buffer.from("\0mx\0s3same-7").toString("base64")}`,
  ],
  ["as smtp(8) sends it by LOGIN", Buffer.from("s3same-7").toString("base64")],
])("the password of a login to a smarthost is a secret by itself, %s", async (_how, text) => {
  const entries = { "[smtp.example.net]:587": "mx:s3same-7" };
  const values = { entries, secretPaths: ['entries["[smtp.example.net]:587"]'] };
  const masked = await keepingSecrets([values], () => Promise.resolve(mask(text)));
  expect(plain(masked)).toMatch(/^(.* )?\[secret\]( of mx)?$/);
});

test("a secret that only looks like a login hides no port", async () => {
  const values = {
    parameters: { relayhost: "[relay.example.org]:587" },
    secretPaths: ["parameters.relayhost"],
  };
  const masked = await keepingSecrets([values], () => Promise.resolve(mask("port 587")));
  expect(masked).toBe("port 587");
});

test("a credential from the stack's configuration is a secret too", async () => {
  setStackConfig({ get: (name) => (name === "mail:key" ? "configured one" : undefined) });
  const values = { connection: { host: "mx1", passwordConfig: "mail:key" } };
  const masked = await keepingSecrets([values], () => Promise.resolve(mask("configured one")));
  setStackConfig(undefined);
  expect(plain(masked)).toBe("[secret]");
});

test("a refresh says which secrets have drifted, and of what length they are", () => {
  const found = { parameters: { ...inputs.parameters, relayhost: null }, entries: inputs.entries };
  const [said, ...more] = driftedSecrets(inputs, found);
  expect(more).toEqual([]);
  expect(said).toMatch(
    /^parameters\.relayhost has drifted: the host has nothing, applied was \[secret, 19 characters, hash \w{8}\]$/,
  );
  expect(driftedSecrets(inputs, { parameters: inputs.parameters })).toEqual([]);
});

test("of very many secrets that have drifted, the dictionary around them is gone through once", () => {
  const names = Array.from({ length: 1000 }, (_, nth) => `name${nth}`);
  const dictionary = (value: string): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, value]));
  let times = 0;
  const entries = new Proxy(dictionary("theirs"), {
    ownKeys: (target) => {
      times += 1;
      return Reflect.ownKeys(target);
    },
  });
  const inputs = {
    entries: dictionary("ours"),
    secretPaths: names.map((name) => `entries.${name}`),
  };
  const hashed = hashDrift(inputs, { entries }) as { entries: Record<string, string> };
  expect(Object.keys(hashed.entries)).toEqual(names);
  expect(Object.values(hashed.entries).every((value) => value.startsWith("[another value"))).toBe(
    true,
  );
  expect(times).toBe(1);
});

const MAIN_CF = "/etc/postfix/main.cf";
const file = (contents: string): FileState => ({
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: contents.length,
  contents,
});
const owner = { urn: "urn:pulumi:other::stack::MainCf::main", instance: "1" };

/** A record in which another stack's resource holds a key with a secret. */
function recordOf(path: string, key: string, kind: string, applied: Json): HostRecord {
  const text = keyedTextOf(kind, platformOf("7.8"));
  if (!text) throw new Error(kind);
  const hidden = hideSecrets(text, applied, (value) => value !== "bob");
  const entry = { owner, order: 1, file: path, before: null, ...hidden };
  return { ...EMPTY_RECORD, keys: { [`${path}#${key}`]: entry } };
}

const CASES: readonly [string, string, string, string, Json, string, string][] = [
  [
    "a parameter",
    MAIN_CF,
    "relayhost",
    "MainCf",
    "[hidden.example.org]",
    "myhostname = mx\nrelayhost = [hidden.example.org]\n",
    "relayhost = [hidden.example.org]",
  ],
  [
    "a parameter that somebody has continued on a second line",
    MAIN_CF,
    "relayhost",
    "MainCf",
    "[hidden.example.org]",
    "relayhost = [hidden.exa],\n  mple.hidden\n",
    "+  mple.hidden",
  ],
  [
    "a recipient beside one that is none",
    "/etc/postfix/aliases",
    "root",
    "Aliases",
    [QUOTED, "bob"],
    'root: "|/usr/local/bin/hook --token \\"hidden\\"", bob\n',
    'to=<|/usr/local/bin/hook --token "hidden">',
  ],
  [
    "an override",
    "/etc/postfix/master.cf",
    "smtp/inet/smtpd_banner",
    "MasterCf",
    "hidden-banner",
    "smtp inet n - n - - smtpd\n  -o smtpd_banner=hidden-banner\n",
    "-o smtpd_banner=hidden-banner",
  ],
  [
    "a variable of rc.conf.local",
    "/etc/rc.conf.local",
    "variable:ntpd_flags",
    "RcConfLocal",
    "-s hidden",
    "ntpd_flags=-s hidden\n",
    "ntpd_flags=-s hidden",
  ],
  [
    "an entry of a table",
    "/etc/postfix/sasl_passwd",
    "relay",
    "LookupTable",
    "user:hidden",
    "relay user:hidden\n",
    "relay user:hidden",
  ],
  [
    "the text of a table",
    "/etc/postfix/mysql.cf",
    "*",
    "LookupTable",
    "user = u\npassword = hidden\n",
    "user = u\npassword = hidden\n",
    "+password = hidden",
  ],
];

function pathOf(fact: Fact): string {
  return "path" in fact ? fact.path : "";
}

test.each(CASES)(
  "%s that another stack wrote is found by the record, and hidden",
  async (_what, path, key, kind, applied, contents, shown) => {
    const record = recordOf(path, key, kind, applied);
    expect(JSON.stringify(record)).not.toContain("hidden");
    const reads: string[][] = [];
    const host = {
      fingerprint: "SHA256:x",
      read: (facts: Facts) => {
        const asked = Object.entries(facts).map(([name, fact]) => [name, pathOf(fact)] as const);
        reads.push(asked.map(([, one]) => one));
        return Promise.resolve(Object.fromEntries(asked.map(([name]) => [name, file(contents)])));
      },
    } as unknown as HostReader;
    const learn = (): Promise<void> =>
      learnFromRecord(host, platformOf("7.8"), record, new Map(), keyedTextOf);
    const masked = await during(async () => {
      await learn();
      return [mask(shown), maskAgain({}, { log: [shown] }), mask("bob")] as const;
    });
    expect(JSON.stringify(masked)).not.toContain("hidden");
    expect(masked[2]).toBe("bob");
    // The next resource knows without another look.
    await during(learn);
    expect(reads).toEqual([[path]]);
  },
);

test("what a refresh hides in outputs does not come and go with what else the process knows", async () => {
  const outputs = { effective: { myorigin: "mx.example.net", mydomain: "example.net" } };
  // Another host's secret is no reason to change what the state keeps.
  await keepingSecrets([{ connection: { password: "example.net" } }], () => Promise.resolve());
  expect(await during(() => maskAgain({}, outputs))).toEqual(outputs);
  // What was hidden once stays so, as long as the rest is as it was.
  const before = await during(() => maskAll(outputs));
  expect(before).toEqual({ effective: { myorigin: "mx.[secret]", mydomain: "[secret]" } });
  expect(await during(() => maskAgain(before, outputs))).toEqual(before);
  const now = { effective: { myorigin: "mx", mydomain: "example.org" } };
  expect(await during(() => maskAgain(before, now))).toEqual({
    effective: { myorigin: "mx", mydomain: "[secret]" },
  });
});

describe("the record on the host", () => {
  const text = keyedTextOf("Aliases", platformOf("7.8"));
  if (!text) throw new Error("no format");
  const path = "/etc/postfix/aliases";
  const context = {
    platform: platformOf("7.8"),
    record: EMPTY_RECORD,
    owner,
    dropped: [],
    applied: undefined,
    coming: () => false,
    expected: () => undefined,
    isSecret: (value: string) => isSecretValue(value),
  };
  const wanted = { hook: [QUOTED, "Bob <bob@example.org>"], root: ["alice"] };
  const values = { entries: wanted, secretPaths: ["entries.hook"] };
  const claimed = () =>
    keepingSecrets([values], () =>
      Promise.resolve(claimKeyedFile({ path, state: file(""), text, wanted }, context)),
    );

  test("has hashes in the place of secrets", async () => {
    const claims = await claimed();
    expect(JSON.stringify(claims)).not.toMatch(/9911|bob/);
    expect(claims.map(({ secret }) => secret)).toEqual(["Aliases", undefined]);
    expect(claims[1]?.applied).toEqual(["alice"]);
  });

  test.each([
    ["by hashes", (applied: Json) => applied],
    ["as an earlier version noted it, in clear", () => wanted.hook as Json],
  ])("tells by them whether something is as we made it (%s)", async (_how, noted) => {
    const [hook] = await claimed();
    if (!hook) throw new Error("nothing was claimed");
    const contents = text.put("root: alice\n", "hook", wanted.hook);
    const warned: string[] = [];
    const restore = (now: string) =>
      restoreKeyedFile(path, file(now), text, {
        platform: platformOf("7.8"),
        keys: [
          [
            hook.key,
            { owner, order: 1, file: path, before: hook.before, applied: noted(hook.applied) },
          ],
        ],
        record: EMPTY_RECORD,
        warn: (one) => warned.push(one),
      });
    expect(restore(contents)).toMatchObject([{ change: "write", contents: "root: alice\n" }]);
    expect(warned).toEqual([]);
    expect(restore(contents.replace("9911", "9912"))).toEqual([]);
    expect(warned).toEqual([expect.stringContaining("somebody else")]);
  });

  test("an override's hash is not taken for a service", () => {
    const master = keyedTextOf("MasterCf", platformOf("7.8"));
    const [one, other] = ["one", "other"].map(
      (value) => master && hideSecrets(master, value, () => true),
    );
    expect(master?.same?.(one?.applied, other?.applied)).toBe(false);
    expect(master?.same?.(one?.applied, one?.applied)).toBe(true);
  });

  test("has the hash of a table that is a secret as a whole", async () => {
    const args = { path: "/etc/postfix/mysql.cf", type: "mysql", text: "password = s3same\n" };
    const {
      claims: [claim],
    } = await keepingSecrets([{ ...args, secretPaths: ["text"] }], () =>
      Promise.resolve(
        lookupTable.owns({ file: file(""), database: undefined } as never, args, context),
      ),
    );
    expect(claim).toMatchObject({
      secret: "LookupTable",
      applied: { sha256: expect.any(String) as string },
    });
    expect(JSON.stringify(claim)).not.toContain("s3same");
  });
});
