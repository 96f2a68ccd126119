import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "ssh2";
import {
  diffTrees,
  ensureImage,
  generateSshKey,
  listHosts,
  releases,
  familyReleases,
  startHost,
  type Release,
  type TestHost,
} from "../../testing";
import { readKeeper, readRecord, runFolder } from "../../testing/host/hostRecord";
import { isAlive } from "../../testing/machine/processes";
import { stopHost } from "../../testing/host/lifecycle";
import { parseTree } from "../../testing/image/fileTree";
import { hostPackages, missingPackages } from "../../testing/image/debianPackages";
import { installPostfix } from "./fidelity/row";

// Real clocks and real processes: a machine under load may be late once, and says so before it tries again.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

const root = join(__dirname, "../..");
const hosts = new Map<string, TestHost>();

beforeAll(async () => {
  for (const release of familyReleases) await ensureImage(release);
}, 600_000);

afterAll(async () => {
  await Promise.all([...hosts.values()].map((host) => host.stop()));
});

/** One host for each release, for the tests that leave it running. */
async function shared(release: Release = "7.8"): Promise<TestHost> {
  const host = hosts.get(release) ?? (await startHost({ release }));
  hosts.set(release, host);
  return host;
}

/** Processes in the pid namespace `namespace`, as the machine numbers them. */
function processesIn(namespace: string): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/ns/pid`) === namespace;
    } catch {
      return false;
    }
  });
}

function pidNamespace(id: string): string {
  const pid = readRecord(id)?.init.pid ?? 0;
  return readlinkSync(`/proc/${pid}/ns/pid`);
}

function mountsOf(id: string): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.filter((line) => line.includes(id));
}

async function eventually(done: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error("did not happen within 10 s");
    await sleep(10);
  }
}

/** Logs in and runs a command; rejects with the first error of the connection. */
function overSsh(host: TestHost, command: string, user = host.user): Promise<string> {
  const client = new Client();
  return new Promise<string>((resolve, reject) => {
    client.on("error", reject);
    client.on("close", () => reject(new Error("the connection was closed")));
    client.on("ready", () => {
      client.exec(command, (error, channel) => {
        if (error) {
          reject(error);
          return;
        }
        let text = "";
        channel.on("data", (chunk: Buffer) => (text += chunk.toString()));
        channel.on("close", () => resolve(text));
      });
    });
    client.connect({
      host: host.host,
      port: host.port,
      username: user,
      privateKey: readFileSync(host.privateKeyPath),
      readyTimeout: 20_000,
    });
  }).finally(() => client.destroy());
}

test("every release has its row in the table, and the eras begin with releases", () => {
  const openbsd = join(root, "testing/openbsd");
  const rows = readFileSync(join(openbsd, "releases.table"), "utf8").split("\n");
  const named = rows.filter((row) => /^\d/.test(row)).map((row) => row.split(" ")[0]);
  expect(named).toEqual([...releases]);
  const eras = readdirSync(join(openbsd, "eras"));
  expect(eras.filter((era) => !releases.some((release) => release === era))).toEqual([]);
});

describe.each([...familyReleases])("OpenBSD %s", (release) => {
  test("a host is up within seconds of being asked for", async () => {
    const host = await shared(release);
    process.stderr.write(`a host shaped like OpenBSD ${release} was up after ${host.upMs} ms\n`);
    expect(host.upMs).toBeLessThan(10_000);
  });

  test("the tree of a host that nobody touches stays as it is", async () => {
    const host = await shared(release);
    const before = await host.snapshot();
    await host.exec(["ls", "-lR", "/etc"]);
    await overSsh(host, "id");
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    expect(before.size).toBeGreaterThan(1000);
  });

  test("the host key that is given out is the one that sshd proves to have", async () => {
    const host = await shared(release);
    const client = new Client();
    const proven = await new Promise<string>((resolve, reject) => {
      client.on("error", reject);
      client.connect({
        host: host.host,
        port: host.port,
        username: host.user,
        privateKey: readFileSync(host.privateKeyPath),
        algorithms: { serverHostKey: ["ssh-ed25519"] },
        hostVerifier: (key: Buffer) => {
          resolve(`ssh-ed25519 ${key.toString("base64")}`);
          return true;
        },
      });
    }).finally(() => client.destroy());
    expect(proven).toBe(host.hostKey);
    const known = readFileSync(host.knownHostsPath, "utf8").split("\n");
    expect(known).toContain(`[${host.host}]:${host.port} ${host.hostKey}`);
  });
});

describe("what a snapshot sees", () => {
  let own: TestHost | undefined;
  const scratch = async (): Promise<TestHost> => (own ??= await startHost());
  afterAll(() => own?.stop());

  const changes: readonly (readonly [what: string, script: string, line: string])[] = [
    ["a file that was added", "echo x > /etc/added", "/etc/added: added (file)"],
    ["bytes of the image's own file", "echo x >> /etc/myname", "/etc/myname: contents"],
    ["a mode", "chmod 600 /etc/passwd", "/etc/passwd: mode 0644 → 0600"],
    ["an owner", "chown 1000:1000 /etc/group", "/etc/group: owner 0:0 → 1000:1000"],
    ["a file that was removed", "rm /etc/services", "/etc/services: removed (file)"],
    ["where a link leads", "ln -sfn /tmp /usr/bin/mail", "/usr/bin/mail: target"],
    ["a fifo", "mkfifo /tmp/fifo", "/tmp/fifo: added (fifo)"],
    ["a name that holds a newline", "mkdir '/tmp/a\nb'", "/tmp/a\nb: added (directory)"],
  ];
  test.each(changes)("%s", async (_what, script, line) => {
    const host = await scratch();
    const before = await host.snapshot();
    expect(await host.exec(["sh", "-c", script])).toMatchObject({ exitCode: 0 });
    const lines = diffTrees(before, await host.snapshot());
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(line);
  });

  test("bytes that were written back are no change, nor is a new time", async () => {
    const host = await scratch();
    const before = await host.snapshot();
    await host.exec([
      "sh",
      "-c",
      "cp -p /etc/hosts /tmp/h; echo x >> /etc/hosts; touch /etc/fstab",
    ]);
    const changed = diffTrees(before, await host.snapshot());
    expect(changed).toEqual(["/etc/hosts: contents", "/tmp/h: added (file)"]);
    await host.exec(["sh", "-c", "cat /tmp/h > /etc/hosts; rm /tmp/h"]);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });
});

test("a file that changed in the second in which the image was finished is hashed", async () => {
  const host = await shared();
  const script = "touch /etc/late && stat -f %c /etc/late";
  const changed = Number((await host.exec(["sh", "-c", script])).stdout);
  const argv = ["/usr/bin/perl", "-", String(changed + 0.5)];
  const stdin = readFileSync(join(root, "testing/image/tree.pl"));
  const tree = parseTree(Buffer.from((await host.exec(argv, { stdin })).stdout));
  await host.exec(["rm", "/etc/late"]);
  expect(tree.get("/etc/late")?.sha256).toMatch(/^[0-9a-f]{64}$/);
});

describe("exec", () => {
  test("passes exit code, both outputs and input through", async () => {
    const host = await shared();
    const script = "cat; echo oops >&2; exit 7";
    expect(await host.exec(["sh", "-c", script], { stdin: "in" })).toEqual({
      exitCode: 7,
      stdout: "in",
      stderr: "oops\n",
    });
  });

  test("runs as root in the host's own namespaces, with only a loopback interface", async () => {
    const host = await shared();
    const { stdout } = await host.exec(["sh", "-c", "id -u; cut -d: -sf1 /proc/net/dev"]);
    expect(stdout.split("\n").map((line) => line.trim())).toEqual(["0", "lo0", ""]);
  });
});

describe("the line", () => {
  test("lets the users of the host in with the key", async () => {
    const host = await shared();
    expect(await overSsh(host, "id -un")).toBe("root\n");
    expect(await overSsh(host, "id -un", "alice")).toBe("alice\n");
  });

  test("counts connections and round trips", async () => {
    const host = await shared();
    await host.line.resetCounters();
    await overSsh(host, "true");
    const counters = await host.line.counters();
    expect(counters.connections).toBe(1);
    // Version, key exchange (2), service, authentication (2), channel, command.
    expect(counters.roundTrips).toBeGreaterThanOrEqual(5);
    expect(counters.roundTrips).toBeLessThanOrEqual(14);
    expect(counters.bytesFromClient).toBeGreaterThan(1000);
    expect(counters.bytesFromHost).toBeGreaterThan(1000);
  });

  test("is as slow as it is told to be", async () => {
    const host = await shared();
    await host.line.latency(40);
    await host.line.resetCounters();
    const start = Date.now();
    try {
      await overSsh(host, "true");
    } finally {
      await host.line.latency(0);
    }
    const { roundTrips } = await host.line.counters();
    expect(Date.now() - start).toBeGreaterThanOrEqual((roundTrips - 1) * 80);
  });

  test("cuts what stands, and lets new connections through", async () => {
    const host = await shared();
    const running = overSsh(host, "echo started; exec sleep 60");
    const failed = running.then(
      () => "ended",
      (error: unknown) => String(error),
    );
    await eventually(() => existsSync(host.root));
    while ((await host.exec(["pgrep", "-x", "sleep"])).exitCode !== 0) await sleep(10);
    await host.line.cut();
    expect(await failed).toMatch(/ECONNRESET|closed|ended/);
    expect((await host.line.counters()).open).toBe(0);
    expect(await overSsh(host, "echo again")).toBe("again\n");
  });

  test.each([0, 1, 20, 700])("cuts after %i bytes from the client", async (bytes) => {
    const host = await shared();
    await host.line.resetCounters();
    await host.line.cut({ from: "client", bytes });
    if (bytes > 0) await expect(overSsh(host, "true")).rejects.toThrow();
    expect(await overSsh(host, "echo whole")).toBe("whole\n");
  });

  test("passes on exactly the bytes before the cut", async () => {
    const host = await shared();
    await host.line.cut({ from: "host", bytes: 5 });
    const text = await new Promise<string>((resolve) => {
      let received = "";
      const socket = connect(host.port, host.host);
      socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(received));
    });
    expect(text).toBe("SSH-2");
  });

  test("passes on all bytes but one bit, which sshd notices", async () => {
    const host = await shared();
    await host.line.corrupt({ from: "host", bytes: 3 });
    const text = await new Promise<string>((resolve) => {
      const socket = connect(host.port, host.host);
      socket.once("data", (chunk: Buffer) => {
        resolve(chunk.toString());
        socket.destroy();
      });
    });
    expect(text).toMatch(/^SSI-2\.0-/);
    await host.line.corrupt({ from: "client", bytes: 1500 });
    await expect(overSsh(host, "true")).rejects.toThrow();
    expect(await overSsh(host, "echo whole")).toBe("whole\n");
  });

  test("stalls at a byte until it is let go on, and loses nothing", async () => {
    const host = await shared();
    await host.line.stall({ from: "host", bytes: 1500 });
    const running = overSsh(host, "echo whole");
    expect(await Promise.race([running, sleep(1000, "stalled")])).toBe("stalled");
    await host.line.freeze(false);
    expect(await running).toBe("whole\n");
  });

  test("passes no more than so many bytes a second", async () => {
    const host = await shared();
    await host.line.throttle(50_000);
    const start = Date.now();
    try {
      expect(await overSsh(host, "head -c 100000 /dev/zero | wc -c; head -c 50000 /dev/zero")).toBe(
        `100000\n${"\0".repeat(50_000)}`,
      );
    } finally {
      await host.line.throttle(undefined);
    }
    expect(Date.now() - start).toBeGreaterThanOrEqual(1000);
  });

  test("refuses new connections, or leaves them without an answer", async () => {
    const host = await shared();
    await host.line.admit("refuse");
    await expect(overSsh(host, "true")).rejects.toThrow("ECONNREFUSED");
    await host.line.admit("blackhole");
    const socket = connect(host.port, host.host);
    const answer = new Promise((resolve) => socket.once("data", resolve));
    expect(await Promise.race([answer, sleep(300, "silence")])).toBe("silence");
    socket.destroy();
    await host.line.admit("open");
    expect(await overSsh(host, "echo open")).toBe("open\n");
  });

  test("lets nothing move while frozen, not even what was under way", async () => {
    const host = await shared();
    await host.line.latency(100);
    const running = overSsh(host, "true").then(() => "ended");
    await sleep(150);
    await host.line.freeze(true);
    expect(await Promise.race([running, sleep(1500, "frozen")])).toBe("frozen");
    await host.line.freeze(false);
    await host.line.latency(0);
    expect(await running).toBe("ended");
  });

  test("loses nothing of what it held back while frozen", async () => {
    const host = await shared();
    const running = overSsh(host, "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done");
    await sleep(250);
    await host.line.freeze(true);
    await sleep(600);
    await host.line.freeze(false);
    expect(await running).toBe("1\n2\n3\n4\n5\n");
  });
});

test("a reboot ends every process, boots again, and keeps the tree", async () => {
  const host = await shared();
  await host.exec(["sh", "-c", "echo kept > /etc/kept; sleep 98765 >/dev/null 2>&1 &"]);
  const before = await host.snapshot();
  await host.reboot();
  // The scripts of /etc/rc.d sleep as well, for a moment after they have started something.
  expect(await host.exec(["pgrep", "-f", "^sleep 98765"])).toMatchObject({ exitCode: 1 });
  expect(await host.exec(["cat", "/etc/kept"])).toMatchObject({ stdout: "kept\n" });
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
  expect(await overSsh(host, "echo back")).toBe("back\n");
});

test("a reboot ends the connections that stand, and lets none in until the host is up", async () => {
  const host = await shared();
  const running = overSsh(host, "echo started; exec sleep 60").then(
    () => "ended",
    (error: unknown) => String(error),
  );
  while ((await host.exec(["pgrep", "-x", "sleep"])).exitCode !== 0) await sleep(10);
  const rebooted = host.reboot();
  expect(await running).toMatch(/ECONNRESET|closed|ended/);
  await expect(overSsh(host, "true")).rejects.toThrow();
  await rebooted;
  expect(await overSsh(host, "echo back")).toBe("back\n");
});

describe("another answer to a fact", () => {
  test("is what the host's tools go by", async () => {
    const host = await startHost({ release: "7.8", facts: { crontab_none: "nothing for %s" } });
    try {
      const { stderr } = await host.exec(["crontab", "-u", "alice", "-l"]);
      expect(stderr).toBe("nothing for alice\n");
    } finally {
      await host.stop();
    }
  });

  test("is refused where there is no such question", async () => {
    await expect(startHost({ facts: { nonsense: "yes" } })).rejects.toThrow(
      "nonsense is not a known fact",
    );
  });
});

describe.each([
  ["4.7", "4.8"],
  ["4.9", "5.0"],
  ["5.5", "5.6"],
  ["5.6", "5.7"],
] as const)("an upgrade from %s to %s", (from, to) => {
  let host: TestHost;
  const sh = async (script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await host.exec(["/bin/sh", "-c", script]);
    if (exitCode !== 0) throw new Error(`${script}: exit status ${exitCode}\n${stdout}${stderr}`);
    return stdout;
  };
  const kept = [
    "/etc/postfix",
    "/etc/mailer.conf",
    "/etc/mailer.conf.pre-postfix",
    "/etc/rc.conf.local",
    "/etc/hosts",
    "/etc/rc.d/own",
    "/var/cron/tabs",
    "/var/db/pkg",
    "/var/mail",
    "/usr/local/sbin",
    "/usr/local/libexec",
    "/root",
  ];
  const state = `for path in ${kept.join(" ")}; do find $path ! -type d ! -path '*/.ssh/*' | sort | xargs sha256; find $path | sort | xargs stat -f '%N %Su:%Sg %Lp'; done 2>/dev/null; grep _post /etc/passwd /etc/group; cat /etc/ssh/*.pub`;
  let before: string;

  beforeAll(async () => {
    await ensureImage(from);
    await ensureImage(to);
    host = await startHost({ release: from });
    await sh(
      [
        installPostfix,
        "postfix-enable >/dev/null; /usr/local/sbin/newaliases",
        "echo '127.0.0.1 own.example.org' >> /etc/hosts; rm /etc/services",
        "mkdir -p /etc/rc.d; echo '# own' > /etc/rc.d/own; echo 'own tab' > /root/own",
        "crontab -l | sed 's/^\\(.*clientmqueue\\|.*sm-msp\\)/#\\1/' | crontab -",
        "echo 'ntpd_flags=-s' > /etc/rc.conf.local; echo kept > /var/mail/alice; chown alice /var/mail/alice",
      ].join("\n"),
    );
    before = await sh(state);
    await host.upgrade(to);
  }, 600_000);
  afterAll(() => host.stop());

  test("keeps what was changed, the packages and the accounts", async () => {
    // The list is of something: what is not there is passed over in it.
    for (const path of ["/etc/rc.d/own", "/etc/postfix/main.cf", "/root/own", "/var/mail/alice"]) {
      expect(before).toContain(`SHA256 (${path}) = `);
    }
    expect(await sh(state)).toBe(before);
    expect(await sh("ls /var/db/pkg | grep -c ^postfix; id -u _postfix")).toBe("1\n507\n");
  });

  test("has the new release's programs, rc(8) and files that nobody changed", async () => {
    expect(host.release).toBe(to);
    expect(await sh("uname -r")).toBe(`${to}\n`);
    const fresh = await startHost({ release: to });
    try {
      const files =
        "sha256 /etc/rc /etc/rc.conf /etc/services /etc/rc.d/rc.subr 2>/dev/null; ls /usr/sbin; true";
      const there = await fresh.exec(["/bin/sh", "-c", files]);
      expect(await sh(files)).toBe(there.stdout);
    } finally {
      await fresh.stop();
    }
  });

  test("is reached by the same key at the same address, and its tree is whole", async () => {
    expect(await overSsh(host, "uname -r")).toBe(`${to}\n`);
    const tree = await host.snapshot();
    expect([...tree.values()].filter(({ sha256 }) => sha256 === "unknown")).toEqual([]);
    expect(tree.get("/etc/hosts")?.type).toBe("file");
    await host.exec(["rm", "/etc/hosts"]);
    expect(diffTrees(tree, await host.snapshot())).toEqual(["/etc/hosts: removed (file)"]);
    await host.reboot();
    expect(await sh("uname -r")).toBe(`${to}\n`);
  });

  test("leaves a Postfix that still says its version and starts", async () => {
    const version = await sh("ls /var/db/pkg | sed -n 's/^postfix-\\([0-9.]*\\).*/\\1/p'");
    expect(await sh("/usr/local/sbin/postconf -h mail_version")).toBe(version);
    await sh("pkill -x smtpd; pkill -x sendmail; sleep 1; /usr/local/sbin/postfix start");
    await sh("/usr/local/sbin/postfix stop");
  });
});

