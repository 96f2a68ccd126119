/** The user's own ssh(1): when it makes the connection, what it is told, and what becomes of what it says. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionArgs } from "../../../provider/arguments/connection";
import { HostError } from "../../../provider/host/errors";
import type { Host } from "../../../provider/host/host";
import { fingerprintOf, publicKeyIn } from "../../../provider/host/ssh/knownHosts";
import { HostPool } from "../../../provider/host/pool";
import { startLocalServer } from "../../localServer";
import { Sandbox } from "./localAgent";
import { argsFor, type ServerOptions, startServer, testKey, type TestServer } from "./sshServer";

const key = testKey();
const other = testKey();
const servers: TestServer[] = [];
const pools: HostPool[] = [];
const environment = { ...process.env };
let folder: string;
let box: Sandbox;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "openssh-"));
  mkdirSync(join(folder, ".ssh"), { mode: 0o700 });
  box = new Sandbox();
  process.env.HOME = folder;
  delete process.env.SSH_AUTH_SOCK;
});
afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close();
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await box.clean();
  rmSync(folder, { recursive: true });
  Object.assign(process.env, environment);
});

async function serve(options: ServerOptions = {}): Promise<TestServer> {
  const server = await startServer({ authorized: key.publicKey, ...options });
  servers.push(server);
  return server;
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

async function connected(args: ConnectionArgs, sshFolder = join(folder, "none")): Promise<Host> {
  const pool = new HostPool({ agent: { record: box.record, sshFolder } });
  pools.push(pool);
  const host = await pool.connect(args);
  expect(await host.read({ list: { fact: "list", path: box.path } })).toEqual({ list: [] });
  return host;
}

async function failure(promise: Promise<unknown>): Promise<HostError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!HostError.isInstance(error)) throw new Error(`no HostError but ${String(error)}`);
  expect(error.changed).toBe("no");
  return error;
}

const keyOf = (server: TestServer, at = 0): string => server.keyLines[at] ?? "";
const fingerprint = (keyLine: string): string => {
  const found = publicKeyIn(keyLine);
  if (found === undefined) throw new Error("no key");
  return fingerprintOf(found.blob);
};
const known = (...all: readonly TestServer[]): string =>
  file("known", all.map((one) => `[127.0.0.1]:${one.port} ${keyOf(one)}\n`).join(""));

/** Arguments that reach a server through ssh(1). */
const through = (server: TestServer, more: Partial<ConnectionArgs> = {}): ConnectionArgs =>
  argsFor(server, { privateKey: key.privateKey, transport: "openssh", ...more });

