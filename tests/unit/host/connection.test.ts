import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentCommand } from "../../../provider/host/agentClient";
import type { ConnectionArgs } from "../../../provider/arguments/connection";
import { connectionFaults } from "../../../provider/host/ssh/connectionFaults";
import { privateKeyOf } from "../../../provider/host/ssh/credentials";
import { dial } from "../../../provider/host/ssh/dial";
import { HostError } from "../../../provider/host/errors";
import { fingerprintOf } from "../../../provider/host/ssh/knownHosts";
import { isMachine } from "../../../provider/driver/machine";
import { HostPool } from "../../../provider/host/pool";
import { setStackConfig } from "../../../provider/host/stackConfig";
import { type LocalServer, startLocalServer } from "../../localServer";
import { Sandbox } from "./localAgent";
import {
  argsFor,
  rsaKey,
  type ServerOptions,
  startServer,
  testKey,
  type TestServer,
} from "./sshServer";

// Real clocks and real processes: a machine under load may be late once, and says so before it tries again.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

const key = testKey();
const other = testKey();
const idle = join(__dirname, "idleProcess.ts");
const servers: TestServer[] = [];
let folder: string;
const environment = { ...process.env };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "connection-"));
  // Nobody's own keys and agent are tried.
  process.env.HOME = folder;
  delete process.env.SSH_AUTH_SOCK;
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  rmSync(folder, { recursive: true });
  process.env.HOME = environment.HOME;
});

async function serve(options: ServerOptions = {}): Promise<TestServer> {
  const server = await startServer({ authorized: key.publicKey, ...options });
  servers.push(server);
  return server;
}

/** Dials and lets go again. */
async function reach(args: ConnectionArgs, totalMs?: number): Promise<string> {
  const transport = await dial(args, { totalMs });
  transport.close();
  if (typeof transport.fingerprint !== "string") throw new Error("the key is not known yet");
  return transport.fingerprint;
}

async function failure(promise: Promise<unknown>): Promise<HostError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!HostError.isInstance(error)) throw new Error(`no HostError but ${String(error)}`);
  expect(error.stack).toBe(error.message);
  expect(error.changed).toBe("no");
  return error;
}

/** A socket to a port of the loopback that bears errors. */
function socketTo(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  return socket;
}

const withKey = (server: TestServer, more: Partial<ConnectionArgs> = {}) =>
  argsFor(server, { privateKey: key.privateKey, ...more });

/** Without a host key of its own: a file of the folder tells. */
function byFile(server: TestServer, name: string): ConnectionArgs {
  const { host, port, privateKey } = { port: 22, ...withKey(server) };
  return {
    host,
    port,
    privateKey: privateKey ?? "",
    dialErrorLimit: 1,
    knownHostsPath: join(folder, name),
  };
}

const blobOf = (keyLine: string) => Buffer.from(keyLine.split(" ")[1] ?? "", "base64");

