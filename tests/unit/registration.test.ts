/** A step is three files and two registrations: whatever of them is forgotten is named here. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as components from "../../components";
import { kinds } from "../../provider/kinds";

const repository = join(__dirname, "../..");

/** Files of a folder that are no step of their own. */
const NO_STEPS: Readonly<Record<string, readonly string[]>> = {
  components: [
    "hostResource",
    "providerText",
    "index",
    "inputs",
    "postfixServer",
    "roles",
    "serverArguments",
    "serverSteps",
    "step",
  ],
  "provider/arguments": [
    "connection",
    "mainCfParameters",
    "ruleNames",
    "schema",
    "sqlSettings",
    "tablePath",
  ],
  "provider/kinds": ["index", "secretFormats"],
};

/** The steps by their names, as PostfixPackage. */
const steps = kinds.map(({ name }) => name).sort();

/** The roles by the names of their classes: components that are put together from steps. */
const roles = ["MailRelay", "Smarthost", "Submission", "VirtualAccounts"];

function fileOf(step: string): string {
  return step.charAt(0).toLowerCase() + step.slice(1);
}

test.each(Object.keys(NO_STEPS))("%s has one file for each step, and no other", (folder) => {
  const files = readdirSync(join(repository, folder)).map((name) => name.replace(/\.ts$/, ""));
  const others = NO_STEPS[folder] ?? [];
  expect(files.filter((name) => !others.includes(name)).sort()).toEqual(steps.map(fileOf).sort());
  expect(files).toEqual(expect.arrayContaining([...others]));
});

test("components/index.ts exports a component for each kind", () => {
  const exported = Object.keys(components).filter(
    (name) => !["PostfixServer", "Step", ...roles].includes(name),
  );
  expect(exported.sort()).toEqual(steps);
});

test("components/roles has one file for each role, and a place in the order of roles", () => {
  const files = readdirSync(join(repository, "components/roles"));
  for (const role of roles) expect(files).toContain(`${fileOf(role)}.ts`);
  expect(Object.keys(components)).toEqual(expect.arrayContaining(roles));
});

test("no two kinds have one name, under which states know them", () => {
  expect(new Set(steps).size).toBe(steps.length);
});
