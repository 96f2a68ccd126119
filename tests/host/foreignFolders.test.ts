/** Root follows no names in folders of others: what somebody else could exchange for a link is refused, and nothing is changed. */
import { forgetPlans } from "../../provider/driver/overlay";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { connectionTo, packageOf, sh } from "../preview/server";
import { create, failures, inputsOf, said } from "./provider";

let host: TestHost;
let connection: Record<string, unknown>;

beforeAll(async () => {
  host = await startHost();
  connection = connectionTo(host);
  forgetPlans();
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf(host.release), connection));
  await sh(
    host,
    `mkdir -p /home/alice/tables && chown -R alice /home/alice
     mkdir -p /srv/shared/tables && chmod 0777 /srv/shared
     mkdir -p /srv/group && chgrp daemon /srv/group && chmod 0775 /srv/group
     echo "root's own" > /root/precious && chmod 0600 /root/precious`,
  );
});
afterAll(() => host.stop());
beforeEach(() => {
  forgetPlans();
  said();
});

const table = (path: string): Record<string, unknown> => ({
  path,
  type: "texthash",
  entries: { a: "b" },
});

/** The preview refuses, and so does an `up` that comes without one; the host's tree stays as it is. */
async function refused(kind: string, args: Record<string, unknown>): Promise<string> {
  const before = await host.snapshot();
  const text = await failures(kind, inputsOf(kind, args, connection, { preview: true }));
  const thrown = await create(kind, inputsOf(kind, args, connection)).then(
    () => "it was done",
    (error: unknown) => String(error),
  );
  expect(thrown).not.toBe("it was done");
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
  return text;
}

test.each([
  ["a folder of a user", "/home/alice/tables/t", /\/home\/alice/],
  ["a folder below one in which everybody may write", "/srv/shared/tables/t", /\/srv\/shared/],
  ["a folder in which a group may write", "/srv/group/t", /\/srv\/group/],
])(
  "a table in %s is refused by the preview, which names the folder",
  async (_what, path, names) => {
    expect(await refused("LookupTable", table(path))).toMatch(names);
  },
);

test("the manual below a folder of a user is refused, and nothing that a link there names is touched", async () => {
  await sh(host, "ln -s /root /home/alice/www; ln -s /root/precious /home/alice/tables/html");
  for (const path of [
    "/home/alice/tables/manual",
    "/home/alice/www/manual",
    "/home/alice/tables/html",
  ])
    expect(await refused("PostfixDocs", { path })).not.toBe("");
  expect(await sh(host, "cat /root/precious")).toBe("root's own\n");
});

test("a link from root's folder into that of a user is refused", async () => {
  await sh(host, "ln -s /home/alice/tables/target /etc/postfix/linked");
  await sh(host, "echo 'x y' > /home/alice/tables/target && chown alice /home/alice/tables/target");
  expect(await refused("LookupTable", table("/etc/postfix/linked"))).toMatch(/\/home\/alice/);
  await sh(host, "rm /etc/postfix/linked");
});

describe("a folder of Postfix's that belongs to somebody else", () => {
  beforeEach(() => sh(host, "chown alice /etc/postfix"));
  afterEach(() => sh(host, "chown root /etc/postfix"));

  test.each([
    ["MainCf", { parameters: { biff: "no" } }],
    ["MasterCf", { services: { "smtp/inet": { overrides: { content_filter: "a:b" } } } }],
    ["Aliases", { entries: { root: ["alice"] } }],
    ["LookupTable", table("/etc/postfix/t")],
  ])("%s is refused", async (kind, args) => {
    expect(await refused(kind, args)).toMatch(/\/etc\/postfix/);
  });
});

test("a user who exchanges names all the time gets no file of root's", async () => {
  // Between a folder of root's and a link to it: whichever is there when root comes.
  await sh(
    host,
    `mkdir -p /srv/own/a && chown alice /srv/own
     perl -e 'exit if fork; close $_ for *STDIN, *STDOUT, *STDERR; $0 = "swapper"; $> = getpwnam "alice";
       chdir "/srv/own"; for (1 .. 200000) { rename "a", "b"; symlink "/root", "a"; unlink "a"; rename "b", "a" }'`,
  );
  const before = await sh(host, "ls -lan /root");
  for (let round = 0; round < 5; round += 1) {
    forgetPlans();
    await create("LookupTable", inputsOf("LookupTable", table("/srv/own/a/t"), connection)).catch(
      () => undefined,
    );
  }
  await sh(host, "pkill -f '^perl: swapper'; true");
  expect(await sh(host, "ls -lan /root")).toBe(before);
  expect(await sh(host, "cat /root/precious")).toBe("root's own\n");
});
