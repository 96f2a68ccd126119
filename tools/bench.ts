/**
 * `npm run bench`: what the package takes, next to others that do the same on the same hosts. All take turns in each round,
 * so that the machine's load is the same for all. Each task's result is checked after each run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageFolder } from "../testing/machine/folders";
import type { Contender } from "./bench/contender";
import { writeDocument } from "./bench/document";
import { figuresOf, type Machine, type Measured, type Report, tableOf } from "./bench/figures";
import { Fleet } from "./bench/fleet";
import { BenchProject, floor, ours, serversOn } from "./bench/pulumi";
import { pyinfra } from "./bench/pyinfra";
import { run } from "./bench/run";
import { limit, sshPerStep } from "./bench/shell";

const CONTENDERS = ["ours", "floor", "limit", "pyinfra", "ssh-per-step"] as const;

const usage = `usage: npm run bench [-- [--hosts N,...] [--rtt MS,...] [--rounds N] [--only NAME,...] [--json FILE] [--write]]

  --hosts   how many hosts; 1,10 unless given
  --rtt     milliseconds between a question and its answer; 0,50,200 unless given
  --rounds  how often each task is run; 3 unless given
  --only    of ${CONTENDERS.join(", ")}; all unless given
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

/** The first `up` of bare hosts and the last `destroy`, and in between everything that is repeated. */
async function benchHosts(
  count: number,
  { rtts, rounds, only }: Options,
  runs: Measured[],
  titles: Record<string, string>,
): Promise<void> {
  const fleet = await Fleet.start(count);
  const project = await BenchProject.make(serversOn(fleet.hosts));
  const once = (task: string, ...args: string[]): Promise<Measured> =>
    measure(
      fleet,
      {
        contender: "ours",
        task: { name: task, command: project.command(...args), fault: () => undefined },
      },
      rtts[0] ?? 0,
    );
  const contenders: Contender[] = [];
  try {
    tell(`${count} hosts`);
    for (const [index, rttMs] of rtts.entries()) {
      await fleet.roundTripTime(rttMs);
      const isFirst = index === 0;
      // The first `up` is told of each round-trip time: the hosts are made bare again in between.
      if (!isFirst) await project.must("destroy", "--yes", "--skip-preview");
      const first = await once("first up", "up", "--yes", "--skip-preview");
      runs.push({ ...first, rttMs });
      if (isFirst) {
        const makers: Readonly<
          Record<(typeof CONTENDERS)[number], () => Contender | Promise<Contender>>
        > = {
          ours: () => ours(project, version()),
          floor,
          limit: () => limit(fleet.hosts),
          pyinfra: () => pyinfra(fleet.hosts),
          "ssh-per-step": () => sshPerStep(fleet.hosts),
        };
        for (const name of CONTENDERS)
          if (only.includes(name)) contenders.push(await makers[name]());
      }
      for (const { name, title } of contenders) titles[name] = title;
      for (let round = 0; round < rounds; round += 1)
        for (const { name, tasks } of contenders)
          for (const task of tasks)
            runs.push(await measure(fleet, { contender: name, task }, rttMs));
    }
    const last = await once("destroy", "destroy", "--yes", "--skip-preview");
    runs.push({ ...last, rttMs: rtts.at(-1) ?? 0 });
  } finally {
    for (const contender of contenders) contender.remove();
    project.remove();
    await fleet.stop();
  }
}

async function main(): Promise<number> {
  const chosen = options(process.argv.slice(2));
  if (chosen === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const runs: Measured[] = [];
  const titles: Record<string, string> = {};
  const [before = 0] = loadavg();
  for (const count of chosen.hosts) await benchHosts(count, chosen, runs, titles);
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
    titles,
    figures: figuresOf(runs),
  };
  if (chosen.json !== undefined) writeFileSync(chosen.json, `${JSON.stringify(report, null, 1)}\n`);
  if (chosen.write) writeDocument(join(packageFolder(), "docs"), report);
  process.stdout.write(`${tableOf(report.figures)}\n`);
  return 0;
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
