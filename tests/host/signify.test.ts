/** Signatures of OpenBSD's media: accepted exactly where signify(1) accepts them. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { ensurePackages, MissingPackagesError } from "../../testing/image/debianPackages";
import { parseDigests, verifiedMessage } from "../../tools/openbsd-machine/signify";

const signify = "signify-openbsd";

/** Why there is no signify(1) here; undefined if there is. */
function whyNot(): string | undefined {
  try {
    ensurePackages([signify], (line) => process.stderr.write(`${line}\n`));
    return undefined;
  } catch (error) {
    if (error instanceof MissingPackagesError) return error.message;
    throw error;
  }
}

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`skipped: signify(1): ${reason}\n`);

(reason === undefined ? describe : describe.skip)("a signed list", () => {
  let folder: string;
  let signed: Buffer;
  let key: string;
  const message =
    "SHA256 (bsd) = " + "ab".repeat(32) + "\nSHA256 (base78.tgz) = " + "01".repeat(32) + "\n";

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "signify-"));
    for (const name of ["one", "two"])
      execFileSync(signify, ["-G", "-n", "-p", `${name}.pub`, "-s", `${name}.sec`], {
        cwd: folder,
      });
    writeFileSync(join(folder, "list"), message);
    execFileSync(signify, ["-Se", "-s", "one.sec", "-m", "list", "-x", "list.sig"], {
      cwd: folder,
    });
    signed = readFileSync(join(folder, "list.sig"));
    key = readFileSync(join(folder, "one.pub"), "utf8");
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** The message, if signify(1) accepts the file. */
  function bySignify(file: Buffer, publicKey: string): string | undefined {
    writeFileSync(join(folder, "x.sig"), file);
    writeFileSync(join(folder, "x.pub"), publicKey);
    const argv = ["-Veq", "-p", "x.pub", "-x", "x.sig", "-m", "-"];
    const { status, stdout } = spawnSync(signify, argv, { cwd: folder });
    return status === 0 ? stdout.toString("latin1") : undefined;
  }

  function byUs(file: Buffer, publicKey: string): string | undefined {
    try {
      return verifiedMessage(file, publicKey).toString("latin1");
    } catch {
      return undefined;
    }
  }

  test("gives its message by the key that signed it, as a file or as the line in it", () => {
    expect(byUs(signed, key)).toBe(message);
    expect(byUs(signed, key.split("\n")[1] ?? "")).toBe(message);
    expect(bySignify(signed, key)).toBe(message);
    expect([...parseDigests(Buffer.from(message)).keys()]).toEqual(["bsd", "base78.tgz"]);
  });

  test("is refused by another key, and by what is no key, as signify(1) refuses it", () => {
    const other = readFileSync(join(folder, "two.pub"), "utf8");
    const keys = [other, "", "nonsense", key.slice(0, -5), key.replace("untrusted", "trusted")];
    for (const wrong of keys) expect([wrong, byUs(signed, wrong)]).toEqual([wrong, undefined]);
    expect(keys.map((wrong) => bySignify(signed, wrong))).toEqual(keys.map(() => undefined));
    expect(() => verifiedMessage(signed, other)).toThrow("it was signed with another key");
  });

  test("with any byte changed, left out or added is accepted by us only if signify(1) accepts it, and then as the same", () => {
    const change = fc.record({
      at: fc.nat(signed.length - 1),
      remove: fc.nat(2),
      add: fc.uint8Array({ maxLength: 2 }),
    });
    let refused = 0;
    fc.assert(
      fc.property(change, ({ at, remove, add }) => {
        const file = Buffer.concat([signed.subarray(0, at), add, signed.subarray(at + remove)]);
        const ours = byUs(file, key);
        refused += ours === undefined ? 1 : 0;
        if (ours !== undefined) expect(ours).toBe(bySignify(file, key));
      }),
      { numRuns: 400 },
    );
    // Only a change of the comment is none.
    expect(refused).toBeGreaterThan(200);
  });

  test.each([
    ["a line that says nothing", "hello\n"],
    ["a path", `SHA256 (../bsd) = ${"ab".repeat(32)}\n`],
    ["a file twice", message.split("\n").slice(0, 1).concat(message).join("\n")],
    ["a digest that is too short", "SHA256 (bsd) = abab\n"],
  ])("with %s is not read", (_, text) => {
    expect(() => parseDigests(Buffer.from(text))).toThrow("a line that cannot be read");
  });
});
