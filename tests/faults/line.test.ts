/** The line between this process and sshd: cut in an upload, corrupted, slow, and gone with sshd. */
import { sha256 } from "../../provider/values/digest";
import { knownMachine, poolCounters } from "../../provider/host/pool";
import { AgentSession } from "../../provider/host/agentSession";
import { fingerprintsIn } from "../../provider/driver/machine";
import { forgetPlans } from "../../provider/driver/overlay";
import { connectionTo, sh } from "../preview/server";
import { create, inputsOf, type Made, refresh, remove, update } from "../host/provider";
import { figure } from "./figures";
import { arm, countRequests, disarm } from "./injection";
import { Run } from "./run";
import { World } from "./world";

let world: World;
beforeAll(async () => {
  world = await World.start("7.8");
});
afterAll(() => world.stop());
beforeEach(() => forgetPlans());

const TABLE = "/etc/postfix/body_checks.regexp";
/** Lines of which compression on the line leaves the most. */
const LARGE = Array.from({ length: 8_000 }, (_, nth) => `/${sha256(`${nth}`)}/ DISCARD\n`).join("");
const SMALL = "/one/ DISCARD\n";

const news = (text: string): Record<string, unknown> =>
  inputsOf("LookupTable", { path: TABLE, type: "regexp", text }, connectionTo(world.host));

async function textNow(): Promise<string> {
  return (await world.look()).files[TABLE]?.text ?? "";
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "",
    (error: unknown) => (error as Error).message,
  );
}

/** Lets an update of the table fail, and keeps the state as the engine would. */
async function failed(made: Made, text: string): Promise<string> {
  return update(made, news(text)).then(
    () => "",
    (error: unknown) => {
      const { message, properties } = error as Error & { properties?: Record<string, unknown> };
      if (properties) made.props = properties;
      return message;
    },
  );
}

describe("F10: cut in the middle of an upload, at each 10 %", () => {
  let made: Made;
  /** What an update sends: the text to be judged, then the text to be written. */
  let sent: number;
  beforeAll(async () => {
    made = await create("LookupTable", news(SMALL));
    await world.host.line.resetCounters();
    await update(made, news(LARGE));
    sent = (await world.host.line.counters()).bytesFromClient;
    await update(made, news(SMALL));
  });
  afterAll(async () => {
    // What a failed update has left belongs to the resource, once an update has settled it.
    await update(made, news(LARGE));
    await update(made, news(SMALL));
    await remove(made);
    expect(await world.isPristine()).toBe(true);
  });

  test.each([10, 20, 30, 40, 50, 60, 70, 80, 90])(
    "F10: at %d %% the file is as before, and the next run takes what was left away",
    async (part) => {
      // The text travels once for the judgement and once to be written; the cut falls into the second time.
      const bytes = Math.round((sent / 2) * (1 + part / 100));
      await refresh(made);
      await world.host.line.cut({ from: "client", bytes });
      const message = await failed(made, LARGE);
      await world.host.line.cut();
      expect(message).toContain(`root@127.0.0.1:${world.host.port}`);
      expect(await textNow()).toBe(SMALL);
      await refresh(made);
      await update(made, news(SMALL));
      expect((await world.look()).leftovers).toEqual([]);
    },
  );
});

test("F11: an upload that arrives as other bytes is refused before the file is touched", async () => {
  const made = await create("LookupTable", news(SMALL));
  // As a fault below SSH's own checksums would: the bytes are others than those of which the digest was taken.
  const request = Reflect.get(AgentSession.prototype, "request");
  AgentSession.prototype.request = function (this: AgentSession, op, values, options) {
    const isTheFile = op === "write" && values["path"] === TABLE;
    const sent = isTheFile ? { ...values, contents: LARGE.slice(1) } : values;
    return request.call(this, op, sent, options);
  };
  const message = await failed(made, LARGE);
  AgentSession.prototype.request = request;
  expect(message).toContain(
    `the new ${TABLE} could not be written: what arrived is not what was sent`,
  );
  expect(await textNow()).toBe(SMALL);
  expect((await world.look()).leftovers).toEqual([]);
  await update(made, news(LARGE));
  expect(sha256(await textNow())).toBe(sha256(LARGE));
  await remove(made);
  expect(await world.isPristine()).toBe(true);
});

