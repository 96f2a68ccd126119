/** What Pulumi writes into a user's state: old states call new code through this text, so it is frozen. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import requireFromString from "require-from-string";
import { providerText } from "../../components/providerText";
import * as provider from "../../provider";
import { setStackConfig } from "../../provider/host/stackConfig";

const METHODS = ["configure", "check", "diff", "create", "read", "update", "delete"] as const;

function run(text: string): Record<string, (...args: unknown[]) => unknown> {
  const module = requireFromString(text) as {
    handler: () => Record<string, (...args: unknown[]) => unknown>;
  };
  return module.handler();
}

/** Every stack that was recorded with a released version. */
const STATES = join(__dirname, "../preview/states");

test.each(readdirSync(STATES))(
  "each text of the stack %s has every method that the engine calls",
  (state) => {
    const { deployment } = JSON.parse(readFileSync(join(STATES, state), "utf8")) as {
      deployment: { resources: { inputs?: { __provider?: string } }[] };
    };
    const texts = deployment.resources.flatMap(({ inputs }) => inputs?.__provider ?? []);
    expect(texts.length).toBeGreaterThan(10);
    for (const text of texts) expect(Object.keys(run(text)).sort()).toEqual([...METHODS].sort());
  },
);

test.each([
  ["from the program", "b0e0db4fbba9cf12d35206f550b5f06f7a19ca916aaa36631010854439c2cc4e"],
  ["through packages", "470a3dbfe8a406f8936b80a83e3d2b94656f9efaa9440e371ee45008821d1b6e"],
] as const)(
  "the text that finds the package %s is to the letter what states have",
  (finding, digest) => {
    const text = providerText("MainCf", finding);
    expect(createHash("sha256").update(text).digest("hex")).toBe(digest);
  },
);

describe.each([
  {
    way: "from the program's folder",
    finding: "from the program",
    kibibytes: 0.25,
    loads: ["module"],
  },
  {
    way: "through other packages",
    finding: "through packages",
    kibibytes: 1.25,
    loads: ["module", "fs"],
  },
] as const)("the text that finds the package $way", ({ finding, kibibytes, loads }) => {
  test(`stays under ${kibibytes} KiB`, () => {
    expect(providerText("MainCf", finding).length).toBeLessThan(kibibytes * 1024);
  });

  test("loads nothing but the package's provider, by name", () => {
    const text = providerText("MainCf", finding);
    const loaded = [...text.matchAll(/require\('([^)]*)'\)/g)].map((match) => match[1]);
    expect(new Set(loaded)).toEqual(new Set(loads));
    expect(text).toContain("'pulumi-openbsd-postfix/provider'");
  });

  test("is that of another kind but for the kind's name", () => {
    const [one, other] = [providerText("MainCf", finding), providerText("Aliases", finding)];
    expect(other).toBe(one.replaceAll("'MainCf'", "'Aliases'"));
  });

  test("runs by itself and has every method that the engine calls", () => {
    const loaded = run(providerText("MainCf", finding));
    for (const method of METHODS) expect(typeof loaded[method]).toBe("function");
  });
});

test("a text that finds the package nowhere says where it looked, and ends", () => {
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-nowhere-"));
  const before = process.cwd();
  try {
    // Two packages that need each other are looked at once.
    for (const [name, other] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      mkdirSync(join(folder, "node_modules", name), { recursive: true });
      const manifest = JSON.stringify({ name, dependencies: { [other]: "1" } });
      writeFileSync(join(folder, "node_modules", name, "package.json"), manifest);
    }
    writeFileSync(join(folder, "package.json"), '{"devDependencies":{"a":"1","missing":"1"}}');
    process.chdir(folder);
    const { check } = run(providerText("MainCf", "through packages"));
    expect(() => check?.({}, {})).toThrow(/neither in the node_modules of .*nowhere-/);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});

test("a text from before there was configure is answered as well", async () => {
  const text = providerText("MainCf", "from the program").replace("configure ", "");
  const loaded = run(text);
  expect(Object.keys(loaded).sort()).toEqual(METHODS.filter((one) => one !== "configure").sort());
  setStackConfig(undefined);
  const values = { connection: { host: "mx1.example.org", privateKeyConfig: "mailKey" } };
  const { failures } = await provider.check("MainCf", {}, { ...values, parameters: {} });
  expect(failures).toEqual([
    {
      property: "",
      reason: expect.stringMatching(
        /^connection\.privateKeyConfig: .*pulumi up --refresh=false/,
      ) as string,
    },
  ]);
});

test("the provider module answers to every name that the text calls", () => {
  for (const method of METHODS)
    expect(typeof (provider as Record<string, unknown>)[method]).toBe("function");
});

test("a kind that this version does not know is an error that says what to do", () => {
  expect(() => provider.diff("Newer", "id", {}, {})).toThrow(/Upgrade the package/);
});
