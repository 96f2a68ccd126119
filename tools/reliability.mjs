// docs/reliability.md: every fault with what is expected, made from a run of its tests, which tests/faults/table.json names.
//
//   node tools/reliability.mjs --run                        # runs those tests, and writes the page
//   node tools/reliability.mjs --write RESULTS.json…        # writes it from results of `jest --json`
//   node tools/reliability.mjs --check RESULTS.json…        # fails where a named test did not run, or failed
//
// Figures that tests have noted (tests/faults/figures.ts) are read from the file that
// PULUMI_OPENBSD_POSTFIX_FIGURES names, if there is one.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = join(root, "docs/reliability.md");
const rows = JSON.parse(readFileSync(join(root, "tests/faults/table.json"), "utf8"));

/** Does a title of a run come from this title of the source, in which `%s`, `$name` and `$a.b` stand for values? */
function pattern(title) {
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const parts = title.replaceAll("%%", "%").split(/%[sdijfop#]|\$\w+(?:\.\w+)*/);
  return new RegExp(`^${parts.map(literal).join(".*")}$`, "s");
}

function resultsOf(files) {
  return files.flatMap((file) => JSON.parse(readFileSync(file, "utf8")).testResults);
}

/** The results of the cases of a test. */
function casesOf(results, { file, title }) {
  const wanted = pattern(title);
  return results
    .filter(({ name }) => name.endsWith(`/${file}`))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter((one) => wanted.test(one.title) && one.status !== "pending");
}

/** What became of a fault's tests. */
function outcomeOf(results, { tests }) {
  const byTest = tests.map((test) => casesOf(results, test));
  const all = byTest.flat();
  const failed = all.filter(({ status }) => status !== "passed");
  if (failed.length > 0) return `FAILED: ${failed.map(({ title }) => title).join("; ")}`;
  if (all.length === 0) return "not run";
  const missing = byTest.filter((cases) => cases.length === 0).length;
  const seen = `as expected in ${all.length} ${all.length === 1 ? "case" : "cases"}`;
  return missing === 0 ? seen : `${seen}; ${missing} of ${tests.length} tests not run`;
}

function figuresOf() {
  const file = process.env.PULUMI_OPENBSD_POSTFIX_FIGURES;
  if (file === undefined || !existsSync(file)) return new Map();
  const figures = new Map();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line === "") continue;
    const { fault, text } = JSON.parse(line);
    figures.set(fault, new Set([...(figures.get(fault) ?? []), text]));
  }
  return figures;
}

const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function written(results) {
  const figures = figuresOf();
  const lines = rows.map((row) => {
    const figure = [...(figures.get(row.fault) ?? [])].join("; ");
    return `| ${[row.fault, row.what, row.expected, outcomeOf(results, row), figure].map(cell).join(" | ")} |`;
  });
  const tests = rows.flatMap(({ fault, tests }) => [
    `- **${fault}**`,
    ...tests.map(({ file, title }) => `  - [${file}](../${file}): \`\` ${title} \`\``),
  ]);
  return `<!-- made by tools/reliability.mjs: npm run docs:reliability -->

# Reliability

What can go wrong between a program and its mail server, what is promised of it, and what was seen when the tests made it
go wrong: on test hosts with a real sshd and a real Postfix ([testing.md](testing.md)), by the provider's methods or the
real CLI. \`npm run docs:reliability\` runs these tests and writes this page.

## What always holds

After each step of the random runs, with a fault or without, and after each fault below, these are checked; I9 by the
tests of the switch (tests/host/switch.test.ts and rollback.test.ts).

| | promise |
| --- | --- |
| I1 | **Atomic.** A managed file is at any moment the old one or the new one, never a mixture, and never more readable than it was declared |
| I2 | **Convergent.** After any one fault, one more run is right without work by hand |
| I3 | **Quiet.** A second run writes nothing: no file, no database, no restart |
| I4 | **Truthful.** The state never says what the host does not have; what is unknown is looked at again |
| I5 | **A preview writes nothing.** Nor does a refresh |
| I6 | **Bounded.** Each operation ends in its time, with an error that names the host and what became of it |
| I7 | **Closed.** In doubt it refuses before it writes; an edit of somebody else is never lost |
| I8 | **Silent.** No secret in a message, a record or a file that is not meant to hold it |
| I9 | **No mail lost.** What was acknowledged is delivered or queued |
| I10 | **Reversible.** What was there before is on the host before the first write, and destroy gives it back to the byte |

\`npm run test:faults -- --seconds N\` makes random steps (up, preview, refresh, destroy; a state lost or restored from a
backup; edits by others) with random faults at any request or byte, prints its seed, and makes a sequence that breaks a
promise as short as it can. \`--seed S\` runs it again.

## Faults

| | fault | expected | seen | figures |
| --- | --- | --- | --- | --- |
${lines.join("\n")}

## Where each is tested

${tests.join("\n")}
`;
}

function runAll() {
  const folder = mkdtempSync(join(tmpdir(), "reliability-"));
  process.env.PULUMI_OPENBSD_POSTFIX_FIGURES = join(folder, "figures");
  const files = [...new Set(rows.flatMap(({ tests }) => tests.map(({ file }) => file)))];
  const results = join(folder, "results.json");
  const argv = ["jest", "--ci", "--json", `--outputFile=${results}`, ...files];
  spawnSync("npx", argv, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  try {
    return written(resultsOf([results]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [mode, ...files] = process.argv.slice(2);
if (
  !["--run", "--write", "--check"].includes(mode) ||
  (mode === "--run") !== (files.length === 0)
) {
  console.error("usage: reliability.mjs --run | --write RESULTS.json… | --check RESULTS.json…");
  process.exit(2);
}
if (mode === "--check") {
  const results = resultsOf(files);
  const bad = rows
    .map((row) => [row.fault, outcomeOf(results, row)])
    .filter(([, outcome]) => !/^as expected in \d+ cases?$/.test(outcome));
  for (const [fault, outcome] of bad) console.error(`${fault}: ${outcome}`);
  if (bad.length > 0) process.exit(1);
  console.log(`all ${rows.length} faults ended as expected`);
} else {
  writeFileSync(page, mode === "--run" ? runAll() : written(resultsOf(files)));
  console.log("wrote docs/reliability.md");
}
