/** A host that is rebooted from inside, by its own shutdown(8) and reboot(8) over SSH, as any host that is reached by its address. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "ssh2";
import { startHost, type Release, type TestHost } from "../../testing";

/** How often a test asks whether the host answers again. */
const TRIES = 300;

/** What came of a command over SSH: its output and status, or what ended the connection. */
interface Said {
  readonly output: string;
  readonly status: number | undefined;
  readonly lost: string | undefined;
}

/** The private key of a host's users, which is read while the host is there. */
const keys = new Map<string, Buffer>();

/** Logs in, runs a command, and waits until the connection has ended. */
function say(host: TestHost, command: string): Promise<Said> {
  const client = new Client();
  const privateKey = keys.get(host.id) ?? readFileSync(host.privateKeyPath);
  keys.set(host.id, privateKey);
  return new Promise((resolve) => {
    let [output, lost]: [string, string | undefined] = ["", undefined];
    let status: number | undefined;
    client.on("error", (error) => (lost = error.message));
    client.on("close", () => resolve({ output, status, lost }));
    client.on("ready", () =>
      client.exec(command, (error, channel) => {
        if (error !== undefined) {
          lost = error.message;
          client.end();
          return;
        }
        channel.on("data", (data: Buffer) => (output += data.toString()));
        channel.stderr.on("data", (data: Buffer) => (output += data.toString()));
        channel.on("exit", (code: number | null) => (status = code ?? undefined));
        channel.on("close", () => client.end());
      }),
    );
    client.connect({
      host: host.host,
      port: host.port,
      username: host.user,
      privateKey,
      hostVerifier: (key: Buffer) => key.toString("base64") === host.hostKey.split(" ")[1],
    });
  });
}

/** When the host booted, in seconds; undefined if it cannot be asked. */
async function booted(host: TestHost): Promise<number | undefined> {
  const { output, status } = await say(host, "sysctl -n kern.boottime");
  return status === 0 ? Number(output) : undefined;
}

/** Waits until another second has begun than the one of the last boot: kern.boottime is in whole seconds. */
async function secondAfter(boot: number): Promise<void> {
  await sleep(Math.max(0, (boot + 1) * 1000 - Date.now()));
}

/** Asks until the host has booted after a time, and returns when that was and how often nobody answered. */
async function bootAfter(host: TestHost, before: number): Promise<{ at: number; silent: number }> {
  let silent = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    const at = await booted(host);
    if (at === undefined) silent += 1;
    else if (at > before) return { at, silent };
    await sleep(50);
  }
  throw new Error(`no boot after ${before} was seen in ${TRIES} tries`);
}

describe.each<[Release, Release]>([
  ["7.8", "7.8"],
  ["4.7", "5.0"],
])("OpenBSD %s", (release, newer) => {
  let host: TestHost;
  let last = 0;

  beforeAll(async () => {
    host = await startHost({ release });
    last = (await booted(host)) ?? 0;
    // A boot that lasts is seen to be one; the log tells what has run.
    await host.exec([
      ...["/bin/sh", "-c"],
      "echo 'echo down >> /var/log/order' > /etc/rc.shutdown; echo 'sleep 1; echo up >> /var/log/order' > /etc/rc.local",
    ]);
  });
  afterAll(() => host.stop());

  test("shutdown -r now says so, ends the connection, boots in good order, and no file has changed", async () => {
    const before = await host.snapshot();
    await secondAfter(last);
    const { output, ...end } = await say(host, "shutdown -r now");
    expect(output).toMatch(
      /^Shutdown NOW!\nshutdown: \[pid \d+\]\n\r\nSystem shutdown time has arrived\x07\x07\r\n$/,
    );
    expect(end).toEqual({ lost: end.lost, status: 0 });
    const { at, silent } = await bootAfter(host, last);
    // The boot takes a second, and nobody gets in meanwhile.
    expect(silent).toBeGreaterThan(0);
    expect(at).toBeGreaterThan(last);
    last = at;
    expect((await host.exec(["cat", "/var/log/order"])).stdout).toBe("down\nup\n");
    expect((await host.exec(["pgrep", "-x", "cron"])).exitCode).toBe(0);
    expect((await host.exec(["cat", "/var/log/authlog"])).stdout).toContain(
      "shutdown: reboot by root: ",
    );
    expect(await host.snapshot()).toEqual(before);
  });

  test("reboot does the same at once, and -q leaves /etc/rc.shutdown out", async () => {
    for (const [command, order] of [
      ["reboot", "down\nup\n"],
      ["reboot -q", "up\n"],
    ] as const) {
      await host.exec(["/bin/sh", "-c", ": > /var/log/order"]);
      await secondAfter(last);
      const { status } = await say(host, command);
      expect(status).toBeUndefined();
      last = (await bootAfter(host, last)).at;
      expect((await host.exec(["cat", "/var/log/order"])).stdout).toBe(order);
    }
    expect((await host.exec(["cat", "/var/log/authlog"])).stdout).toContain(
      "reboot: rebooted by root",
    );
  });

  test("asked for from inside and from outside at once, a reboot ends with a host that is up", async () => {
    await host.exec(["rm", "/etc/rc.local"]);
    for (const pause of [0, 20, 60, 150, 400]) {
      await secondAfter(last);
      const inside = say(host, "sleep 0.1; reboot");
      await sleep(100 + pause);
      await host.reboot();
      await inside;
      const at = (await bootAfter(host, last)).at;
      expect(at).toBeGreaterThan(last);
      last = at;
    }
  });

  test("a shutdown that waits keeps users out, and a signal takes it back", async () => {
    const { output } = await say(
      host,
      "shutdown -r +2 </dev/null >/dev/null 2>&1; until ls /etc/nologin 2>/dev/null; do sleep 0.1; done",
    );
    expect(output).toBe("/etc/nologin\n");
    await host.exec(["pkill", "-f", "shutdown -r"]);
    await sleep(200);
    expect((await host.exec(["ls", "/etc/nologin"])).exitCode).not.toBe(0);
    expect(await booted(host)).toBe(last);
  });

  test("then the host can be rebooted, upgraded and stopped from outside as before", async () => {
    await secondAfter(last);
    await host.reboot();
    last = (await bootAfter(host, last)).at;
    if (newer !== release) {
      await secondAfter(last);
      await host.upgrade(newer);
      expect((await host.exec(["uname", "-r"])).stdout).toBe(`${newer}\n`);
      last = (await bootAfter(host, last)).at;
      await secondAfter(last);
      await say(host, "reboot");
      last = (await bootAfter(host, last)).at;
    }
    await host.stop();
    expect((await say(host, "true")).lost).toBeDefined();
  });
});
