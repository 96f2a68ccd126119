// The random mode of the fault tests: node tools/test-faults.mjs [--seconds N] [--seed S]
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "600" }, seed: { type: "string" } },
});
for (const [name, value] of Object.entries(values))
  if (!/^\d+$/.test(value)) {
    console.error(`--${name} takes a number, not ${value}`);
    process.exit(2);
  }
process.env.PULUMI_OPENBSD_POSTFIX_FAULTS_SECONDS = values.seconds;
if (values.seed !== undefined) process.env.PULUMI_OPENBSD_POSTFIX_FAULTS_SEED = values.seed;
const argv = ["jest", "--selectProjects", "faults", "--ci", "tests/faults/random.test.ts"];
process.exit(spawnSync("npx", argv, { stdio: "inherit" }).status ?? 1);
