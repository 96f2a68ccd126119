/** A line that is cut at any byte: no hang, an error that says what it means, and the next run goes on. */
import { connect } from "../../provider/host/pool";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { connectionTo, sh } from "../preview/server";
import { create, differs, inputsOf, type Made, refresh, remove, said, update } from "./provider";

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host.stop());

const ARGS = { variables: { ntpd_flags: "-s", apmd_flags: "-A" }, boot: "unchanged" };
const CHANGED = { variables: { ntpd_flags: "-v" }, boot: "unchanged" };

/** Where the line goes, as a part of all that we send during the operation. */
const CUTS = [0.02, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.97];

const news = (args: Record<string, unknown>): Record<string, unknown> =>
  inputsOf("RcConfLocal", args, connectionTo(host));

async function bytesOf(work: () => Promise<unknown>): Promise<number> {
  const before = (await host.line.counters()).bytesFromClient;
  await work();
  return (await host.line.counters()).bytesFromClient - before;
}

/** Does the work while the line is cut; an error must say where, and what became of the host. */
async function cutDuring(part: number, bytes: number, work: () => Promise<unknown>): Promise<void> {
  // The login is behind us: the cut falls into the work.
  await connect(connectionTo(host) as never);
  await host.line.cut({ from: "client", bytes: Math.round(part * bytes) });
  try {
    await work();
  } catch (error) {
    const { message } = error as Error;
    expect(message).toContain(`root@127.0.0.1:${host.port}`);
    expect(message).toMatch(/Nothing was changed|is unknown|is not known|are in place/);
  }
  // Whatever is left of the count must not hit what follows.
  await host.line.cut();
}

let bytes: { create: number; update: number; remove: number };

beforeAll(async () => {
  await connect(connectionTo(host) as never);
  let made: Made | undefined;
  const createBytes = await bytesOf(async () => (made = await create("RcConfLocal", news(ARGS))));
  const one = made as unknown as Made;
  const updateBytes = await bytesOf(() => update(one, news(CHANGED)));
  bytes = { create: createBytes, update: updateBytes, remove: await bytesOf(() => remove(one)) };
});

test.each(CUTS)(
  "cut at %d of a create, the file is the old or the new one, and one more run is right",
  async (part) => {
    const bare = await host.snapshot();
    let made: Made | undefined;
    await cutDuring(
      part,
      bytes.create,
      async () => (made = await create("RcConfLocal", news(ARGS))),
    );
    const contents = await sh(host, "cat /etc/rc.conf.local 2>/dev/null; true");
    expect(["", "ntpd_flags=-s\napmd_flags=-A\n"]).toContain(contents.replace(/"/g, ""));
    expect(await sh(host, "ls -A /etc | grep pulumi; true")).toBe("");
    made ??= await create("RcConfLocal", news(ARGS));
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await remove(made);
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  },
);

test.each(CUTS)("cut at %d of an update, the next run goes on from the state", async (part) => {
  const bare = await host.snapshot();
  const made = await create("RcConfLocal", news(ARGS));
  await cutDuring(part, bytes.update, () => update(made, news(CHANGED)));
  await refresh(made);
  await update(made, news(CHANGED));
  await refresh(made);
  expect(await differs(made, news(CHANGED))).toBe(false);
  expect(await sh(host, "cat /etc/rc.conf.local")).not.toContain("apmd_flags");
  await remove(made);
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});

test.each(CUTS)("cut at %d of a destroy, one more gives back the tree of before", async (part) => {
  const bare = await host.snapshot();
  const made = await create("RcConfLocal", news(ARGS));
  said();
  await cutDuring(part, bytes.remove, () => remove(made));
  await remove(made);
  // Nobody else has changed anything.
  expect(said()).not.toContain("warning");
  expect(diffTrees(bare, await host.snapshot())).toEqual([]);
});
