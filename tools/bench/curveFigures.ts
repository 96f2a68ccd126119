/** How figures grow with a size: exponents, and the tables of `npm run bench:curves`. */
import type { Point } from "./curves";
import type { Subject } from "./curveSubjects";

/** What is told of each operation, in the units of the table. */
export const MEASURES = [
  { name: "seconds", of: (point: Point): number => point.wallMs / 1000, digits: 2 },
  { name: "CPU s", of: (point: Point): number => point.cpuMs / 1000, digits: 2 },
  { name: "MB", of: (point: Point): number => point.peakKiB / 1024, digits: 0 },
  { name: "KB sent", of: (point: Point): number => point.sentBytes / 1000, digits: 0 },
  { name: "KB received", of: (point: Point): number => point.receivedBytes / 1000, digits: 0 },
  { name: "round trips", of: (point: Point): number => point.roundTrips, digits: 0 },
  { name: "KB state", of: (point: Point): number => point.stateBytes / 1000, digits: 1 },
  { name: "KB record", of: (point: Point): number => point.recordBytes / 1000, digits: 1 },
] as const;

type Measure = (typeof MEASURES)[number];

/** A pair of a size and what was measured. */
export type Sample = readonly [size: number, value: number];

/** Nothing steeper is linear: what is left is noise. */
export const MOST = 1.1;

/** The least part by which a figure must be larger than the overhead before its growth is told apart from noise. */
const GROWN = 0.2;

/**
 * The exponent with which a figure grows: the slope of the straight line, in logarithms, through all that is measured from
 * `fitFrom` on, by least squares. What the smallest size of all takes is taken off first, because that is the overhead of
 * a connection, not of the size. `undefined` where too little grows to say.
 */
export function exponentOf(samples: readonly Sample[], fitFrom: number): number | undefined {
  const sorted = [...samples].sort(([left], [right]) => left - right);
  const [smallest] = sorted;
  if (smallest === undefined) return undefined;
  const [, overhead] = smallest;
  const points = sorted
    .filter(
      ([size, value]) => size >= fitFrom && size > smallest[0] && value > overhead * (1 + GROWN),
    )
    .map(([size, value]) => [Math.log(size - smallest[0]), Math.log(value - overhead)] as const);
  if (points.length < 2) return undefined;
  const mean = (nth: 0 | 1): number =>
    points.reduce((sum, point) => sum + point[nth], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const sum = (of: (x: number, y: number) => number): number =>
    points.reduce((total, [x, y]) => total + of(x - meanX, y - meanY), 0);
  return sum((x, y) => x * y) / sum((x) => x * x);
}

/** The points of one operation, by size. */
export function curvesOf(points: readonly Point[]): readonly (readonly Point[])[] {
  const curves = new Map<string, Point[]>();
  for (const point of points)
    curves.set(point.operation, [...(curves.get(point.operation) ?? []), point]);
  return [...curves.values()];
}

export function growthOf(
  curve: readonly Point[],
  { of }: Measure,
  fitFrom: number,
): number | undefined {
  return exponentOf(
    curve.map((point) => [point.size, of(point)]),
    fitFrom,
  );
}

/** What grows faster than it may, in sentences. */
export function steep(points: readonly Point[], { name, fitFrom }: Subject): readonly string[] {
  return curvesOf(points).flatMap((curve) =>
    MEASURES.flatMap((measure) => {
      const exponent = growthOf(curve, measure, fitFrom);
      return exponent === undefined || exponent <= MOST
        ? []
        : [
            `${name}: ${curve[0]?.operation ?? ""}: ${measure.name} grow with ${exponent.toFixed(2)}`,
          ];
    }),
  );
}

/** The table of a subject in Markdown: a row for each operation and size, and one with the exponents. */
export function tableOf(points: readonly Point[], { unit, fitFrom }: Subject): string {
  const head = ["operation", unit, ...MEASURES.map(({ name }) => name)];
  const rows = curvesOf(points).flatMap((curve) => [
    ...curve.map((point) => [
      ...[point.operation, point.size.toLocaleString("en")],
      ...MEASURES.map(({ of, digits }) => of(point).toFixed(digits)),
    ]),
    [
      ...["", "exponent"],
      ...MEASURES.map((measure) => growthOf(curve, measure, fitFrom)?.toFixed(2) ?? "–"),
    ],
  ]);
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
