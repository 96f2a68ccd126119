/** File systems that take nothing new: full, without inodes, read-only; each folder that is written to, by itself. */
import { forgetPlans } from "../../provider/driver/overlay";
import { RECORD_PATH } from "../../provider/host/recordPaths";
import { connectionTo, sh } from "../preview/server";
import { create, failures, inputsOf } from "../host/provider";
import { figure } from "./figures";
import type { Disk } from "./injection";
import { Run, type Step } from "./run";
import { DISKS, World } from "./world";

let world: World;
beforeAll(async () => {
  world = await World.start("7.8");
});
afterAll(() => world.stop());
// A test that fails leaves the next one a host as it was.
afterEach(() => world.reset());

/** Who writes where. */
const WRITERS: Readonly<Record<(typeof DISKS)[number], { on: string; one: object; two: object }>> =
  {
    "/etc": { on: "rc", one: { ntpd_flags: "-s" }, two: { ntpd_flags: "-v" } },
    "/var/db": { on: "rc-too", one: { sndiod_flags: "-l" }, two: { sndiod_flags: "-f" } },
    "/var/cron": {
      on: "crontab",
      one: { "etc/daily": "off" },
      two: { "etc/daily": "off", "etc/weekly": "off" },
    },
  };

const KINDS: readonly { readonly how: Disk; readonly fault: string }[] = [
  { how: "full", fault: "F23" },
  { how: "no inodes", fault: "F24" },
  { how: "read-only", fault: "F25" },
];

const CASES = KINDS.flatMap((kind) => DISKS.map((folder) => ({ ...kind, folder })));

test.each(CASES)(
  "$fault: $folder $how at any request of an update or a destroy: the old file or the new, and the next run converges",
  async ({ how, folder, fault }) => {
    const { on, one, two } = WRITERS[folder];
    const values = [one, two] as Readonly<Record<string, string>>[];
    const [before = {}, after = {}] = values;
    let points = 0;
    // What takes nothing is the same to a destroy, however it comes: one way is enough there.
    for (const last of how === "full" ? (["up", "destroy"] as const) : (["up"] as const))
      for (let request = 1; ; request += 1) {
        const broken = { request, incident: { what: "disk", how, folder } as const };
        const steps: Step[] = [
          { do: "up", on, values: before },
          last === "up"
            ? { do: "up", on, values: after, fault: broken }
            : { do: "destroy", on, fault: broken },
          { do: "up", on, values: after, prove: true },
        ];
        const run = new Run(world);
        await run.all(steps, "files");
        if (run.strikes === 0) break;
        points += 1;
      }
    figure(fault, `${folder} ${how}: ${points} points`);
    expect(points).toBeGreaterThan(3);
  },
);

const rc = (): Record<string, unknown> =>
  inputsOf(
    "RcConfLocal",
    { variables: { ntpd_flags: "-s" }, boot: "unchanged", logSocket: false },
    connectionTo(world.host),
    { stack: "one", name: "rc" },
  );

test.each(CASES.filter(({ folder }) => folder !== "/var/cron"))(
  "$fault: $folder $how before a create: an error that names the cause, and nothing is changed",
  async ({ how, folder }) => {
    forgetPlans();
    await world.disk(how, folder);
    const cause = how === "read-only" ? /read-only/i : /No space left on device/;
    const error = await create("RcConfLocal", rc()).then(
      () => "",
      (thrown: unknown) => (thrown as Error).message,
    );
    await world.mend(folder);
    expect(error).toContain(`root@127.0.0.1:${world.host.port}`);
    expect(error).toMatch(cause);
    expect((await world.look()).files).toEqual(world.pristine.files);
    expect(await sh(world.host, `ls ${RECORD_PATH} 2>/dev/null; true`)).toBe("");
    const run = new Run(world);
    await run.all([{ do: "up", on: "rc", values: { ntpd_flags: "-s" }, prove: true }], "files");
    await world.reset();
    expect(await world.left()).toEqual([]);
  },
);

test("F23: a full /tmp, where a plan is judged, is an error of the preview, and nothing is left there", async () => {
  await sh(
    world.host,
    "mount -t tmpfs -o size=4k,mode=1777 tmpfs /tmp && { cat /dev/zero > /tmp/full 2>/dev/null || true; }",
  );
  const args = { parameters: { biff: "no" } };
  const news = inputsOf("MainCf", args, connectionTo(world.host));
  const reason = await failures("MainCf", news).catch((error: unknown) => (error as Error).message);
  const names = await sh(world.host, "ls -A /tmp; umount /tmp");
  expect(reason).toMatch(/No space left on device/);
  expect(names).toBe("full\n");
  expect(await failures("MainCf", news)).toBe("");
});
