/** Whose a thing is, and what comes back: with a lost state, with a lost record, with two stacks on one host. */
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import * as provider from "../../provider";
import { forgetPlans } from "../../provider/driver/overlay";
import { forgetSecrets } from "../../provider/driver/secrets/known";
import { UNKNOWN } from "../../provider/values/json";
import { connectionTo, sh } from "../preview/server";
import {
  appliedOf,
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

type Values = Record<string, unknown>;

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

const named = (name: string, variables: Record<string, string>, way = {}): Values => ({
  ...inputsOf(KIND, { boot: "unchanged", variables }, { ...connectionTo(host), ...way }, { name }),
});

/** Checks of one program, one after the other: what each of them finds wrong. */
async function program(
  ...steps: readonly (readonly [olds: Values, news: Values])[]
): Promise<string[]> {
  forgetPlans();
  const found: string[] = [];
  for (const [olds, news] of steps) {
    const { failures } = await provider.check(KIND, olds, news);
    found.push(failures.map(({ reason }) => reason).join("\n"));
  }
  return found;
}

test("two owners of one key are seen whichever of them is there already, and whichever comes first", async () => {
  const made = await create(KIND, named("a", { ntpd_flags: "-s" }));
  const other = await create(KIND, named("other", { apmd_flags: "-A" }));
  const a = [made.inputs, made.news] as const;
  const rest = [other.inputs, other.news] as const;
  const b = [{}, named("b", { ntpd_flags: "-q" })] as const;
  const both = /ntpd_flags on .* has two owners .*::a and .*::b\.|.*::b and .*::a\./;
  expect(await program(rest, a, b)).toEqual(["", "", expect.stringMatching(both)]);
  expect(await program(rest, b, a)).toEqual(["", "", expect.stringMatching(both)]);
  // A way to the host that is new is no reason to overlook it.
  const way = [made.inputs, named("a", { ntpd_flags: "-s" }, { perDialTimeout: 9 })] as const;
  expect(await program(way, b)).toEqual(["", expect.stringMatching(both)]);
  expect(await program(b, way)).toEqual(["", expect.stringMatching(both)]);
  await remove(other);
  await remove(made);
  expect(await restored()).toEqual([]);
});

test("a key that the former owner no longer names, and a resource of another name, have one owner", async () => {
  const made = await create(KIND, named("a", { ntpd_flags: "-s", apmd_flags: "-A" }));
  const other = await create(KIND, named("other", { httpd_flags: "" }));
  const less = [made.inputs, named("a", { apmd_flags: "-A" })] as const;
  const b = [{}, named("b", { ntpd_flags: "-q" })] as const;
  const rest = [other.inputs, other.news] as const;
  expect(await program(rest, less, b)).toEqual(["", "", ""]);
  expect(await program(b, rest, less)).toEqual(["", "", ""]);
  const renamed = { ntpd_flags: "-v", apmd_flags: "-A" };
  expect(await program(rest, [made.inputs, named("c", renamed)])).toEqual(["", ""]);
  await remove(other);
  await remove(made);
  expect(await restored()).toEqual([]);
});

test("a resource that is replaced has another revision after a write than all before, and the same without one", async () => {
  const beside = await create(KIND, named("beside", { httpd_flags: "" }));
  const first = await create(KIND, named("replaced", { ntpd_flags: "-s" }));
  expect(first.props["revision"]).toBe(1);
  forgetPlans();
  const adopted = await create(KIND, named("replaced", { ntpd_flags: "-s" }));
  expect(adopted.props["revision"]).toBe(1);
  await remove(first);
  forgetPlans();
  const second = await create(KIND, named("replaced", { ntpd_flags: "-q" }));
  expect(second.props["revision"]).toBe(2);
  await remove(adopted);
  await remove(second);
  forgetPlans();
  const again = await create(KIND, named("replaced", { ntpd_flags: "-q" }));
  expect(again.props["revision"]).toBe(3);
  await update(again, named("replaced", { ntpd_flags: "-q" }));
  expect(again.props["revision"]).toBe(3);
  await remove(again);
  await remove(beside);
  expect(await restored()).toEqual([]);
});

test("what an argument that is gone has left in the state goes with the next update", async () => {
  const made = await create(KIND, news(OURS));
  const applied = appliedOf(KIND, made.props);
  made.props = { ...made.props, former: 1, applied: { ...applied, former: 1 } };
  expect(await differs(made)).toBe(true);
  await update(made, named(KIND, OURS.variables, { perDialTimeout: 9 }));
  expect(made.props).not.toHaveProperty("former");
  expect(await differs(made, named(KIND, OURS.variables, { perDialTimeout: 9 }))).toBe(false);
  await remove(made);
  expect(await restored()).toEqual([]);
});

test("another way to the host is nothing to say; a host that is silent is said once", async () => {
  const made = await create(KIND, news(OURS));
  const preview = { ...(made.news["connection"] as Values), perDialTimeout: 9 };
  said();
  forgetPlans();
  await checked(KIND, made.inputs, inputsOf(KIND, OURS, preview, { preview: true }));
  expect(said()).toBe("");
  const silent = { ...connectionTo(host), port: 1 };
  for (const name of ["one", "two", "three"])
    await checked(KIND, {}, inputsOf(KIND, OURS, silent, { preview: true, name }));
  expect(said()).toMatch(/^one info: 127\.0\.0\.1 cannot be looked at yet: .*$/);
  await remove(made);
  expect(await restored()).toEqual([]);
});

test("warnings are said in up as well, which may come without a preview", async () => {
  const args = { entries: { webmaster: ["nobodyofthatname"] }, file: "/etc/mail/aliases" };
  // The host has no Postfix: a tool that finds nothing stands for its postalias(1).
  const tool = "/usr/local/sbin/postalias";
  await sh(host, `mkdir -p /usr/local/sbin && echo '#!/bin/sh' > ${tool} && chmod 755 ${tool}`);
  said();
  await checked("Aliases", {}, inputsOf("Aliases", args, connectionTo(host)));
  expect(said()).toMatch(/^Aliases warning: .*nobodyofthatname/m);
  await sh(host, `rm ${tool}`);
});

test("what the release before had filled in is no argument on another release", async () => {
  const asked = inputsOf(KIND, {}, connectionTo(host));
  forgetPlans();
  const fresh = await checked(KIND, {}, asked);
  const olds = { ...fresh, variables: { sendmail_flags: "-bd" }, release: "4.9" };
  forgetPlans();
  expect(
    await checked(KIND, olds, inputsOf(KIND, { logSocket: "auto" }, connectionTo(host))),
  ).toEqual({ ...fresh, logSocket: "auto" });
});

test("what a file cannot carry is a failure that names the property, and an error of up that names the host", async () => {
  const unread = news({ boot: "unchanged", variables: { motd: "x" } });
  expect(await failures(KIND, unread)).toMatch(
    /^variables\.motd: motd is not read by this release/,
  );
  await expect(provider.create(KIND, unread)).rejects.toThrow(
    /^root@127\.0\.0\.1:\d+: variables\.motd: .* Nothing was changed/,
  );
  const aliases = { entries: { webmaster: ["a\u0001b"] }, file: "/etc/mail/aliases" };
  expect(await failures("Aliases", inputsOf("Aliases", aliases, connectionTo(host)))).toMatch(
    /^entries\.webmaster\[0\]: must be one address/,
  );
  const half = { entries: { webmaster: ["a\ud800"] }, file: "/etc/mail/aliases" };
  expect(await failures("Aliases", inputsOf("Aliases", half, connectionTo(host)))).toMatch(
    /^entries\.webmaster\[0\]: must be one address/,
  );
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
    return `${JSON.stringify(parsed, null, 1)}\n`;
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
