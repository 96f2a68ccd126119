/** Others who write on the host at the same time: an admin, another tool, another stack. */
import { forgetPlans } from "../../provider/driver/overlay";
import { connectionTo, sh } from "../preview/server";
import { checked, create, inputsOf, type Made, refresh, remove, update } from "../host/provider";
import { figure } from "./figures";
import { arm, disarm } from "./injection";
import { Run } from "./run";
import { World } from "./world";

let world: World;
beforeAll(async () => {
  world = await World.start("7.8");
});
afterAll(() => world.stop());
beforeEach(() => forgetPlans());

test.each(["rename", "in place"] as const)(
  "F22: an admin adds a line (%s) at any request of an update: both changes are there",
  async (by) => {
    let points = 0;
    for (let request = 1; ; request += 1) {
      const run = new Run(world);
      await run.step({ do: "up", on: "rc", values: { ntpd_flags: "-s" } });
      await run.step({
        do: "up",
        on: "rc",
        values: { ntpd_flags: "-v" },
        fault: { request, incident: { what: "edit", by } },
      });
      await run.end("files");
      // What an admin wrote stays; so does the file.
      await world.reset();
      if (run.strikes === 0) break;
      points += 1;
    }
    figure("F22", `a line added ${by === "rename" ? "by rename" : by}: ${points} points`);
    expect(points).toBeGreaterThan(3);
  },
);

test("F22: `postconf -e` during our write is detected, and neither change is lost", async () => {
  const news = (parameters: Record<string, string>): Record<string, unknown> =>
    inputsOf("MainCf", { parameters }, connectionTo(world.host));
  const postconf = (value: string): Promise<string> =>
    sh(world.host, `/usr/local/sbin/postconf -e recipient_delimiter=${value}`);
  const made = await create("MainCf", news({ biff: "no" }));
  // The request that writes main.cf is found by its number: postconf runs right before it.
  for (const request of [3, 4, 5]) {
    await arm(
      world.host,
      { request, incident: { what: "edit", by: "rename" } },
      { disk: () => Promise.resolve(), edit: () => postconf(`+${request}`).then(() => undefined) },
    );
    await update(made, news({ biff: request % 2 === 0 ? "no" : "yes" }));
    expect(await disarm()).toBe(true);
    const text = await sh(world.host, "cat /etc/postfix/main.cf");
    expect(text).toContain(`recipient_delimiter = +${request}\n`);
    expect(text).toContain(`biff = ${request % 2 === 0 ? "no" : "yes"}\n`);
  }
  await remove(made);
  await world.reset();
  expect(await world.left()).toEqual([]);
});

test("F20: two stacks that write the same file at once wait for each other, and both are there", async () => {
  const news = (stack: string, name: string, timeout: number): Record<string, unknown> =>
    inputsOf(
      "RcConfLocal",
      { variables: { [name]: "-x" }, boot: "unchanged" },
      // Other arguments are another connection, and so another agent on the host.
      { ...connectionTo(world.host), perDialTimeout: timeout },
      { stack },
    );
  for (let round = 1; round <= 10; round += 1) {
    forgetPlans();
    const made: Made[] = await Promise.all([
      create("RcConfLocal", news("one", "ntpd_flags", 21)),
      create("RcConfLocal", news("two", "apmd_flags", 22)),
      create("RcConfLocal", news("three", "sndiod_flags", 23)),
    ]);
    const text = await sh(world.host, "sort /etc/rc.conf.local | tr -d '\"'");
    expect(text).toBe("apmd_flags=-x\nntpd_flags=-x\nsndiod_flags=-x\n");
    for (const one of made) await refresh(one);
    await Promise.all(made.map(remove));
    expect(await world.isPristine()).toBe(true);
  }
});

test("F21: an edit of what we own between preview and up is planned again, and what is beside it stays", async () => {
  const news = (value: string, preview = false): Record<string, unknown> =>
    inputsOf(
      "RcConfLocal",
      { variables: { ntpd_flags: value }, boot: "unchanged" },
      connectionTo(world.host),
      { preview },
    );
  const made = await create("RcConfLocal", news("-s"));
  await checked("RcConfLocal", made.inputs, news("-v", true));
  await world.write("/etc/rc.conf.local", "# by hand\nntpd_flags=-A\n", "rename");
  forgetPlans();
  await update(made, news("-v"));
  expect(await sh(world.host, "tr -d '\"' < /etc/rc.conf.local")).toBe(
    "# by hand\nntpd_flags=-v\n",
  );
  await remove(made);
  expect(await sh(world.host, "cat /etc/rc.conf.local")).toBe("# by hand\n");
  await world.reset();
  expect(await world.left()).toEqual([]);
});
