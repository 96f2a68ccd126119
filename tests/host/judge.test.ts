/** The host's own Postfix judges a main.cf before it goes live. */
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { connectionTo, packageOf, sh } from "../preview/server";
import { create, failures, inputsOf, said } from "./provider";

let host: TestHost;
let before: Tree;

beforeAll(async () => {
  host = await startHost({ release: "7.8" });
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf("7.8"), connectionTo(host)));
  before = await host.snapshot();
});
afterAll(() => host.stop());

function judged(parameters: Record<string, string>): Promise<string> {
  return failures(
    "MainCf",
    inputsOf("MainCf", { parameters }, connectionTo(host), { preview: true }),
  );
}

test.each([
  [
    "a misspelt name",
    { myhostnam: "mx.example.org" },
    /^parameters\.myhostnam: .*\(line \d+\).*unused parameter/,
  ],
  ["a value that Postfix refuses", { inet_protocols: "ipv7" }, /inet_protocols/],
  [
    "a table type that it does not have",
    { alias_maps: "hsh:/etc/aliases" },
    /^parameters\.alias_maps: .*no table type "hsh"; it has .*hash/,
  ],
  [
    "a name that is not set anywhere",
    { smtpd_banner: "$nope ESMTP" },
    /^parameters\.smtpd_banner|undefined.*nope/,
  ],
])("%s fails the preview, and the host stays as it was", async (_law, parameters, says) => {
  expect(await judged(parameters)).toMatch(says);
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
});

test("a configuration that Postfix takes passes", async () => {
  expect(
    await judged({
      myhostname: "mx.example.org",
      mydestination: "$myhostname, localhost",
      alias_maps: "pcre:/etc/postfix/header_checks",
    }),
  ).toBe("");
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
});

test("what was wrong before us is a warning, not a failure", async () => {
  await sh(host, "echo 'my_own_typo = 1' >> /etc/postfix/main.cf");
  said();
  expect(await judged({ myhostname: "mx.example.org" })).toBe("");
  expect(said()).toMatch(/MainCf warning: already so before: .*my_own_typo/);
});
