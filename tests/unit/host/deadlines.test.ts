/** No host can hold a run up: every deadline is on the whole, however the time is wasted. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import type { ConnectionArgs } from "../../../provider/arguments/connection";
import { AgentSession } from "../../../provider/host/agentSession";
import { dial } from "../../../provider/host/ssh/dial";
import { HostError } from "../../../provider/host/errors";
import { HostPool } from "../../../provider/host/pool";
import type { RemoteProgram } from "../../../provider/host/ssh/transport";
import { encodeFrame, type WireValue } from "../../../provider/host/wire";
import { startLocalServer } from "../../localServer";
import { argsFor, type ServerOptions, startServer, testKey, type TestServer } from "./sshServer";

const key = testKey();
const environment = { ...process.env };
let folder: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "deadlines-"));
  process.env.HOME = folder;
  delete process.env.SSH_AUTH_SOCK;
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  rmSync(folder, { recursive: true });
  process.env.HOME = environment.HOME;
});

async function failure(promise: Promise<unknown>): Promise<HostError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!HostError.isInstance(error)) throw new Error(`no HostError but ${String(error)}`);
  return error;
}

/** A server that does this to each connection, until the test is over. */
async function scripted(play: (socket: Socket) => void): Promise<number> {
  const server = await startLocalServer(play);
  closing.push(() => server.close());
  return server.port;
}

/** Writes some text, and then one byte now and then. */
function drip(first: string | Buffer, byte = "x"): (socket: Socket) => void {
  return (socket) => {
    if (first.length > 0) socket.write(first);
    const timer = setInterval(() => socket.write(byte), 40);
    socket.on("close", () => clearInterval(timer));
  };
}

const banner = "SSH-2.0-OpenSSH_9.9\r\n";

async function serve(options: ServerOptions): Promise<TestServer> {
  const server = await startServer({ authorized: key.publicKey, ...options });
  closing.push(() => server.close());
  return server;
}

const shell = (script: string): ServerOptions => ({ program: ["sh", "-c", script] });
const greeting = "printf '\\0pulumi-openbsd-postfix agent 1\\0\\n'";
const dripping = "while printf x; do sleep 0.05; done";

describe("a try to connect ends within the time that it names, with a server that", () => {
  const limit = (port: number): ConnectionArgs => ({
    host: "127.0.0.1",
    port,
    privateKey: key.privateKey,
    dialErrorLimit: 1,
    perDialTimeout: 0.6,
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ["says nothing", () => undefined, "no SSH server answered within 1 s"],
    ["drips before its banner", drip(""), "no SSH server answered within 1 s"],
    [
      "drips in the middle of its banner",
      drip("SSH-2.0-Open"),
      "no SSH server answered within 1 s",
    ],
    ["stalls after its banner", (socket) => socket.write(banner), "the key exchange did not end"],
    [
      "drips in its first packet",
      drip(Buffer.concat([Buffer.from(banner), Buffer.from([0, 0, 3, 252, 4, 20])])),
      "the key exchange did not end within 1 s",
    ],
  ])("%s", async (_what, play, says) => {
    const port = await scripted(play);
    const error = await failure(dial(limit(port)));
    expect(error).toMatchObject({ kind: "unreachable", changed: "no", retriable: true });
    expect(error.reason).toContain(says);
  });

  test.each<[string, ServerOptions]>([
    ["stalls during the login", { silentLogin: true }],
    ["asks one question after the other", { endlessQuestions: true }],
  ])("%s", async (_what, options) => {
    const server = await serve(options);
    const password = "good-secret";
    const error = await failure(
      dial({ ...limit(server.port), password, hostKey: hostKeyOf(server) }),
    );
    expect(error).toMatchObject({ kind: "unreachable", retriable: true });
    expect(error.reason).toContain("the login did not end within 1 s");
  });

  test("shows one wrong key after the other, slowly: the time is for all of them", async () => {
    const server = await serve({ slowKeyExchangeMs: 450, hostKeys: allKeys() });
    const hostKey = `SHA256:${"A".repeat(43)}`;
    const began = Date.now();
    const error = await failure(dial({ ...limit(server.port), hostKey, perDialTimeout: 0.8 }));
    expect(error.kind).toBe("unreachable");
    expect(server.connections.count).toBeLessThanOrEqual(2);
    expect(Date.now() - began).toBeLessThan(60_000);
  });

  test("is tried with an ssh-agent that never answers", async () => {
    const socket = join(folder, "agent");
    const silent = await startLocalServer((asked) => asked.resume(), socket);
    closing.push(() => silent.close());
    const server = await serve({ password: "good-secret" });
    const args = { ...limit(server.port), hostKey: hostKeyOf(server) };
    const { privateKey: _none, ...without } = args;
    const error = await failure(dial({ ...without, agentSocketPath: socket }));
    // The agent has used up the time, and no connection of ours keeps it busy.
    expect(error.kind).toBe("unreachable");
  });

  test("does not answer the request to forward", async () => {
    const proxy = await serve({ silentForward: true });
    const between = { ...limit(proxy.port), hostKey: hostKeyOf(proxy) };
    const error = await failure(dial({ ...limit(1), proxy: between }));
    expect(error).toMatchObject({ kind: "unreachable" });
    expect(error.reason).toContain("no answer to the request to forward within 1 s");
  });
});

function hostKeyOf(server: TestServer): string {
  return server.keyLines[0] ?? "";
}

function allKeys(): string[] {
  return [testKey().privateKey, testKey("", "ecdsa").privateKey, testKey("", "rsa").privateKey];
}

