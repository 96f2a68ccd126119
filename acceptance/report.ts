/** What was seen, as it comes on the screen, and as a report to keep. */
import { writeFileSync } from "node:fs";

/** What became of a check. */
export type Outcome =
  | "seen"
  | "NOT seen"
  /** It does not apply to this host, or was not asked for; the detail says why. */
  | "left out"
  /** One before it in the same part was not seen, and it would begin with the result of that one. */
  | "not tried";

/** One line of the report. */
export interface Result {
  /** The name, as in "second-up". */
  readonly check: string;
  /** What it holds the package to: a sentence. */
  readonly law: string;
  readonly outcome: Outcome;
  /** What was counted, or what was seen instead. */
  readonly detail: string;
  readonly seconds: number;
}

/** What the report begins with: names and values. */
export type Head = Readonly<Record<string, string>>;

/** Collects results, and prints each as it comes. */
export class Report {
  readonly results: Result[] = [];
  /** Durations of the first life cycle, in seconds, by name. */
  readonly figures: Record<string, number> = {};
  private readonly begin = Date.now();

  constructor(
    readonly head: Head,
    private readonly print: (line: string) => void = (line) =>
      void process.stdout.write(`${line}\n`),
  ) {}

  /** The heading of a part. */
  part(title: string): void {
    this.print(`\n${title}`);
  }

  /** A line of progress, which is not kept. */
  note(line: string): void {
    this.print(`           ${line}`);
  }

  add(result: Result): void {
    this.results.push(result);
    for (const line of linesOfResult(result)) this.print(line);
  }

  /** Whether nothing failed, and something was seen. */
  get ok(): boolean {
    const failed = this.results.some(
      ({ outcome }) => outcome === "NOT seen" || outcome === "not tried",
    );
    return !failed && this.results.some(({ outcome }) => outcome === "seen");
  }

  /** How long everything took so far, in seconds. */
  get seconds(): number {
    return Math.round((Date.now() - this.begin) / 1000);
  }

  /** As in "14 seen, 0 NOT seen, 3 left out, in 120 s". */
  get summary(): string {
    const count = (wanted: Outcome): number =>
      this.results.filter(({ outcome }) => outcome === wanted).length;
    const failed = count("NOT seen") + count("not tried");
    return `${count("seen")} seen, ${failed} NOT seen, ${count("left out")} left out, in ${this.seconds} s`;
  }

  /** The whole report as text. */
  toText(): string {
    const width = Math.max(...Object.keys(this.head).map((name) => name.length));
    return [
      "Acceptance of pulumi-openbsd-postfix",
      "",
      ...Object.entries(this.head).map(([name, value]) => `${name.padEnd(width)}  ${value}`),
      "",
      ...this.results.flatMap(linesOfResult),
      "",
      ...Object.entries(this.figures).map(([name, seconds]) => `${name}: ${seconds.toFixed(1)} s`),
      "",
      this.summary,
      "",
    ].join("\n");
  }

  /** The whole report as data. */
  toJson(): object {
    const { head, results, figures, ok, seconds } = this;
    return { format: 1, head, ok, seconds, results, figures };
  }

  /** Writes the report where it was asked for. */
  write(files: { readonly reportFile?: string; readonly jsonFile?: string }): void {
    if (files.reportFile !== undefined) writeFileSync(files.reportFile, this.toText());
    if (files.jsonFile !== undefined)
      writeFileSync(files.jsonFile, `${JSON.stringify(this.toJson(), undefined, 2)}\n`);
  }
}

function linesOfResult({ outcome, law, detail, seconds }: Result): string[] {
  const [first = "", ...more] = detail.split("\n");
  const time = outcome === "seen" ? ` [${Math.round(seconds)} s]` : "";
  const head = `${outcome.padEnd(9)}  ${law}${first === "" ? "" : `: ${first}`}${time}`;
  return [head, ...more.map((line) => `           ${line}`)];
}
