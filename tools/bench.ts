/**
 * `npm run bench`: what the package takes, next to others that do the same on the same hosts. All take turns in each round,
 * so that the machine's load is the same for all. Each task's result is checked after each run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageFolder } from "../testing/machine/folders";
import { ansible, mitogen } from "./bench/ansible";
import type { Contender } from "./bench/contender";
import { writeDocument } from "./bench/document";
import {
  figuresOf,
  growthTableOf,
  type Machine,
  type Measured,
  type Report,
  statesOf,
  tableOf,
} from "./bench/figures";
import { Fleet } from "./bench/fleet";
import { newerNode } from "./bench/installed";
import { BenchProject, floor, floorOfMany, ours, serversOn } from "./bench/pulumi";
import { pyinfra } from "./bench/pyinfra";
import { run } from "./bench/run";
import { limit, sshPerStep } from "./bench/shell";

const CONTENDERS = [
  ...["ours", "floor", "ours-bundled", "ours-node22", "floor-node22", "floor-of-many"],
  ...["limit", "pyinfra", "ansible", "mitogen", "ssh-per-step"],
] as const;

/** Those that need Python on the hosts, and get hosts of their own that have it. */
const ON_PYTHON: readonly string[] = ["ansible", "mitogen"];

const usage = `usage: npm run bench [-- [--hosts N,...] [--rtt MS,...] [--rounds N] [--only NAME,...] [--json FILE] [--write]]

  --hosts   how many hosts; 1,10 unless given
  --rtt     milliseconds between a question and its answer; 0,50,200 unless given
  --rounds  how often each task is run; 3 unless given
  --only    of ${CONTENDERS.join(", ")};
            all unless given
  --json    where the figures go too
  --write   make docs/performance.md and its plots of the figures
`;

interface Options {
  readonly hosts: readonly number[];
  readonly rtts: readonly number[];
  readonly rounds: number;
  readonly only: readonly string[];
  readonly json: string | undefined;
  readonly write: boolean;
}

function options(argv: readonly string[]): Options | undefined {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        hosts: text,
        rtt: text,
        rounds: text,
        only: text,
        json: text,
        write: { type: "boolean" },
      },
    });
    const numbers = (list: string): readonly number[] => list.split(",").map(Number);
    const hosts = numbers(values.hosts ?? "1,10");
    const rtts = numbers(values.rtt ?? "0,50,200");
    const rounds = Number(values.rounds ?? "3");
    const only = values.only?.split(",") ?? CONTENDERS;
    const fits =
      [...hosts, rounds].every((one) => Number.isInteger(one) && one > 0) &&
      rtts.every((one) => Number.isInteger(one) && one >= 0) &&
      only.every((one) => CONTENDERS.some((name) => name === one));
    return fits
      ? { hosts, rtts, rounds, only, json: values.json, write: values.write ?? false }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The version of this package. */
