/**
 * Undoing any first part of the guide gives back the host of before. All steps are applied, and undone one by one: after
 * each of them the host must be, record included, what it was before that step was applied. So the host with the first
 * steps undone down to k is the very host on which only k steps were ever applied, for every k.
 */
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { forgetPlans } from "../../provider/driver/overlay";
import { connectionTo, FAMILIES, sh } from "../preview/server";
import { type GuideStep, guideSteps, mailersOf, PASSED_BACK, syslogdOf } from "./guide";
import { create, inputsOf, type Made, refresh, remove } from "./provider";

/** What runs and starts at boot, and the crontab, as the host's own tools tell. */
async function servicesOf(host: TestHost): Promise<string> {
  return `${await syslogdOf(host)}\n${await sh(host, "crontab -l; cat /etc/rc.conf.local 2>&1; true")}`;
}

describe.each(FAMILIES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let bare: Tree;
  const steps = guideSteps(release);

  beforeAll(async () => {
    forgetPlans();
    host = await startHost({ release });
    bare = await host.snapshot();
  });
  afterAll(() => host.stop());

  const apply = (step: GuideStep): Promise<Made> =>
    create(step.kind, inputsOf(step.kind, step.args, connectionTo(host)));

  /** The record without what differs by chance: who made it when. */
  async function recordOf(): Promise<string> {
    const record = await sh(
      host,
      "cat /var/db/pulumi-openbsd-postfix/record.json 2>/dev/null; true",
    );
    if (record === "") return "";
    const { files, keys } = JSON.parse(record) as Record<string, Record<string, object>>;
    return JSON.stringify({
      files: Object.keys(files ?? {}).sort(),
      keys: Object.fromEntries(
        Object.entries(keys ?? {})
          .sort()
          .map(([key, entry]) => [key, { ...entry, order: undefined }]),
      ),
    });
  }

  test("after any number of steps, undoing the last gives back the host without it, to the byte", async () => {
    const befores: {
      made: Made;
      tree: Tree;
      mailers: string;
      services: string;
      record: string;
    }[] = [];
    let mailersAtFirst = "";
    for (const step of steps) {
      const tree = await host.snapshot();
      const mailers = await mailersOf(host);
      if (step.kind === "MailerConf") mailersAtFirst = mailers;
      const services = await servicesOf(host);
      const record = await recordOf();
      befores.push({ made: await apply(step), tree, mailers, services, record });
    }
    for (const { made, tree, mailers, services, record } of befores.reverse()) {
      await refresh(made);
      await remove(made);
      const left = diffTrees(tree, await host.snapshot());
      const isBack = PASSED_BACK.includes(made.kind);
      const expected = (path: string): boolean =>
        // The record is compared below, and a watch is armed between the steps of the switch.
        path.startsWith("/var/db/pulumi-openbsd-postfix/") ||
        (isBack && path === "/etc/mailer.conf: contents");
      expect({
        kind: made.kind,
        left: left.filter((path) => !expected(path)),
      }).toEqual({
        kind: made.kind,
        left: [],
      });
      expect({ kind: made.kind, mailers: await mailersOf(host) }).toEqual({
        kind: made.kind,
        mailers: isBack ? mailersAtFirst : mailers,
      });
      expect({ kind: made.kind, services: await servicesOf(host) }).toEqual({
        kind: made.kind,
        services,
      });
      expect({ kind: made.kind, record: await recordOf() }).toEqual({ kind: made.kind, record });
    }
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });

  test("what an admin wrote beside what is managed is still there when all is undone, and nothing else is", async () => {
    const applied: Made[] = [];
    // The package takes its folder along: what an admin writes there is looked at with the package left in place.
    const [package_, ...others] = steps;
    const installed = await apply(package_ as GuideStep);
    const before = await host.snapshot();
    for (const step of others) applied.push(await apply(step));
    for (const { beside } of others) if (beside) await sh(host, beside.script);
    const edits = others.flatMap(({ beside }) => (beside && !beside.goesAlong ? [beside] : []));
    for (const made of applied.reverse()) {
      await refresh(made);
      await remove(made);
    }
    for (const { find } of edits) expect((await sh(host, find)).trim()).toBe("1");
    for (const { undo } of edits) await sh(host, undo);
    // Beside a text that is not the one of before, a database is built from it.
    const expected = /^\/etc\/(rc\.conf\.local|postfix\/(aliases|transport)\.db)/;
    const left = diffTrees(before, await host.snapshot());
    expect(left.filter((path) => !expected.test(path))).toEqual([]);
    // A file that was not there before us stays with the admin's line in it; without that line it is empty.
    expect(await sh(host, "cat /etc/rc.conf.local 2>/dev/null; true")).toBe("");
    await sh(host, "rm -f /etc/rc.conf.local");
    await remove(installed);
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });
});
