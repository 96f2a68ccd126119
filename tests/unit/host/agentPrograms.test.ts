import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { HostError } from "../../../provider/host/errors";
import type { Fact, HostWriter, RunRequest } from "../../../provider/host/host";
import { Sandbox } from "./localAgent";

let box: Sandbox;
beforeEach(() => {
  box = new Sandbox();
});
afterEach(() => box.clean());

async function change<T>(work: (host: HostWriter) => Promise<T>): Promise<T> {
  const { client } = await box.agent();
  return client.change("a test", work);
}

const run = (request: RunRequest) => change((host) => host.run(request));

/** Resolves when the process is no more, or is at most waited for. */
async function ended(pid: number): Promise<void> {
  const lives = () => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  };
  while (lives()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("running", () => {
  test("output, error output and exit code come back apart", async () => {
    expect(await run({ argv: ["sh", "-c", "echo out; echo err >&2; exit 7"] })).toEqual({
      exitCode: 7,
      signal: null,
      stdout: "out\n",
      stderr: "err\n",
      truncated: false,
      timedOut: false,
    });
  });

  test("a signal is told by its name, and is no exit code", async () => {
    const result = await run({ argv: ["sh", "-c", "kill -SEGV $$"] });
    expect(result).toMatchObject({ exitCode: null, signal: "SEGV", timedOut: false });
  });

  test("arguments reach the program as they are: no shell ever sees them", async () => {
    const hostile = [
      "$(touch /tmp/x)",
      "`id`",
      "a b",
      "'\"",
      "",
      "-n",
      "*",
      "new\nline",
      "\xff",
      "\\",
    ];
    const { stdout } = await run({ argv: ["printf", "%s\\0", ...hostile] });
    expect(stdout.split("\0").slice(0, -1)).toEqual(hostile);
  });

  test("a program gets our environment and no other", async () => {
    const { stdout } = await run({ argv: ["env"], env: { EXTRA: "1" } });
    expect(stdout.trim().split("\n").sort()).toEqual([
      "EXTRA=1",
      "HOME=/root",
      "LC_ALL=C",
      "LOGNAME=root",
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin",
      "SHELL=/bin/sh",
      "TERM=dumb",
      "USER=root",
    ]);
  });

  test("a program starts in / with umask 022 unless told otherwise", async () => {
    mkdirSync(box.in("here"));
    expect((await run({ argv: ["sh", "-c", "pwd; umask"] })).stdout).toBe("/\n0022\n");
    expect((await run({ argv: ["pwd"], cwd: box.in("here") })).stdout).toBe(`${box.in("here")}\n`);
  });

  test("a program reads nothing from its input", async () => {
    expect((await run({ argv: ["cat"] })).stdout).toBe("");
  });

  test("a program that is not there is an error, one that cannot be executed an exit code", async () => {
    await expect(run({ argv: ["no-such-program"] })).rejects.toMatchObject({ kind: "program" });
    await expect(run({ argv: ["/etc"] })).rejects.toMatchObject({ kind: "program" });
    writeFileSync(box.in("broken"), "#!/etc\n", { mode: 0o755 });
    expect(await run({ argv: [box.in("broken")] })).toMatchObject({ exitCode: 126 });
  });

  test("a program on a terminal that closes its output before it ends gets no hangup", async () => {
    for (let round = 0; round < 50; round++) {
      const argv = [
        "perl",
        "-e",
        "close STDOUT; close STDERR; select undef, undef, undef, 0.01; exit 3",
      ];
      expect(await run({ argv, tty: true })).toMatchObject({ exitCode: 3, signal: null });
    }
  });

  test("a deadline ends the whole group of processes", async () => {
    const started = Date.now();
    const script = `sleep 60 & echo $! > ${box.in("pid")}; wait`;
    const result = await run({ argv: ["sh", "-c", script], timeoutMs: 300 });
    expect(result).toMatchObject({ exitCode: null, signal: null, timedOut: true });
    expect(Date.now() - started).toBeLessThan(3_000);
    await ended(Number(readFileSync(box.in("pid"), "utf8")));
  });

  test("a program that ignores TERM is killed some seconds after its deadline", async () => {
    const started = Date.now();
    const result = await run({
      argv: ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
      timeoutMs: 200,
    });
    expect(result).toMatchObject({ timedOut: true });
    expect(Date.now() - started).toBeGreaterThan(4_500);
    expect(Date.now() - started).toBeLessThan(9_000);
  });

  test("a flood of output is cut at its head and does not block", async () => {
    const result = await run({ argv: ["sh", "-c", "head -c 50000000 /dev/zero; echo end >&2"] });
    expect(result).toMatchObject({ exitCode: 0, truncated: true, stderr: "end\n" });
    expect(result.stdout).toHaveLength(4 * 1024 * 1024);
  });

  test("a daemon that keeps the output open does not hold the answer up", async () => {
    const started = Date.now();
    const result = await run({ argv: ["sh", "-c", "echo started; sleep 20 & exit 3"] });
    expect(result).toMatchObject({ exitCode: 3, stdout: "started\n", timedOut: false });
    expect(Date.now() - started).toBeLessThan(3_000);
  });

  test("with a terminal the error output is one, and the text is as the program wrote it", async () => {
    const script = "test -t 1 && test -t 2 && printf 'out\\nerr\\n' >&2; echo done";
    expect(await run({ argv: ["sh", "-c", script], tty: true })).toMatchObject({
      exitCode: 0,
      stdout: "out\nerr\ndone\n",
      stderr: "",
    });
    expect((await run({ argv: ["sh", "-c", "test -t 1 || test -t 2; echo $?"] })).stdout).toBe(
      "1\n",
    );
  });

  test("much output comes whole through a terminal", async () => {
    const { stdout } = await run({ argv: ["seq", "1", "20000"], tty: true });
    expect(stdout.split("\n")).toHaveLength(20_001);
  });

  test("many programs at once all come back with their own output", async () => {
    const all = Array.from({ length: 60 }, (_, index) => String(index));
    const found = await change((host) =>
      Promise.all(
        all.map(async (text) => (await host.run({ argv: ["echo", text] })).stdout.trim()),
      ),
    );
    expect(found).toEqual(all);
  });

  test("slow ones do not hold quick ones up", async () => {
    const order: string[] = [];
    await change((host) =>
      Promise.all(
        ["0.4", "0"].map((time) =>
          host.run({ argv: ["sleep", time] }).then(() => order.push(time)),
        ),
      ),
    );
    expect(order).toEqual(["0", "0.4"]);
  });
});

describe("probing", () => {
  const probe = async (
    argv: readonly string[],
    more: Partial<Extract<Fact, { fact: "probe" }>> = {},
  ) => {
    const { client } = await box.agent();
    return (await client.read({ it: { fact: "probe", argv, ...more } })).it;
  };

  test.each<[readonly string[]]>([
    [["uname", "-r"]],
    [["/usr/bin/id", "-u"]],
    [["sysctl", "-n", "kern.version"]],
    [["arch", "-s"]],
    [["machine", "-a"]],
    [["postconf", "-n"]],
    [["/usr/local/sbin/postconf", "-h", "mail_version"]],
    [["postconf", "-c", "/etc/postfix", "-d", "myhostname"]],
    [["postconf", "-o", "inet_interfaces=all", "-n"]],
    [["postconf", "-M"]],
    [["postmap", "-q", "key", "hash:/etc/postfix/virtual"]],
    [["postalias", "-s", "hash:/etc/mail/aliases"]],
    [["/usr/local/libexec/postfix/master", "-t"]],
    [["postqueue", "-p"]],
    [["mailq"]],
    [["rcctl", "get", "postfix", "flags"]],
    [["rcctl", "ls", "on"]],
    [["/etc/rc.d/postfix", "check"]],
    [["/etc/rc.d/postfix", "-f", "check"]],
    [["pkg_info", "-D", "nolock", "-Q", "postfix"]],
    [["pgrep", "-x", "smtpd"]],
    [["crontab", "-l", "-u", "root"]],
    [["smtpctl", "show", "queue"]],
    [["/usr/libexec/sendmail/sendmail", "-bp"]],
    [["test", "-e", "/etc"]],
    [["doas", "-C", "/etc/doas.conf", "perl"]],
    [["make", "-C", "/usr/ports/mail/postfix", "show=PKGNAMES"]],
    [["date", "+%s"]],
    [["openssl", "pkey", "-in", "/none", "-pubout", "-passin", "pass:"]],
    [["/usr/sbin/openssl", "rsa", "-in", "/none", "-pubout", "-passin", "pass:"]],
    [["openssl", "ec", "-in", "/none", "-pubout", "-passin", "pass:"]],
  ])("%j only looks", async (argv) => {
    const answer = await probe(argv);
    expect(answer).toEqual(
      "notFound" in answer ? { notFound: true } : expect.objectContaining({ timedOut: false }),
    );
  });

  test.each<[readonly string[]]>([
    [["sh", "-c", "id"]],
    [["/bin/rm", "-rf", "/x"]],
    [["postconf", "-e", "a=b"]],
    [["postconf", "a=b"]],
    [["postconf", "-ve", "a"]],
    [["postconf", "-#", "a"]],
    [["postconf", "-X", "a"]],
    [["postconf", "-MX", "smtp/inet"]],
    [["postconf", "-Me", "smtp/inet=smtp inet n - n - - smtpd"]],
    [["postmap", "hash:/etc/postfix/virtual"]],
    [["postmap", "-d", "key", "hash:/etc/postfix/virtual"]],
    [["postmap", "-i", "-q", "key", "hash:x"]],
    [["postalias", "/etc/mail/aliases"]],
    [["master", "-d"]],
    [["master"]],
    [["postqueue", "-f"]],
    [["mailq", "-Ac"]],
    [["sendmail", "-bd"]],
    [["rcctl", "set", "smtpd", "status", "off"]],
    [["rcctl", "restart", "postfix"]],
    [["/etc/rc.d/postfix", "restart"]],
    [["/etc/rc.d/../../bin/sh", "check"]],
    [["crontab", "/tmp/x"]],
    [["crontab", "-r"]],
    [["smtpctl", "remove", "all"]],
    [["doas", "id"]],
    [["sysctl", "-w", "kern.hostname=x"]],
    [["sysctl", "-n", "kern.hostname=x"]],
    [["make", "-C", "/usr/ports/mail/postfix", "install"]],
    [["make", "-C", "/tmp", "show=X"]],
    [["make", "show=X", "-C", "/usr/ports/../../tmp"]],
    [["date"]],
    [["date", "202611302200"]],
    [["date", "+%s", "202611302200"]],
    [["openssl", "pkey", "-in", "/none"]],
    [["openssl", "pkey", "-in", "/none", "-out", "/x"]],
    [["openssl", "pkey", "-in", "/none", "-pubout", "-passin", "pass:", "-out", "/x"]],
    [["openssl", "pkey", "-in", "none", "-pubout", "-passin", "pass:"]],
    [["openssl", "genrsa", "-in", "/none", "-pubout", "-passin", "pass:"]],
    [["openssl"]],
    [["pkg_add", "postfix"]],
    [["postfix", "check"]],
  ])("%j is refused", async (argv) => {
    await expect(probe(argv)).rejects.toMatchObject({ kind: "refused", changed: "no" });
  });

  test("a program that is not there is an answer", async () => {
    expect(await probe(["rcctl", "get", "no-such-daemon"])).toEqual({ notFound: true });
  });

  test.each([
    ["make", "/tmp"],
    ["make", "/usr/ports/../../tmp"],
    ["pgrep", "/usr/ports/mail"],
  ])(
    "only make is started in a folder, and only in one of the ports tree: %s in %s",
    async (name, cwd) => {
      const argv = name === "make" ? [name, "show=FLAVORS"] : [name, "-x", "x"];
      await expect(probe(argv, { cwd })).rejects.toMatchObject({ kind: "refused", changed: "no" });
    },
  );

  test("a port that is not there is an answer, as a program that is not there", async () => {
    const cwd = "/usr/ports/mail/no-such-port";
    expect(await probe(["make", "show=FLAVORS"], { cwd })).toEqual({ notFound: true });
  });

  test("a probe gets of the environment only where packages are", async () => {
    writeFileSync(box.in("mailq"), "#!/bin/sh\necho $PKG_PATH-$LD_PRELOAD\n", { mode: 0o755 });
    const env = { PKG_PATH: "http://example.org/", LD_PRELOAD: "/x.so" } as { PKG_PATH: string };
    const answer = await probe([box.in("mailq")], { env });
    expect(answer).toMatchObject({ stdout: "http://example.org/-\n", exitCode: 0 });
  });

  test("a probe that needs a path is not started without it", async () => {
    expect(await probe(["id", "-u"], { onlyWith: box.in("none") })).toEqual({ notFound: true });
    expect(await probe(["id", "-u"], { onlyWith: box.path })).toMatchObject({ exitCode: 0 });
  });
});

describe("judging", () => {
  const queue = "queue_directory = {dir}/queue\ndata_directory = {dir}/data\n";

  test("a candidate lies in a private folder, which is gone afterwards", async () => {
    const { client } = await box.agent();
    const [first, second] = await client.judge({
      files: { "etc/main.cf": `${queue}x = {dir}\n` },
      folders: { queue: "root", data: "_postfix" },
      commands: [
        { argv: ["postconf", "-c", "{dir}/etc", "-n"] },
        { argv: ["/no/postmap", "hash:{dir}/t"] },
      ],
    });
    expect(second).toEqual({ notFound: true });
    expect(first).toBeDefined();
    const { list } = await client.read({ list: { fact: "list", path: "/tmp" } });
    const ours = list?.filter((name) => name.startsWith(`pulumi-openbsd-postfix-${process.pid}`));
    expect(ours).toEqual([]);
  });

  test("a command that waits for what another says runs if that one failed or wrote an error", async () => {
    const { client } = await box.agent();
    const script =
      "#!/bin/sh\ncase $1 in *fails) exit 1 ;; *warns) echo hm >&2 ;; esac\necho ran\n";
    writeFileSync(box.in("postmap"), script, { mode: 0o755 });
    const argv = (name: string): string[] => [box.in("postmap"), `hash:{dir}/${name}`];
    const answers = await client.judge({
      files: {},
      commands: [
        { argv: argv("silent") },
        { argv: argv("fails") },
        { argv: argv("warns") },
        { argv: argv("a"), ifSaid: 0 },
        { argv: argv("b"), ifSaid: 1 },
        { argv: argv("c"), ifSaid: 2 },
        { argv: argv("d"), ifSaid: 3 },
      ],
    });
    expect(answers.slice(3)).toEqual([
      { needless: true },
      expect.objectContaining({ stdout: "ran\n" }),
      expect.objectContaining({ stdout: "ran\n" }),
      { needless: true },
    ]);
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  if (process.getuid?.() !== 0) console.warn("not tried: only root can give a folder away");
  asRoot(
    "a further folder has the owner that is named, or is root's where there is none",
    async () => {
      const { client } = await box.agent();
      const script = '#!/bin/sh\nstat -c %U "${1#hash:}"\n';
      writeFileSync(box.in("postmap"), script, { mode: 0o755 });
      const [first, second] = await client.judge({
        files: {},
        folders: { data: "nobody", queue: "nobody-of-this-name" },
        commands: ["data", "queue"].map((name) => ({
          argv: [box.in("postmap"), `hash:{dir}/${name}`],
        })),
      });
      expect(first).toMatchObject({ stdout: "nobody\n" });
      expect(second).toMatchObject({ stdout: "root\n" });
    },
  );

  test.each<
    [string, { argv: string[]; files?: Record<string, string>; folders?: Record<string, string> }]
  >([
    ["a program that is no judge", { argv: ["sh", "{dir}/x"] }],
    ["the live configuration", { argv: ["postfix", "check"] }],
    ["a folder that is not its own", { argv: ["postfix", "-c", "/etc/postfix", "check"] }],
    ["a command of postfix(1) that acts", { argv: ["postfix", "-c", "{dir}", "start"] }],
    ["a table outside", { argv: ["postmap", "hash:/etc/postfix/virtual"] }],
    ["a table outside by dots", { argv: ["postmap", "hash:{dir}/../../etc/x"] }],
    ["an edit", { argv: ["postconf", "-c", "{dir}", "-e", "a=b"] }],
    [
      "a queue that is the live one",
      { argv: ["postfix", "-c", "{dir}", "check"], files: { "main.cf": "a = b\n" } },
    ],
    [
      "a queue that is set again",
      {
        argv: ["postfix", "-c", "{dir}", "check"],
        files: { "main.cf": `${queue}queue_directory = /var/spool/postfix\n` },
      },
    ],
    ["a file outside", { argv: ["postconf", "-m"], files: { "../x": "" } }],
    ["a file in the root", { argv: ["postconf", "-m"], files: { "/x": "" } }],
    ["a folder outside", { argv: ["postconf", "-m"], folders: { "a/../../x": "root" } }],
  ])("%s is refused", async (_what, { argv, files, folders }) => {
    const { client } = await box.agent();
    const candidate = { files: files ?? {}, folders: folders ?? {}, commands: [{ argv }] };
    await expect(client.judge(candidate)).rejects.toMatchObject({ kind: "refused" });
  });
});

test("100 requests in one go are one round trip, and come back each with its own answer", async () => {
  const { client } = await box.agent();
  const before = { ...client.counters };
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const { it } = await client.read({ it: { fact: "file", path: `/no/${index}` } });
      return it;
    }),
  );
  expect(answers).toEqual(Array.from({ length: 100 }, () => ({ type: "absent" })));
  expect(client.counters).toEqual({
    requests: before.requests + 100,
    roundTrips: before.roundTrips + 1,
  });
});

test("when the connection ends, the programs end with it", async () => {
  const { client, gone } = await box.agent();
  const running = client.change("w", (host) =>
    host.run({ argv: ["sh", "-c", `echo $$ > ${box.in("pid")}; sleep 60`] }),
  );
  const lost = expect(running).rejects.toMatchObject({ kind: "lost", changed: "unknown" });
  while (!existsSync(box.in("pid"))) await new Promise((resolve) => setTimeout(resolve, 10));
  client.close();
  await lost;
  await gone;
  await ended(Number(readFileSync(box.in("pid"), "utf8")));
});

test("an agent that is no more rejects what is asked of it, and nothing hangs", async () => {
  const { client, child, gone } = await box.agent();
  child.kill("SIGKILL");
  await gone;
  const error: unknown = await client
    .read({ x: { fact: "list", path: "/" } })
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: "lost", changed: "no", retriable: true });
  expect((error as HostError).message).toContain("SIGKILL");
});
