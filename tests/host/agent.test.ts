import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionArgs } from "../../provider/arguments/connection";
import { dial } from "../../provider/host/ssh/dial";
import { HostError } from "../../provider/host/errors";
import type { Host, HostWriter } from "../../provider/host/host";
import { HostPool, type PoolOptions } from "../../provider/host/pool";
import {
  diffTrees,
  ensureImage,
  generateSshKey,
  familyReleases,
  startHost,
  type TestHost,
} from "../../testing";

// Real clocks and real processes: a machine under load may be late once, and says so before it tries again.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

/** The agent and its connection against hosts with a real sshd, Perl and doas. */

const hosts = new Map<string, TestHost>();
const pools: HostPool[] = [];

beforeAll(async () => {
  for (const release of familyReleases) {
    await ensureImage(release);
    hosts.set(release, await startHost({ release }));
  }
}, 600_000);

afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close();
  for (const host of hosts.values()) await host.line.latency(0);
});

afterAll(async () => {
  await Promise.all([...hosts.values()].map((host) => host.stop()));
});

function hostOf(release: string): TestHost {
  const host = hosts.get(release);
  if (host === undefined) throw new Error(`no host of release ${release}`);
  return host;
}

function argsFor(host: TestHost, more: Partial<ConnectionArgs> = {}): ConnectionArgs {
  const { port, user, privateKeyPath, knownHostsPath } = host;
  return {
    host: host.host,
    port,
    user,
    privateKeyPath,
    knownHostsPath,
    dialErrorLimit: 1,
    ...more,
  };
}

function newPool(options: PoolOptions = {}): HostPool {
  const pool = new HostPool(options);
  pools.push(pool);
  return pool;
}

const connectTo = (host: TestHost, more: Partial<ConnectionArgs> = {}): Promise<Host> =>
  newPool().connect(argsFor(host, more));

const sha256 = (text: string) => createHash("sha256").update(text, "latin1").digest("hex");

async function failure(promise: Promise<unknown>): Promise<HostError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!HostError.isInstance(error)) throw new Error(`no HostError but ${String(error)}`);
  return error;
}

