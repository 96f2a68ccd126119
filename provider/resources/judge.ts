/**
 * A candidate main.cf judged by the host's own Postfix before it goes live: staged in a private folder with a queue
 * and data folder of its own, because plain `postfix check` works on the live queue (openbsd.md 16).
 */
import { lastLines } from "../changes";
import * as mainCfText from "../formats/mainCf";
import type { HostReader, RunResult } from "../host/host";
import type { Change, Failure, JudgeContext } from "../resource";

const POSTCONF = "/usr/local/sbin/postconf";
const ALIAS_TYPES = /^([a-z][a-z0-9_]*):/;

/** Parameters whose values begin with the type of a table. */
const TABLES = /_maps$|^alias_database$|_checks$/;

/** Parameters as the arguments of MainCf have them. */
type Parameters = Readonly<Record<string, string | null>>;

/** What is wrong with the main.cf that the changes would leave. */
export async function judgeMainCf(
  host: HostReader,
  current: string | undefined,
  parameters: Parameters,
  changes: readonly Change[],
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const write = changes.find((change) => change.change === "write");
  // Without Postfix on the host there is nobody to judge yet; the step that applies it judges again.
  if (write?.change !== "write" || current === undefined || write.partial) return [];
  const staged = (contents: string): string =>
    mainCfText.set(
      mainCfText.set(contents, "queue_directory", "{dir}/queue"),
      "data_directory",
      "{dir}/data",
    );
  const [after, before, types] = await host.judge({
    files: {
      "after/main.cf": staged(write.contents),
      "before/main.cf": staged(current),
      "after/master.cf": "",
      "before/master.cf": "",
    },
    folders: ["queue", "data"],
    commands: [
      { argv: [POSTCONF, "-c", "{dir}/after", "-n"] },
      { argv: [POSTCONF, "-c", "{dir}/before", "-n"] },
      { argv: [POSTCONF, "-m"] },
    ],
  });
  if (
    !after ||
    !before ||
    !types ||
    "notFound" in after ||
    "notFound" in before ||
    "notFound" in types
  )
    return [];
  return [
    ...complaints(after, before, write.contents, parameters, context),
    ...unknownTables(types.stdout.split("\n"), parameters),
  ];
}

/** What postconf says of the candidate and not of what is there now: errors where it is about our parameters. */
function complaints(
  after: RunResult,
  before: RunResult,
  contents: string,
  parameters: Parameters,
  context: JudgeContext,
): Failure[] {
  const known = new Set(said(before));
  const failures: Failure[] = [];
  for (const line of said(after)) {
    if (known.has(line)) {
      context.warn(`already so before: ${line}`);
      continue;
    }
    const name = Object.keys(parameters).find((one) => new RegExp(`\\b${one}\\b`).test(line));
    const at = name === undefined ? undefined : mainCfText.lineOf(contents, name);
    failures.push({
      path: name === undefined ? "parameters" : `parameters.${name}`,
      reason: `the host's Postfix refuses this main.cf${at === undefined ? "" : ` (line ${at})`}: ${line}`,
    });
  }
  if (after.exitCode !== 0 && failures.length === 0 && before.exitCode === 0)
    failures.push({
      path: "parameters",
      reason: `the host's postconf cannot read this main.cf: ${lastLines(after.stderr, 3)}`,
    });
  return failures;
}

/** Distinct complaints, without the program's name and the private folder in them. */
function said(result: RunResult): string[] {
  const lines = result.stderr
    .split("\n")
    .map((line) =>
      line
        .replace(/^.*?postconf: /, "")
        .replace(/\S*\/(after|before)\/main\.cf/g, "/etc/postfix/main.cf")
        .trim(),
    )
    .filter((line) => line !== "");
  return [...new Set(lines)];
}

/** Table types that this Postfix does not have: `postconf -n` and `postfix check` let them through. */
function unknownTables(types: readonly string[], parameters: Parameters): Failure[] {
  const known = new Set(types.map((line) => line.trim()).filter((line) => line !== ""));
  if (known.size === 0) return [];
  return Object.entries(parameters).flatMap(([name, value]): Failure[] => {
    if (value === null || !TABLES.test(name)) return [];
    const bad = value
      .split(/[\s,]+/)
      .map((word) => ALIAS_TYPES.exec(word)?.[1])
      .find((type) => type !== undefined && !known.has(type));
    if (bad === undefined) return [];
    return [
      {
        path: `parameters.${name}`,
        reason: `this Postfix has no table type "${bad}"; it has ${[...known].sort().join(", ")}.`,
      },
    ];
  });
}
