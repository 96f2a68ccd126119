/** Whose a thing is, and what comes back: with a lost state, with a lost record, with two stacks on one host. */
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { forgetPlans } from "../../provider/driver/overlay";
import { forgetSecrets } from "../../provider/driver/secrets";
import { UNKNOWN } from "../../provider/json";
import { connectionTo, sh } from "../preview/server";
import {
  checked,
  create,
  differs,
  failures,
  inputsOf,
  refresh,
  remove,
  said,
  update,
} from "./provider";

const KIND = "RcConfLocal";
const OURS = { boot: "unchanged", variables: { ntpd_flags: "-s" } };

let host: TestHost;
let bare: Tree;

beforeAll(async () => {
  host = await startHost();
  await sh(host, "printf '# mine\\nntpd_flags=-v # why\\n' > /etc/rc.conf.local");
});
afterAll(() => host.stop());
beforeEach(async () => {
  forgetPlans();
  bare = await host.snapshot();
});

function news(
  args: Record<string, unknown>,
  options: { stack?: string; name?: string; preview?: boolean } = {},
): Record<string, unknown> {
  return inputsOf(KIND, args, connectionTo(host), options);
}

async function restored(): Promise<string[]> {
  return diffTrees(bare, await host.snapshot());
}

test("what belongs to another stack is refused in check, which names the owner", async () => {
  const made = await create(KIND, news(OURS, { stack: "first" }));
  const before = await host.snapshot();
  expect(
    await failures(KIND, news({ ...OURS, variables: { ntpd_flags: "-q" } }, { stack: "second" })),
  ).toMatch(/ntpd_flags on this host belongs to urn:pulumi:first::/);
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
  await remove(made);
  expect(await restored()).toEqual([]);
});

test("two stacks may own different keys of one file, and each takes out its own only", async () => {
  const first = await create(KIND, news(OURS, { stack: "first" }));
  const second = await create(
    KIND,
    news({ boot: "unchanged", variables: { apmd_flags: "-A" } }, { stack: "second" }),
  );
  await remove(first);
  expect(await sh(host, "cat /etc/rc.conf.local")).toMatch(
    /^# mine\nntpd_flags=-v # why\napmd_flags=/,
  );
  await refresh(second);
  expect(await differs(second)).toBe(false);
  await remove(second);
  expect(await restored()).toEqual([]);
});

test("after the state was lost, the host's record knows what was there before", async () => {
  await create(KIND, news(OURS));
  const before = await host.snapshot();
  const again = await create(KIND, news(OURS));
  expect(
    diffTrees(before, await host.snapshot()).filter((path) => !path.includes("record.json")),
  ).toEqual([]);
  await remove(again);
  expect(await restored()).toEqual([]);
});

test("after the record was lost, the state knows what was there before", async () => {
  const made = await create(KIND, news(OURS));
  await sh(host, "rm -rf /var/db/pulumi-openbsd-postfix");
  await refresh(made);
  expect(await differs(made)).toBe(false);
  await remove(made);
  expect(await restored()).toEqual([]);
});

test("a former instance that was taken over has nothing left to undo", async () => {
  const former = await create(KIND, news(OURS));
  const present = await create(KIND, news(OURS));
  const before = await sh(host, "cat /etc/rc.conf.local");
  said();
  await remove(former);
  expect(said()).toContain("taken over");
  expect(await sh(host, "cat /etc/rc.conf.local")).toBe(before);
  await remove(present);
  expect(await restored()).toEqual([]);
});

test("a key that is no longer named gets its former lines back", async () => {
  const made = await create(
    KIND,
    news({ ...OURS, variables: { ntpd_flags: "-s", apmd_flags: "-A" } }),
  );
  await update(made, news({ ...OURS, variables: { apmd_flags: "-A" } }));
  expect(await sh(host, "cat /etc/rc.conf.local")).toMatch(
    /^# mine\nntpd_flags=-v # why\napmd_flags=/,
  );
  await remove(made);
  expect(await restored()).toEqual([]);
});

test("what somebody changed after us is left on destroy, and said", async () => {
  const made = await create(KIND, news(OURS));
  await sh(host, "sed -i 's/^ntpd_flags=.*/ntpd_flags=-x/' /etc/rc.conf.local");
  said();
  await remove(made);
  expect(said()).toMatch(
    /warning: .*ntpd_flags was changed by somebody else meanwhile and is left/,
  );
  expect(await sh(host, "cat /etc/rc.conf.local")).toBe("# mine\nntpd_flags=-x\n");
  await sh(host, "printf '# mine\\nntpd_flags=-v # why\\n' > /etc/rc.conf.local");
});

