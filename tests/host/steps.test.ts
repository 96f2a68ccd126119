/**
 * Every step of the guide is held to the same laws, on a host of each release family, through the provider's own
 * methods. The table in docs/guide.md is made from the results: tools/guide-table.mjs reads the titles.
 */
import { poolCounters } from "../../provider/host/pool";
import { forgetPlans } from "../../provider/driver/overlay";
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { connectionTo, FAMILIES, sh } from "../preview/server";
import { type GuideStep, guideSteps, mailersOf, PASSED_BACK, syslogdOf } from "./guide";
import {
  checked,
  create,
  differs,
  inputsOf,
  type Made,
  refresh,
  remove,
  said,
  update,
} from "./provider";

describe.each(FAMILIES)("OpenBSD %s", (release) => {
  let host: TestHost;
  const made = new Map<string, Made>();
  const trees = new Map<string, Tree>();
  const mailers = new Map<string, string>();
  const steps = guideSteps(release);

  beforeAll(async () => {
    forgetPlans();
    host = await startHost({ release });
  });
  afterAll(() => host.stop());

  const news = (step: GuideStep, preview = false): Record<string, unknown> =>
    inputsOf(step.kind, step.args, connectionTo(host), { preview });
  const one = (kind: string): Made => made.get(kind) as Made;

  // In the order of a server, each on top of the ones before it.
  test.each(steps)("apply: $kind says in a preview what it will do, and does it", async (step) => {
    const before = await host.snapshot();
    said();
    await checked(step.kind, {}, news(step, true));
    expect(said()).toContain(`${step.kind} info: root@`);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    trees.set(step.kind, before);
    mailers.set(step.kind, await mailersOf(host));
    made.set(step.kind, await create(step.kind, news(step)));
    await refresh(one(step.kind));
    expect(await differs(one(step.kind))).toBe(false);
  });

  test.each(steps)("no-op: $kind, applied again, writes nothing", async ({ kind }) => {
    const before = await host.snapshot();
    const syslogd = await syslogdOf(host, true);
    expect(syslogd).toMatch(/^\d+ /);
    await refresh(one(kind));
    expect(await differs(one(kind))).toBe(false);
    await update(one(kind));
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    // It is restarted only when its flags changed.
    expect(await syslogdOf(host, true)).toBe(syslogd);
  });

  test.each(steps.filter(({ drift }) => drift !== undefined))(
    "drift: $kind sees it, shows it in its inputs, and repairs it",
    async ({ drift, kind }) => {
      // Two mailers cannot have one port.
      if (kind === "BaseMailer") await sh(host, "/usr/local/sbin/postfix stop; sleep 1");
      const wanted = JSON.stringify(one(kind).inputs);
      await sh(host, drift ?? "");
      await refresh(one(kind));
      expect(JSON.stringify(one(kind).inputs)).not.toBe(wanted);
      expect(await differs(one(kind))).toBe(true);
      await update(one(kind));
      await refresh(one(kind));
      expect(await differs(one(kind))).toBe(false);
      // What broke along with it, as the rest of one `up` repairs it.
      for (const other of made.values()) {
        await refresh(other);
        if (await differs(other)) await update(other);
      }
    },
  );

  test("reading all steps of a host takes one connection and no more round trips than one", async () => {
    const all = [...made.values()];
    await Promise.all(all.map((step) => refresh(step)));
    const before = poolCounters();
    await Promise.all(all.map((step) => refresh(step)));
    const after = poolCounters();
    expect(after.connections - before.connections).toBe(0);
    expect(after.roundTrips - before.roundTrips).toBe(1);
  });

  test("an admin's edits beside what is managed survive an update and are no drift", async () => {
    for (const { beside } of steps) if (beside) await sh(host, beside.script);
    for (const [kind, step] of made) {
      await refresh(step);
      if (kind !== "PostfixService") expect(await differs(step)).toBe(false);
    }
    for (const { beside } of steps)
      if (beside) expect((await sh(host, beside.find)).trim()).toBe("1");
    for (const { beside } of steps) if (beside) await sh(host, beside.undo);
    for (const step of made.values()) await refresh(step);
  });

  test.each([...steps].reverse())(
    "undo: $kind gives back the tree and the processes of before it",
    async ({ kind }) => {
      await refresh(one(kind));
      await remove(one(kind));
      const left = diffTrees(trees.get(kind) as Tree, await host.snapshot());
      const earlier = steps.slice(
        0,
        steps.findIndex((step) => step.kind === kind),
      );
      // The record is there as long as somebody owns something; and in a file that was repaired, our own lines may have
      // another order than before, until its step is undone as well.
      const repaired: Readonly<Record<string, string>> = {
        MainCf: "/etc/postfix/main.cf: contents",
        Aliases: "/etc/postfix/aliases: contents",
      };
      const isBack = PASSED_BACK.includes(kind);
      const ours = left.filter((path) => isBack && path === "/etc/mailer.conf: contents");
      if (ours.length > 0)
        expect(diffTrees(trees.get("MailerConf") as Tree, await host.snapshot())).not.toContain(
          "/etc/mailer.conf: contents",
        );
      const expected = (path: string): boolean =>
        path.startsWith("/var/db/pulumi-openbsd-postfix") ||
        ours.includes(path) ||
        earlier.some((step) => repaired[step.kind] === path);
      expect(left.filter((path) => !expected(path))).toEqual([]);
      expect(await mailersOf(host)).toBe(mailers.get(isBack ? "MailerConf" : kind));
    },
  );

  test("with all steps undone, the host's tree is what it was at first", async () => {
    const bare = trees.get(steps[0]?.kind ?? "") as Tree;
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });
});
