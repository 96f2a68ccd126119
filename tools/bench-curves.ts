/**
 * `npm run bench:curves`: how time, memory and traffic grow with what is managed on one host. Each operation runs in a process
 * of its own. Exit status 1 where something grows faster than it may.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageFolder } from "../testing/machine/folders";
import { type CurveReport, writeGrowth } from "./bench/curveDocument";
import { steep, tableOf } from "./bench/curveFigures";
import { measureSize, type Point } from "./bench/curves";
import { sh, type Subject, SUBJECTS } from "./bench/curveSubjects";
import { Fleet } from "./bench/fleet";
import { machineNow } from "./bench/machine";

const usage = `usage: npm run bench:curves [-- [--only NAME,...] [--sizes N,...] [--json FILE] [--from FILE,...] [--write]]

  --only   of ${SUBJECTS.map(({ name }) => name).join(", ")}; all unless given
  --sizes  only these of a curve's sizes
  --json   where the figures go too
  --from   measure nothing, and take the figures that --json wrote to these files: FILE,...
  --write  make the part "Growth" of docs/performance.md and its plots
`;

interface Options {
  readonly subjects: readonly Subject[];
  readonly sizes: readonly number[] | undefined;
  readonly json: string | undefined;
  readonly from: readonly string[] | undefined;
  readonly write: boolean;
}

function options(argv: readonly string[]): Options | undefined {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { only: text, sizes: text, json: text, from: text, write: { type: "boolean" } },
    });
    const names = values.only?.split(",");
    const sizes = values.sizes?.split(",").map(Number);
    const fits =
      (names ?? []).every((name) => SUBJECTS.some((one) => one.name === name)) &&
      (sizes ?? []).every((one) => Number.isInteger(one) && one > 0);
    const subjects = SUBJECTS.filter(({ name }) => names?.includes(name) ?? true);
    const { json, write = false } = values;
    const from = values.from?.split(",");
    return fits ? { subjects, sizes, json, from, write } : undefined;
  } catch {
    return undefined;
  }
}

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

/** Measures all sizes, and tells after each what there is so far. */
async function measure(
  { subjects, sizes }: Options,
  measured: (report: CurveReport) => void,
): Promise<CurveReport> {
  const before = machineNow();
  const points: Point[] = [];
  const report = (): CurveReport => {
    const { load, ...machine } = machineNow();
    return {
      date: new Date().toISOString().slice(0, 10),
      machine: { ...machine, load: [before.load[0], load[1]] },
      points,
    };
  };
  for (const subject of subjects)
    for (const size of subject.sizes.filter((one) => sizes?.includes(one) ?? true)) {
      // A host of its own: what one size leaves in caches is not there for the next.
      const fleet = await Fleet.start(1);
      try {
        for (const host of fleet.hosts) await sh(host, "pkg_add -I postfix--%stable");
        points.push(...(await measureSize(fleet, subject, size, tell)));
      } finally {
        await fleet.stop();
      }
      measured(report());
    }
  return report();
}

/** What several runs have measured, as one report. */
function readReports(paths: readonly string[]): CurveReport {
  const all = paths.map((path) => JSON.parse(readFileSync(path, "utf8")) as CurveReport);
  const [first] = all;
  if (first === undefined) throw new Error("there is no file");
  return { ...first, points: all.flatMap(({ points }) => points) };
}

async function main(): Promise<number> {
  const chosen = options(process.argv.slice(2));
  if (chosen === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const { json, from } = chosen;
  const save = (report: CurveReport): void => {
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  };
  const report = from === undefined ? await measure(chosen, save) : readReports(from);
  if (chosen.write) writeGrowth(join(packageFolder(), "docs"), report);
  const faults = chosen.subjects.flatMap((subject) => {
    const points = report.points.filter((one) => one.subject === subject.name);
    if (points.length > 0)
      process.stdout.write(`\n${subject.title}\n\n${tableOf(points, subject)}\n`);
    return steep(points, subject);
  });
  process.stdout.write(
    `\n${faults.length === 0 ? "Nothing grows faster than it may." : faults.join("\n")}\n`,
  );
  return faults.length === 0 ? 0 : 1;
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
