/** A host that is upgraded to another release between two runs: what the new release needs is shown, and applied. */
import { diffTrees, type Release, startHost, type TestHost, type Tree } from "../../testing";
import { forgetPlans } from "../../provider/driver/overlay";
import { bannerOf, connectionTo, sh } from "../preview/server";
import { type GuideStep, guideSteps, mailersOf } from "./guide";
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

interface Upgrade {
  readonly from: Release;
  readonly to: Release;
  /** What the preview after the upgrade shows, by step. */
  readonly shown: Readonly<Record<string, readonly (string | RegExp)[]>>;
}

const UPGRADES: readonly Upgrade[] = [
  {
    from: "4.9",
    to: "5.0",
    shown: {
      PostfixPackage: ["postfix-2.7.4", "postfix-2.8.4p1"],
      RcConfLocal: [
        '-sendmail_flags="-bd"',
        /^\+sendmail_flags="?NO"?$/m,
        /^\+pkg_scripts="?postfix"?$/m,
      ],
      ChrootResolv: ["/var/spool/postfix/etc/hosts"],
    },
  },
  {
    from: "5.6",
    to: "5.7",
    shown: { PostfixPackage: ["postfix-2.11.1p0", "postfix-2.11.4"] },
  },
];

describe.each(UPGRADES)("from OpenBSD $from to $to", ({ from, to, shown }) => {
  let host: TestHost;
  /** An untouched host after the same upgrade. */
  let bare: Tree;
  let bareBanner: string;
  /** root's crontab before anything was done. */
  let crontab: string;
  const made: Made[] = [];

  beforeAll(async () => {
    forgetPlans();
    const other = await startHost({ release: from });
    await other.upgrade(to);
    bare = await other.snapshot();
    bareBanner = await bannerOf(other);
    await other.stop();
    host = await startHost({ release: from });
    crontab = await sh(host, "cat /var/cron/tabs/root");
  });
  afterAll(() => host.stop());

  const news = (step: GuideStep, preview = false): Record<string, unknown> =>
    inputsOf(step.kind, step.args, connectionTo(host), { preview });
  const wanted = new Map(guideSteps(to).map((step) => [step.kind, step]));
  const stepOf = (one: Made): GuideStep => wanted.get(one.kind) as GuideStep;

  test("after the upgrade a preview shows what the new release needs, and changes nothing", async () => {
    for (const step of guideSteps(from)) made.push(await create(step.kind, news(step)));
    await host.upgrade(to);
    forgetPlans();
    const before = await host.snapshot();
    for (const one of made) {
      await refresh(one);
      said();
      await checked(one.kind, one.inputs, news(stepOf(one), true));
      const printed = said();
      for (const text of shown[one.kind] ?? [])
        if (typeof text === "string") expect(printed).toContain(text);
        else expect(printed).toMatch(text);
    }
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("one run applies it, the next finds nothing to do, and the host serves mail by Postfix after a boot", async () => {
    for (const one of made) {
      const inputs = news(stepOf(one));
      // What those before it changed, the service is told by its triggers.
      await refresh(one);
      if (await differs(one, inputs)) await update(one, inputs);
    }
    for (const one of made) {
      await refresh(one);
      expect({ kind: one.kind, differs: await differs(one, news(stepOf(one))) }).toEqual({
        kind: one.kind,
        differs: false,
      });
    }
    await host.reboot();
    await sh(
      host,
      "i=0; until /usr/local/libexec/postfix/master -t; [ $? = 1 ] || [ $i -gt 50 ]; do sleep 0.2; i=$((i+1)); done",
    );
    expect(await bannerOf(host)).toBe("220 myhost.example.org ESMTP Postfix");
    expect(await mailersOf(host)).toBe("libexec/postfix/master\n");
  });

  test("undone, it is what an untouched host is after the same upgrade, and its base mailer serves", async () => {
    for (const one of [...made].reverse()) {
      await refresh(one);
      await remove(one);
    }
    // Each host has keys of its own. sysmerge(8) leaves a file that was changed, so that the newer one of 5.7 did not
    // come to the crontab; what was there before is back.
    const own = /ssh_host_|authorized_keys/;
    const kept = to === "5.7" ? ["/var/cron/tabs/root: contents"] : [];
    const left = diffTrees(bare, await host.snapshot()).filter((line) => !own.test(line));
    expect(left).toEqual(kept);
    expect(await sh(host, "cat /var/cron/tabs/root")).toBe(crontab);
    expect((await bannerOf(host)).slice(0, 20)).toBe(bareBanner.slice(0, 20));
  });
});
