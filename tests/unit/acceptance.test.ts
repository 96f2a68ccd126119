/** What the acceptance suite does before it reaches a host, and with what it gets from there. */
import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import fc from "fast-check";
import * as commands from "../../acceptance/host/commands";
import { isBefore } from "../../acceptance/host/facts";
import { parseFiles, writtenBetween } from "../../acceptance/host/files";
import { asInput } from "../../acceptance/host/ssh";
import { readOptions, UsageError } from "../../acceptance/options";
import { type Outcome, Report } from "../../acceptance/report";

const isCommand = (value: unknown): value is commands.HostCommand =>
  typeof value === "object" && value !== null && "script" in value;

const all = [...Object.values(commands), ...Object.values(commands.breakages)].filter(isCommand);

describe("a command for the host", () => {
  test.each(all)("$what: it is a script that sh(1) reads", ({ script }) => {
    const { status, stderr } = spawnSync("/bin/sh", ["-n"], { input: asInput(script, ["a", "b"]) });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
  });

  /** Of the language of sh(1), and what a script takes from variables or has looked for itself. */
  const WORDS =
    /^(cd|exit|break|for|done|do|if|then|else|fi|until|while|set|shift|:|main|\w+=.*|"\$script"|""|\/usr\/local\/.*|\/usr\/libexec\/sendmail\/.*)$/;
  const KNOWN = new Set(
    [...commands.BASE_PROGRAMS, ...commands.LATER_PROGRAMS].map((path) => basename(path)),
  );

  test.each(all)("$what: it starts programs of the base system only", ({ script }) => {
    const unknown = startedBy(script).filter(
      (word) => !WORDS.test(word) && !KNOWN.has(basename(word)),
    );
    expect(unknown).toEqual([]);
  });

  test("words that no base system has are found", () => {
    expect(startedBy("test -e x && jq . | base64\nfor a in $(flock b); do md5sum; done")).toEqual(
      expect.arrayContaining(["jq", "base64", "flock", "md5sum"]),
    );
  });

  test("arguments reach the script as they are, whatever is in them", () => {
    fc.assert(
      fc.property(fc.array(fc.string().filter((text) => !text.includes("\0"))), (args) => {
        const input = asInput(`for word; do printf '%s\\0' "$word"; done`, args);
        const { stdout } = spawnSync("/bin/sh", ["-s"], { input });
        expect(stdout.toString()).toBe(args.map((word) => `${word}\0`).join(""));
      }),
      { numRuns: 50 },
    );
  });

  test("nothing of the script is read by a program in it, and its exit status is the script's", () => {
    const { stdout, status } = spawnSync("/bin/sh", ["-s"], {
      input: asInput("cat\necho end\nreturn 7", []),
    });
    expect([stdout.toString(), status]).toEqual(["end\n", 7]);
  });
});