describe("the configuration of ssh(1)", () => {
  const config = (...blocks: readonly string[]): void =>
    void file(".ssh/config", blocks.join("\n"));

  test("gives name, port, user, key and known hosts to ssh2 as well, by alias, by pattern and by Include", async () => {
    const server = await serve();
    // A relative name is one in the ~/.ssh of the password database: the test's home is another.
    config(
      `Include ${file("more", `Host mx1\n  HostName 127.0.0.1\n  Port ${server.port}\n`)}`,
      "Host mx?",
      "  User admin",
      `  IdentityFile ${file("id", key.privateKey)}`,
      `  UserKnownHostsFile ${file("known", `mail ${keyOf(server)}\n`)}`,
      "  HostKeyAlias mail",
    );
    const host = await connected({ host: "mx1", dialErrorLimit: 1 });
    expect(host.address).toBe(`admin@127.0.0.1:${server.port}`);
    expect(host.fingerprint).toBe(fingerprint(keyOf(server)));
    expect(server.clients).toEqual([expect.stringContaining("ssh2")]);
  });

  test("stands behind what the connection itself says", async () => {
    const [server, wrong] = [await serve(), await serve({ authorized: other.publicKey })];
    config(
      "Host 127.0.0.1",
      `  Port ${wrong.port}`,
      "  User nobody",
      `  IdentityFile ${file("other", other.privateKey)}`,
      `  UserKnownHostsFile ${known(wrong)}`,
    );
    for (const transport of ["ssh2", "openssh"] as const) {
      const host = await connected(through(server, { user: "admin", transport }));
      expect(host.address).toBe(`admin@127.0.0.1:${server.port}`);
    }
    expect(wrong.connections.count).toBe(0);
  });

  test("leads through any number of jump hosts, each of which is verified", async () => {
    const [server, first, second, third] = [
      await serve(),
      await serve(),
      await serve(),
      await serve(),
    ];
    const jump = (name: string, one: TestServer): string =>
      `Host ${name}\n  HostName 127.0.0.1\n  Port ${one.port}\n`;
    config(
      jump("mx1", server),
      "  ProxyJump one,two,three",
      jump("one", first),
      jump("two", second),
      jump("three", third),
      "Host *",
      `  IdentityFile ${file("id", key.privateKey)}`,
      `  UserKnownHostsFile ${known(server, first, second, third)}`,
    );
    const args = { host: "mx1", dialErrorLimit: 1 };
    const host = await connected(args);
    expect(host.fingerprint).toBe(fingerprint(keyOf(server)));
    const all = [server, first, second, third];
    expect(all.map(({ connections }) => connections.count)).toEqual([1, 1, 1, 1]);
    expect(all.flatMap(({ clients }) => clients).join(" ")).not.toContain("ssh2");
    known(server, first, third);
    const error = await failure(connected(args));
    expect(error.kind).toBe("hostKeyUnknown");
    expect(second.attempts.length).toBeGreaterThan(0);
    // Not one that can be left out: ssh2 would go to another host.
    const refused = await failure(connected({ ...args, transport: "ssh2" }));
    expect(refused.message).toContain("knows nothing of proxyjump");
  });

  test("that ssh(1) cannot read is an error with its words", async () => {
    config("Host *", "  NoSuchOption yes");
    const error = await failure(connected({ host: "mx1", dialErrorLimit: 1 }));
    expect(error.kind).toBe("protocol");
    expect(error.message).toContain("nosuchoption");
    expect(error.message).toContain("ssh -G mx1");
  });

  test("shares a connection that is there, and is told by known_hosts which of the host's keys it has", async () => {
    const server = await serve();
    const controlPath = join(folder, "master");
    config(
      "Host mx1",
      "  HostName 127.0.0.1",
      `  Port ${server.port}`,
      `  IdentityFile ${file("id", key.privateKey)}`,
      `  UserKnownHostsFile ${known(server)}`,
      `  ControlPath ${controlPath}`,
    );
    const words = ["-F", join(folder, ".ssh/config"), "-M", "-N", "-l", "root", "mx1"];
    const master = spawn("ssh", words, { stdio: "ignore" });
    try {
      while (!existsSync(controlPath)) await new Promise((resolve) => setTimeout(resolve, 10));
      const args = { host: "mx1", dialErrorLimit: 1 };
      const sshFolder = mkdtempSync(join(folder, "keys-"));
      writeFileSync(join(sshFolder, "ssh_host_a_key.pub"), `${other.publicKey}\n`);
      expect((await failure(connected(args, sshFolder))).kind).toBe("hostKeyUnknown");
      writeFileSync(join(sshFolder, "ssh_host_b_key.pub"), `${keyOf(server)}\n`);
      const host = await connected(args, sshFolder);
      expect(host.fingerprint).toBe(fingerprint(keyOf(server)));
      expect(server.connections.count).toBe(1);
      // A key that the connection itself names is verified by a connection of its own.
      await connected({ ...args, hostKey: keyOf(server) }, sshFolder);
      expect(server.connections.count).toBe(2);
    } finally {
      master.kill();
    }
  });
});

