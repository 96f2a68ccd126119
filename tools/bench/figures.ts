/** The figures of a run of the bench: medians, spread and ratios. */
import type { Traffic } from "./fleet";
import type { Cost } from "./run";

/** One measured run of a task. */
export interface Measured extends Cost, Traffic {
  /** How many hosts there are. */
  readonly hosts: number;
  /** Milliseconds between a question to a host and its answer. */
  readonly rttMs: number;
  readonly contender: string;
  readonly task: string;
}

/** All runs of one task on as many hosts at one round-trip time. */
export interface Figure {
  readonly hosts: number;
  readonly rttMs: number;
  readonly contender: string;
  readonly task: string;
  readonly runs: number;
  /** The medians. */
  readonly median: Cost & Traffic;
  /** The least and the most seconds. */
  readonly seconds: readonly [least: number, most: number];
}

/** The machine on which it was measured, and what else it did. */
export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly memoryGiB: number;
  readonly node: string;
  /** The load at the beginning and at the end: how many processes wanted to run. */
  readonly load: readonly [number, number];
}

/** What `--json` writes, and the documents are made of. */
export interface Report {
  readonly date: string;
  readonly machine: Machine;
  /** Each contender's title by its name. */
  readonly titles: Readonly<Record<string, string>>;
  /** How many bytes the state of the package's stack takes, by how many hosts there are. */
  readonly states: Readonly<Record<number, number>>;
  readonly figures: readonly Figure[];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = 0, above = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? above : (below + above) / 2;
}

/** The figure of each task, in the order in which they were measured first. */
export function figuresOf(runs: readonly Measured[]): readonly Figure[] {
  const groups = new Map<string, Measured[]>();
  for (const one of runs) {
    const key = [one.hosts, one.rttMs, one.contender, one.task].join("\0");
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((all) => {
    const [{ hosts, rttMs, contender, task }] = all as [Measured];
    const of = (what: keyof (Cost & Traffic)): number => median(all.map((one) => one[what]));
    const seconds = all.map(({ wallMs }) => wallMs / 1000);
    return {
      ...{ hosts, rttMs, contender, task },
      runs: all.length,
      median: {
        ...{ wallMs: of("wallMs"), cpuMs: of("cpuMs"), peakKiB: of("peakKiB") },
        ...{ connections: of("connections"), roundTrips: of("roundTrips") },
        ...{ sentBytes: of("sentBytes"), receivedBytes: of("receivedBytes") },
      },
      seconds: [Math.min(...seconds), Math.max(...seconds)],
    };
  });
}

/** The contender whose first task is the floor of another one: with a newer Node, that with the same. */
function floorOf(contender: string): string {
  return /-node\d+$/.test(contender) ? `floor${/-node\d+$/.exec(contender)?.[0] ?? ""}` : "floor";
}

/** The figures as a table in Markdown, with the ratio of each to others of the same hosts and round-trip time. */
export function tableOf(figures: readonly Figure[]): string {
  const head = [
    ...["hosts", "RTT", "what", "seconds", "from–to", "× floor", "s over floor"],
    ...["× limit", "× pyinfra", "CPU s", "MB"],
    ...["connections", "round trips", "KB sent", "KB received"],
  ];
  const rows = figures.map((figure) => {
    const { median: mid, hosts, rttMs, contender } = figure;
    const beside = (name: string, of: (ours: number, other: number) => number): string => {
      const other = figures.find(
        (one) => one.contender === name && one.hosts === hosts && one.rttMs === rttMs,
      );
      return other === undefined ? "" : of(mid.wallMs, other.median.wallMs).toFixed(2);
    };
    const times = (own: number, other: number): number => own / other;
    const over = (own: number, other: number): number => (own - other) / 1000;
    return [
      ...[String(hosts), `${rttMs} ms`, `${contender}: ${figure.task}`],
      ...[(mid.wallMs / 1000).toFixed(2), figure.seconds.map((one) => one.toFixed(2)).join("–")],
      ...[beside(floorOf(contender), times), beside(floorOf(contender), over)],
      ...[beside("limit", times), beside("pyinfra", times), (mid.cpuMs / 1000).toFixed(1)],
      ...[(mid.peakKiB / 1024).toFixed(0), String(mid.connections), String(mid.roundTrips)],
      ...[(mid.sentBytes / 1000).toFixed(0), (mid.receivedBytes / 1000).toFixed(0)],
    ];
  });
  return tableWith(head, rows);
}

function tableWith(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/**
 * What each host more takes, as a table in Markdown: from the least hosts to the most, of each task at the first round-trip
 * time. Empty where all figures are of as many hosts.
 */
export function growthTableOf(figures: readonly Figure[]): string {
  const [{ rttMs } = { rttMs: 0 }] = figures;
  const groups = new Map<string, Figure[]>();
  for (const one of figures.filter((figure) => figure.rttMs === rttMs)) {
    const name = `${one.contender}: ${one.task}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  const rows = [...groups].flatMap(([name, of]) => {
    const sorted = [...of].sort((left, right) => left.hosts - right.hosts);
    return sorted.slice(1).map((most, index) => {
      const least = sorted[index] as Figure;
      const more = most.hosts - least.hosts;
      const each = (what: keyof Cost, unit: number): string =>
        ((most.median[what] - least.median[what]) / unit / more).toFixed(2);
      return [
        ...[name, `${least.hosts} to ${most.hosts}`],
        ...[each("wallMs", 1000), each("cpuMs", 1000), each("peakKiB", 1024)],
      ];
    });
  });
  if (rows.length === 0) return "";
  return tableWith(["what", "hosts", "s a host", "CPU s a host", "MB a host"], rows);
}

/** What a state takes, as sentences. */
export function statesOf({ states }: Report): readonly string[] {
  return Object.entries(states).map(([hosts, bytes]) => {
    const each = (bytes / Number(hosts) / 1000).toFixed(1);
    return `The state of ${hosts} ${hosts === "1" ? "host" : "hosts"} takes ${each} KB a host.`;
  });
}
