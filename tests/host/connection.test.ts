/** Ways to a host, with a real sshd: which of its keys it shows. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprintOf, publicKeyIn } from "../../provider/host/knownHosts";
import { startHost, type TestHost } from "../../testing";
import { connectionTo, sh } from "../preview/server";
import { create, differs, inputsOf, refresh, remove, update } from "./provider";

let host: TestHost;
let folder: string;
beforeAll(async () => {
  // A host of that time has two keys.
  host = await startHost({ release: "4.7" });
  folder = mkdtempSync(join(tmpdir(), "connection-"));
});
afterAll(async () => {
  await host.stop();
  rmSync(folder, { recursive: true });
});

const VARIABLES = { variables: { ntpd_flags: "-s" }, boot: "unchanged" };

test("whichever of its keys a host shows, it is the same machine; a state of 0.1.0, with one key, goes on", async () => {
  const keyLine = (name: string): Promise<string> =>
    sh(host, `cat /etc/ssh/ssh_host_${name}_key.pub`);
  const [rsa, ed25519] = [await keyLine("rsa"), await keyLine("ed25519")];
  const [first, second] = [rsa, ed25519].map((line) => {
    const key = publicKeyIn(line);
    if (key === undefined) throw new Error(`no key: ${line}`);
    return fingerprintOf(key.blob);
  });
  const { hostKey: _none, ...connection } = connectionTo(host);
  const knownBy = (line: string): Record<string, unknown> => {
    const knownHostsPath = join(mkdtempSync(join(folder, "known-")), "known_hosts");
    writeFileSync(knownHostsPath, `[127.0.0.1]:${host.port} ${line}\n`);
    return inputsOf("RcConfLocal", VARIABLES, { ...connection, knownHostsPath });
  };
  const made = await create("RcConfLocal", knownBy(rsa));
  expect(String(made.props.machine).split(" ").sort()).toEqual([first, second].sort());
  made.props = { ...made.props, machine: first };
  // Another known_hosts file, by which the host is known by its other key.
  const elsewhere = knownBy(ed25519);
  await update(made, elsewhere);
  await refresh(made);
  expect(await differs(made, elsewhere)).toBe(false);
  await update(made, { ...elsewhere, variables: { ntpd_flags: "-v" } });
  expect(String(made.props.machine)).toContain(second);
  await remove(made);
  expect(await sh(host, "cat /etc/rc.conf.local 2>/dev/null || true")).not.toContain("ntpd_flags");
});
