/** The part "Growth" of docs/performance.md and its plots. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { init } from "echarts";
import { curvesOf, MEASURES, MOST, tableOf } from "./curveFigures";
import type { Point } from "./curves";
import { type Subject, SUBJECTS } from "./curveSubjects";
import type { Machine } from "./figures";

/** What `--json` writes. */
export interface CurveReport {
  readonly date: string;
  readonly machine: Machine;
  readonly points: readonly Point[];
}

const BEGIN = "<!-- Made by `npm run bench:curves -- --write`. -->";
const END = "<!-- The end of what `npm run bench:curves` makes. -->";

/** Seconds and MB of each operation, by size, both with logarithmic axes: what is linear there is a line of 45 degrees. */
function svgOf(points: readonly Point[], { title, unit }: Subject): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 860, height: 420 });
  const shown = [MEASURES[0], MEASURES[2]];
  const curves = curvesOf(points);
  const sizes = points.map(({ size }) => size);
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    title: { text: title, left: "center", textStyle: { fontSize: 15 } },
    legend: { bottom: 5, data: curves.map(([first]) => first?.operation ?? "") },
    grid: shown.map((_, nth) => ({ left: `${6 + nth * 50}%`, width: "40%", top: 55, bottom: 75 })),
    xAxis: shown.map((_, nth) => ({
      ...{ type: "log", gridIndex: nth, name: unit, nameLocation: "middle", nameGap: 25 },
      ...{ min: Math.min(...sizes), max: Math.max(...sizes) },
    })),
    yAxis: shown.map(({ name }, nth) => ({ type: "log", gridIndex: nth, name })),
    series: shown.flatMap(({ of, digits }, nth) =>
      curves.map((curve) => ({
        ...{ type: "line", xAxisIndex: nth, yAxisIndex: nth, name: curve[0]?.operation ?? "" },
        // A logarithm needs more than nothing.
        data: curve.map((point) => [point.size, Math.max(0.01, Number(of(point).toFixed(digits)))]),
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Writes the plots and the part of the document that tells of growth, before the part of `npm run bench`. */
export function writeGrowth(folder: string, { date, machine, points }: CurveReport): void {
  mkdirSync(join(folder, "performance"), { recursive: true });
  const parts = SUBJECTS.flatMap((subject) => {
    const own = points.filter((one) => one.subject === subject.name);
    if (own.length === 0) return [];
    const plot = `performance/growth-${subject.name}.svg`;
    writeFileSync(join(folder, plot), `${svgOf(own, subject)}\n`);
    const { title } = subject;
    return [`### ${title}`, `![${title}](${plot})`, tableOf(own, subject)];
  });
  const [before, after] = machine.load;
  const made = [
    BEGIN,
    `Measured on ${date}: ${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, Node ${machine.node}; load ${before.toFixed(1)} at the beginning, ${after.toFixed(1)} at the end. No exponent may be more than ${MOST}.`,
    ...parts,
    END,
  ].join("\n\n");
  const path = join(folder, "performance.md");
  const text = readFileSync(path, "utf8");
  const [head = "", rest = ""] = text.split(BEGIN);
  const tail = rest.split(END)[1] ?? rest;
  writeFileSync(path, `${head}${made}${tail}`);
}