describe("the start of the agent ends within the time that it names, where the host", () => {
  const pools: HostPool[] = [];
  afterEach(() => {
    for (const pool of pools.splice(0)) pool.close();
  });

  const started = async (options: ServerOptions): Promise<HostError> => {
    const server = await serve(options);
    const pool = new HostPool({ agent: { helloTimeoutMs: 500 } });
    pools.push(pool);
    const error = await failure(pool.connect(argsFor(server, { privateKey: key.privateKey })));
    for (const child of server.children) child.kill();
    expect(error.changed).toBe("no");
    return error;
  };

  test("stalls, drips or floods the error output, before the agent's first word or after it", async () => {
    const scripts = ["sleep 60", dripping, "yes >&2", `${greeting}; sleep 60`];
    // All at once, because each takes the time that the agent's text may take at 4 kB a second.
    for (const error of await Promise.all(scripts.map((script) => started(shell(script))))) {
      expect(error.kind).toBe("deadline");
      expect(Number(/no reply came within (\d+) s/.exec(error.reason)?.[1])).toBeLessThan(30);
    }
  }, 60_000);

  test.each([
    ["before the agent's first word", "yes", "it is not the agent's greeting"],
    ["in an answer", `${greeting}; printf '\\377\\377\\377\\377'; yes`, "is too large"],
  ])("floods %s", async (_when, script, says) => {
    expect((await started(shell(script))).message).toContain(says);
  });
});

describe("the time of a request", () => {
  // The clock is the test's, so that hours pass at once.
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask", "setImmediate"] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  interface Line {
    readonly session: AgentSession;
    readonly say: (bytes: Buffer) => void;
  }

  function lineTo(): Line {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    stdin.resume();
    const program: RemoteProgram = {
      ...{ stdin, stdout, stderr },
      ended: new Promise(() => undefined),
      close: () => undefined,
    };
    const session = new AgentSession(program, "root@test:22");
    stdout.write("\0pulumi-openbsd-postfix agent 1\0\n", "latin1");
    return { session, say: (bytes) => void stdout.write(bytes) };
  }

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** Asks, and plays the host until the request is over or the hours are. */
  async function ask(
    limitMs: number,
    play: (say: Line["say"], step: number) => void,
    stepMs: number,
    hours = 12,
  ): Promise<{ readonly waitedMs: number; readonly outcome: unknown }> {
    const { session, say } = lineTo();
    await turn();
    const began = Date.now();
    const settled: { outcome?: unknown } = {};
    const options = { during: "looking", timeoutMs: limitMs };
    void session.request("read", {}, options).then(
      (value) => (settled.outcome = value),
      (error: unknown) => (settled.outcome = error),
    );
    for (let step = 0; settled.outcome === undefined; step++) {
      if (Date.now() - began > hours * 3_600_000) break;
      play(say, step);
      await turn();
      jest.advanceTimersByTime(stepMs);
      await turn();
    }
    const waitedMs = Date.now() - began;
    session.close();
    return { waitedMs, outcome: settled.outcome };
  }

  const reply = (bytes: number): Buffer => {
    const value: WireValue = { id: 1, ok: "x".repeat(bytes) };
    return encodeFrame(value);
  };

  test("is over soon after its deadline for every host that drips, whatever the size that it announces", async () => {
    const announced = fc.integer({ min: 100, max: 60_000_000 });
    const perStep = fc.integer({ min: 1, max: 300 });
    await fc.assert(
      fc.asyncProperty(announced, perStep, async (size, bytes) => {
        const frame = Buffer.alloc(4);
        frame.writeUInt32BE(size);
        const { waitedMs, outcome } = await ask(
          20_000,
          (say, step) => say(step === 0 ? frame : Buffer.alloc(bytes, 120)),
          4_000,
        );
        expect(HostError.isInstance(outcome)).toBe(true);
        expect(waitedMs).toBeLessThanOrEqual(20_000 + 10_000 + 2 * 4_000 + 1_000);
      }),
      { numRuns: 25 },
    );
  });

  test("is over after half an hour more, even where the host is as fast as it must be", async () => {
    const frame = Buffer.alloc(4);
    frame.writeUInt32BE(60_000_000);
    const { waitedMs, outcome } = await ask(
      20_000,
      (say, step) => say(step === 0 ? frame : Buffer.alloc(50_000, 120)),
      10_000,
    );
    expect(HostError.isInstance(outcome)).toBe(true);
    expect(waitedMs).toBeLessThanOrEqual(20_000 + 1_800_000 + 20_000);
  });

  test("is as long as the error says", async () => {
    const { waitedMs, outcome } = await ask(20_000, () => undefined, 100);
    const named = /within (\d+) s/.exec((outcome as HostError).reason)?.[1];
    expect(Math.abs(Number(named) * 1000 - waitedMs)).toBeLessThanOrEqual(1_000);
  });

  test("is put off for an answer that comes steadily over a slow line", async () => {
    const whole = reply(400_000);
    const { outcome, waitedMs } = await ask(
      20_000,
      (say, step) => say(whole.subarray(step * 5_000, (step + 1) * 5_000)),
      1_000,
    );
    expect(outcome).toBe("x".repeat(400_000));
    expect(waitedMs).toBeGreaterThan(20_000);
  });
});

test("closing ends the line also where the host does not answer", async () => {
  const server = await serve({});
  const transport = await dial(argsFor(server, { privateKey: key.privateKey }));
  server.freeze();
  transport.close();
  expect(await transport.lost).toBeTruthy();
});