/** The first word of each simple command, as far as these scripts need it. */
function startedBy(script: string): string[] {
  const text = script
    .replace(/<<'(\w+)'\n[^]*?\n\1$/gm, "")
    .replace(/'[^']*'/g, "''")
    .replace(/\$\(\(.*?\)\)/g, "0")
    .replace(/"[^"$]*"/g, '""')
    .replace(/\d?>&\d|[<>]\S+/g, "");
  return text
    .split(
      /\n|;;?|\|\|?|&&|&(?!\d)|\$\(|\)|\bthen\b|\belse\b|\bdo\b|\buntil\b|\bwhile\b|\bif\b|\{ |\bif ! /,
    )
    .map((part) => part.trim().split(/\s+/)[0] ?? "")
    .filter((word) => word !== "" && !/^["')}]|^in$/.test(word));
}

describe("the command line", () => {
  test("a host alone is root's", () => {
    expect(readOptions(["mx1.example.org"]).address).toEqual({
      user: "root",
      host: "mx1.example.org",
      legacy: false,
    });
  });

  test("all that it knows", () => {
    const words =
      "root@192.0.2.1 --port 2222 --identity key --known-hosts known --legacy-algorithms --short";
    const more =
      "--package-path http://m/ --package-version 3.10.4 --reboot --yes --report r --json j --part undo";
    expect(
      readOptions([...words.split(" "), ...more.split(" "), "--release-check", "--with-postfix"]),
    ).toEqual({
      address: {
        user: "root",
        host: "192.0.2.1",
        port: 2222,
        identity: "key",
        knownHosts: "known",
        legacy: true,
      },
      packagePath: "http://m/",
      packageVersion: "3.10.4",
      reboot: true,
      short: true,
      parts: ["undo"],
      withPostfix: true,
      yes: true,
      releaseCheck: true,
      reportFile: "r",
      jsonFile: "j",
    });
  });

  test.each([
    ["no host", []],
    ["two hosts", ["a", "b"]],
    ["another user", ["alice@a"]],
    ["an option in the place of the host", ["root@-oProxyCommand=x"]],
    ["blanks in the host", ["root@a b"]],
    ["no port", ["a", "--port", "0"]],
    ["a port that is no number", ["a", "--port", "22x"]],
    ["an unknown option", ["a", "--force"]],
    ["an unknown part", ["a", "--part", "everything"]],
  ])("%s is refused", (_what, argv) => {
    expect(() => readOptions(argv)).toThrow(UsageError);
  });
});

describe("the files of a host", () => {
  const record = (path: string, hash: string, time: number, type = "file"): string =>
    `${type} 0644 0 0 ${hash} ${time}\0${path}\0\0`;

  test("what was written between two listings is told, also where the bytes are the same", () => {
    const before = parseFiles(record("/etc/a", "1", 5) + record("/etc/b", "2", 5));
    const after = parseFiles(record("/etc/a", "1", 9) + record("/etc/b", "2", 5));
    expect(writtenBetween(before, after)).toEqual(["/etc/a"]);
  });

  test("what changes by itself is in no listing, and neither are sockets", () => {
    const paths = [
      "/var/log/maillog",
      "/var/run/x.pid",
      "/etc/random.seed",
      "/var/db/kernel.SHA256",
    ];
    const text =
      paths.map((path) => record(path, "1", 5)).join("") + record("/etc/s", "-", 5, "socket");
    expect([...parseFiles(text).tree.keys()]).toEqual([]);
  });

  test("the bytes of the password file's hash tables do not count; their modes do, and those of what they are made of", () => {
    const { tree } = parseFiles(
      record("/etc/pwd.db", "1", 5) + record("/etc/master.passwd", "2", 5),
    );
    expect([...tree.values()].map(({ sha256, mode }) => [sha256, mode])).toEqual([
      ["-", "0644"],
      ["2", "0644"],
    ]);
  });

  test("a name in any bytes is read", () => {
    const { tree, changed } = parseFiles(record("/etc/\u00fc\n", "1", 5));
    expect(tree.size).toBe(1);
    expect([...changed.keys()]).toEqual([...tree.keys()]);
  });
});

describe("the report", () => {
  const result = (outcome: Outcome) => ({
    check: "c",
    law: "a law",
    outcome,
    detail: "x",
    seconds: 1,
  });

  test.each([
    [["seen"], true],
    [["seen", "left out"], true],
    [["seen", "NOT seen"], false],
    [["seen", "not tried"], false],
    [["left out"], false],
    [[], false],
  ] as const)("%j: ok is %j", (outcomes, ok) => {
    const report = new Report({}, () => undefined);
    for (const outcome of outcomes) report.add(result(outcome));
    expect(report.ok).toBe(ok);
  });
});

test.each([
  ["4.7", "5.0", true],
  ["5.0", "5.0", false],
  ["6.9", "7.0", true],
  ["7.10", "7.9", false],
])("isBefore(%s, %s) is %j", (one, other, expected) => {
  expect(isBefore(one, other)).toBe(expected);
});
