/** `npm run openbsd-machine -- run`: a machine in QEMU, from its start to the last trace of it. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startHost } from "../../testing";
import { generateSshKey } from "../../testing/host/sshKeys";
import { unshareArgv } from "../../testing/machine/namespaces";
import { startLocalServer } from "../localServer";
import { imitatedMachine, kernelOptions, whyNot } from "./openbsdMachine/imitatedMachine";
import { Scene } from "./openbsdMachine/tool";

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`skipped: machines in QEMU: ${reason}\n`);

/** How long the machine may take to start: on a loaded machine, in software, several times ten seconds. */
const BOOT = ["--boot-seconds", "240", "--memory", "512"];

/** How long a machine that was switched off may still be seen, in seconds. */
const GONE = 15;

const ssh = (command: string): string => `ssh -F "$OPENBSD_SSH_CONFIG" openbsd '${command}'`;

(reason === undefined ? describe : describe.skip)("a machine in QEMU", () => {
  let scene: Scene;
  /** An imitated machine under a name that QEMU could take for more than a name. */
  let folder: string;
  /** With and without /etc/rc. */
  let whole: string[];
  let bare: string[];

  beforeAll(async () => {
    const machine = await imitatedMachine();
    scene = new Scene();
    folder = join(scene.cache, `the "machine", 7:8 = %s 'x'`);
    mkdirSync(folder);
    for (const name of ["disk.qcow2", "identity", "host_key.pub"])
      symlinkSync(join(machine.folder, name), join(folder, name));
    whole = ["run", "--machine", folder, ...BOOT, ...kernelOptions(machine, true)];
    bare = ["run", "--machine", folder, ...BOOT, ...kernelOptions(machine, false)];
  });

  afterAll(async () => {
    expect(await scene.leftAfter(1)).toEqual([]);
    scene.remove();
  });

  test("runs a program that reaches it, may reboot, and leaves neither a trace of itself nor one in its disk", async () => {
    const disk = join(folder, "disk.qcow2");
    const digest = (): string => createHash("sha256").update(readFileSync(disk)).digest("hex");
    const before = digest();
    const boot = ssh("cat /proc/sys/kernel/random/boot_id");
    const script = [
      `before=$(${boot})`,
      ssh("uname -a; id -un; touch /etc/left; reboot"),
      // It answers for a moment still, until it goes down.
      `until now=$(${boot} 2>/dev/null) && test "$now" != "$before"; do sleep 1; done`,
      ssh("ls /etc/left; cat /proc/uptime; ls -d /var/run/syslog.pid"),
      'echo "$OPENBSD_USER@$OPENBSD_HOST:$OPENBSD_PORT"',
      "exit 7",
    ];
    const tool = scene.start([...whole, "--", "sh", "-c", script.join("\n")]);
    expect(await tool.status).toBe(7);
    const [uname, user, left, uptime, , where] = tool.stdout.trim().split("\n");
    const host = await startHost({ release: "7.8" });
    expect(`${uname}\n`).toBe((await host.exec(["uname", "-a"])).stdout);
    await host.stop();
    expect([user, left]).toEqual(["root", "/etc/left"]);
    expect(Number(uptime?.split(" ")[0])).toBeLessThan(240);
    expect(where).toMatch(/^root@127\.0\.0\.1:\d+$/);
    expect(tool.stderr).toMatch(/it shut itself down, and nothing of it is left\n$/);
    expect(await scene.leftAfter(1)).toEqual([]);
    expect(digest()).toBe(before);
  }, 600_000);

  test("knows nothing of what the last one wrote, learns a host key that nobody gave, and is gone after SIGINT, with the program that uses it", async () => {
    const [disk, identity] = ["disk.qcow2", "identity"].map((name) => join(folder, name));
    const options = bare.filter((argument) => argument !== "--machine" && argument !== folder);
    const script = `${ssh("test ! -e /etc/left")} && echo ready; exec sleep 1000`;
    const tool = scene.start([
      ...options,
      ...["--disk", disk ?? "", "--identity", identity ?? "", "--", "sh", "-c", script],
    ]);
    await tool.prints(/^ready$/m, 300);
    const key = readFileSync(join(folder, "host_key.pub"), "utf8").trim();
    expect(tool.stderr).toContain(key);
    tool.kill("SIGINT");
    expect(await tool.status).toBe(130);
    expect(await scene.leftAfter(1)).toEqual([]);
  }, 400_000);

  test("is gone after a SIGKILL, with the program that uses it", async () => {
    const script = `${ssh("echo ready")}; exec sleep 1000`;
    const tool = scene.start([...bare, "--", "sh", "-c", script]);
    await tool.prints(/^ready$/m, 300);
    expect(scene.left.some((line) => line.startsWith("sleep 1000"))).toBe(true);
    expect(scene.left.some((line) => line.startsWith("qemu-system-x86_64"))).toBe(true);
    tool.kill("SIGKILL");
    expect(await tool.status).toBe("SIGKILL");
    expect(await scene.leftAfter(GONE)).toEqual([]);
  }, 400_000);

  test("ends with an error that says so when there is no space for what it writes", async () => {
    const small = 'mount -t tmpfs -o size=24m tmpfs "$0" && exec "$@"';
    const cache = join(scene.cache, "openbsd-machines");
    mkdirSync(cache, { recursive: true });
    const by = unshareArgv(["mount"], ["sh", "-c", small, cache]);
    const fill = ssh("dd if=/dev/urandom of=/root/big bs=1024k count=64 && sync");
    const tool = scene.start([...bare, "--", "sh", "-c", `${fill}; exec sleep 1000`], { by });
    expect(await tool.status).toBe(1);
    expect(tool.stderr).toMatch(/cannot write to its disk any more: no space is left where /);
    expect(await scene.leftAfter(1)).toEqual([]);
  }, 400_000);

  test("is not logged in to if its host key is another one", async () => {
    const changed = join(scene.cache, "changed");
    mkdirSync(changed);
    for (const name of ["disk.qcow2", "identity"])
      symlinkSync(join(folder, name), join(changed, name));
    writeFileSync(join(changed, "host_key.pub"), `${(await generateSshKey()).public} old\n`);
    const argv = bare.map((argument) => (argument === folder ? changed : argument));
    const tool = scene.start([...argv, "--", "echo", "reached"]);
    expect(await tool.status).toBe(1);
    expect(tool.stderr).toContain("Host key verification failed");
    expect(tool.stderr).toContain("is not the machine that was installed");
    expect(tool.stdout).toBe("");
    expect(await scene.leftAfter(1)).toEqual([]);
  }, 400_000);

  describe("whose disk is empty", () => {
    let empty: string[];

    beforeAll(() => {
      const disk = join(scene.cache, "empty.img");
      writeFileSync(disk, Buffer.alloc(1 << 20));
      empty = ["run", "--disk", disk, "--identity", join(folder, "identity"), "--memory", "256"];
    });

    test("is given up when it did not answer in time", async () => {
      const tool = scene.start([...empty, "--boot-seconds", "3", "--", "echo", "reached"]);
      expect(await tool.status).toBe(1);
      expect(tool.stderr).toContain("did not answer within 3 s (--boot-seconds gives it more)");
      expect(tool.stdout).toBe("");
      expect(await scene.leftAfter(1)).toEqual([]);
    });

    test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("is gone after %s", async (signal) => {
      const tool = scene.start([...empty, "--", "echo", "reached"]);
      await tool.prints(/waiting for sshd/, 30);
      tool.kill(signal);
      expect(await tool.status).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
      expect(await scene.leftAfter(1)).toEqual([]);
    });

    test("is gone after two signals at once, and after a SIGKILL", async () => {
      for (const signals of [["SIGINT", "SIGINT"], ["SIGKILL"]] as const) {
        const tool = scene.start([...empty, "--", "echo", "reached"]);
        await tool.prints(/waiting for sshd/, 30);
        expect(scene.left.length).toBeGreaterThan(1);
        for (const signal of signals) tool.kill(signal);
        expect(await tool.status).toBe(signals[0] === "SIGINT" ? 130 : "SIGKILL");
        expect(await scene.leftAfter(GONE)).toEqual([]);
      }
    });

    test("ends with QEMU's own words if QEMU refuses to start it", async () => {
      const server = await startLocalServer((socket) => socket.destroy());
      const cases: readonly (readonly [string[], RegExp])[] = [
        [
          ["--port", String(server.port)],
          /Could not set up host forwarding rule 'tcp:127\.0\.0\.1:\d+/,
        ],
        [["--cpu", "no-such"], /unable to find CPU model 'no-such'/],
        [["--accel", "hvf"], /invalid accelerator hvf/],
        [["--qemu-arg=-no-such"], /-no-such: invalid option/],
      ];
      for (const [options, words] of cases) {
        const tool = scene.start([...empty, ...options, "--", "echo", "reached"]);
        expect(await tool.status).toBe(1);
        expect(tool.stderr).toMatch(words);
        expect(tool.stderr).toContain("QEMU did not start: ");
        expect(await scene.leftAfter(1)).toEqual([]);
      }
      await server.close();
    });

    test("does not start without QEMU, a readable disk or a key, and says what is missing", async () => {
      const disk = join(scene.cache, "no such, disk");
      const cases: readonly (readonly [string[], RegExp])[] = [
        [["run", "--disk", disk, "--identity", disk], /The disk cannot be read: .*no such, disk/],
        [["run", "--machine", disk], /There is no installed machine: .*no such, disk/],
        [[...empty.slice(0, 4), disk], /The key to log in with cannot be read: .*no such, disk/],
      ];
      for (const [argv, words] of cases) {
        const tool = scene.start([...argv, "--", "echo", "reached"]);
        expect(await tool.status).toBe(1);
        expect(tool.stderr).toMatch(words);
      }
      const tool = scene.start([...empty, "--", "echo", "reached"], { path: "/nonexistent" });
      expect(await tool.status).toBe(1);
      expect(tool.stderr).toMatch(/^qemu-system-x86_64 and qemu-img cannot be started/);
      expect(await scene.leftAfter(1)).toEqual([]);
    });
  });
});
