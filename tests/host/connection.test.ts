/** Ways to a host, with a real sshd: its keys, certificates, old algorithms, limits, and an end in the middle. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionArgs } from "../../provider/arguments/connection";
import { HostError } from "../../provider/host/errors";
import type { Host } from "../../provider/host/host";
import { fingerprintOf, publicKeyIn } from "../../provider/host/ssh/knownHosts";
import { HostPool } from "../../provider/host/pool";
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

describe("with settings of its sshd", () => {
  const pools: HostPool[] = [];
  afterEach(async () => {
    for (const pool of pools.splice(0)) pool.close();
    await sh(host, "rm -f /etc/ssh/sshd_config.d/0test.conf");
  });

  const settings = (...lines: readonly string[]): Promise<string> =>
    sh(host, `printf '${lines.join("\\n")}\\n' > /etc/ssh/sshd_config.d/0test.conf`);

  async function reached(more: Partial<ConnectionArgs> = {}): Promise<Host> {
    const pool = new HostPool();
    pools.push(pool);
    const { dialErrorLimit: _some, ...connection } = connectionTo(host);
    return pool.connect({
      ...(connection as unknown as ConnectionArgs),
      dialErrorLimit: 1,
      ...more,
    });
  }

  const failure = (work: Promise<unknown>): Promise<HostError> =>
    work.then(
      () => {
        throw new Error("it did not fail");
      },
      (error: unknown) => {
        if (HostError.isInstance(error)) return error;
        throw error;
      },
    );

  const list = (one: Host): Promise<unknown> => one.read({ list: { fact: "list", path: "/etc" } });

  test.each(["ssh2", "openssh"] as const)(
    "that has nothing better than SHA-1, as OpenBSD 4.7, is reached by %s only where that is asked for",
    async (transport) => {
      await settings(
        "KexAlgorithms diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1",
        "HostKeyAlgorithms ssh-rsa",
        "MACs hmac-sha1",
        "Ciphers aes128-ctr",
      );
      const hostKey = await sh(host, "cat /etc/ssh/ssh_host_rsa_key.pub");
      const error = await failure(reached({ hostKey, transport }));
      expect(error.kind).toBe("protocol");
      expect(error.message).toContain("connection.legacyAlgorithms");
      await list(await reached({ hostKey, transport, legacyAlgorithms: true }));
    },
  );

  test.each(["ssh2", "openssh"] as const)(
    "that allows one session on a connection, it is worked on by %s",
    async (transport) => {
      await settings("MaxSessions 1");
      const one = await reached({ transport });
      await Promise.all([list(one), list(one), list(one)]);
    },
  );

  test.each(["ssh2", "openssh"] as const)(
    "whose sshd ends in the middle is connected to again by %s",
    async (transport) => {
      const one = await reached({ transport });
      const work = one.change("slow", (writer) => writer.run({ argv: ["sleep", "20"] }));
      const lost = failure(work);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await sh(host, "pkill -x sshd || true");
      expect(await lost).toMatchObject({ kind: "lost", changed: "unknown", retriable: true });
      await list(one);
    },
  );

  test("that falls silent is lost after three of the intervals that the connection names", async () => {
    const one = await reached({ keepaliveInterval: 1 });
    await host.line.freeze(true);
    try {
      const error = await failure(one.change("slow", (writer) => writer.run({ argv: ["true"] })));
      expect(error.kind).toBe("lost");
      expect(error.reason).toContain("has not answered for 3 s");
    } finally {
      await host.line.freeze(false);
    }
  });

  test("certificates of host and user are enough, and a revoked or expired one is not", async () => {
    const make = (...words: readonly string[]): void => {
      const { status, stderr } = spawnSync("ssh-keygen", ["-q", ...words], { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
    };
    const [authority, id, key] = ["authority", "id", "host.pub"].map((name) => join(folder, name));
    if (authority === undefined || id === undefined || key === undefined) throw new Error("none");
    for (const path of [authority, id]) make("-t", "ed25519", "-N", "", "-f", path);
    writeFileSync(key, `${await sh(host, "cat /etc/ssh/ssh_host_ed25519_key.pub")}\n`);
    const text = (path: string): string => readFileSync(path, "utf8").trim();
    const install = async (path: string, contents: string): Promise<void> => {
      await host.exec(["/bin/sh", "-c", `cat > ${path}`], { stdin: `${contents}\n` });
    };
    await settings(
      "TrustedUserCAKeys /etc/ssh/authority.pub",
      "HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub",
    );
    await install("/etc/ssh/authority.pub", text(`${authority}.pub`));
    const certified = async (validity: string): Promise<void> => {
      make("-s", authority, "-I", "host", "-h", "-n", "127.0.0.1", "-V", validity, key);
      await install("/etc/ssh/ssh_host_ed25519_key-cert.pub", text(join(folder, "host-cert.pub")));
    };
    make("-s", authority, "-I", "me", "-n", "root", `${id}.pub`);
    const knownHostsPath = join(folder, "known_authority");
    const marked = `@cert-authority [127.0.0.1]:${host.port} ${text(`${authority}.pub`)}\n`;
    writeFileSync(knownHostsPath, marked);
    const { hostKey: _none, privateKeyPath: _key, ...rest } = connectionTo(host);
    const by = async (): Promise<Host> => {
      const pool = new HostPool();
      pools.push(pool);
      return pool.connect({
        ...(rest as unknown as ConnectionArgs),
        ...{ knownHostsPath, privateKeyPath: id, dialErrorLimit: 1 },
      });
    };
    await certified("-1h:+1h");
    const found = publicKeyIn(text(key));
    expect((await by()).fingerprint).toBe(found === undefined ? "" : fingerprintOf(found.blob));
    writeFileSync(knownHostsPath, `${marked}@revoked * ${text(key)}\n`);
    expect((await failure(by())).kind).toBe("hostKeyChanged");
    writeFileSync(knownHostsPath, marked);
    await certified("-2h:-1h");
    expect((await failure(by())).kind).toBe("hostKeyUnknown");
    await sh(host, "rm -f /etc/ssh/authority.pub /etc/ssh/ssh_host_ed25519_key-cert.pub");
  });
});
