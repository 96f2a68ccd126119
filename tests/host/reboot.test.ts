/** A host that is rebooted in the middle of every step, and after the last: one more run is right, and mail is served. */
import { setTimeout as sleep } from "node:timers/promises";
import { startHost, type TestHost } from "../../testing";
import { forgetPlans } from "../../provider/driver/overlay";
import { bannerOf, connectionTo, FAMILIES, sh } from "../preview/server";
import { guideSteps, mailersOf } from "./guide";
import { create, differs, inputsOf, type Made, refresh, update } from "./provider";

/** How long a step may work before the host goes down, in milliseconds: the seed of what is cut, not a deadline. */
const MOMENTS = [20, 300, 90, 150, 40, 10, 60, 250, 5];

describe.each(FAMILIES)("OpenBSD %s", (release) => {
  let host: TestHost;
  const steps = guideSteps(release);
  const made = new Map<string, Made>();

  beforeAll(async () => {
    forgetPlans();
    host = await startHost({ release });
  });
  afterAll(() => host.stop());

  const apply = async (kind: string, args: Record<string, unknown>): Promise<void> => {
    made.set(kind, await create(kind, inputsOf(kind, args, connectionTo(host))));
  };

  /** What an `up` with refresh does with a resource that is in the state. */
  const repair = async (one: Made): Promise<void> => {
    await refresh(one);
    if (await differs(one)) await update(one);
  };

  test.each(steps.map((step, nth) => ({ ...step, moment: MOMENTS[nth % MOMENTS.length] ?? 50 })))(
    "$kind: rebooted $moment ms after it began, one more run ends right",
    async ({ kind, args, moment }) => {
      const first = apply(kind, args).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      await sleep(moment);
      await host.reboot();
      const error = await first;
      // A step that did not get through says on which host, and what became of it.
      if (error) expect(error.message).toContain(`root@127.0.0.1:${host.port}`);
      for (const one of made.values()) await repair(one);
      if (!made.has(kind)) await apply(kind, args);
      await repair(made.get(kind) as Made);
      for (const one of made.values()) {
        await refresh(one);
        expect({ kind: one.kind, differs: await differs(one) }).toEqual({
          kind: one.kind,
          differs: false,
        });
      }
    },
  );

  test("rebooted after all steps, the host serves mail by Postfix alone, and nothing is to be done", async () => {
    await host.reboot();
    await sh(
      host,
      "i=0; until /usr/local/libexec/postfix/master -t; [ $? = 1 ] || [ $i -gt 50 ]; do sleep 0.2; i=$((i+1)); done",
    );
    expect(await bannerOf(host)).toBe("220 myhost.example.org ESMTP Postfix");
    expect(await mailersOf(host)).toBe("libexec/postfix/master\n");
    for (const one of made.values()) {
      await refresh(one);
      expect({ kind: one.kind, differs: await differs(one) }).toEqual({
        kind: one.kind,
        differs: false,
      });
    }
  });

  test("a message that is handed in after the boot is delivered", async () => {
    await sh(
      host,
      "printf 'Subject: after the boot\\n\\nhello\\n' | /usr/sbin/sendmail alice@localhost",
    );
    await sh(
      host,
      "i=0; until grep -q 'after the boot' /var/mail/alice || [ $i -gt 50 ]; do sleep 0.2; i=$((i+1)); done; grep -q 'after the boot' /var/mail/alice",
    );
  });
});
