/** `npm run openbsd-machine -- make`: from a mirror to an installed machine, with an imitated installer. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  type ImitatedMachine,
  imitatedMachine,
  kernelOptions,
  whyNot,
} from "./openbsdMachine/imitatedMachine";
import { imitatedMirror, type ImitatedMirror } from "./openbsdMachine/imitatedMirror";
import { Scene } from "./openbsdMachine/tool";

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`skipped: installing a machine: ${reason}\n`);

/** Serves the files of a folder, and remembers what was asked for. */
function serveFolder(folder: string, asked: string[]): Promise<Server> {
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    const path = join(folder, url);
    if (existsSync(path)) response.end(readFileSync(path));
    else response.writeHead(404).end();
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

(reason === undefined ? describe : describe.skip)("installing a machine", () => {
  let scene: Scene;
  let mirror: ImitatedMirror;
  let server: Server;
  let options: string[];
  let machine: ImitatedMachine;
  /** A folder that gets no machine. */
  let refused: string[];
  const asked: string[] = [];

  beforeAll(async () => {
    machine = await imitatedMachine();
    scene = new Scene();
    refused = ["--machine", join(scene.cache, "refused")];
    mirror = imitatedMirror(join(scene.cache, "mirror"), machine);
    server = await serveFolder(join(scene.cache, "mirror"), asked);
    const { port } = server.address() as AddressInfo;
    options = [
      ...["--mirror", `http://127.0.0.1:${port}/pub/OpenBSD/`, "--key", mirror.key],
      ...["--disk-size", "1G", "--memory", "512", ...kernelOptions(machine, false)],
    ];
  });

  afterAll(async () => {
    expect(existsSync(join(scene.cache, "refused"))).toBe(false);
    server.close();
    expect(await scene.leftAfter(1)).toEqual([]);
    scene.remove();
  });

  test("needs only a mirror: the machine is installed unattended, started once, and answers by the host key that it told", async () => {
    const tool = scene.start(["make", ...options]);
    expect([await tool.status, tool.stderr]).toEqual([0, expect.stringContaining("installed: ")]);
    const files = ["SHA256.sig", "pxeboot", "bsd.rd", "bsd", "base78.tgz", "BUILDINFO"];
    expect(asked).toEqual(files.map((name) => `/pub/OpenBSD/7.8/amd64/${name}`));
    const folder = join(scene.cache, "openbsd-machines/7.8");
    expect(readdirSync(folder).sort()).toEqual(["disk.qcow2", "host_key.pub", "identity"]);
    expect(await scene.leftAfter(1)).toEqual([]);

    const again = scene.start(["make", ...options]);
    expect(await again.status).toBe(1);
    expect(again.stderr).toContain("is there already");

    const command =
      'ssh -F "$OPENBSD_SSH_CONFIG" openbsd "uname -sr; cat /etc/installurl; ls /install.site || echo gone"';
    const kernel = options.filter((option) => option.startsWith("--qemu-arg"));
    const run = scene.start([
      ...["run", "--boot-seconds", "240", "--memory", "512", ...kernel, "--", "sh", "-c", command],
    ]);
    await run.status;
    expect(run.stdout).toBe("OpenBSD 7.8\nhttps://cdn.openbsd.org/pub/OpenBSD\ngone\n");
  }, 900_000);

  test.each([
    ["pxeboot", "bsd.rd", /pxeboot: missing, or not what OpenBSD 7\.8 signed/],
    ["SHA256.sig", "(bsd)", /the signature does not fit: the file was changed after it was signed/],
  ])(
    "is refused before anything is started if the mirror has another %s",
    async (name, part, words) => {
      const path = join(mirror.amd64, name);
      const signed = readFileSync(path);
      writeFileSync(path, signed.toString("latin1").replace(part, part.toUpperCase()));
      const media = ["--media", join(scene.cache, `changed ${name}`)];
      const tool = scene.start(["make", ...refused, ...media, ...options]);
      expect(await tool.status).toBe(1);
      writeFileSync(path, signed);
      expect(tool.stderr).toMatch(words);
      expect(tool.stderr).not.toContain("installing");
    },
  );

  test("is refused without the key of the release, or with that of another one", async () => {
    const withoutKey = options.filter((option) => option !== "--key" && option !== mirror.key);
    const tool = scene.start(["make", ...refused, ...withoutKey]);
    expect(await tool.status).toBe(1);
    expect(tool.stderr).toMatch(
      /is not the list that OpenBSD 7\.8 is signed with: it was signed with another key/,
    );
    const unknown = scene.start(["make", ...refused, ...withoutKey, "--release", "9.9"]);
    expect(await unknown.status).toBe(1);
    expect(unknown.stderr).toContain("The signing key of OpenBSD 9.9 is not known here");
  });

  test("leaves no machine, and after the next attempt nothing at all, when it is interrupted or killed", async () => {
    const folder = join(scene.cache, "broken");
    for (const [signal, status] of [
      ["SIGKILL", "SIGKILL"],
      ["SIGINT", 130],
    ] as const) {
      const tool = scene.start(["make", "--machine", folder, ...options]);
      await tool.prints(/installing; the installer's console/, 60);
      tool.kill(signal);
      expect(await tool.status).toBe(status);
      expect(await scene.leftAfter(15)).toEqual([]);
      expect(existsSync(folder)).toBe(false);
    }
    expect(existsSync(`${folder}.making`)).toBe(false);
  }, 120_000);

  test("ends with the installer's last words where the installer gives up", async () => {
    const broken = join(scene.cache, "broken.tgz");
    writeFileSync(broken, "no archive");
    const other = join(scene.cache, "mirror of a broken set");
    const { key } = imitatedMirror(other, { ...machine, base: broken });
    const served = await serveFolder(other, []);
    const { port } = served.address() as AddressInfo;
    const argv = ["make", ...refused, "--media", join(scene.cache, "broken media"), ...options];
    const where = ["--mirror", `http://127.0.0.1:${port}/pub/OpenBSD`, "--key", key];
    const tool = scene.start([...argv, ...where]);
    expect(await tool.status).toBe(1);
    served.close();
    expect(tool.stderr).toContain("The installation has failed.\nThe installer's last words:\n");
    expect(tool.stderr).toContain("Installation of base78.tgz failed.");
    expect(await scene.leftAfter(1)).toEqual([]);
  }, 400_000);

  test("says which file of which mirror cannot be fetched", async () => {
    const argv = ["make", ...refused, "--media", join(scene.cache, "none"), ...options];
    const tool = scene.start([...argv, "--mirror", "http://127.0.0.1:1/pub"]);
    expect(await tool.status).toBe(1);
    expect(tool.stderr).toMatch(
      /http:\/\/127\.0\.0\.1:1\/pub\/7\.8\/amd64\/SHA256\.sig cannot be fetched \(fetch failed: .+\)/,
    );
  });
});