describe("nothing is left", () => {
  test("after a stop: no process, mount or folder", async () => {
    const host = await startHost();
    const namespace = pidNamespace(host.id);
    const keeper = readKeeper(host.id);
    expect(processesIn(namespace).length).toBeGreaterThan(0);
    await host.stop();
    expect(processesIn(namespace)).toEqual([]);
    expect(mountsOf(host.id)).toEqual([]);
    expect(existsSync(runFolder(host.id))).toBe(false);
    expect(isAlive(keeper)).toBe(false);
  });

  test("but a folder after the keeper was killed, and a stop takes that too", async () => {
    const host = await startHost();
    const namespace = pidNamespace(host.id);
    process.kill(readKeeper(host.id)?.pid ?? 0, "SIGKILL");
    await eventually(() => processesIn(namespace).length === 0);
    expect(mountsOf(host.id)).toEqual([]);
    expect(listHosts().find(({ id }) => id === host.id)?.state).toBe("gone");
    await stopHost(host.id);
    expect(existsSync(runFolder(host.id))).toBe(false);
  });

  test("after whoever started a host was killed", async () => {
    const program =
      `const { startHost } = require(${JSON.stringify(join(root, "dist/testing"))});` +
      `startHost().then(({ id }) => console.log(id));setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const id = await new Promise<string>((resolve) =>
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim())),
    );
    const namespace = pidNamespace(id);
    child.kill("SIGKILL");
    await eventually(() => processesIn(namespace).length === 0 && !existsSync(runFolder(id)));
    expect(mountsOf(id)).toEqual([]);
  });

  test("of a folder without a host in it, which is listed and can be stopped", async () => {
    mkdirSync(runFolder("00stale0"), { recursive: true });
    writeFileSync(join(runFolder("00stale0"), "keeper.json"), '{"pid":1,"startTime":"no"}');
    expect(listHosts()).toContainEqual({ id: "00stale0", state: "gone", record: undefined });
    await stopHost("00stale0");
    expect(existsSync(runFolder("00stale0"))).toBe(false);
  });
});

describe("generated keys", () => {
  test.each(["ed25519", "rsa"] as const)("of type %s are read by OpenSSH", async (type) => {
    const host = await shared();
    const pair = await generateSshKey(type);
    await host.exec(["sh", "-c", "umask 077; cat > /tmp/key"], { stdin: pair.private });
    const { stdout } = await host.exec(["ssh-keygen", "-y", "-f", "/tmp/key"]);
    await host.exec(["rm", "/tmp/key"]);
    expect(stdout.trim()).toBe(pair.public);
  });

  test("keep the leading zeros that one ed25519 key in 256 has", async () => {
    const pairs = await Promise.all(Array.from({ length: 4000 }, () => generateSshKey("ed25519")));
    const keys = pairs.map((pair) => Buffer.from(pair.public.split(" ")[1] ?? "", "base64"));
    // Type and key with their lengths: 4 + 11 + 4 + 32 bytes.
    expect(keys.filter((key) => key.length !== 51)).toEqual([]);
    expect(keys.some((key) => key[19] === 0)).toBe(true);
  });
});

describe("Debian packages", () => {
  test("are missing unless installed, and asked for in one go", () => {
    const missing = missingPackages(["dpkg", "no-such-package-a", "libc-bin", "no-such-package-b"]);
    expect(missing).toEqual(["no-such-package-a", "no-such-package-b"]);
  });

  test("are those that this machine has by now", () => {
    expect(missingPackages(hostPackages())).toEqual([]);
  });
});

describe("the command line", () => {
  const cli = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(root, "dist/testing/host/cli.js"), ...args], {
      encoding: "utf8",
    });

  test("starts a host that outlives it, runs programs on it, lists and stops it", () => {
    const started = cli("start", "--release", "4.7", "--latency-ms", "1");
    expect(started.stdout.split("\n")).toHaveLength(2);
    const host = JSON.parse(started.stdout) as Record<string, unknown>;
    expect(Object.keys(host).sort()).toEqual(
      [
        "id",
        "release",
        "host",
        "port",
        "user",
        "privateKeyPath",
        "hostKey",
        "knownHostsPath",
        "root",
      ].sort(),
    );
    const id = String(host["id"]);
    try {
      expect(String(host["hostKey"])).toMatch(/^ssh-ed25519 AAAA[\w+/]+=*$/);
      expect(readFileSync(join(String(host["root"]), "etc/passwd"), "utf8")).toContain("alice");
      const ran = cli("exec", id, "--", "sh", "-c", "echo out; echo err >&2; exit 9");
      expect(ran).toMatchObject({ status: 9, stdout: "out\n", stderr: "err\n" });
      expect(cli("reboot", id)).toMatchObject({ status: 0, stdout: "" });
      const upgraded = JSON.parse(cli("upgrade", id, "--release", "4.8").stdout) as object;
      expect(upgraded).toMatchObject({ id, release: "4.8", port: host["port"] });
      expect(cli("exec", id, "--", "uname", "-r").stdout).toBe("4.8\n");
      expect(cli("list").stdout).toContain(`"id":"${id}","state":"running","release":"4.8"`);
    } finally {
      expect(cli("stop", id)).toMatchObject({ status: 0, stdout: "" });
    }
    expect(cli("list").stdout).not.toContain(id);
    expect(cli("exec", id, "--", "true")).toMatchObject({ status: 1 });
  });

  test.each([
    [],
    ["nonsense"],
    ["start", "--release", "3.0"],
    ["exec", "x"],
    ["reboot"],
    ["upgrade"],
    ["stop"],
  ])("says how it is used when called with %j", (...args: string[]) => {
    const { status, stdout, stderr } = cli(...args);
    expect(status).toBe(64);
    expect(stdout).toBe("");
    expect(stderr).toContain("usage: host start");
  });
});
