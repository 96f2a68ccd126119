import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type Readable, Transform } from "node:stream";
import { AgentClient } from "../../../provider/host/agentClient";
import type { HostWriter, JobState } from "../../../provider/host/host";
import { type LocalServer, startLocalServer } from "../../localServer";
import { asRemoteProgram, Sandbox } from "./localAgent";

// Real clocks and real processes: a machine under load may be late once, and says so before it tries again.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

let box: Sandbox;
beforeEach(() => {
  box = new Sandbox();
});
afterEach(() => box.clean());

const sha256 = (text: string) => createHash("sha256").update(text, "latin1").digest("hex");

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("the write section", () => {
  test("what it made for itself is gone when it ends", async () => {
    const { client } = await box.agent();
    await client.change("a test", async () => {
      expect(readdirSync(box.record)).toEqual(["lock"]);
      expect(lstatSync(box.record).mode & 0o777).toBe(0o700);
      await Promise.resolve();
    });
    expect(existsSync(box.record)).toBe(false);
  });

  test("the folder stays when something else is in it", async () => {
    const { client } = await box.agent();
    await client.change("a test", async (host) => {
      await host.write({
        path: `${box.record}/record.json`,
        contents: "{}",
        expect: { absent: true },
      });
    });
    expect(readdirSync(box.record).sort()).toEqual(["lock", "record.json"]);
    expect(readFileSync(`${box.record}/lock`, "utf8")).toBe("");
    await client.change("a test", async (host) => {
      await host.remove(`${box.record}/record.json`, { anything: true });
    });
    expect(existsSync(box.record)).toBe(false);
  });

  test("changes are refused outside of it, also with the token of one that is over", async () => {
    const { client } = await box.agent();
    let kept: HostWriter | undefined;
    await client.change("a test", async (host) => {
      kept = host;
      await Promise.resolve();
    });
    if (kept === undefined) throw new Error("no section");
    const writer = kept;
    const path = box.in("file");
    const attempts = [
      () => writer.write({ path, contents: "x", expect: { anything: true } }),
      () => writer.remove(path, { anything: true }),
      () => writer.makeDirectory(path, 0o755),
      () => writer.run({ argv: ["touch", path] }),
      () => writer.startJob({ key: "job", argv: ["touch", path] }),
      () => writer.forgetJob("job"),
      () => writer.connect("127.0.0.1", 1, 1000),
      () => writer.copyTree(box.path, path, ""),
      () => writer.pruneTree(box.path, [], ""),
      () => writer.removeFolder(box.path, true),
      () => writer.move(box.path, path),
      () =>
        writer.takeMessage({
          kind: "mbox",
          path,
          uid: 0,
          gid: 0,
          spool: false,
          messageId: "x",
          domain: "x",
          keep: false,
          created: false,
          locks: "dotlock",
          timeoutMs: 1000,
        }),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({ kind: "refused", changed: "no" });
    }
    expect(readdirSync(box.path)).toEqual([]);
  });

  test("sections of one client wait for each other, in order", async () => {
    const { client } = await box.agent();
    const order: string[] = [];
    const section = (name: string) =>
      client.change(name, async () => {
        order.push(`${name} begins`);
        await pause(20);
        order.push(`${name} ends`);
      });
    await Promise.all([section("a"), section("b"), section("c")]);
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  test("a section that fails ends all the same, and the next one begins", async () => {
    const { client } = await box.agent();
    const failing = client.change("a", () => Promise.reject(new Error("ours")));
    await expect(failing).rejects.toThrow("ours");
    await expect(client.change("b", () => Promise.resolve(1))).resolves.toBe(1);
    expect(existsSync(box.record)).toBe(false);
  });

  test("it ends only when nothing of it is under way any more", async () => {
    const { client } = await box.agent();
    const failing = client.change("a", async (host) => {
      const slow = host.run({ argv: ["sh", "-c", `sleep 0.3; touch ${box.in("late")}`] });
      await Promise.all([slow, Promise.reject(new Error("ours"))]);
    });
    await expect(failing).rejects.toThrow("ours");
    expect(existsSync(box.in("late"))).toBe(true);
  });

  test("two agents exclude each other; who waits in vain is told who holds it", async () => {
    const [one, two] = [await box.agent(), await box.agent()];
    let free = () => {};
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    const first = one.client.change("mainCf of urn:x\nsecond line", () => held);
    while (!existsSync(`${box.record}/lock`)) await pause(5);
    const refused = two.client.change("other", () => Promise.resolve(), 300);
    await expect(refused).rejects.toMatchObject({
      kind: "locked",
      changed: "no",
      holder: expect.stringMatching(
        /^mainCf of urn:x second line\nby .*@.* \(process \d+\)\nprocess \d+\nsince /,
      ) as string,
      message: expect.stringContaining("mainCf of urn:x") as string,
    });
    const waiting = two.client.change("other", () => Promise.resolve("got it"));
    free();
    await first;
    await expect(waiting).resolves.toBe("got it");
    expect(existsSync(box.record)).toBe(false);
  });

  test("the lock goes with the agent that holds it, however it dies", async () => {
    const [one, two] = [await box.agent(), await box.agent()];
    const held = one.client.change("holds", () => new Promise(() => {}));
    held.catch(() => undefined);
    while (!existsSync(`${box.record}/lock`)) await pause(5);
    const waiting = two.client.change("waits", () => Promise.resolve("got it"));
    one.child.kill("SIGKILL");
    await expect(waiting).resolves.toBe("got it");
    expect(existsSync(box.record)).toBe(false);
  });

  test("folder and lock may go and come while others wait for them, and one at a time is in", async () => {
    const agents = await Promise.all(Array.from({ length: 4 }, () => box.agent()));
    let inside = 0;
    let most = 0;
    const turns = agents.flatMap(({ client }) =>
      Array.from({ length: 6 }, () =>
        client.change("race", async () => {
          most = Math.max(most, ++inside);
          await pause(3);
          inside--;
        }),
      ),
    );
    await Promise.all(turns);
    expect(most).toBe(1);
    expect(existsSync(box.record)).toBe(false);
  });

  test("its look travels with the request for it, and sees what the holder before it has left", async () => {
    const [one, two] = [await box.agent(), await box.agent()];
    const path = box.in("file");
    let free: () => void = () => undefined;
    const held = one.client.change("holds", async (host) => {
      await new Promise<void>((resolve) => (free = resolve));
      await host.write({ path, contents: "left", expect: { absent: true } });
    });
    while (!existsSync(`${box.record}/lock`)) await pause(5);
    const before = two.client.counters.roundTrips;
    const seeing = two.client.lookAndChange(
      "looks",
      (host) => host.read({ found: { fact: "file", path } }),
      (host, { found }) => {
        expect(two.client.counters.roundTrips - before).toBe(1);
        expect(host.attempts).toBe(0);
        return Promise.resolve(found);
      },
    );
    // The request for the section is on its way, and so is its look.
    while (two.client.counters.requests < 2) await pause(5);
    free();
    await held;
    expect(await seeing).toMatchObject({ type: "file", contents: "left" });
  });

  test("a look whose section is not to be had says who holds the lock, and the work does not begin", async () => {
    const [one, two] = [await box.agent(), await box.agent()];
    let free: () => void = () => undefined;
    const held = one.client.change(
      "mainCf",
      () => new Promise<void>((resolve) => (free = resolve)),
    );
    while (!existsSync(`${box.record}/lock`)) await pause(5);
    const work = jest.fn(() => Promise.resolve());
    await expect(two.client.change("other", work, 100)).rejects.toMatchObject({
      kind: "locked",
      message: expect.stringContaining("mainCf") as string,
    });
    expect(work).not.toHaveBeenCalled();
    free();
    await held;
    // What was asked behind a request for a section that failed is not asked for later.
    expect(await two.client.change("again", () => Promise.resolve("in"))).toBe("in");
  });

  test("it ends only after what was asked for in it, although nobody waits for the replies", async () => {
    const { client } = await box.agent();
    const [large, copy] = [box.in("large"), box.in("copy")];
    const contents = "x".repeat(24 * 1024 * 1024);
    writeFileSync(large, contents);
    const before = client.counters.roundTrips;
    const { copied } = await client.change("copies", (host) =>
      Promise.resolve({
        copied: host.write({
          ...{ path: copy, from: large, sha256: sha256(contents) },
          expect: { absent: true },
        }),
      }),
    );
    expect(lstatSync(copy).size).toBe(contents.length);
    expect(existsSync(box.record)).toBe(false);
    expect(await copied).toMatchObject({ written: true });
    expect(client.counters.roundTrips - before).toBe(2);
  });

  test("a client that falls silent loses its section", async () => {
    const silent = await box.agent({ silenceMs: 400, pingMs: 100_000 });
    const held = silent.client.change("holds", () => new Promise(() => {}));
    const lost = expect(held).rejects.toBeDefined();
    const { client } = await box.agent();
    while (!existsSync(`${box.record}/lock`)) await pause(5);
    await expect(client.change("waits", () => Promise.resolve("got it"), 5_000)).resolves.toBe(
      "got it",
    );
    expect((await silent.gone).code).toBe(0);
    void lost;
  });

  test("a client that waits for something keeps its section by signs of life", async () => {
    const { client } = await box.agent({ silenceMs: 600, pingMs: 100 });
    await client.change("slow", async (host) => {
      await pause(1500);
      await host.run({ argv: ["true"] });
    });
    expect(await client.read({})).toEqual({});
  });

  test("an agent that does not answer signs of life counts as lost", async () => {
    const { client, child } = await box.agent({ pingMs: 100, pingTimes: 2 });
    child.kill("SIGSTOP");
    await expect(client.read({ x: { fact: "list", path: "/" } })).rejects.toMatchObject({
      kind: "lost",
      changed: "no",
    });
    child.kill("SIGKILL");
  });

  test.each<[string, () => void]>([
    ["a link", () => symlinkSync("/tmp", box.record)],
    ["a file", () => writeFileSync(box.record, "")],
    ["open to others", () => mkdirSync(box.record, { mode: 0o755 })],
  ])("a folder of ours that is %s is refused", async (_what, make) => {
    make();
    const { client } = await box.agent();
    await expect(client.change("a", () => Promise.resolve())).rejects.toMatchObject({
      kind: "refused",
    });
  });
});

test("a line that is slow is not taken for one that is dead", async () => {
  // 200 kB/s: the write takes some 2.5 s, and no sign of life can pass it.
  const slow = new Transform({
    highWaterMark: 1,
    transform(chunk: Buffer, _encoding, done) {
      setTimeout(() => done(null, chunk), chunk.length / 200);
    },
  });
  const child = spawn("perl", ["-"], { stdio: "pipe" });
  slow.pipe(child.stdin);
  const options = { address: "root@test:22", fingerprint: "x", record: box.record };
  const program = { ...asRemoteProgram(child), stdin: slow };
  const client = await AgentClient.start(program, { ...options, pingMs: 300, pingTimes: 3 });
  const contents = "x".repeat(500_000);
  await client.change("slow", (host) =>
    host.write({ path: box.in("file"), contents, expect: { absent: true } }),
  );
  expect(readFileSync(box.in("file"), "latin1")).toBe(contents);
  client.close();
  slow.end();
  await program.ended;
});

describe("a connection that is lost", () => {
  const cases: [
    string,
    "no" | "yes" | "unknown",
    (host: HostWriter, kill: () => void) => Promise<unknown>,
  ][] = [
    [
      "before a change",
      "no",
      (host, kill) => {
        const reading = host.read({
          x: { fact: "banner", host: "127.0.0.1", port: 1, timeoutMs: 9_000 },
        });
        kill();
        return reading.then(() => host.read({ x: { fact: "list", path: "/" } }));
      },
    ],
    [
      "during a change",
      "unknown",
      (host, kill) => {
        const running = host.run({ argv: ["sleep", "5"] });
        setTimeout(kill, 100);
        return running;
      },
    ],
    [
      "after a change",
      "yes",
      async (host, kill) => {
        await host.makeDirectory(box.in("made"), 0o755);
        kill();
        await pause(100);
        return host.read({ x: { fact: "list", path: "/" } });
      },
    ],
    [
      "after a write that found something else",
      "no",
      async (host, kill) => {
        await host.write({ path: box.in("x"), contents: "", expect: { sha256: "0".repeat(64) } });
        kill();
        await pause(100);
        return host.read({ x: { fact: "list", path: "/" } });
      },
    ],
  ];

  test.each(cases)("%s says that the host was changed: %s", async (_when, changed, work) => {
    const { client, child } = await box.agent();
    const section = client.change("w", (host) => work(host, () => child.kill("SIGKILL")));
    await expect(section).rejects.toMatchObject({ kind: "lost", changed });
  });
});

describe("requests in order", () => {
  type Ask = (host: HostWriter, path: string) => Promise<unknown>;
  /** The attempts that count. */
  const failing: readonly (readonly [string, number, Ask])[] = [
    [
      "a write that finds another file",
      0,
      (host, path) => host.write({ path, contents: "new", expect: { sha256: sha256("other") } }),
    ],
    [
      "a removal that finds another file",
      0,
      (host, path) => host.remove(path, { sha256: sha256("other") }),
    ],
    [
      "a write that is refused",
      0,
      (host, path) =>
        host.write({ path: `${path}/under/it`, contents: "", expect: { absent: true } }),
    ],
    ["a program that fails", 1, (host) => host.run({ argv: ["sh", "-c", "sleep 0.2; exit 3"] })],
    ["a program that is ended", 1, (host) => host.run({ argv: ["sh", "-c", "kill -9 $$"] })],
    ["a program that is missing", 1, (host) => host.run({ argv: ["/nowhere/program"] })],
  ];

  test.each(failing)(
    "what comes after %s is not done, and does not count as tried",
    async (_what, attempts, ask) => {
      const { client } = await box.agent();
      const [path, next, last] = [box.in("file"), box.in("next"), box.in("last")];
      writeFileSync(path, "old");
      await client.change("in order", async (host) => {
        const ordered = host.inOrder();
        const first = ask(ordered, path);
        const second = ordered.write({ path: next, contents: "", expect: { absent: true } });
        const third = ordered.run({ argv: ["touch", last] });
        const look = ordered.read({ found: { fact: "stat", path: next } });
        const [, ...skipped] = await Promise.allSettled([first, second, third, look]);
        for (const one of skipped)
          expect(one).toMatchObject({ status: "rejected", reason: { kind: "skipped" } });
        expect(host.attempts).toBe(attempts);
        // Nothing keeps what stands outside of this order from being done.
        await host.write({ path: next, contents: "", expect: { absent: true } });
      });
      expect(readFileSync(path, "utf8")).toBe("old");
      expect(existsSync(last)).toBe(false);
    },
  );

  test("each is done after the one before it, in one round trip", async () => {
    const { client } = await box.agent();
    const path = box.in("file");
    await client.change("in order", async (host) => {
      const before = client.counters.roundTrips;
      const ordered = host.inOrder();
      const replies = [
        ordered.write({ path, contents: "1", expect: { absent: true } }),
        ordered.run({ argv: ["sh", "-c", `sleep 0.2; printf 2 >> ${path}`] }),
        ordered.write({ path, contents: "123", expect: { sha256: sha256("12") } }),
        ordered.read({ found: { fact: "file", path } }),
      ];
      expect((await Promise.all(replies)).at(-1)).toMatchObject({ found: { contents: "123" } });
      expect(client.counters.roundTrips - before).toBe(1);
      expect(host.attempts).toBe(3);
    });
  });

  test("a main.cf is old enough for Postfix to read it at once, and another file is new", async () => {
    const { client } = await box.agent();
    const began = Date.now();
    const ages = await client.change("writes", async (host) => {
      const paths = [box.in("main.cf"), box.in("master.cf")];
      for (const path of paths) await host.write({ path, contents: "", expect: { absent: true } });
      return paths.map((path) => lstatSync(path).mtimeMs);
    });
    expect(ages[0]).toBeLessThan(began - 1000);
    expect(ages[1]).toBeGreaterThanOrEqual(began - 1000);
  });
});

describe("a job", () => {
  async function finish(
    host: HostWriter,
    key: string,
    offset = 0,
  ): Promise<JobState & { readonly all: string }> {
    let all = "";
    for (let at = offset; ;) {
      const state = await host.pollJob(key, at, 1000);
      all += state.log;
      at = state.offset;
      if (state.state !== "running") return { ...state, all };
    }
  }

  test("runs to its end, and its log and exit code are kept until it is forgotten", async () => {
    const { client } = await box.agent();
    await client.change("job", async (host) => {
      const script = "echo one; echo two >&2; exit 5";
      await host.startJob({ key: "build-1", argv: ["sh", "-c", script] });
      const end = await finish(host, "build-1");
      expect(end).toMatchObject({ state: "ended", exitCode: 5, signal: null, all: "one\ntwo\n" });
      expect(await host.pollJob("build-1", 4)).toMatchObject({
        log: "two\n",
        offset: 8,
        state: "ended",
      });
    });
    expect(readdirSync(`${box.record}/jobs/build-1`).sort()).toEqual([
      "argv",
      "log",
      "pid",
      "status",
    ]);
    await client.change("job", async (host) => {
      await host.forgetJob("build-1");
      expect(await host.pollJob("build-1", 0)).toMatchObject({ state: "lost", log: "" });
    });
    expect(existsSync(box.record)).toBe(false);
  });

  test("that ends is told of at once by a request that waits for its end", async () => {
    const { client } = await box.agent();
    await client.change("job", async (host) => {
      await host.startJob({ key: "short", argv: ["sh", "-c", "sleep 0.3; echo over"] });
      expect(await host.pollJob("short", 0)).toMatchObject({ state: "running" });
      const end = await host.pollJob("short", 0, 60_000);
      expect(end).toMatchObject({ state: "ended", log: "over\n" });
    });
  });

  test("has ended once all that its program has started has ended", async () => {
    const { client } = await box.agent();
    await client.change("job", async (host) => {
      const script = `(sleep 0.5; echo late > ${box.in("late")}) & kill -9 $$`;
      await host.startJob({ key: "killed", argv: ["sh", "-c", script] });
      const end = await host.pollJob("killed", 0, 60_000);
      expect(end).toMatchObject({ state: "ended", signal: "KILL" });
      expect(readFileSync(box.in("late"), "utf8")).toBe("late\n");
    });
  });

  test("survives the agent, is found again, and is not started twice", async () => {
    const script = `echo start >> ${box.in("starts")}; echo begun; while ! test -e ${box.in("go")}; do sleep 0.05; done; echo over`;
    const request = { key: "long", argv: ["sh", "-c", script] };
    const one = await box.agent();
    const held = one.client.change("job", async (host) => {
      expect((await host.startJob(request)).state).toBe("running");
      one.child.kill("SIGKILL");
      await host.pollJob("long", 0);
    });
    await expect(held).rejects.toMatchObject({ kind: "lost" });

    const two = await box.agent();
    await two.client.change("job", async (host) => {
      expect(await host.startJob(request)).toMatchObject({ state: "running" });
      await expect(host.forgetJob("long")).rejects.toMatchObject({ kind: "refused" });
      writeFileSync(box.in("go"), "");
      expect(await finish(host, "long")).toMatchObject({
        state: "ended",
        exitCode: 0,
        all: "begun\nover\n",
      });
      await host.forgetJob("long");
    });
    expect(readFileSync(box.in("starts"), "utf8")).toBe("start\n");
  });

  test("does not hold the write lock", async () => {
    const one = await box.agent();
    await one.client.change("job", (host) => host.startJob({ key: "holds", argv: ["sleep", "1"] }));
    const two = await box.agent();
    await expect(two.client.change("other", () => Promise.resolve(1), 500)).resolves.toBe(1);
    await two.client.change("job", async (host) => {
      await finish(host, "holds");
      await host.forgetJob("holds");
    });
  });

  test("whose supervisor was killed is lost, not running and not ended", async () => {
    const { client } = await box.agent();
    await client.change("job", async (host) => {
      await host.startJob({ key: "killed", argv: ["sleep", "1"] });
      process.kill(Number(readFileSync(`${box.record}/jobs/killed/pid`, "utf8")), "SIGKILL");
      expect(await finish(host, "killed")).toMatchObject({
        state: "lost",
        exitCode: null,
        signal: null,
      });
      await host.forgetJob("killed");
    });
  });

  test("tells the signal that ended it", async () => {
    const { client } = await box.agent();
    await client.change("job", async (host) => {
      await host.startJob({ key: "signal", argv: ["sh", "-c", "kill -KILL $$"] });
      expect(await finish(host, "signal")).toMatchObject({
        state: "ended",
        exitCode: null,
        signal: "KILL",
      });
      await host.forgetJob("signal");
    });
  });

  test("has its own folder and environment", async () => {
    const { client } = await box.agent();
    await client.change("job", async (host) => {
      const argv = ["sh", "-c", 'echo "$FLAVOR"; pwd; umask'];
      await host.startJob({ key: "env", argv, cwd: box.path, env: { FLAVOR: "mysql" } });
      expect((await finish(host, "env")).all).toBe(`mysql\n${box.path}\n0022\n`);
      await host.forgetJob("env");
    });
  });

  test.each([["../x"], [".hidden"], ["a/b"], [""], ["x".repeat(101)]])(
    "the key %j is refused",
    async (key) => {
      const { client } = await box.agent();
      const started = client.change("job", (host) => host.startJob({ key, argv: ["true"] }));
      await expect(started).rejects.toMatchObject({ kind: "refused" });
    },
  );

  test("whose program is not there is an error that leaves nothing", async () => {
    const { client } = await box.agent();
    const started = client.change("job", (host) =>
      host.startJob({ key: "none", argv: ["no-such-program"] }),
    );
    await expect(started).rejects.toMatchObject({ kind: "program" });
    expect(existsSync(box.record)).toBe(false);
  });
});

describe("talking to a service", () => {
  let server: LocalServer;
  let port = 0;
  let serve: (socket: Socket) => void = () => {};
  beforeEach(async () => {
    server = await startLocalServer((socket) => serve(socket));
    port = server.port;
  });
  afterEach(() => server.close());

  const smtp = (socket: Socket) => socket.write("220 mx ESMTP\r\n");

  /** All that the service says until it closes. */
  const listen = async (connection: Readable): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of connection) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("latin1");
  };

  test("carries every byte both ways", async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
    serve = (socket) => {
      const chunks: Buffer[] = [];
      let length = 0;
      socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length === bytes.length) socket.end(Buffer.concat(chunks));
      });
    };
    const { client } = await box.agent();
    const heard = await client.change("talk", async (host) => {
      const connection = await host.connect("127.0.0.1", port, 5_000);
      connection.write(bytes);
      return listen(connection);
    });
    expect(sha256(heard)).toBe(sha256(bytes.toString("latin1")));
  });

  test("keeps a service waiting whose bytes nobody wants yet, and holds none of them", async () => {
    let sent = 0;
    serve = (socket) => {
      const chunk = Buffer.alloc(65_536, "x");
      const flood = (): void => {
        while (sent < 1_000) {
          sent += 1;
          if (!socket.write(chunk)) {
            socket.once("drain", flood);
            return;
          }
        }
        socket.end();
      };
      flood();
    };
    const { client } = await box.agent();
    await client.change("talk", async (host) => {
      const connection = await host.connect("127.0.0.1", port, 20_000);
      await pause(500);
      // What the two systems' sockets and one chunk on each side hold, and no more of the 64 MB.
      expect(sent).toBeLessThan(500);
      expect((await listen(connection)).length).toBe(65_536_000);
    });
  });

  test("ends at its deadline, and the next word of it is the reason", async () => {
    serve = (socket) => socket.write("220-wait\r\n");
    const { client } = await box.agent();
    await client.change("talk", async (host) => {
      const connection = await host.connect("127.0.0.1", port, 300);
      await expect(listen(connection)).rejects.toThrow("nothing more came within 0.3 s");
    });
  });

  test("that is refused, or is not an address, says so and changes nothing", async () => {
    const { client } = await box.agent();
    const to = (host: string, at: number) =>
      client.change("talk", (writer) => writer.connect(host, at, 2_000));
    await expect(to("127.0.0.1", 1)).rejects.toMatchObject({
      kind: "program",
      reason: "cannot connect to 127.0.0.1 port 1: Connection refused",
      changed: "no",
    });
    await expect(to("mx.example.org", 25)).rejects.toThrow("neither an address nor localhost");
  });

  test("is closed with the write section", async () => {
    let closed: Promise<unknown> = Promise.resolve();
    serve = (socket) => {
      socket.resume();
      closed = new Promise((resolve) => socket.on("close", resolve));
      socket.write("220 mx\r\n");
    };
    const { client } = await box.agent();
    const connection = await client.change("talk", async (host) => {
      const made = await host.connect("127.0.0.1", port, 60_000);
      made.resume();
      await once(made, "data");
      return made;
    });
    await closed;
    expect(connection.destroyed).toBe(true);
  });

  test("breaks with the line, and says that nothing is known of what was sent", async () => {
    serve = (socket) => socket.write("220 mx\r\n");
    const { client, child } = await box.agent();
    const cut = client.change("talk", async (host) => {
      const connection = await host.connect("127.0.0.1", port, 60_000);
      setTimeout(() => child.kill("SIGKILL"), 100);
      await listen(connection);
    });
    await expect(cut).rejects.toMatchObject({ kind: "lost", changed: "unknown" });
  });

  test("a banner is the first line, or the reason why there is none", async () => {
    serve = smtp;
    const { client } = await box.agent();
    const banner = { fact: "banner", host: "127.0.0.1", port, timeoutMs: 2_000 } as const;
    const flooded = new Promise<void>((resolve) => {
      serve = (socket) => {
        socket.write("x".repeat(1_000_000));
        resolve();
      };
    });
    const { flood } = await client.read({ flood: banner });
    await flooded;
    expect(flood).toEqual({ error: expect.stringMatching(/a line of more than/) as string });
    serve = (socket) => socket.end("421 b");
    const { cut } = await client.read({ cut: banner });
    expect(cut).toEqual({ error: "the service closed the connection" });
    serve = smtp;
    const seen = await client.read({
      there: banner,
      localhost: { ...banner, host: "localhost" },
      refused: { ...banner, port: 1 },
      name: { ...banner, host: "mx.example.org" },
    });
    expect(seen).toEqual({
      there: { line: "220 mx ESMTP" },
      localhost: { line: "220 mx ESMTP" },
      refused: { error: "cannot connect to 127.0.0.1 port 1: Connection refused" },
      name: { error: "'mx.example.org' is neither an address nor localhost" },
    });
  });
});
