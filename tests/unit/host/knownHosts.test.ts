import { spawnSync } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  fingerprintOf,
  keyLineOf,
  knownName,
  lookUp,
  namesMatch,
  publicKeyOf,
} from "../../../provider/host/ssh/knownHosts";
import {
  hostKeyAlgorithms,
  judgeHostKey,
  parseHostKey,
  type Trust,
} from "../../../provider/host/ssh/hostKey";

const folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A key's blob that is well-formed; ssh-keygen wants to read it. */
function key(seed: string): { readonly type: string; readonly base64: string } {
  const type = "ssh-ed25519";
  const string = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const point = createHash("sha256").update(seed).digest();
  return {
    type,
    base64: Buffer.concat([string(Buffer.from(type)), string(point)]).toString("base64"),
  };
}
const line = (names: string, seed: string) => `${names} ${key(seed).type} ${key(seed).base64}`;

/** What ssh-keygen finds for a name: the keys, in base64. */
function keygenFinds(text: string, name: string): string[] {
  const path = join(folder, "known_hosts");
  writeFileSync(path, text);
  const { stdout } = spawnSync("ssh-keygen", ["-F", name, "-f", path], { encoding: "utf8" });
  return stdout
    .split("\n")
    .filter((found) => found !== "" && !found.startsWith("#"))
    .map((found) => found.split(/\s+/).at(-1) ?? "");
}

const label = fc.stringMatching(/^[a-z0-9]{1,3}$/);
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const port = fc.constantFrom(22, 2222);
const pattern = fc.oneof(
  host,
  fc.tuple(host, fc.constantFrom("*", "?", "*.", "?a*")).map(([name, wild]) => wild + name),
  host.map((name) => `[${name}]:2222`),
  fc.constant("*"),
);
const names = fc.array(
  fc.tuple(fc.boolean(), pattern).map(([not, one]) => (not ? `!${one}` : one)),
  { minLength: 1, maxLength: 3 },
);

test("the keys found for a name are those that ssh-keygen -F finds", () => {
  const lines = fc.array(names, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(lines, host, port, fc.nat(3), (given, anyHost, anyPort, pick) => {
      // Half of the time a name that stands in the file, for something to be found.
      const inFile = given.flat().filter((one) => /^[a-z0-9.]+$/.test(one));
      const wanted = inFile[pick] ?? anyHost;
      const text = given.map((one, index) => line(one.join(","), `k${index}`)).join("\n") + "\n";
      const ours = lookUp([text], wanted, anyPort).keys.map(({ blob }) => blob.toString("base64"));
      expect(ours).toEqual(keygenFinds(text, knownName(wanted, anyPort)));
    }),
    { numRuns: 60 },
  );
});

test("names that ssh-keygen -H has hashed are found as before", () => {
  const path = join(folder, "hashed");
  const plain = `${line("mx1.example.org", "a")}\n${line("[mx2.example.org]:2222,10.0.0.2", "b")}\n`;
  writeFileSync(path, plain);
  spawnSync("ssh-keygen", ["-H", "-f", path]);
  const text = readFileSync(path, "utf8");
  expect(text).not.toContain("example.org");
  for (const [name, at] of [
    ["mx1.example.org", 22],
    ["mx2.example.org", 2222],
    ["10.0.0.2", 22],
    ["mx1.example.org", 2222],
    ["mx3.example.org", 22],
  ] as const) {
    expect(lookUp([text], name, at)).toEqual(lookUp([plain], name, at));
  }
  expect(lookUp([text], "mx1.example.org", 22).keys).toHaveLength(1);
});

test("a name is the same in any case", () => {
  expect(namesMatch("MX1.Example.org", knownName("mx1.example.ORG", 22))).toBe(true);
  const salt = randomBytes(20);
  const hash = createHmac("sha1", salt).update("mx1").digest("base64");
  expect(namesMatch(`|1|${salt.toString("base64")}|${hash}`, knownName("MX1", 22))).toBe(true);
});

test("revoked keys are told apart, and certificate authorities, comments and rubbish are left out", () => {
  const text = [
    "# mx1 ssh-ed25519 AAAA",
    `@revoked ${line("mx1", "bad")}`,
    `@cert-authority ${line("mx1", "authority")}`,
    `@unheard-of ${line("mx1", "strange")}`,
    line("mx1", "good"),
    "mx1 ssh-ed25519 notbase64!",
    `mx1 ssh-rsa ${key("x").base64}`,
    "mx1",
    "",
  ].join("\r\n");
  const { keys, revoked } = lookUp([text], "mx1", 22);
  expect(keys.map((one) => one.blob.toString("base64"))).toEqual([key("good").base64]);
  expect(revoked.map((one) => one.blob.toString("base64"))).toEqual([key("bad").base64]);
});