describe("the host key", () => {
  test("is told by its fingerprint when the login is through", async () => {
    const server = await serve();
    expect(await reach(withKey(server))).toBe(fingerprintOf(blobOf(server.keyLines[0] ?? "")));
  });

  test("that is unknown ends it before any login, and the error shows the way out", async () => {
    const server = await serve();
    const args = byFile(server, "none");
    const error = await failure(reach(args));
    expect(error.kind).toBe("hostKeyUnknown");
    expect(error.fingerprint).toBe(fingerprintOf(blobOf(server.keyLines[0] ?? "")));
    expect(error.message).toContain(`connection.hostKey to "${server.keyLines[0] ?? ""}"`);
    expect(error.message).toContain(`ssh-keyscan -p ${server.port} 127.0.0.1`);
    expect(server.attempts).toEqual([]);
    // The way out is one.
    expect(
      await reach({ ...args, hostKey: /"(ssh-ed25519 [^"]+)"/.exec(error.message)?.[1] ?? "" }),
    ).toBe(error.fingerprint);
  });

  test("that is another than the known one ends it before any login, and both are shown", async () => {
    const server = await serve();
    const known = other.publicKey.split(" ").slice(0, 2).join(" ");
    writeFileSync(join(folder, "known"), `[127.0.0.1]:${server.port} ${known}\n`);
    const args = byFile(server, "known");
    for (const wrong of [args, { ...args, hostKey: known }]) {
      const error = await failure(reach(wrong));
      expect(error.kind).toBe("hostKeyChanged");
      expect(error.message).toContain(fingerprintOf(blobOf(known)));
      expect(error.message).toContain(error.fingerprint);
    }
    expect(server.attempts).toEqual([]);
  });

  test("is looked up in known_hosts, and a known type is preferred", async () => {
    const [ed, rsa] = [testKey().privateKey, rsaKey()];
    const server = await serve({ hostKeys: [ed, rsa] });
    const rsaLine = server.keyLines[1] ?? "";
    writeFileSync(join(folder, "known"), `[127.0.0.1]:${server.port} ${rsaLine}\n`);
    const args = byFile(server, "known");
    expect(await reach(args)).toBe(fingerprintOf(blobOf(rsaLine)));
  });

  test("of which only the fingerprint is given is found among several", async () => {
    const server = await serve({ hostKeys: [testKey().privateKey, rsaKey()] });
    for (const keyLine of server.keyLines) {
      const fingerprint = fingerprintOf(blobOf(keyLine));
      expect(await reach(withKey(server, { hostKey: fingerprint }))).toBe(fingerprint);
    }
    const error = await failure(
      reach(withKey(server, { hostKey: fingerprintOf(Buffer.from("x")) })),
    );
    expect(error.kind).toBe("hostKeyChanged");
    for (const keyLine of server.keyLines)
      expect(error.message).toContain(fingerprintOf(blobOf(keyLine)));
  });
});

