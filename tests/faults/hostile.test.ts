/** Servers that mean harm: they log us in, and then say what no agent says. And credentials that are many, or gone. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HostError } from "../../provider/host/errors";
import { HostPool } from "../../provider/host/pool";
import { encodeFrame, type WireValue } from "../../provider/host/wire";
import { argsFor, startServer, testKey, type TestServer } from "../unit/host/sshServer";
import { figure } from "./figures";

const MAGIC = Buffer.from("\0pulumi-openbsd-postfix agent 1\0\n", "latin1");
const key = testKey();
let server: TestServer | undefined;
let pool: HostPool | undefined;
let folder: string;
const home = process.env.HOME;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hostile-"));
  process.env.HOME = folder;
});
afterEach(async () => {
  pool?.close();
  for (const child of server?.children ?? []) child.kill("SIGKILL");
  await server?.close();
  rmSync(folder, { recursive: true });
  process.env.HOME = home;
});

/** What a server says in the place of an agent, once it was sent one: the bytes, so many times over. */
async function saying(bytes: Buffer, times = 1): Promise<HostError> {
  writeFileSync(join(folder, "bytes"), bytes);
  const program = `
    $/ = "\\n"; while (<STDIN>) { last if /^__END__/ }
    $| = 1; $SIG{PIPE} = "DEFAULT";
    open my $file, "<", "${join(folder, "bytes")}"; local $/; my $bytes = <$file>;
    print $bytes for 1 .. ${times}; sleep 30`;
  server = await startServer({ authorized: key.publicKey, program: ["perl", "-e", program] });
  pool = new HostPool({ agent: { helloTimeoutMs: 3_000 } });
  const connecting = pool.connect(argsFor(server, { privateKey: key.privateKey }));
  const error: unknown = await connecting.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!HostError.isInstance(error)) throw new Error(`no HostError but ${String(error)}`);
  return error;
}

const greeting = (...values: readonly WireValue[]): Buffer =>
  Buffer.concat([MAGIC, ...values.map(encodeFrame)]);

const SAID: readonly (readonly [string, Buffer])[] = [
  ["a reply to no request", greeting({ id: 77, ok: {} })],
  ["a reply that is a number", greeting(7)],
  ["a reply without an id", greeting({ ok: {} })],
  ["a greeting that tells nothing of the system", greeting({ id: 1, ok: {} })],
  ["a greeting with lists for texts", greeting({ id: 1, ok: { release: [1], user: { a: [] } } })],
  ["a frame of 4 GB", Buffer.concat([MAGIC, Buffer.from([255, 255, 255, 255])])],
  ["a frame of nothing", Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 0])])],
  [
    "a frame that is no value",
    Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 3]), Buffer.from("xyz")]),
  ],
  [
    "a value as deep as it will go",
    Buffer.concat([MAGIC, Buffer.from([0, 1, 0, 0]), Buffer.alloc(65536, "l")]),
  ],
];

test.each(SAID)(
  "F14: %s is an error that names the host, and nothing was changed",
  async (_what, bytes) => {
    const error = await saying(bytes);
    expect(error.changed).toBe("no");
    expect(["protocol", "lost", "deadline"]).toContain(error.kind);
    expect(error.message).toContain("127.0.0.1");
  },
);

test("F14: an output that never ends, and never has a line end, is given up, and does not fill the memory", async () => {
  const before = process.memoryUsage().rss;
  const error = await saying(Buffer.alloc(1024 * 1024, "\xff", "latin1"), 1024);
  const grown = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
  figure("F14", `memory grew by ${Math.max(0, grown)} MiB`);
  expect(error.message).toContain("it is not the agent's greeting");
  expect(error.message).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/);
  expect(grown).toBeLessThan(64);
});

test("F5: an agent with many keys, of which none may log in, is a clear error, and no password is asked for", async () => {
  const socket = join(folder, "agent");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    for (let tries = 0; tries < 100; tries += 1) {
      const { status } = spawnSync("ssh-add", ["-l"], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
      });
      if (status !== 2) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (let nth = 0; nth < 10; nth += 1) {
      const file = join(folder, `key${nth}`);
      writeFileSync(file, testKey().privateKey, { mode: 0o600 });
      spawnSync("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    }
    server = await startServer({ authorized: key.publicKey, password: "open sesame" });
    pool = new HostPool();
    const connecting = pool.connect(argsFor(server, { agentSocketPath: socket }));
    await expect(connecting).rejects.toMatchObject({ kind: "authRefused", changed: "no" });
    expect(server.attempts).not.toContain("password");
    expect(server.attempts).not.toContain("keyboard-interactive");
  } finally {
    agent.kill();
  }
});