test("an unknown input is no failure, and what is known is shown", async () => {
  said();
  expect(
    await failures(
      KIND,
      news(
        { boot: "unchanged", variables: { ntpd_flags: UNKNOWN, apmd_flags: "-A" } },
        { preview: true },
      ),
    ),
  ).toBe("");
  const shown = said();
  expect(shown).toContain("apmd_flags");
  expect(shown).toContain("Not known yet, so not shown: variables.ntpd_flags");
  expect(await failures(KIND, { ...news(OURS, { preview: true }), connection: UNKNOWN })).toBe("");
  expect(said()).toContain("not known yet");
  expect(await restored()).toEqual([]);
});

test("a secret value is masked in what a preview prints", async () => {
  said();
  const secret = {
    ...news(
      { boot: "unchanged", variables: { ntpd_flags: "-s canary8472" } },
      { preview: true, name: "secret" },
    ),
    secretPaths: ["variables.ntpd_flags"],
  };
  await checked(KIND, {}, secret).catch(() => undefined);
  const shown = said();
  expect(shown).toMatch(/^\+ntpd_flags="\[secret, 13 characters, hash \w{8}\]" # why$/m);
  expect(shown).not.toContain("canary8472");
});

test("a secret stands in nothing that another stack says or keeps of the same file, nor in the record", async () => {
  const secret = (value: string): Record<string, unknown> => ({
    ...news({ boot: "unchanged", variables: { ntpd_flags: value } }, { stack: "first" }),
    secretPaths: ["variables.ntpd_flags"],
  });
  const first = await create(KIND, secret("-s canary8472"));
  expect(await sh(host, "cat /var/db/pulumi-openbsd-postfix/record.json")).not.toContain("canary");
  // Another process, of another stack.
  forgetSecrets();
  said();
  const other = { boot: "unchanged", variables: { apmd_flags: "-A" } };
  await failures(KIND, news(other, { stack: "second", preview: true }));
  const shown = said();
  expect(shown).toMatch(/^ ntpd_flags="\[secret, 13 characters, hash \w{8}\]" # why$/m);
  expect(shown).not.toContain("canary8472");
  const second = await create(KIND, news(other, { stack: "second" }));
  // What a refresh finds in its place is told by what it is like, and is known to the other one as well.
  await sh(host, "sed -i 's/canary8472/canary-else/' /etc/rc.conf.local");
  forgetSecrets();
  await refresh(first);
  expect(said()).toMatch(
    /variables\.ntpd_flags has drifted: the host has \[secret, 14 characters, .*\], applied was \[secret, 13 characters, /,
  );
  await update(first, secret("-s canary8473"));
  await sh(host, "sed -i 's/-A/-B/' /etc/rc.conf.local");
  forgetSecrets();
  await failures(KIND, news(other, { stack: "second", preview: true }));
  expect(said()).not.toContain("canary");
  expect(await sh(host, "cat /var/db/pulumi-openbsd-postfix/record.json")).not.toContain("canary");
  // And by its hash the record knows that it is as it was made.
  await sh(host, "sed -i 's/-B/-A/' /etc/rc.conf.local");
  await remove(first);
  await remove(second);
  expect(said()).toBe("");
  expect(await restored()).toEqual([]);
});

test("a record that an earlier version wrote in clear is read, and hashed by the next change", async () => {
  const value = "-s canary8472";
  const inputs = {
    ...news({ boot: "unchanged", variables: { ntpd_flags: value } }),
    secretPaths: ["variables.ntpd_flags"],
  };
  const made = await create(KIND, inputs);
  const record = "/var/db/pulumi-openbsd-postfix/record.json";
  const inClear = (contents: string): string => {
    const parsed = JSON.parse(contents) as { keys: Record<string, Record<string, unknown>> };
    for (const entry of Object.values(parsed.keys)) {
      entry["applied"] = value;
      delete entry["secret"];
    }
    return JSON.stringify(parsed);
  };
  const put = async (): Promise<void> => {
    const contents = inClear(await sh(host, `cat ${record}`));
    await host.exec(["/bin/sh", "-c", `cat > ${record}`], { stdin: contents });
  };
  await put();
  await refresh(made);
  expect(await differs(made)).toBe(false);
  const revision = made.props["revision"];
  await update(made);
  expect(made.props["revision"]).toBe(revision);
  expect(await sh(host, `cat ${record}`)).not.toContain("canary8472");
  await put();
  said();
  await remove(made);
  expect(said()).toBe("");
  expect(await restored()).toEqual([]);
});