test("fingerprints are as ssh-keygen prints them", () => {
  const path = join(folder, "key.pub");
  writeFileSync(path, `${key("k").type} ${key("k").base64}\n`);
  const { stdout } = spawnSync("ssh-keygen", ["-lf", path], { encoding: "utf8" });
  expect(stdout.split(" ")[1]).toBe(fingerprintOf(Buffer.from(key("k").base64, "base64")));
});

describe("hostKey", () => {
  const { type, base64 } = key("k");
  const blob = Buffer.from(base64, "base64");
  test.each([
    ["a public key", `${type} ${base64}`],
    ["a public key with a comment", `${type} ${base64} root@mx1`],
    ["a line of known_hosts", `mx1 ${type} ${base64}`],
    ["what ssh-keyscan prints", `# mx1:22 SSH-2.0-OpenSSH_9.9\nmx1 ${type} ${base64}\n`],
  ])("may be %s", (_what, text) => {
    expect(parseHostKey(text)).toEqual({ keys: [{ type, blob }], fingerprints: [] });
  });

  test("may be a fingerprint, also as ssh-keygen -l prints it", () => {
    const fingerprint = fingerprintOf(blob);
    const expected = { keys: [], fingerprints: [fingerprint] };
    expect(parseHostKey(fingerprint)).toEqual(expected);
    expect(parseHostKey(`256 ${fingerprint} root@mx1 (ED25519)`)).toEqual(expected);
  });

  test.each([
    [""],
    ["# only a comment"],
    ["ssh-ed25519"],
    [`ssh-rsa ${base64}`],
    ["SHA256:short"],
    ["MD5:aa:bb"],
  ])("%j is none", (text) => expect(parseHostKey(text)).toBeUndefined());
});

describe("the verdict on a key", () => {
  const known = (seed: string) => {
    const found = publicKeyOf(key(seed).type, key(seed).base64);
    if (found === undefined) throw new Error("not a key");
    return found;
  };
  const trust = (more: Partial<Trust>): Trust => ({
    keys: [],
    ofPlainName: [],
    hasAuthority: false,
    revoked: [],
    fingerprints: [],
    source: "known_hosts",
    ...more,
  });
  const blob = known("a").blob;
  test.each<[string, Partial<Trust>, string]>([
    ["known", { keys: [known("b"), known("a")] }, "trusted"],
    ["known by its fingerprint", { fingerprints: [fingerprintOf(blob)] }, "trusted"],
    ["not known", {}, "unknown"],
    ["another of the same type", { keys: [known("b")] }, "changed"],
    [
      "of a type that is not known",
      { keys: [{ type: "ssh-rsa", blob: known("b").blob }] },
      "unknown",
    ],
    ["not the one that was given", { keys: [known("b")], source: "connection.hostKey" }, "changed"],
    ["not the given fingerprint", { fingerprints: [fingerprintOf(known("b").blob)] }, "changed"],
    ["revoked, though known", { keys: [known("a")], revoked: [known("a")] }, "revoked"],
  ])("that is %s", (_what, more, verdict) => {
    expect(judgeHostKey(blob, trust(more))).toBe(verdict);
  });

  test("known under the plain name is trusted on another port, and another one there says nothing", () => {
    const known2222 = (text: string): Trust => ({ ...trust({}), ...lookUp([text], "mx1", 2222) });
    expect(judgeHostKey(blob, known2222(line("mx1", "a")))).toBe("trusted");
    expect(judgeHostKey(blob, known2222(line("mx1", "b")))).toBe("unknown");
    expect(judgeHostKey(blob, known2222(`${line("mx1", "a")}\n${line("[mx1]:2222", "b")}`))).toBe(
      "trusted",
    );
    expect(judgeHostKey(blob, known2222(line("[mx1]:2222", "b")))).toBe("changed");
    expect(judgeHostKey(blob, known2222(`@revoked ${line("mx1", "a")}`))).toBe("revoked");
    // The plain name alone stands for port 22.
    expect(lookUp([line("[mx1]:2222", "a")], "mx1", 22).keys).toEqual([]);
  });

  test("known types are asked for first, and SHA-1 only where it is asked for", () => {
    const algorithms = hostKeyAlgorithms(
      trust({ keys: [{ type: "ssh-rsa", blob: Buffer.alloc(0) }] }),
    );
    expect(algorithms.slice(0, 3)).toEqual(["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]);
    expect(algorithms).not.toContain("ssh-rsa");
    expect(hostKeyAlgorithms(trust({}), new Set(), true).at(-1)).toBe("ssh-rsa");
    expect(new Set(algorithms).size).toBe(algorithms.length);
    expect(algorithms).not.toContain("ssh-dss");
    expect(hostKeyAlgorithms(trust({}))[0]).toBe("ssh-ed25519");
  });

  test("a line of a key is what it was read from", () => {
    expect(keyLineOf(known("a"))).toBe(`${key("a").type} ${key("a").base64}`);
  });
});
