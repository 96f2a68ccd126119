import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { goProxy } from "../../../tools/pulumi-cli/go";
import { lastLine, run } from "../../../tools/pulumi-cli/run";
import { type Version, isAtLeast, parseVersion } from "../../../tools/pulumi-cli/version";
import { unzip } from "../../../tools/pulumi-cli/zip";

describe("versions", () => {
  test.each([
    ["v3.259.0\n", [3, 259, 0]],
    ["3.300.0-alpha.1", [3, 300, 0]],
    ["go version go1.26.8 linux/amd64", [1, 26, 8]],
    ["go version go1.21 linux/amd64", [1, 21, 0]],
  ])("%j is read as %j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  test("a text without a version has none", () => {
    expect(parseVersion("not found")).toBeUndefined();
  });

  test("are ordered as numbers, part by part", () => {
    const part = fc.nat({ max: 300 });
    const version: fc.Arbitrary<Version> = fc.tuple(part, part, part);
    fc.assert(
      fc.property(version, version, (one, other) => {
        const weight = ([a, b, c]: Version) => (a * 1000 + b) * 1000 + c;
        expect(isAtLeast(one, other)).toBe(weight(one) >= weight(other));
      }),
    );
  });
});

describe("GOPROXY", () => {
  test.each([
    [undefined, "https://proxy.golang.org"],
    ["https://proxy.golang.org,direct", "https://proxy.golang.org"],
    ["off|https://go.example.org/", "https://go.example.org"],
  ])("%j names %j", (list, proxy) => {
    expect(goProxy({ GOPROXY: list })).toBe(proxy);
  });

  test("without a proxy is an error", () => {
    expect(() => goProxy({ GOPROXY: "direct" })).toThrow("GOPROXY=direct names no proxy");
  });
});

/** A zip archive as APPNOTE.TXT has it: local headers with bytes, the central directory, its end. */
function zip(files: readonly (readonly [name: string, bytes: Buffer, packed: boolean])[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes, packed] of files) {
    const data = packed ? deflateRawSync(bytes) : bytes;
    const title = Buffer.from(name);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(title.length, 26);
    locals.push(header, title, data);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(packed ? 8 : 0, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(title.length, 28);
    entry.writeUInt32LE(offset, 42);
    central.push(entry, title);
    offset += header.length + title.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...central, end]);
}

describe("a zip archive", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-zip-"))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test("is unpacked to the byte, without the prefix", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, packed) => {
        const archive = zip([["m@v1/bin/go", Buffer.from(bytes), packed]]);
        expect(unzip(archive, "m@v1/", folder)).toBe(1);
        expect(readFileSync(join(folder, "bin/go"))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test("gives nothing that is not below the prefix", () => {
    const archive = zip([
      ["other/x", Buffer.from("x"), true],
      ["m@v1/", Buffer.alloc(0), false],
    ]);
    expect(unzip(archive, "m@v1/", folder)).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("cannot write outside the folder", () => {
    const archive = zip([["m@v1/../../evil", Buffer.from("x"), false]]);
    expect(() => unzip(archive, "m@v1/", folder)).toThrow("leaves the folder");
  });

  test("that is damaged is an error", () => {
    expect(() => unzip(Buffer.from("hello"), "", folder)).toThrow("not a zip archive");
    const archive = zip([["a", Buffer.from("text"), false]]);
    archive.writeUInt32LE(9, archive.length - 22 - 47 + 24);
    expect(() => unzip(archive, "", folder)).toThrow("a is damaged");
  });
});

describe("a program that is run", () => {
  test("gives its exit status and both outputs, and has no stdin", async () => {
    const script = "cat; echo out; echo one >&2; echo two >&2; exit 3";
    const lines: string[] = [];
    const ran = await run("sh", ["-c", script], { onLine: (line) => lines.push(line) });
    expect(ran).toEqual({ code: 3, stdout: "out\n", stderr: "one\ntwo\n" });
    expect(lines).toEqual(["one", "two"]);
    expect(lastLine(ran.stderr)).toBe("two");
  });

  test("and does not exist has no exit status", async () => {
    const ran = await run("/nonexistent/program", [], {});
    expect(ran.code).toBeNull();
    expect(ran.stderr).toContain("ENOENT");
  });

  test("is ended with its children after the time limit", async () => {
    const ran = await run("sh", ["-c", "sleep 60 & wait"], { timeoutMs: 200 });
    expect(ran.code).toBeNull();
    expect(ran.stderr).toContain("took too long");
  });
});
