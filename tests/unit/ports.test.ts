/** The ports tree: what a build is called, what it lacks, and how its log reads (docs/openbsd.md 1.1 and 1.6). */
import { installPaths, isWanted, mayBeOfBranch } from "../../provider/openbsd/packages";
import { platformOf } from "../../provider/openbsd/platform";
import {
  buildStage,
  builtName,
  describeBuild,
  inWords,
  portsMake,
  portsProblem,
  type PortsSight,
} from "../../provider/openbsd/ports";

const SIGHT: PortsSight = {
  tree: true,
  compiler: true,
  branches: ["snapshot", "stable"],
  flavors: ["sasl2", "ldap", "mysql", "pgsql", "db4"],
  fullName: "postfix-2.8.4p1",
};

test.each([
  [[], "postfix-2.8.4p1"],
  [["mysql", "sasl2"], "postfix-2.8.4p1-sasl2-mysql"],
  [["mysql", "dovecot"], "postfix-2.8.4p1-mysql"],
])(
  "flavors %j are built as %s: in the port's order, without what is always built in",
  (flavors, name) => {
    expect(builtName(SIGHT, { flavors })).toBe(name);
  },
);

const problems: readonly [string, Partial<PortsSight>, object, string, RegExp][] = [
  ["no tree", { tree: false }, {}, "source", /pub\/OpenBSD\/5\.6\/ports\.tar\.gz.*-rOPENBSD_5_6/],
  ["no compiler", { compiler: false }, {}, "source", /pub\/OpenBSD\/5\.6\/amd64\/comp56\.tgz/],
  ["no such branch", {}, { branch: "stable35" }, "branch", /it has snapshot, stable/],
  ["no such flavor", {}, { flavors: ["mysql", "lmdb"] }, "flavors[1]", /names sasl2, ldap/],
  ["another version", {}, { version: "3.0" }, "version", /builds postfix-2\.8\.4p1/],
];
test.each(problems)(
  "%s is a problem that says what helps",
  (_what, lacks, wanted, path, reason) => {
    const problem = portsProblem({ ...SIGHT, ...lacks }, wanted, platformOf("5.6"), "amd64");
    expect(problem?.path).toBe(path);
    expect(problem?.reason).toMatch(reason);
  },
);

test("a make that answers nothing is a problem that repeats what it said", () => {
  const { flavors: _, ...rest } = SIGHT;
  const sight = { ...rest, complaint: "Fatal: building ports requires correctly installed X11" };
  expect(portsProblem(sight, {}, platformOf("7.8"), "amd64")?.reason).toContain("installed X11");
});

test("with all that is needed there is no problem", () => {
  expect(portsProblem(SIGHT, { flavors: ["mysql"] }, platformOf("5.6"), "amd64")).toBeUndefined();
});

test("the flavors reach make by its environment", () => {
  expect(portsMake(["mysql", "sasl2"], "package")).toEqual([
    "/usr/bin/env",
    "FLAVOR=mysql sasl2",
    "/usr/bin/make",
    "package",
  ]);
});

test("of a log, the last phase and the last line count", () => {
  const log =
    "===>  Checking files for p\n>> Fetch x\n===>  Building for p\ncc -c a.c\n\rcc -c b.c\n\n";
  expect(buildStage(log)).toEqual({ phase: "Building for p", line: "cc -c b.c" });
  expect(describeBuild("p", log, 125_000)).toBe("Building for p (2 min 5 s): cc -c b.c");
  expect(describeBuild("p", "===>  Faking installation for p\n", 1000)).toBe(
    "Faking installation for p (1 s)",
  );
  expect(describeBuild("p", "", 0)).toBe("building p (0 s)");
});

test.each([
  [59_999, "59 s"],
  [60_000, "1 min 0 s"],
  [7_265_000, "2 h 1 min"],
  [-5, "0 s"],
])("%d ms are %s", (ms, words) => {
  expect(inWords(ms)).toBe(words);
});

test.each([
  ["installpath = /a/b/\n", ["/a/b/"]],
  ["InstallPath=ftp://m/x/:/y/ # ours\n", ["ftp://m/x/:/y/ # ours"]],
  ["installpath = /a/\ninstallpath += /b/\n", ["/a/", "/b/"]],
  ["installpath = /a/\ninstallpath = /b/\n", ["/b/"]],
  ["  # installpath = /a/\nloglevel = 2\n", []],
])("pkg.conf %j names %j", (text, paths) => {
  expect(installPaths(text)).toEqual(paths);
});

test.each([
  ["3.5.25p2", "stable35", true],
  ["3.7.11", "stable35", false],
  ["3.10.1", "stable310", true],
  ["2.7.20091209", "snapshot", true],
  ["2.7.20091209", "stable", false],
  ["2.7.1", "stable", true],
])("a package of version %s may be of the branch %s: %j", (version, branch, answer) => {
  expect(mayBeOfBranch(version, branch)).toBe(answer);
});

test.each([
  ["postfix-3.7.11-mysql", { flavors: ["mysql", "dovecot"] }, true],
  ["postfix-3.7.11-mysql", {}, false],
  ["postfix-3.7.11", { version: "3.5.25p2" }, false],
  ["postfix-2.7.20091209", { branch: "stable" }, false],
  ["postfix-2.7.20091209", {}, true],
  [undefined, {}, false],
])("%s is what %j asks for: %j", (name, wanted, answer) => {
  expect(isWanted(name, wanted)).toBe(answer);
});
