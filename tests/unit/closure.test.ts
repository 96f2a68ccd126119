/** What Pulumi writes into a user's state: old states call new code through this text, so it is frozen. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import requireFromString from "require-from-string";
import { hostProvider, nestedHostProvider } from "../../components/hostResource";
import * as provider from "../../provider";
import { setStackConfig } from "../../provider/host/stackConfig";

const METHODS = ["configure", "check", "diff", "create", "read", "update", "delete"] as const;

/** As the SDK does it: the provider object itself is what is captured. */
async function serialized(kind: string, make = hostProvider): Promise<string> {
  const captured = make(kind);
  return (await pulumi.runtime.serializeFunction(() => captured)).text;
}

function run(text: string): Record<string, (...args: unknown[]) => unknown> {
  const module = requireFromString(text) as {
    handler: () => Record<string, (...args: unknown[]) => unknown>;
  };
  return module.handler();
}

describe.each([
  { way: "from the program's folder", make: hostProvider, kibibytes: 2.25, loads: ["module"] },
  {
    way: "through other packages",
    make: nestedHostProvider,
    kibibytes: 3.75,
    loads: ["module", "fs"],
  },
])("the text that finds the package $way", ({ make, kibibytes, loads }) => {
  test(`stays under ${kibibytes} KiB`, async () => {
    expect((await serialized("MainCf", make)).length).toBeLessThan(kibibytes * 1024);
  });

  test("loads nothing but the package's provider, by name", async () => {
    const text = await serialized("MainCf", make);
    const loaded = [...text.matchAll(/require\("([^)]*)"\)/g)].map((match) => match[1]);
    expect(new Set(loaded)).toEqual(new Set(loads));
    expect(text).toContain('"pulumi-openbsd-postfix/provider"');
  });

  test("is that of another kind but for the kind's name", async () => {
    const [one, other] = [await serialized("MainCf", make), await serialized("Aliases", make)];
    expect(other).toBe(one.replaceAll('"MainCf"', '"Aliases"'));
  });

  test("runs by itself and has every method that the engine calls", async () => {
    const loaded = run(await serialized("MainCf", make));
    for (const method of METHODS) expect(typeof loaded[method]).toBe("function");
  });
});

test("a text that finds the package nowhere says where it looked, and ends", async () => {
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
    const { check } = run(await serialized("MainCf", nestedHostProvider));
    expect(() => check?.({}, {})).toThrow(/neither in the node_modules of .*nowhere-/);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});

test("a text from before there was configure is answered as well", async () => {
  const text = (await serialized("MainCf")).replace(/configure: \w+(, )?/, "");
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