describe("credentials", () => {
  test("an inline key logs in, encrypted or not, with any line ends", async () => {
    const server = await serve();
    await reach(withKey(server));
    writeFileSync(join(folder, "id"), key.privateKey, { mode: 0o600 });
    spawnSync("ssh-keygen", ["-p", "-P", "", "-N", "good-secret", "-f", join(folder, "id")]);
    const encrypted = readFileSync(join(folder, "id"), "utf8");
    expect(encrypted).not.toBe(key.privateKey);
    await reach(argsFor(server, { privateKey: encrypted, privateKeyPassword: "good-secret" }));
    expect(connectionFaults({ host: "h", privateKey: encrypted })).toEqual([
      { path: "privateKey", reason: expect.stringContaining("no privateKeyPassword") as string },
    ]);
    await reach(withKey(server, { privateKey: key.privateKey.replaceAll("\n", "\r\n").trim() }));
  });

  test.each(["ed25519", "ec", "rsa"] as const)(
    "an %s key in PKCS#8 logs in, encrypted or not",
    async (type) => {
      const { privateKey } =
        type === "rsa"
          ? generateKeyPairSync("rsa", { modulusLength: 2048 })
          : type === "ec"
            ? generateKeyPairSync("ec", { namedCurve: "P-256" })
            : generateKeyPairSync("ed25519");
      const plain = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const encrypted = privateKey
        .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "good-secret" })
        .toString();
      const parsed = privateKeyOf(plain);
      if (typeof parsed === "string") throw new Error(parsed);
      const server = await serve({
        authorized: `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`,
      });
      await reach(argsFor(server, { privateKey: plain }));
      await reach(argsFor(server, { privateKey: encrypted, privateKeyPassword: "good-secret" }));
      expect(privateKeyOf(encrypted)).toContain("no privateKeyPassword");
      expect(privateKeyOf(encrypted, "wrong")).toEqual(expect.any(String));
    },
  );

  test("a key that is encrypted with chacha20 is told what to do with it", () => {
    const path = join(folder, "id");
    const cipher = ["-Z", "chacha20-poly1305@openssh.com"];
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "good-secret", ...cipher, "-f", path]);
    expect(privateKeyOf(readFileSync(path, "utf8"), "good-secret")).toContain("ssh-keygen -p -Z");
  });

  test.each(["id_ecdsa", "id_rsa"])("the default file %s is tried", async (name) => {
    const made = testKey("", name === "id_rsa" ? "rsa" : "ecdsa");
    mkdirSync(join(folder, ".ssh"));
    writeFileSync(join(folder, ".ssh", name), made.privateKey, { mode: 0o600 });
    await reach(argsFor(await serve({ authorized: made.publicKey })));
  });

  test("a key and a password are found by the names of configuration values, which alone are told", async () => {
    const config: Record<string, string> = { mailKey: key.privateKey, "mail:password": "sesame" };
    setStackConfig({ get: (name) => config[name] });
    try {
      const server = await serve({ password: "sesame" });
      await reach(argsFor(server, { privateKeyConfig: "mailKey" }));
      expect(new Set(server.attempts)).toEqual(new Set(["publickey"]));
      await reach(argsFor(server, { passwordConfig: "mail:password", agentSocketPath: "/none" }));
      expect(server.attempts.at(-1)).toBe("password");
      config["mailKey"] = other.privateKey;
      const refused = await failure(reach(argsFor(server, { privateKeyConfig: "mailKey" })));
      expect(refused.message).toContain("the key in the configuration value mailKey");
      delete config["mailKey"];
      const missing = await failure(reach(argsFor(server, { privateKeyConfig: "mailKey" })));
      expect(missing.message).toContain("pulumi config set --secret mailKey");
      for (const { message } of [refused, missing]) expect(message).not.toMatch(/sesame|BEGIN/);
    } finally {
      setStackConfig(undefined);
    }
  });

  test("a key that is refused is one try, and no password is made up", async () => {
    const server = await serve({ password: "" });
    const error = await failure(reach(argsFor(server, { privateKey: other.privateKey })));
    expect(error.kind).toBe("authRefused");
    expect(error.message).toContain("tried the key in privateKey");
    expect(server.connections.count).toBe(1);
    expect(server.attempts).toEqual(["publickey"]);
  });

  test("a password is used only when it is given, and never shown", async () => {
    const server = await serve({ password: "good-secret" });
    await reach(argsFor(server, { password: "good-secret" }));
    const error = await failure(reach(argsFor(server, { password: "canary-secret" })));
    expect(error.kind).toBe("authRefused");
    expect(`${JSON.stringify(error.details)} ${error.message}`).not.toContain("canary");
  });

  test("a server that asks for the password gets it", async () => {
    const server = await serve({ password: "good-secret", interactive: true });
    await reach(argsFor(server, { password: "good-secret" }));
    expect(server.attempts).toContain("keyboard-interactive");
  });

  test("without any, the error tells where they were looked for", async () => {
    const server = await serve();
    const error = await failure(reach(argsFor(server)));
    expect(error.kind).toBe("authRefused");
    expect(error.message).toContain("there was nothing to try");
    expect(error.message).toContain("$SSH_AUTH_SOCK: not set");
    expect(error.message).toContain("~/.ssh/id_ed25519: there is no such file");
  });

  test("a key file is read when it is used", async () => {
    const server = await serve();
    const path = join(folder, "id");
    const args = argsFor(server, { privateKeyPath: path });
    expect((await failure(reach(args))).message).toContain(
      `the key file ${path}: there is no such file`,
    );
    writeFileSync(path, key.privateKey);
    await reach(args);
    await reach({ ...args, privateKeyPath: "~/id" });
  });

  describe("in an agent", () => {
    let agent: ChildProcess;
    const socket = () => join(folder, "agent");
    beforeEach(async () => {
      writeFileSync(join(folder, "id"), key.privateKey, { mode: 0o600 });
      agent = spawn("ssh-agent", ["-D", "-a", socket()], { stdio: ["ignore", "pipe", "ignore"] });
      await new Promise((resolve) => agent.stdout?.once("data", resolve));
      const add = spawn("ssh-add", [join(folder, "id")], {
        env: { ...process.env, SSH_AUTH_SOCK: socket() },
        stdio: "ignore",
      });
      expect(await new Promise((resolve) => add.once("close", resolve))).toBe(0);
    });
    afterEach(() => agent.kill());

    test("are found by $SSH_AUTH_SOCK and by agentSocketPath", async () => {
      const server = await serve();
      await reach(argsFor(server, { agentSocketPath: socket() }));
      process.env.SSH_AUTH_SOCK = socket();
      await reach(argsFor(server));
    });

    test("are left alone when a key is given", async () => {
      process.env.SSH_AUTH_SOCK = socket();
      const server = await serve();
      const error = await failure(reach(argsFor(server, { privateKey: other.privateKey })));
      expect(error.message).not.toContain("agent of");
    });
  });

  test("an agent that is not there is told, and does not stop the search", async () => {
    const server = await serve({ password: "good-secret" });
    const args = argsFor(server, {
      agentSocketPath: join(folder, "none"),
      password: "good-secret",
    });
    await reach(args);
    const error = await failure(reach({ ...args, password: "wrong" }));
    expect(error.message).toContain("the SSH agent of agentSocketPath: ");
  });
});

