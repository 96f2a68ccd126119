import { spawnSync } from "node:child_process";
import type * as errors from "../../../provider/host/errors";
import { HostError } from "../../../provider/host/errors";
import { programFailed } from "../../../provider/host/programs";
import { agentCommand, agentProgram } from "../../../provider/host/agentClient";

const details = {
  host: "root@mx1:22",
  during: "writing /etc/x",
  reason: "no space left on device",
  changed: "no",
  next: "Make room",
} as const;

test("a message says where, what, why, whether something was changed, and what to do", () => {
  expect(new HostError("refused", details).message).toBe(
    "root@mx1:22: writing /etc/x failed: no space left on device. Nothing was changed on the host by this. Make room.",
  );
});

test("no stack of ours is shown to users", () => {
  const error = new HostError("lost", details);
  expect(error.stack).toBe(error.message);
});

test("an error of another copy of the package is known as one", () => {
  jest.isolateModules(() => {
    const copy = jest.requireActual<typeof errors>("../../../provider/host/errors");
    const foreign = new copy.HostError("locked", details);
    expect(foreign).not.toBeInstanceOf(HostError);
    expect(HostError.isInstance(foreign)).toBe(true);
  });
  for (const other of [new Error("x"), undefined, null, "text", { kind: "lost" }]) {
    expect(HostError.isInstance(other)).toBe(false);
  }
});

test("only what may come right by itself is retriable", () => {
  expect(new HostError("unreachable", details).retriable).toBe(true);
  expect(new HostError("authRefused", details).retriable).toBe(false);
  expect(
    new HostError("lost", { ...details, retriable: true }).with({ changed: "yes" }),
  ).toMatchObject({
    kind: "lost",
    changed: "yes",
    retriable: true,
  });
});

test("a failed program is shown with its last words, which carry no terminal escapes", () => {
  const result = {
    exitCode: 75,
    signal: null,
    stdout: "",
    stderr: "\u001b[31mfatal\u001b[0m: caf\u00c3\u00a9\n",
    truncated: false,
    timedOut: false,
  };
  const failed = (how: object) =>
    programFailed("root@mx1:22", "check Postfix", ["postfix", "check"], { ...result, ...how });
  expect(failed({}).message).toContain("exit status 75");
  expect(failed({}).message).toContain("fatal\\x1b[0m: café");
  expect(failed({}).message).not.toContain("\u001b");
  expect(failed({ exitCode: null, signal: "KILL" }).reason).toContain("SIGKILL");
  expect(failed({ exitCode: null, timedOut: true }).reason).toContain("in time");
});

describe("the agent as it is sent", () => {
  test("has the same code as the file, and its end is marked", () => {
    const text = agentProgram().toString("latin1");
    expect(text.endsWith("\n__END__\n")).toBe(true);
    expect(text).not.toMatch(/^\s*#/m);
    expect(spawnSync("perl", ["-cw", "-"], { input: text, encoding: "latin1" }).stderr).toBe(
      "- syntax OK\n",
    );
    // One packet train of a fresh TCP connection is 14 kB: it must not grow without thought.
    expect(text.length).toBeLessThan(96 * 1024);
  });

  const known = ["sh", "bash", "dash", "ksh", "mksh", "csh", "tcsh", "fish"];
  const shells = known.filter((shell) => spawnSync(shell, ["-c", "exit 0"]).error === undefined);
  test.each(shells)("is started alike by %s", (shell) => {
    // As root this becomes Perl; as another user doas, which may not be here: then it says so.
    const run = spawnSync(shell, ["-c", agentCommand], {
      input: 'print "perl\\n";\n__END__\n',
      encoding: "utf8",
    });
    const wanted = process.getuid?.() === 0 ? /^perl$/m : /^perl$|doas/m;
    expect(`${run.stdout}${run.stderr}`).toMatch(wanted);
  });

  test.each(shells)("no variable of the login's environment reaches it through %s", (shell) => {
    const run = spawnSync(shell, ["-c", agentCommand], {
      input: 'print join(",", sort grep { /PERL|LD_/ } keys %ENV), ".\\n";\n__END__\n',
      encoding: "utf8",
      env: {
        ...{ PATH: process.env["PATH"], PERL5LIB: "/nowhere", PERL5OPT: "-MNoSuchModule" },
        ...{ PERL_UNICODE: "SDA", PERLIO: ":utf8", PERL5DB: "die" },
      },
    });
    const wanted = process.getuid?.() === 0 ? /^\.$/m : /^\.$|doas/m;
    expect(`${run.stdout}${run.stderr}`).toMatch(wanted);
  });
});