describe("what ssh2 cannot use", () => {
  test("a certificate, a token's key and a certificate authority make ssh(1) the transport", async () => {
    const server = await serve();
    const id = file("id", key.privateKey);
    const args = { ...argsFor(server, { privateKeyPath: id }), knownHostsPath: known(server) };
    const { hostKey: _none, ...byFile } = args;
    const authority = join(folder, "authority");
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", authority]);
    await connected(byFile);
    writeFileSync(join(folder, "known"), `@cert-authority * ${other.publicKey}\n`, { flag: "a" });
    await connected(byFile);
    await connected(args);
    file("id.pub", key.publicKey);
    spawnSync("ssh-keygen", ["-q", "-s", authority, "-I", "me", "-n", "root", `${id}.pub`]);
    expect(existsSync(`${id}-cert.pub`)).toBe(true);
    await connected(args);
    const isSsh2 = server.clients.map((client) => client.includes("ssh2"));
    expect(isSsh2).toEqual([true, false, true, false]);
  });

  test("an agent that holds nothing else is described as such where ssh(1) is not wanted", async () => {
    const server = await serve();
    const socket = join(folder, "agent");
    // Answers every question with one key of a token and one certificate.
    const string = (text: string): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      return Buffer.concat([length, Buffer.from(text)]);
    };
    const field = (bytes: Buffer): Buffer => string(bytes.toString("latin1"));
    const keys = ["sk-ssh-ed25519@openssh.com", "ssh-ed25519-cert-v01@openssh.com"];
    const listed = keys.flatMap((type) => [field(string(type)), string("mine")]);
    const answer = Buffer.concat([Buffer.from([12, 0, 0, 0, 2]), ...listed]);
    const agent = await startLocalServer(
      (asked) => asked.on("data", () => asked.write(field(answer))),
      socket,
    );
    try {
      const args = argsFor(server, { agentSocketPath: socket, transport: "ssh2" });
      const error = await failure(connected(args));
      expect(error.message).toContain("keys of security tokens and certificates");
      // By itself it is ssh(1)'s.
      const { transport: _none, ...byItself } = args;
      await failure(connected(byItself));
      expect(server.clients.at(-1)).toContain("OpenSSH");
    } finally {
      await agent.close();
    }
  });
});

test.each(["ssh2", "openssh"] as const)(
  "with %s, a first use is trusted only where it is asked for, every time with a warning, and a changed key never",
  async (transport) => {
    const server = await serve();
    const { hostKey: _none, ...args } = through(server, { transport });
    const knownHostsPath = join(folder, "known");
    const careful = { ...args, knownHostsPath };
    const careless = { ...careful, trustUnknownHostKeyOnFirstUse: true };
    expect((await failure(connected(careful))).kind).toBe("hostKeyUnknown");
    const first = await connected(careless);
    expect(first.warnings).toEqual([expect.stringContaining(fingerprint(keyOf(server)))]);
    expect(first.warnings[0]).toContain("nobody has verified");
    const second = await connected({ ...careless, keepaliveInterval: 5 });
    expect(second.warnings).toEqual([expect.stringContaining(fingerprint(keyOf(server)))]);
    expect(second.warnings[0]).toContain("take the option out");
    // The key is known now, also without the option.
    expect((await connected(careful)).warnings).toEqual([]);
    const name = `[127.0.0.1]:${server.port}`;
    file("known", `${name} ${other.publicKey.split(" ").slice(0, 2).join(" ")}\n`);
    const tries = server.attempts.length;
    expect((await failure(connected(careless))).kind).toBe("hostKeyChanged");
    const pinned = { ...careless, hostKey: fingerprint(other.publicKey) };
    expect((await failure(connected(pinned))).kind).toMatch(/^hostKey/);
    expect(server.attempts).toHaveLength(tries);
  },
);

