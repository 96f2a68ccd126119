/** What is secret stands in nothing that a method says, returns in clear or throws. */
import {
  hashDrift,
  keepingSecrets,
  learnSecrets,
  mask,
  maskAll,
} from "../../provider/driver/secrets";

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
const during = <T>(work: () => T): Promise<T> =>
  keepingSecrets([inputs], () => Promise.resolve(work()));

test.each([
  "[relay.example.org]",
  "dotted secret",
  "hidden@example.org",
  "open sesame",
  "open barley",
  "AAAABBBBCCCC",
])("%s does not pass", async (secret) => {
  expect(await during(() => mask(`before ${secret} after`))).toBe("before [secret] after");
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
  expect(error).toMatchObject({ message: "cannot use [secret]", id: "MainCf/x", reasons: ["-"] });
  expect((error as Error).stack).not.toContain("sesame");
});

test("what stands on the host in the place of a secret is one too", async () => {
  const text = await during(() => {
    learnSecrets(inputs, { parameters: { relayhost: "[old.example.org]", myhostname: "old" } });
    return mask("relayhost = [old.example.org], myhostname = old");
  });
  expect(text).toBe("relayhost = [secret], myhostname = old");
});

test("a drifted secret is told by its hash, in the shape that it has; an equal one stays", () => {
  const live = {
    parameters: { ...inputs.parameters, relayhost: "[drift.example.org]", myhostname: "drift" },
    entries: { root: ["else@example.org", "bob"] },
  };
  const hashed = hashDrift(inputs, live) as typeof live;
  expect(JSON.stringify(hashed)).not.toMatch(/drift\.example|else@/);
  expect(hashed.parameters.relayhost).toMatch(/^\[another value, sha256 [0-9a-f]{12}\]$/);
  expect(hashed.parameters.myhostname).toBe("drift");
  expect(hashed.entries.root).toEqual([expect.stringMatching(/sha256/), "bob"]);
  const same = { parameters: inputs.parameters, entries: inputs.entries };
  expect(hashDrift(inputs, same)).toEqual(same);
  expect(hashDrift(inputs, { parameters: { relayhost: null } })).toEqual({
    parameters: { relayhost: null },
  });
});

test("two calls at the same time do not know each other's secrets", async () => {
  const other = keepingSecrets([{ connection: { password: "other one" } }], async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return mask("open sesame, other one");
  });
  expect([await during(() => mask("open sesame, other one")), await other]).toEqual([
    "[secret], other one",
    "open sesame, [secret]",
  ]);
});