function version(): string {
  const text = readFileSync(join(packageFolder(), "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

/** Measures once, and throws where the command did not do its work. */
async function measure(
  fleet: Fleet,
  { contender, task }: { readonly contender: string; readonly task: Contender["tasks"][number] },
  rttMs: number,
): Promise<Measured> {
  const { result, traffic } = await fleet.counted(() => run(task.command));
  const fault = result.code === 0 ? task.fault(result.output) : `status ${result.code}`;
  if (fault !== undefined)
    throw new Error(`${contender}: ${task.name}: ${fault}\n${result.output}`);
  const { wallMs, cpuMs, peakKiB } = result;
  tell(`${contender}: ${task.name}: ${(wallMs / 1000).toFixed(2)} s`);
  const hosts = fleet.hosts.length;
  return { hosts, rttMs, contender, task: task.name, wallMs, cpuMs, peakKiB, ...traffic };
}

/** Hosts, and what is tried on them. */
interface Lane {
  readonly fleet: Fleet;
  readonly project: BenchProject;
  readonly contenders: Contender[];
}

/** Mail servers on new hosts. */
async function laneOf(count: number, python = false): Promise<Lane> {
  const fleet = await Fleet.start(count, python);
  const project = await BenchProject.make(serversOn(fleet.hosts), { lean: true });
  return { fleet, project, contenders: [] };
}

/** The contenders, by their names; each is made once the hosts are mail servers. */
async function makeContenders(
  lanes: readonly Lane[],
  only: readonly string[],
  count: number,
): Promise<void> {
  const title = `pulumi-openbsd-postfix ${version()}`;
  const node = only.some((name) => name.endsWith("-node22")) ? await newerNode() : undefined;
  const newer = node === undefined ? {} : { node: node.bin };
  const on = `with Node ${node?.version ?? ""}`;
  type Maker = (lane: Lane) => Contender | Promise<Contender>;
  const makers: Readonly<Record<string, Maker>> = {
    ours: ({ project }) =>
      ours(project, { name: "ours", title: `${title}, with the lean process as in the README` }),
    floor: () => floor({ name: "floor", title: "Pulumi's own part" }),
    "ours-bundled": ({ project }) =>
      ours(project, { name: "ours-bundled", title: `${title}, with the CLI's process`, ways: {} }),
    "ours-node22": ({ project }) =>
      ours(project, { name: "ours-node22", title: `ours ${on}`, ways: { lean: true, ...newer } }),
    "floor-node22": () => floor({ name: "floor-node22", title: `floor ${on}`, ways: newer }),
    "floor-of-many": () => floorOfMany(count),
    limit: ({ fleet }) => limit(fleet.hosts),
    pyinfra: ({ fleet }) => pyinfra(fleet.hosts),
    ansible: ({ fleet }) => ansible(fleet.hosts),
    mitogen: ({ fleet }) => mitogen(fleet.hosts),
    "ssh-per-step": ({ fleet }) => sshPerStep(fleet.hosts),
  };
  const [plain, withPython = plain] = lanes as readonly [Lane, Lane?];
  for (const name of CONTENDERS) {
    const maker = makers[name];
    const lane = ON_PYTHON.includes(name) ? withPython : plain;
    if (only.includes(name) && maker !== undefined) lane.contenders.push(await maker(lane));
  }
}

/** What a run of the bench has found. */
interface Results {
  readonly runs: Measured[];
  readonly titles: Record<string, string>;
  /** How many bytes the state takes, by how many hosts there are. */
  readonly states: Record<number, number>;
}

/** The first `up` of bare hosts and the last `destroy`, and in between everything that is repeated. */
async function benchHosts(
  count: number,
  { rtts, rounds, only }: Options,
  { runs, titles, states }: Results,
): Promise<void> {
  tell(`${count} hosts`);
  const lanes: Lane[] = [];
  try {
    const plain = await laneOf(count);
    lanes.push(plain);
    if (only.some((name) => ON_PYTHON.includes(name))) lanes.push(await laneOf(count, true));
    const { fleet, project } = plain;
    const once = async (name: string, rttMs: number, ...args: string[]): Promise<void> => {
      const task = { name, command: project.command(...args), fault: () => undefined };
      runs.push(await measure(fleet, { contender: "ours", task }, rttMs));
    };
    const quick = ["--yes", "--skip-preview"];
    for (const other of lanes.slice(1)) await other.project.must("up", ...quick);
    for (const [index, rttMs] of rtts.entries()) {
      for (const lane of lanes) await lane.fleet.roundTripTime(rttMs);
      await once("first up", rttMs, "up", ...quick);
      states[count] = project.stateBytes;
      if (index === 0) await makeContenders(lanes, only, count);
      for (const { contenders } of lanes)
        for (const { name, title } of contenders) titles[name] = title;
      for (let round = 0; round < rounds; round += 1)
        for (const lane of lanes)
          for (const { name, tasks } of lane.contenders)
            for (const task of tasks)
              runs.push(await measure(lane.fleet, { contender: name, task }, rttMs));
      await once("destroy", rttMs, "destroy", ...quick);
    }
  } finally {
    for (const { contenders, project, fleet } of lanes) {
      for (const contender of contenders) contender.remove();
      project.remove();
      await fleet.stop();
    }
  }
}

async function main(): Promise<number> {
  const chosen = options(process.argv.slice(2));
  if (chosen === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const results: Results = { runs: [], titles: {}, states: {} };
  const [before = 0] = loadavg();
  for (const count of chosen.hosts) await benchHosts(count, chosen, results);
  const [after = 0] = loadavg();
  const machine: Machine = {
    cores: cpus().length,
    model: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: [before, after],
  };
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    machine,
    titles: results.titles,
    states: results.states,
    figures: figuresOf(results.runs),
  };
  if (chosen.json !== undefined) writeFileSync(chosen.json, `${JSON.stringify(report, null, 1)}\n`);
  if (chosen.write) writeDocument(join(packageFolder(), "docs"), report);
  const parts = [tableOf(report.figures), growthTableOf(report.figures), ...statesOf(report)];
  process.stdout.write(`${parts.join("\n\n")}\n`);
  return 0;
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