describe("ssh(1) as the transport", () => {
  test.each(["ed25519", "ecdsa", "rsa"] as const)(
    "logs in with an inline %s key, encrypted too, that stands in no file",
    async (type) => {
      const made = testKey("good-secret", type);
      const server = await serve({ authorized: made.publicKey });
      const secrets = { privateKey: made.privateKey, privateKeyPassword: "good-secret" };
      const host = await connected(through(server, secrets));
      expect(host.fingerprint).toBe(fingerprint(keyOf(server)));
      expect(server.clients).toEqual([expect.stringContaining("OpenSSH")]);
    },
  );

  test("goes through the proxies that the connection names, with the keys of each", async () => {
    const [server, first, second] = [
      await serve(),
      await serve({ authorized: other.publicKey }),
      await serve(),
    ];
    const proxy = {
      ...argsFor(first, { privateKey: other.privateKey }),
      proxy: argsFor(second, { privateKey: key.privateKey }),
    };
    const host = await connected(through(server, { proxy }));
    expect(host.fingerprint).toBe(fingerprint(keyOf(server)));
    for (const one of [first, second])
      expect(one.clients).toEqual([expect.stringContaining("OpenSSH")]);
  });

  test("trusts a fingerprint, and no other key", async () => {
    const server = await serve();
    const host = await connected(through(server, { hostKey: fingerprint(keyOf(server)) }));
    expect(host.fingerprint).toBe(fingerprint(keyOf(server)));
    const error = await failure(
      connected(through(server, { hostKey: fingerprint(other.publicKey) })),
    );
    expect(error.kind).toBe("hostKeyUnknown");
    expect(error.fingerprint).toBe(host.fingerprint);
  });

  test("an unknown, a changed and a revoked host key are told apart, and nothing is proved before", async () => {
    const server = await serve();
    const { hostKey: _none, ...args } = through(server);
    const name = `[127.0.0.1]:${server.port}`;
    const wrong = other.publicKey.split(" ").slice(0, 2).join(" ");
    const lines = ["", `${name} ${wrong}\n`, `@revoked ${name} ${keyOf(server)}\n`];
    const errors: HostError[] = [];
    for (const line of lines)
      errors.push(await failure(connected({ ...args, knownHostsPath: file("known", line) })));
    expect(errors.map(({ kind }) => kind)).toEqual([
      "hostKeyUnknown",
      "hostKeyChanged",
      "hostKeyChanged",
    ]);
    for (const error of errors) {
      expect(error.fingerprint).toBe(fingerprint(keyOf(server)));
      expect(error.message).toContain(error.fingerprint);
    }
    expect(server.attempts).toEqual([]);
  });

  test("a refused login, a refused connection and an unknown name are told apart", async () => {
    const server = await serve();
    const refused = await failure(connected(through(server, { privateKey: other.privateKey })));
    expect(refused).toMatchObject({ kind: "authRefused", retriable: false });
    expect(server.connections.count).toBe(1);
    const nobody = await failure(
      connected({ host: "no-such-host.invalid", transport: "openssh", dialErrorLimit: 1 }),
    );
    expect(nobody.kind).toBe("unreachable");
    const args = through(server, { dialErrorLimit: 2 });
    await server.close();
    servers.pop();
    const gone = await failure(connected(args));
    expect(gone).toMatchObject({ kind: "unreachable", retriable: true });
    expect(gone.message).toMatch(/refused.*tried 2 times/s);
  });

  test("a host that says nothing ends at the deadline, and no process is left", async () => {
    const silent = await startLocalServer(() => undefined);
    const { port } = silent;
    const args = { host: "127.0.0.1", port, dialErrorLimit: 1, transport: "openssh" } as const;
    const knownHostsPath = file("known", "");
    const error = await failure(connected({ ...args, knownHostsPath, perDialTimeout: 1 }));
    expect(error).toMatchObject({ kind: "unreachable", retriable: true });
    await silent.close();
    const { stdout } = spawnSync("pgrep", ["-f", `ssh .*-p ${port} `], { encoding: "utf8" });
    expect(stdout).toBe("");
  });

  test("a question is never asked: what needs an answer is refused", async () => {
    const server = await serve({ password: "good-secret" });
    const { privateKey: _none, ...args } = through(server);
    const error = await failure(connected({ ...args, password: "good-secret" }));
    expect(error.message).toContain("ssh(1)");
    expect(error.message).not.toContain("good-secret");
    expect((await failure(connected(args))).kind).toBe("authRefused");
  });

  test("a line that breaks is lost, and the next use makes a new one", async () => {
    const server = await serve();
    const host = await connected(through(server));
    const asked = host.change("slow", (writer) => writer.run({ argv: ["sleep", "5"] }));
    const lost = expect(asked).rejects.toMatchObject({ kind: "lost", changed: "unknown" });
    setTimeout(() => server.cut(), 200);
    await lost;
    expect(await host.read({ list: { fact: "list", path: box.path } })).toEqual({ list: [] });
    expect(server.connections.count).toBe(2);
  });
});
