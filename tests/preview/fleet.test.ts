/** Many hosts in one stack: neither one that is slow nor one that is gone keeps the others waiting. */
import { startHost, type TestHost } from "../../testing";
import { sh } from "./server";
import { type Outcome, Project } from "./stack";
import { head } from "./ways";

const COUNT = 20;
/** The slow host stands in the middle of the program. */
const SLOW = 10;
/** One that answers nothing in one of the tests. */
const GONE = 5;

let hosts: readonly TestHost[];
let project: Project;

beforeAll(async () => {
  const started: TestHost[] = [];
  for (let index = 0; index < COUNT; index += 1) started.push(await startHost());
  hosts = started;
  // In each direction: two seconds from a question to its answer.
  await hosts[SLOW]?.line.latency(1000);
  project = await Project.create({ program: program("-s") });
}, 300_000);
afterAll(async () => {
  project.remove();
  for (const host of hosts) await host.stop();
});

/** A program with one step on each host. The host that is gone is tried once, and answered for after two seconds. */
function program(flags: string): string {
  const at = `{ at: { ...connection, dialErrorLimit: 1, perDialTimeout: 2 } }`;
  const options = `(index, connection) => (index === ${GONE} ? ${at} : {})`;
  return `${head(hosts)}rc("rc", { ntpd_flags: "${flags}" }, ${options});`;
}

/** The hosts, by their numbers, in the order in which the engine had the results of their steps. */
function ended({ events }: Outcome): readonly number[] {
  return events.flatMap(({ resOutputsEvent: event }) => {
    const name = /::rc-(\d+)$/.exec(event?.metadata.urn ?? "")?.[1];
    return name === undefined || !event?.metadata.type.startsWith("pulumi-nodejs:")
      ? []
      : [Number(name)];
  });
}

async function expectSlowLast(operation: Promise<Outcome>): Promise<void> {
  const order = ended(await operation);
  expect(new Set(order).size).toBe(COUNT);
  expect(order.indexOf(SLOW)).toBe(order.length - 1);
}

test("a first up has the results of all other hosts before that of one that answers after two seconds", () =>
  expectSlowLast(project.up()));

test("a drift check has them too", () => expectSlowLast(project.refresh()));

test("an up goes on with all other hosts where one is gone", async () => {
  await hosts[SLOW]?.line.latency(0);
  await hosts[GONE]?.line.admit("blackhole");
  project.write(program("-q"));
  const { code, stdout, stderr } = await project.text(
    ...["up", "--yes", "--skip-preview", "--continue-on-error"],
  );
  await hosts[GONE]?.line.admit("open");
  await hosts[SLOW]?.line.latency(1000);
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/rc-5.*failed/);
  const texts = await Promise.all(hosts.map((host) => sh(host, "cat /etc/rc.conf.local")));
  const behind = texts.flatMap((text, index) => (text.includes("-q") ? [] : [index]));
  expect(behind).toEqual([GONE]);
});

test("a destroy has the results of all other hosts before that of the slow one", () =>
  expectSlowLast(project.destroy()));
