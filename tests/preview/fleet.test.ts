/** Many hosts in one stack: a slow one keeps no other waiting for its end, and what is shown tells the hosts apart. */
import { startHost, type TestHost } from "../../testing";
import { type Outcome, Project } from "./stack";
import { head } from "./ways";

const COUNT = 20;
/** The slow host stands in the middle of the program. */
const SLOW = 10;

let hosts: readonly TestHost[];
let project: Project;

beforeAll(async () => {
  const started: TestHost[] = [];
  for (let index = 0; index < COUNT; index += 1) started.push(await startHost());
  hosts = started;
  // In each direction: two seconds from a question to its answer.
  await hosts[SLOW]?.line.latency(1000);
  project = await Project.create({ program: `${head(hosts)}rc("rc", { ntpd_flags: "-s" });` });
}, 300_000);
afterAll(async () => {
  project.remove();
  for (const host of hosts) await host.stop();
});

/** The hosts, by their numbers, in the order in which the engine had the results of their steps. */
function ended({ events }: Outcome): readonly number[] {
  return events.flatMap(({ resOutputsEvent: event }) => {
    const name = /::rc-(\d+)$/.exec(event?.metadata.urn ?? "")?.[1];
    return name === undefined || !event?.metadata.type.startsWith("pulumi-nodejs:")
      ? []
      : [Number(name)];
  });
}

test.each([
  ["a first up", () => project.up()],
  ["a drift check", () => project.refresh()],
  ["a destroy", () => project.destroy()],
] as const)(
  "%s has the results of all other hosts before that of a host that answers after two seconds",
  async (_what, operation) => {
    const order = ended(await operation());
    expect(new Set(order).size).toBe(COUNT);
    expect(order.indexOf(SLOW)).toBe(order.length - 1);
  },
);
