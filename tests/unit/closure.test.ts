/** What Pulumi writes into a user's state: old states call new code through this text, so it is frozen. */
import * as pulumi from "@pulumi/pulumi";
import requireFromString from "require-from-string";
import { hostProvider } from "../../components/hostResource";
import * as provider from "../../provider";
import { setStackConfig } from "../../provider/host/stackConfig";

const METHODS = ["configure", "check", "diff", "create", "read", "update", "delete"] as const;

const providers = { MainCf: hostProvider("MainCf"), Aliases: hostProvider("Aliases") };

/** As the SDK does it: the provider object itself is what is captured. */
async function serialized(kind: keyof typeof providers): Promise<string> {
  const captured = providers[kind];
  return (await pulumi.runtime.serializeFunction(() => captured)).text;
}

test("the text in the state stays under 2.25 KiB", async () => {
  expect((await serialized("MainCf")).length).toBeLessThan(2304);
});

test("the text loads nothing but the package's provider, by name", async () => {
  const loads = [...(await serialized("MainCf")).matchAll(/require\(([^)]*)\)/g)].map(
    (match) => match[1],
  );
  expect(new Set(loads)).toEqual(new Set(['"module"']));
  expect(await serialized("MainCf")).toContain('"pulumi-openbsd-postfix/provider"');
});

test("the texts of two kinds differ in nothing but the kind's name", async () => {
  const [one, other] = [await serialized("MainCf"), await serialized("Aliases")];
  expect(other).toBe(one.replaceAll('"MainCf"', '"Aliases"'));
});

test("the text runs by itself and has every method that the engine calls", async () => {
  const module = requireFromString(await serialized("MainCf")) as {
    handler: () => Record<string, unknown>;
  };
  const loaded = module.handler();
  for (const method of METHODS) expect(typeof loaded[method]).toBe("function");
});

test("a text from before there was configure is answered as well", async () => {
  const text = (await serialized("MainCf")).replace(/configure: \w+(, )?/, "");
  const module = requireFromString(text) as { handler: () => Record<string, unknown> };
  const loaded = module.handler();
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
