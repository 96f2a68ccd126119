/** What is known of releases, and that only one file tells them apart. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { OLDEST, NEWEST, platformOf, UnsupportedRelease } from "../../provider/openbsd/platform";

test("the oldest and the newest known release are treated without a word", () => {
  for (const release of [OLDEST, NEWEST]) expect(platformOf(release).warning).toBeUndefined();
});

test.each(["7.9", "8.0", "7.10", "10.1"])(
  "%s, which nobody knows yet, is warned of and treated as the newest",
  (release) => {
    const { warning, release: named, ...rest } = platformOf(release);
    expect(named).toBe(release);
    expect(warning).toContain(`OpenBSD ${release} is newer than ${NEWEST}`);
    const { release: _, ...newest } = platformOf(NEWEST);
    expect(JSON.stringify(rest)).toBe(JSON.stringify(newest));
  },
);

test.each(["4.6", "3.9", "0.1", "GENERIC", ""])("%j is refused", (release) => {
  expect(() => platformOf(release)).toThrow(UnsupportedRelease);
});

test.each([
  ["4.7", "none"],
  ["4.8", "none"],
  ["4.9", "rc_scripts"],
  ["5.0", "pkg_scripts"],
  ["7.8", "pkg_scripts"],
])("%s names the daemons of packages in %s", (release, variable) => {
  expect(platformOf(release).packageDaemons).toBe(variable);
});

const parsedBy = (release: string, name: string): boolean => {
  const { rcConfSyntax: syntax } = platformOf(release);
  if (syntax === "sourced") return true;
  return syntax.names.includes(name) || syntax.endings.some((one) => name.endsWith(`_${one}`));
};

test.each([
  ["5.5", "anything", true],
  ["5.6", "d_timeout", true],
  ["5.7", "pf_rules", true],
  ["5.8", "pf_rules", false],
  ["5.8", "multicast_router", true],
  ["5.9", "multicast_router", false],
  ["5.8", "multicast", false],
  ["5.9", "multicast", true],
  ["5.9", "d_rtable", false],
  ["6.0", "d_rtable", true],
  ["5.9", "pexp", false],
  ["6.0", "pexp", true],
  ["6.1", "library_aslr", false],
  ["6.2", "library_aslr", true],
  ["6.8", "d_logger", false],
  ["7.3", "d_logger", true],
  ["7.8", "d_execdir", true],
  ["7.8", "sendmail", false],
])("what %s reads from rc.conf.local has %s in it: %s", (release, name, reads) => {
  expect(parsedBy(release, name)).toBe(reads);
});

/** The linter in a process of its own, for it loads its configuration as a module: complaints by code. */
const LINT = `
import { ESLint } from "eslint";
const eslint = new ESLint();
const rule = async (file) => (await eslint.calculateConfigForFile(file)).rules["no-restricted-syntax"];
const own = await rule("provider/kinds/mainCf.ts");
const alone = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [{ rules: { "no-restricted-syntax": own } }],
});
const complaints = [];
for (const code of JSON.parse(process.argv[1]))
  complaints.push((await alone.lintText(code))[0].errorCount);
console.log(JSON.stringify({ complaints, platform: await rule("provider/openbsd/platform.ts") }));
`;

test("the linter refuses a resource that compares releases", () => {
  const bad = [
    "if (platform.release < '5.0') f();",
    "if (Number(platform.release) >= 5) f();",
    "if (platform.family === '5.7+') f();",
    "if (release === '4.7') f();",
    "switch (family) { case '5.0-5.5': f(); }",
  ];
  const good = "if (note.release !== platform.release) f();";
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", LINT, JSON.stringify([...bad, good])],
    { cwd: join(__dirname, "../.."), encoding: "utf8" },
  );
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({ complaints: [...bad.map(() => 1), 0] });
});
