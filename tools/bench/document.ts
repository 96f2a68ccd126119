/** docs/performance.md and its plots, made of a run's figures. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { init } from "echarts";
import { type Figure, growthTableOf, type Report, statesOf, tableOf } from "./figures";

/** Where the made part of the document stands. */
const BEGIN = "<!-- Made by `npm run bench -- --write`. -->";

/** What the plots show: of each contender the task that a person runs to see whether all is as it shall be. */
const SHOWN: readonly (readonly [contender: string, task: string])[] = [
  ["limit", "a look with postfix check"],
  ["ours", "refresh --preview-only"],
  ["ours", "preview --refresh"],
  ["floor", "preview of one dynamic resource"],
  ["pyinfra", "a real run"],
  ["ansible", "a real run"],
  ["mitogen", "a real run"],
  ["ssh-per-step", "a look"],
];

interface Plot {
  readonly name: string;
  readonly title: string;
  /** What the groups of bars are for. */
  readonly groups: readonly string[];
  readonly bars: readonly { readonly name: string; readonly seconds: readonly (number | null)[] }[];
}

function plotOf(
  name: string,
  title: string,
  figures: readonly Figure[],
  groupOf: (figure: Figure) => string,
): Plot {
  const groups = [...new Set(figures.map(groupOf))];
  const bars = SHOWN.flatMap(([contender, task]) => {
    const ofIt = figures.filter((one) => one.contender === contender && one.task === task);
    const seconds = groups.map((group) => {
      const found = ofIt.find((one) => groupOf(one) === group);
      return found === undefined ? null : Number((found.median.wallMs / 1000).toFixed(2));
    });
    return ofIt.length === 0 ? [] : [{ name: `${contender}: ${task}`, seconds }];
  });
  return { name, title, groups, bars };
}

function svgOf({ title, groups, bars }: Plot): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 760, height: 560 });
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    title: { text: title, left: "center", textStyle: { fontSize: 15 } },
    // One below the other: without a font to measure by, names beside one another would run into each other.
    legend: { orient: "vertical", left: 50, bottom: 5 },
    grid: { left: 50, right: 20, top: 45, bottom: 230 },
    xAxis: { type: "category", data: [...groups] },
    yAxis: { type: "value", name: "seconds" },
    series: bars.map(({ name, seconds }) => ({
      type: "bar",
      name,
      data: [...seconds],
      label: { show: true, position: "top", fontSize: 9 },
    })),
  });
  const svg = chart.renderToSVGString();
  // Without this, its timers keep the process from ending.
  chart.dispose();
  return svg;
}

/** What each host more takes. */
function growthLines(figures: readonly Figure[]): readonly string[] {
  const table = growthTableOf(figures);
  return table === "" ? [] : ["What each host more takes:", "", table, ""];
}

/** Writes the plots, and the part of the document that is made, behind what people have written. */
export function writeDocument(folder: string, report: Report): void {
  const { date, machine, titles, figures } = report;
  const [hosts = 1] = figures.map((one) => one.hosts);
  const [rttMs = 0] = figures.map((one) => one.rttMs);
  const plots = [
    plotOf(
      "round-trip-times",
      `${hosts === 1 ? "One host" : `${hosts} hosts`}, nothing to do, by round-trip time`,
      figures.filter((one) => one.hosts === hosts),
      (one) => `${one.rttMs} ms`,
    ),
    plotOf(
      "hosts",
      `Nothing to do, by number of hosts, at ${rttMs} ms`,
      figures.filter((one) => one.rttMs === rttMs),
      (one) => String(one.hosts),
    ),
  ];
  mkdirSync(join(folder, "performance"), { recursive: true });
  for (const plot of plots)
    writeFileSync(join(folder, `performance/${plot.name}.svg`), `${svgOf(plot)}\n`);
  const path = join(folder, "performance.md");
  const written = readFileSync(path, "utf8").split(BEGIN)[0] ?? "";
  const [before, after] = machine.load;
  const made = [
    BEGIN,
    "",
    `Measured on ${date}: ${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, Node ${machine.node}; load ${before.toFixed(1)} at the beginning, ${after.toFixed(1)} at the end.`,
    ...Object.entries(titles).map(([name, title]) => `\n- \`${name}\`: ${title}`),
    "",
    ...plots.map(({ name, title }) => `![${title}](performance/${name}.svg)\n`),
    tableOf(figures),
    "",
    ...growthLines(figures),
    ...statesOf(report),
    "",
  ].join("\n");
  writeFileSync(path, written + made);
}