test.each(["client", "host"] as const)(
  "F11: one bit that the line changes on the way from the %s breaks the connection, not the file",
  async (from) => {
    const run = new Run(world);
    for (const byte of [40, 900, 2600])
      await run.all([
        { do: "up", on: "body", values: { text: SMALL }, fault: { byte, from, mishap: "corrupt" } },
        { do: "up", on: "body", values: { text: "/two/ DISCARD\n# more\n" }, prove: true },
      ]);
    expect(run.strikes).toBe(3);
  },
);

test("F13: 300 ms of round trip and 8 kB a second: it completes, and everything is done once", async () => {
  const { line } = world.host;
  let made: Made = await create("LookupTable", news(SMALL));
  const requests = await countRequests(() => remove(made));
  forgetPlans();
  const quick = await countRequests(async () => (made = await create("LookupTable", news(SMALL))));
  await remove(made);
  forgetPlans();
  await line.cut();
  // A request on a connection that is gone, which nobody has noticed yet, would be one more.
  while (knownMachine(fingerprintsIn(String(made.props["machine"]))))
    await new Promise((resolve) => setTimeout(resolve, 10));
  await line.resetCounters();
  await line.latency(150);
  await line.throttle(8_000);
  const begin = Date.now();
  let slow: number;
  try {
    slow = await countRequests(async () => (made = await create("LookupTable", news(SMALL))));
  } finally {
    await line.latency(0);
    await line.throttle(undefined);
  }
  const { connections, bytesFromClient } = await line.counters();
  figure("F13", `${bytesFromClient} bytes sent in ${Math.round((Date.now() - begin) / 1000)} s`);
  expect(connections).toBe(1);
  expect(await textNow()).toBe(SMALL);
  // No request was sent twice.
  expect(slow).toBe(quick);
  expect(await countRequests(() => remove(made))).toBe(requests);
  expect(await world.isPristine()).toBe(true);
});

test.each(["agent", "sshd"] as const)(
  "F15: SIGKILL for the %s at each request leaves the old file or the new, and the next run converges",
  async (program) => {
    let points = 0;
    for (let request = 1; ; request += 1) {
      const run = new Run(world);
      const incident = { what: "kill", program } as const;
      await run.all(
        [
          { do: "up", on: "rc", values: { ntpd_flags: "-s" }, fault: { request, incident } },
          { do: "up", on: "rc", values: { ntpd_flags: "-s" }, prove: request % 3 === 0 },
        ],
        "files",
      );
      if (run.strikes === 0) break;
      points += 1;
    }
    figure("F15", `${points} kills of ${program === "agent" ? "the agent" : "sshd"}`);
    expect(points).toBeGreaterThan(3);
    expect(await world.isPristine()).toBe(true);
  },
);

test("F17: sshd restarted mid-plan: one reconnect", async () => {
  const one = await create("LookupTable", news(SMALL));
  const before = poolCounters().connections;
  const asked = { do: "up", on: "rc", values: { ntpd_flags: "-s" } } as const;
  await sh(world.host, "pkill -9 -f '^sshd: ' || true");
  const run = new Run(world);
  await refresh(one);
  await run.step(asked);
  await run.step({ do: "preview", on: "rc", values: { ntpd_flags: "-v" } });
  expect(poolCounters().connections - before).toBe(1);
  await run.step({ do: "destroy", on: "rc" });
  await remove(one);
  expect(await world.isPristine()).toBe(true);
});

test("F7: what only looks is asked again by itself, and the plan goes on", async () => {
  const made = await create("LookupTable", news(SMALL));
  const cut = { request: 1, incident: { what: "cut before" } } as const;
  const nobody = { disk: () => Promise.resolve(), edit: () => Promise.resolve() };
  await arm(world.host, cut, nobody);
  expect(await failureOf(refresh(made))).toBe("");
  expect(await disarm()).toBe(true);
  await arm(world.host, cut, nobody);
  expect(await failureOf(update(made, news(LARGE)))).toBe("");
  expect(await disarm()).toBe(true);
  expect(await textNow()).toBe(LARGE);
  await remove(made);
  expect(await world.isPristine()).toBe(true);
});