describe.each(familyReleases.map((release) => [release] as const))("on %s", (release) => {
  test("the host says what it is", async () => {
    const host = await connectTo(hostOf(release));
    expect(host.system).toMatchObject({ name: "OpenBSD", release, uid: 0 });
    expect(host.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  test("looking, judging and an empty write section leave its tree as it was", async () => {
    const target = hostOf(release);
    const before = await target.snapshot();
    const host = await connectTo(target);
    await host.read({
      file: { fact: "file", path: "/etc/mailer.conf" },
      list: { fact: "list", path: "/etc" },
      probe: { fact: "probe", argv: ["uname", "-r"] },
      banner: { fact: "banner", host: "127.0.0.1", port: 25, timeoutMs: 2000 },
      user: { fact: "user", name: "root" },
    });
    await host.judge({
      files: { "main.cf": "queue_directory = {dir}/queue\ndata_directory = {dir}/data\n" },
      folders: { queue: "root", data: "_postfix" },
      commands: [{ argv: ["/usr/local/sbin/postconf", "-c", "{dir}", "-n"] }],
    });
    await host.change("nothing", () => Promise.resolve());
    expect(diffTrees(before, await target.snapshot())).toEqual([]);
  });

  test("many reads at once cost one connection, one channel and one round trip", async () => {
    const target = hostOf(release);
    await target.line.latency(50);
    const pool = newPool();
    const hosts = await Promise.all(
      Array.from({ length: 12 }, () => pool.connect(argsFor(target))),
    );
    const started = Date.now();
    const read = (host: Host) => host.read({ file: { fact: "file", path: "/etc/passwd" } });
    const answers = await Promise.all(hosts.map(read));
    // 100 ms for the round trip: a second one would show.
    expect(Date.now() - started).toBeLessThan(195);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(pool.counters).toEqual({ connections: 1, requests: 12, roundTrips: 1 });
  });

  test("files are written, read back and removed, owner and mode included", async () => {
    const target = hostOf(release);
    const before = await target.snapshot();
    const host = await connectTo(target);
    const path = "/etc/agent-test.conf";
    const contents = Buffer.from(Array.from({ length: 256 }, (_, index) => index)).toString(
      "latin1",
    );
    await host.change("a test", async (writer) => {
      await writer.write({ path, contents, mode: 0o640, uid: 0, gid: 1, expect: { absent: true } });
    });
    const { file } = await host.read({ file: { fact: "file", path } });
    expect(file).toMatchObject({
      type: "file",
      mode: 0o640,
      uid: 0,
      gid: 1,
      contents,
      sha256: sha256(contents),
    });
    await host.change("a test", (writer) => writer.remove(path, { sha256: sha256(contents) }));
    expect(diffTrees(before, await target.snapshot())).toEqual([]);
  });

  test("a program gets a terminal as its error output when it asks for one", async () => {
    const host = await connectTo(hostOf(release));
    const [without, with_] = await host.change("a test", (writer) =>
      Promise.all([
        writer.run({ argv: ["test", "-t", "2"] }),
        writer.run({ argv: ["test", "-t", "2"], tty: true }),
      ]),
    );
    expect([without.exitCode, with_.exitCode]).toEqual([1, 0]);
  });

  test("a job survives the connection, is found again, and is lost when the host reboots", async () => {
    const target = hostOf(release);
    const pool = newPool();
    const host = await pool.connect(argsFor(target));
    const job = { key: "test", argv: ["sleep", "300"] };
    const cut = host.change("a job", async (writer) => {
      await writer.startJob(job);
      await target.line.cut();
      return writer.pollJob("test", 0);
    });
    expect(await failure(cut)).toMatchObject({ kind: "lost", changed: "yes" });
    await host.change("a job", async (writer) => {
      expect(await writer.startJob(job)).toMatchObject({ state: "running" });
    });
    await target.reboot();
    await host.change("a job", async (writer) => {
      expect(await writer.pollJob("test", 0)).toMatchObject({ state: "lost" });
      await writer.forgetJob("test");
    });
  });
});

describe("a line that fails", () => {
  test("at any byte of the login is an error within its time, and never a crash", async () => {
    const target = hostOf("7.8");
    const kinds: string[] = [];
    for (const bytes of [0, 1, 20, 200, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000]) {
      const attempt = connectTo(target, { perDialTimeout: 5 }).then(
        () => "connected",
        (error: unknown) => (HostError.isInstance(error) ? error.kind : String(error)),
      );
      // The cut counts from what the connection has had so far: it must be there.
      while ((await target.line.counters()).open === 0) await sleep(1);
      await target.line.cut({ from: "host", bytes });
      kinds.push(await Promise.race([attempt, sleep(10_000, "hangs", { ref: false })]));
      await target.line.cut();
    }
    for (const kind of kinds) expect(["unreachable", "lost", "connected"]).toContain(kind);
    expect(kinds).toContain("unreachable");
    await expect(connectTo(target)).resolves.toBeDefined();
  });

  test("in the middle of a write leaves the old file, and the next write cleans up", async () => {
    const target = hostOf("7.8");
    const path = "/etc/agent-test.conf";
    // What is compressed on the line to nothing cannot be cut in its middle.
    const contents = randomBytes(1_800_000).toString("latin1");
    const pool = newPool();
    const host = await pool.connect(argsFor(target));
    const write = (text: string) => (writer: HostWriter) =>
      writer.write({ path, contents: text, expect: { anything: true } });
    await host.change("old", write("old\n"));
    const before = await target.snapshot();
    for (let part = 0; part < 10; part++) {
      const writing = failure(
        host.change("new", async (writer) => {
          await target.line.cut({ from: "client", bytes: 1_000 + (contents.length / 10) * part });
          return write(contents)(writer);
        }),
      );
      expect(await writing).toMatchObject({ kind: "lost", changed: "unknown" });
      const { file } = await host.read({ file: { fact: "file", path } });
      expect(file).toMatchObject({ sha256: sha256("old\n") });
    }
    await host.change("old again", write("old\n"));
    expect(diffTrees(before, await target.snapshot())).toEqual([]);
    await host.change("clean", (writer) => writer.remove(path, { anything: true }));
  });

  test("by falling silent is noticed, and the host is reached again", async () => {
    const target = hostOf("7.8");
    const pool = newPool({ agent: { pingMs: 300, pingTimes: 3 } });
    const host = await pool.connect(argsFor(target));
    await target.line.freeze(true);
    const started = Date.now();
    const error = await failure(host.read({ list: { fact: "list", path: "/etc" } }));
    await target.line.freeze(false);
    expect(error).toMatchObject({ kind: "lost", changed: "no", retriable: true });
    expect(Date.now() - started).toBeLessThan(5_000);
    expect((await host.read({ list: { fact: "list", path: "/etc" } })).list).toContain("passwd");
  });

  test("by being slow is waited for", async () => {
    const target = hostOf("7.8");
    await target.line.latency(150);
    const host = await connectTo(target);
    expect((await host.read({ list: { fact: "list", path: "/etc" } })).list).toContain("passwd");
  });
});

describe("who logs in", () => {
  /** A user with our key, and doas.conf as given. */
  async function asUser(
    target: TestHost,
    doas: string,
    more: Partial<ConnectionArgs> = {},
  ): Promise<HostError | Host> {
    const script = [
      "id admin >/dev/null 2>&1 || /usr/sbin/useradd -m -s /bin/sh admin",
      "mkdir -p ~admin/.ssh && cp /root/.ssh/authorized_keys ~admin/.ssh/ && chown -R admin ~admin/.ssh",
      `printf '${doas}' > /etc/doas.conf && chmod 600 /etc/doas.conf`,
    ].join(" && ");
    const made = await target.exec(["/bin/sh", "-c", script]);
    if (made.exitCode !== 0) throw new Error(made.stderr);
    return connectTo(target, { user: "admin", ...more }).catch((error: unknown) => {
      if (HostError.isInstance(error)) return error;
      throw error;
    });
  }

  test("as another user than root needs doas, which is told when it refuses", async () => {
    const target = await startHost({ release: "7.8" });
    try {
      const refused = await asUser(target, "");
      expect(refused).toMatchObject({ kind: "notPrivileged", changed: "no" });
      expect((refused as HostError).message).toContain(
        '"permit nopass admin as root cmd /usr/bin/perl"',
      );
      // doas compares the command as text, and its manual advises the whole path.
      for (const command of ["perl", "/usr/bin/perl", "/usr/bin/perl args -"]) {
        const allowed = await asUser(target, `permit nopass admin as root cmd ${command}\\n`);
        if (HostError.isInstance(allowed)) throw allowed;
        expect(allowed.system.uid).toBe(0);
        expect(allowed.address).toBe(`admin@${target.host}:${target.port}`);
      }
    } finally {
      await target.stop();
    }
  });

  test("gives doas its password on a terminal of its own, and shows it nowhere", async () => {
    const target = await startHost({ release: "7.8" });
    try {
      await asUser(target, "");
      await target.exec(["/usr/sbin/chpasswd"], { stdin: "admin:canary-secret\n" });
      const rule = "permit admin as root cmd /usr/bin/perl\\n";
      const without = await asUser(target, rule);
      expect(without).toMatchObject({ kind: "notPrivileged" });
      expect((without as HostError).message).toContain("connection.doasPassword");
      for (const transport of ["ssh2", "openssh"] as const) {
        const more = { transport, doasPassword: "canary-secret" };
        const host = await asUser(target, rule, more);
        if (HostError.isInstance(host)) throw host;
        expect(host.system.uid).toBe(0);
        // Bytes of all kinds, also those that mean something to a terminal.
        const bytes = Array.from({ length: 256 }, (_, at) => String.fromCharCode(at)).join("");
        const path = "/root/bytes";
        await host.change("bytes", async (writer) => {
          const absent = { absent: true } as const;
          await writer.write({ path, contents: bytes, mode: 0o600, expect: absent });
          const argv = ["/bin/sh", "-c", "ps -axww -o args; env"];
          const seen = await writer.run({ argv });
          expect(`${seen.stdout}${seen.stderr}`).not.toContain("canary");
        });
        expect((await host.read({ file: { fact: "file", path } })).file).toMatchObject({
          contents: bytes,
        });
        await target.exec(["/bin/rm", path]);
        const wrong = await asUser(target, rule, { ...more, doasPassword: "wrong-canary" });
        expect(wrong).toMatchObject({ kind: "notPrivileged", changed: "no" });
        expect((wrong as HostError).message).not.toContain("canary");
        // Where no password is asked for, none is sent.
        const free = await asUser(target, "permit nopass admin as root cmd perl\\n", more);
        expect((free as Host).system.uid).toBe(0);
      }
      const log = await target.exec(["/bin/sh", "-c", "cat /var/log/* 2>/dev/null; true"]);
      expect(log.stdout).not.toContain("canary");
    } finally {
      await target.stop();
    }
  });

  test("with a wrong key is refused, and the host key is verified first", async () => {
    const target = hostOf("7.8");
    const [login, shown] = [await generateSshKey(), await generateSshKey()];
    const privateKey = login.private;
    const { host, port, knownHostsPath } = target;
    expect(await failure(dial({ host, port, knownHostsPath, privateKey }))).toMatchObject({
      kind: "authRefused",
    });
    const pinned = await dial(argsFor(target, { hostKey: target.hostKey }));
    pinned.close();
    expect(await failure(dial(argsFor(target, { hostKey: shown.public })))).toMatchObject({
      kind: "hostKeyChanged",
    });
  });
});
