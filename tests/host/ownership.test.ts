/** Whose a thing is, and what comes back: with a lost state, with a lost record, with two stacks on one host. */
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { forgetPlans } from "../../provider/driver/overlay";
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

test("a key that moves to another resource of the stack leaves the former one the rest to undo", async () => {
  const of = (name: string, variables: Record<string, string>): Record<string, unknown> =>
    news({ boot: "unchanged", variables }, { name });
  const first = await create(KIND, of("a", { ntpd_flags: "-s", apmd_flags: "-A" }));
  forgetPlans();
  const second = await create(KIND, of("b", { ntpd_flags: "-q" }));
  await update(first, of("a", { apmd_flags: "-A" }));
  await remove(second);
  said();
  await remove(first);
  expect(said()).toBe("");
  expect(await restored()).toEqual([]);
});

test("one that was left without keys and claims others undoes those", async () => {
  const of = (name: string, variables: Record<string, string>): Record<string, unknown> =>
    news({ boot: "unchanged", variables }, { name });
  const first = await create(KIND, of("a", { ntpd_flags: "-s" }));
  forgetPlans();
  const second = await create(KIND, of("b", { ntpd_flags: "-s" }));
  await update(first, of("a", { apmd_flags: "-A" }));
  await remove(first);
  expect(await sh(host, "cat /etc/rc.conf.local")).not.toContain("apmd_flags");
  await remove(second);
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
  expect(shown).toContain("[secret]");
  expect(shown).not.toContain("canary8472");
});
