/** Many resources on one host: what travels for them, counted and not timed. */
import { startHost, type TestHost } from "../../testing";
import { connectionTo, installPostfix } from "../preview/server";
import { forgetPlans } from "../../provider/driver/overlay";
import { create, inputsOf, type Made, refresh, remove, update } from "./provider";

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ release: "7.8" });
  await installPostfix(host);
});
afterAll(() => host.stop());

const news = (index: number, to = "b@example.org"): Record<string, unknown> =>
  inputsOf(
    "LookupTable",
    { path: `/etc/postfix/table${index}`, entries: { "a@example.org": to } },
    connectionTo(host),
    { name: `table${index}` },
  );

type Counters = Awaited<ReturnType<TestHost["line"]["counters"]>>;

async function counted(work: () => Promise<unknown>): Promise<Counters> {
  await host.line.resetCounters();
  await work();
  return host.line.counters();
}

/** What so many tables take: to make them, to look at all, to change one, and to remove them. */
async function ofTables(
  count: number,
): Promise<Record<"made" | "seen" | "changed" | "removed", Counters>> {
  forgetPlans();
  const tables = Array.from({ length: count }, (_, index) => index);
  let all: Made[] = [];
  const made = await counted(async () => {
    all = await Promise.all(tables.map((index) => create("LookupTable", news(index))));
  });
  const seen = await counted(() => Promise.all(all.map((one) => refresh(one))));
  const [first] = all;
  if (first === undefined) throw new Error("there is a table");
  const changed = await counted(() => update(first, news(0, "c@example.org")));
  const removed = await counted(() => Promise.all(all.map((one) => remove(one))));
  return { made, seen, changed, removed };
}

test("what travels for a resource does not grow with the number of the others", async () => {
  // The connection is there, and the agent on the host.
  await ofTables(1);
  const few = await ofTables(10);
  const many = await ofTables(60);
  for (const what of ["made", "removed"] as const) {
    const [a, b] = [few[what], many[what]];
    expect(b.roundTrips / a.roundTrips).toBeLessThan(6 * 1.1);
    expect(b.bytesFromClient / a.bytesFromClient).toBeLessThan(6 * 1.3);
    expect(b.bytesFromHost / a.bytesFromHost).toBeLessThan(6 * 1.3);
  }
  // A change among sixty is one among ten.
  expect(many.changed.bytesFromClient).toBeLessThan(2 * few.changed.bytesFromClient);
  expect(many.changed.bytesFromHost).toBeLessThan(2 * few.changed.bytesFromHost);
  // Replies come while requests that stand behind them are sent: the line counts one more or less.
  expect(many.changed.roundTrips).toBeLessThanOrEqual(few.changed.roundTrips + 2);
  // A look at sixty asks for each in one go, and reads the record once.
  expect(many.seen.roundTrips).toBeLessThanOrEqual(3);
  expect(many.seen.bytesFromHost).toBeLessThan(20_000);
  expect([few, many].flatMap((run) => Object.values(run).map((one) => one.connections))).toEqual(
    Array.from({ length: 8 }, () => 0),
  );
});