describe("dialing", () => {
  test("what is refused is tried again, within the limit, and then unreachable", async () => {
    const server = await serve();
    await server.close();
    servers.pop();
    const started = Date.now();
    const error = await failure(reach(withKey(server, { dialErrorLimit: 3 })));
    expect(error).toMatchObject({ kind: "unreachable", retriable: true });
    expect(error.message).toContain("the connection was refused (ECONNREFUSED) (tried 3 times in");
    // Pauses of 200 and 400 ms.
    expect(Date.now() - started).toBeGreaterThan(590);
  });

  test("an unlimited number of attempts is bounded by the total time", async () => {
    const server = await serve();
    await server.close();
    servers.pop();
    const started = Date.now();
    const error = await failure(reach(withKey(server, { dialErrorLimit: -1 }), 1000));
    expect(error.kind).toBe("unreachable");
    expect(Date.now() - started).toBeLessThan(1500);
  });

  test("a caller who wants one attempt gets one", async () => {
    const server = await serve();
    await server.close();
    servers.pop();
    const error = await failure(dial(withKey(server, { dialErrorLimit: 10 }), { tries: 1 }));
    expect(error.message).not.toContain("tried");
  });

  test("a host that comes up meanwhile is reached", async () => {
    const server = await serve();
    const { port } = server;
    let refusals = 2;
    const late = await startLocalServer((socket) => {
      if (refusals-- > 0) socket.resetAndDestroy();
      else socket.pipe(socketTo(port)).pipe(socket);
    });
    await reach(withKey(server, { port: late.port, dialErrorLimit: 5 }));
    await late.close();
  });

  test("a name that does not exist is not tried again", async () => {
    const started = Date.now();
    const error = await failure(dial({ host: "no-such-host.invalid" }, { totalMs: 2_000 }));
    expect(error).toMatchObject({ kind: "unreachable", retriable: true });
    // Without a resolver the name is not known to be wrong, and it is tried again.
    if (error.message.includes("ENOTFOUND")) expect(error.message).not.toContain("tried");
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  describe("a server that is none", () => {
    let server: LocalServer;
    let answer: (socket: Socket) => void = () => {};
    beforeEach(async () => {
      server = await startLocalServer((socket) => answer(socket));
    });
    afterEach(() => server.close());
    const args = () => ({
      host: "127.0.0.1",
      port: server.port,
      privateKey: key.privateKey,
      dialErrorLimit: 1,
    });

    test("and says nothing is given up after the time for one attempt", async () => {
      answer = () => undefined;
      const started = Date.now();
      const error = await failure(reach({ ...args(), perDialTimeout: 0.5 }));
      expect(error.kind).toBe("unreachable");
      expect(Date.now() - started).toBeLessThan(2_000);
    });

    test.each<[string, (socket: Socket) => void]>([
      ["and closes at once", (socket) => socket.end()],
      ["and resets at once", (socket) => socket.resetAndDestroy()],
      ["and cuts after its banner", (socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n")],
      [
        "and resets after its banner",
        (socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n", () => socket.resetAndDestroy()),
      ],
    ])("%s is unreachable", async (_what, how) => {
      answer = how;
      expect((await failure(reach(args()))).kind).toBe("unreachable");
    });

    test("and speaks something else is told so, once", async () => {
      let count = 0;
      answer = (socket) => {
        count++;
        socket.write(`HTTP/1.1 400 Bad Request\r\n\r\n${"x".repeat(20_000)}\r\n`);
      };
      const error = await failure(reach({ ...args(), dialErrorLimit: 5, perDialTimeout: 2 }));
      expect(error.kind).toBe("protocol");
      expect(count).toBe(1);
    });
  });

  test("a server without a common algorithm is told with both lists, and not tried again", async () => {
    const server = await serve({ kex: ["diffie-hellman-group1-sha1"] });
    const error = await failure(reach(withKey(server, { dialErrorLimit: 5 })));
    expect(error.kind).toBe("protocol");
    expect(error.message).toContain("curve25519-sha256");
    expect(error.message).toContain("diffie-hellman-group1-sha1");
    expect(server.connections.count).toBe(1);
  });

  // What the sshd of OpenBSD 4.7 has (OpenSSH 5.4), as far as ssh2 can play it.
  test.each<[string, ServerOptions]>([
    ["a key exchange", { kex: ["diffie-hellman-group14-sha1"] }],
    ["a signature", { hostKeys: [rsaKey()], serverHostKey: ["ssh-rsa"] }],
    ["an authentication of messages", { macs: ["hmac-sha1"], ciphers: ["aes128-ctr"] }],
  ])(
    "%s with SHA-1 is used only where it is asked for, and the error says how",
    async (_what, options) => {
      const server = await serve(options);
      const error = await failure(reach(withKey(server, { dialErrorLimit: 5 })));
      expect(error.kind).toBe("protocol");
      expect(error.message).toContain("connection.legacyAlgorithms");
      expect(server.connections.count).toBe(1);
      await reach(withKey(server, { legacyAlgorithms: true }));
    },
  );

  test("a login that is not answered ends at its deadline", async () => {
    const server = await serve({ silentLogin: true });
    const started = Date.now();
    const error = await failure(reach(withKey(server, { perDialTimeout: 1 })));
    expect(error.kind).toBe("unreachable");
    expect(Date.now() - started).toBeLessThan(3_000);
  });

  test("a cut during the login is not taken for a refusal, and nothing weaker is tried", async () => {
    const server = await serve({ cutAtLogin: true });
    const error = await failure(reach(withKey(server, { password: "good-secret" })));
    expect(error.kind).toBe("unreachable");
    expect(server.attempts).toEqual(["publickey"]);
  });
});

describe("a host in between", () => {
  test("is gone through, and both keys are verified", async () => {
    const [proxy, server] = [await serve(), await serve()];
    const between = withKey(proxy);
    const fingerprint = await reach(withKey(server, { proxy: between }));
    expect(fingerprint).toBe(fingerprintOf(blobOf(server.keyLines[0] ?? "")));
    const wrongProxy = await failure(
      reach(withKey(server, { proxy: { ...between, hostKey: server.keyLines[0] ?? "" } })),
    );
    expect(wrongProxy).toMatchObject({
      kind: "hostKeyChanged",
      host: `root@127.0.0.1:${proxy.port}`,
    });
    const wrongHost = await failure(
      reach(withKey(server, { proxy: between, hostKey: proxy.keyLines[0] ?? "" })),
    );
    expect(wrongHost).toMatchObject({
      kind: "hostKeyChanged",
      host: `root@127.0.0.1:${server.port}`,
    });
  });
});

test("a chain of hosts is gone through in turn, however long", async () => {
  const chain = [await serve(), await serve(), await serve(), await serve()];
  const [server, ...between] = chain;
  if (server === undefined) throw new Error("no server");
  const proxy = between.reduceRight<ConnectionArgs["proxy"]>(
    (behind, one) => withKey(one, behind === undefined ? {} : { proxy: behind }),
    undefined,
  );
  if (proxy === undefined) throw new Error("no proxy");
  expect(await reach(withKey(server, { proxy }))).toBe(
    fingerprintOf(blobOf(server.keyLines[0] ?? "")),
  );
  expect(chain.map(({ connections }) => connections.count)).toEqual([1, 1, 1, 1]);
});

describe("the agent over SSH", () => {
  let box: Sandbox;
  const pools: HostPool[] = [];
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(async () => {
    for (const pool of pools.splice(0)) pool.close();
    await box.clean();
  });
  const poolFor = (more: ConstructorParameters<typeof HostPool>[0] = {}) => {
    const pool = new HostPool({ ...more, agent: { record: box.record, ...more.agent } });
    pools.push(pool);
    return pool;
  };

  test("many first uses at once share one connection, and their reads one round trip", async () => {
    const server = await serve();
    const pool = poolFor();
    const hosts = await Promise.all(
      Array.from({ length: 20 }, () => pool.connect(withKey(server))),
    );
    await Promise.all(hosts.map((host) => host.read({ list: { fact: "list", path: box.path } })));
    expect(server.connections.count).toBe(1);
    expect(pool.counters).toEqual({ connections: 1, requests: 20, roundTrips: 1 });
    expect(server.commands).toEqual([agentCommand]);
  });

  test("a connection that broke is made anew when it is next used, also while the host object is kept", async () => {
    const server = await serve();
    const pool = poolFor();
    const host = await pool.connect(withKey(server));
    const reading = host.change("slow", (writer) => {
      setTimeout(() => server.cut(), 100);
      return writer.run({ argv: ["sleep", "5"] });
    });
    const lost = expect(reading).rejects.toMatchObject({ kind: "lost", changed: "unknown" });
    await lost;
    expect(await host.read({ list: { fact: "list", path: box.path } })).toEqual({ list: [] });
    expect(await pool.connect(withKey(server))).toBe(host);
    expect(pool.counters.connections).toBe(2);
  });

  test("a write section whose connection broke before its work began is begun anew, and its work is done once", async () => {
    const server = await serve();
    const pool = poolFor();
    const host = await pool.connect(withKey(server));
    const work = jest.fn((_host: unknown, seen: unknown) => Promise.resolve(seen));
    server.cut();
    const facts = { list: { fact: "list", path: box.path } } as const;
    const changing = host.lookAndChange("after a break", (reader) => reader.read(facts), work);
    expect(await changing).toEqual({ list: ["record"] });
    expect(work).toHaveBeenCalledTimes(1);
    expect(pool.counters.connections).toBe(2);
  });

  test("a first connection that fails is not remembered", async () => {
    const server = await serve({ refuseChannels: 100 });
    const pool = poolFor({ agent: { helloTimeoutMs: 500 } });
    const wrong = argsFor(server, { privateKey: other.privateKey });
    await expect(pool.connect(wrong)).rejects.toMatchObject({ kind: "authRefused" });
    await expect(pool.connect(wrong)).rejects.toMatchObject({ kind: "authRefused" });
    expect(server.connections.count).toBe(2);
  });

  test("a line that is silent counts as lost within its time", async () => {
    const server = await serve();
    const pool = poolFor({ agent: { pingMs: 100, pingTimes: 3 } });
    const host = await pool.connect(withKey(server));
    server.freeze();
    const started = Date.now();
    const error = await failure(host.read({ list: { fact: "list", path: "/" } }));
    expect(error).toMatchObject({ kind: "lost", changed: "no", retriable: true });
    expect(Date.now() - started).toBeLessThan(3_000);
  });

  test("an idle connection is closed, and the agent goes with it", async () => {
    const server = await serve();
    const pool = poolFor({ idleMs: 50 });
    await pool.connect(withKey(server));
    expect(server.children.size).toBe(1);
    while (server.children.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(pool.knownMachine([fingerprintOf(blobOf(server.keyLines[0] ?? ""))])).toBeUndefined();
  });

  test("a machine is known by its key while there is a connection", async () => {
    const server = await serve();
    const pool = poolFor();
    const host = await pool.connect(withKey(server));
    expect(pool.knownMachine(["SHA256:other", host.fingerprint])).toBe(host);
    expect(pool.knownMachine(["SHA256:other"])).toBeUndefined();
  });

  describe("a host with two keys", () => {
    const twoKeys = async (): Promise<[TestServer, string[]]> => {
      const server = await serve({ hostKeys: [testKey().privateKey, rsaKey()] });
      const all = server.keyLines.map((keyLine) => fingerprintOf(blobOf(keyLine)));
      return [server, all.sort()];
    };
    /** Its folder of keys, with these lines in it. */
    const folderOf = (...keyLines: readonly string[]): string => {
      const sshFolder = mkdtempSync(join(folder, "ssh-"));
      const [first, ...others] = keyLines;
      writeFileSync(join(sshFolder, "ssh_host_any_key.pub"), `${first ?? ""} root@mx1\n`);
      others.forEach((line, at) => writeFileSync(join(sshFolder, `own${at}.pub`), `${line}\n`));
      const named = others.map((_, at) => `HostKey ${join(sshFolder, `own${at}`)}\n`);
      writeFileSync(join(sshFolder, "sshd_config"), `# HostKey /none\n${named.join("")}`);
      return sshFolder;
    };

    test("is the same one whichever it shows, also when it shows the other one later", async () => {
      const [server, all] = await twoKeys();
      const pool = poolFor({ agent: { sshFolder: folderOf(...server.keyLines) } });
      const known = join(folder, "known");
      const name = `[127.0.0.1]:${server.port}`;
      const [first = "", second = ""] = server.keyLines;
      writeFileSync(known, `${name} ${first}\n`);
      const host = await pool.connect(byFile(server, "known"));
      expect(host.fingerprint).toBe(fingerprintOf(blobOf(first)));
      expect(host.fingerprints).toEqual(all);
      writeFileSync(known, `${name} ${second}\n`);
      server.cut();
      while (pool.knownMachine(all) !== undefined) await new Promise((go) => setTimeout(go, 5));
      await host.read({ list: { fact: "list", path: box.path } });
      expect(host.fingerprint).toBe(fingerprintOf(blobOf(second)));
      expect(isMachine(host, fingerprintOf(blobOf(first)))).toBe(true);
    });

    test("is known by the one that it shows alone, where its files have other keys", async () => {
      const [server] = await twoKeys();
      const pool = poolFor({ agent: { sshFolder: folderOf(other.publicKey) } });
      const host = await pool.connect(withKey(server));
      expect(host.fingerprints).toEqual([fingerprintOf(blobOf(server.keyLines[0] ?? ""))]);
      expect(isMachine(host, fingerprintOf(blobOf(other.publicKey)))).toBe(false);
    });
  });

  test("a refused channel is asked for again on the same connection", async () => {
    const server = await serve({ refuseChannels: 2 });
    const pool = poolFor();
    await pool.connect(withKey(server));
    expect(server.connections.count).toBe(1);
  });

  test("channels that are always refused are an error that says why", async () => {
    const server = await serve({ refuseChannels: 100 });
    const error = await failure(poolFor().connect(withKey(server)));
    expect(error.kind).toBe("protocol");
    expect(error.message).toContain("MaxSessions");
  });

  test("a cut while the agent is asked for is a lost connection, not a server that refuses", async () => {
    const server = await serve({ silentChannel: true });
    const connecting = failure(poolFor().connect(withKey(server)));
    while (server.sessions.count === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    server.cut();
    expect(await connecting).toMatchObject({ kind: "lost", retriable: true });
  });

  test("a profile that greets does not get in the way", async () => {
    const server = await serve({ noise: "Last login: never\r\n\u001b[1mWelcome!\u001b[0m\n" });
    const host = await poolFor().connect(withKey(server));
    expect(host.system.uid).toBe(process.getuid?.());
  });

  test.each<[string, readonly string[], string, string]>([
    [
      "doas that refuses",
      ["sh", "-c", "cat >/dev/null & echo 'doas: Operation not permitted' >&2; exit 1"],
      "notPrivileged",
      "doas: Operation not permitted",
    ],
    [
      "no doas",
      ["sh", "-c", "echo 'doas: not found' >&2; exit 127"],
      "notPrivileged",
      "no doas on the host",
    ],
    [
      "no Perl",
      ["sh", "-c", "echo 'sh: perl: not found' >&2; exit 127"],
      "protocol",
      "Install Perl",
    ],
    [
      "a shell that lets nobody in",
      ["sh", "-c", "echo 'This account is not available.'; exit 1"],
      "protocol",
      "This account is not available.",
    ],
    ["endless chatter", ["yes"], "protocol", "it is not the agent's greeting"],
    ["silence", ["sleep", "60"], "deadline", "no reply came within"],
  ])(
    "%s is an error that says so",
    async (_what, program, kind, text) => {
      const server = await serve({ program });
      const pool = poolFor({ agent: { helloTimeoutMs: 1_500 } });
      const error = await failure(pool.connect(withKey(server, { user: "admin" })));
      for (const child of server.children) child.kill();
      expect(error.kind).toBe(kind);
      expect(error.message).toContain(text);
      expect(error.message).toContain("admin@127.0.0.1");
      // A host that is silent is given the time that the agent's text may take on a slow line.
    },
    60_000,
  );

  test("an idle connection does not keep a process from ending", async () => {
    const server = await serve();
    const args = JSON.stringify([withKey(server), box.record]);
    const child = spawn(process.execPath, ["-r", "ts-node/register/transpile-only", idle, args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk) => (said += String(chunk)));
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    // The connection was still there when the program came to its end.
    expect(said).toBe("connected, 30 s of idleness to go\n");
  });
});

describe("validation", () => {
  const CONFIG: Readonly<Record<string, string>> = {
    "mail:key": key.privateKey,
    encrypted: testKey("good-secret").privateKey,
    passphrase: "good-secret",
    password: "open sesame",
  };
  const pathsOf = (connection: unknown) => connectionFaults(connection).map(({ path }) => path);

  test.each<[string, unknown, string[]]>([
    ["only a host", { host: "mx1.example.org" }, []],
    ["an IPv6 address", { host: "fe80::1%em0" }, []],
    [
      "all there is",
      { host: "h", port: 22, user: "_admin", dialErrorLimit: -1, perDialTimeout: 0 },
      [],
    ],
    ["nothing", undefined, [""]],
    ["no host", {}, ["host"]],
    ["a host that is an option", { host: "-oProxyCommand=x" }, ["host"]],
    ["a host with a command", { host: "a;b" }, ["host"]],
    ["a host with a line end", { host: "a\r\nb" }, ["host"]],
    [
      "wrong numbers",
      { host: "h", port: 0, dialErrorLimit: 1.5, perDialTimeout: -1 },
      ["port", "dialErrorLimit", "perDialTimeout"],
    ],
    ["a user with a command", { host: "h", user: "root; x" }, ["user"]],
    [
      "keys that are none",
      { host: "h", hostKey: "x", privateKey: "canary" },
      ["hostKey", "privateKey"],
    ],
    ["a configuration value that is there", { host: "h", privateKeyConfig: "mail:key" }, []],
    ["one that is not", { host: "h", passwordConfig: "none" }, ["passwordConfig"]],
    ["one that is no key", { host: "h", privateKeyConfig: "password" }, ["privateKeyConfig"]],
    ["a value for a name", { host: "h", passwordConfig: "open sesame" }, ["passwordConfig"]],
    [
      "both ways to give one",
      { host: "h", password: "x", passwordConfig: "password" },
      ["passwordConfig"],
    ],
    [
      "a key whose passphrase is configured",
      {
        host: "h",
        privateKeyConfig: "encrypted",
        privateKeyPasswordConfig: "passphrase",
      },
      [],
    ],
    [
      "a key without its passphrase",
      { host: "h", privateKeyConfig: "encrypted" },
      ["privateKeyConfig"],
    ],
    ["a public key for a private one", { host: "h", privateKey: key.publicKey }, ["privateKey"]],
    ["a proxy without a host", { host: "h", proxy: {} }, ["proxy.host"]],
    ["a chain of proxies", { host: "h", proxy: { host: "p", proxy: { host: "q" } } }, []],
    [
      "a fault far behind in a chain",
      { host: "h", proxy: { host: "p", proxy: { host: "q", proxy: { host: "r", hostKey: "x" } } } },
      ["proxy.proxy.proxy.hostKey"],
    ],
    ["a transport that there is not", { host: "h", transport: "rsh" }, ["transport"]],
    [
      "what only the host itself has",
      { host: "h", proxy: { host: "p", transport: "ssh2" } },
      ["proxy.transport"],
    ],
    ["a keepalive that is none", { host: "h", keepaliveInterval: 0 }, ["keepaliveInterval"]],
  ])("%s", (_what, connection, paths) => {
    setStackConfig({ get: (name) => CONFIG[name] });
    expect(pathsOf(connection)).toEqual(paths);
    setStackConfig(undefined);
  });

  test.each([
    [{ host: "h", prot: 22 }, "prot", "is no part of a connection: did you mean port?"],
    [{ host: "h", proxy: { host: "p", uesr: "a" } }, "proxy.uesr", "did you mean user?"],
    [{ host: "h", colour: "canary" }, "colour", "is no part of a connection: host, port, user, "],
  ])("names that are none are refused: %j", (connection, path, reason) => {
    const faults = connectionFaults(connection);
    expect(faults).toEqual([{ path, reason: expect.stringContaining(reason) as string }]);
    expect(JSON.stringify(faults)).not.toContain("canary");
  });

  test("never repeats a secret", () => {
    const faults = connectionFaults({ host: "h", privateKey: "canary", password: 5 });
    expect(JSON.stringify(faults)).not.toContain("canary");
  });
});
