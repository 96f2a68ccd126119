import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { HostError } from "../../../provider/host/errors";
import {
  contentsOf,
  type Expectation,
  type HostWriter,
  type WriteOutcome,
} from "../../../provider/host/host";
import { treeDigest } from "../../../provider/host/treeDigest";
import { Sandbox } from "./localAgent";

let box: Sandbox;
beforeEach(() => {
  box = new Sandbox();
});
afterEach(() => box.clean());

const sha256 = (text: string) => createHash("sha256").update(text, "latin1").digest("hex");
const anything: Expectation = { anything: true };
const modeOf = (path: string) => lstatSync(path).mode & 0o7777;
const isRoot = process.getuid?.() === 0;

/** Does it in a section of an agent of its own. */
async function change<T>(work: (host: HostWriter) => Promise<T>): Promise<T> {
  const { client } = await box.agent();
  return client.change("a test", work);
}

describe("looking", () => {
  test("of a file with a key nothing but its labels and its certificates is told", async () => {
    const block = (label: string, body: string) =>
      `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
    const own = block("CERTIFICATE", "T1dO");
    const key = block("EC PRIVATE KEY", "S0VZLUJZVEVT");
    const texts = {
      all: `S0VZ before\n${own}S0VZ between\n${key}${block("X509 CERTIFICATE", "Q0E=")}S0VZ after`,
      locked: block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nS0VZ"),
      locked8: block("ENCRYPTED PRIVATE KEY", "S0VZ"),
      // The end of the certificate is lost, so the key stands in its block.
      cut: `-----BEGIN CERTIFICATE-----\nT1dO\n${key}-----END CERTIFICATE-----\n`,
      none: "S0VZ",
    };
    for (const [name, text] of Object.entries(texts)) writeFileSync(box.in(name), text);
    symlinkSync("all", box.in("link"));
    mkdirSync(box.in("folder"));
    const { client } = await box.agent();
    const at = (name: string) => ({ fact: "pem", path: box.in(name) }) as const;
    const seen = await client.read({
      ...{ all: at("all"), link: at("link"), cut: at("cut"), none: at("none") },
      ...{ locked: at("locked"), locked8: at("locked8"), folder: at("folder"), absent: at("x") },
    });
    const all = {
      labels: ["CERTIFICATE", "EC PRIVATE KEY", "X509 CERTIFICATE"],
      encrypted: false,
      certificates: `${own}${block("X509 CERTIFICATE", "Q0E=")}`,
    };
    expect(seen).toEqual({
      ...{ all, link: all, folder: null, absent: null },
      cut: { labels: ["CERTIFICATE"], encrypted: false, certificates: "" },
      none: { labels: [], encrypted: false, certificates: "" },
      locked: { labels: ["RSA PRIVATE KEY"], encrypted: true, certificates: "" },
      locked8: { labels: ["ENCRYPTED PRIVATE KEY"], encrypted: true, certificates: "" },
    });
    expect(JSON.stringify(seen)).not.toContain("S0VZ");
  });

  test("every type of thing is told as lstat sees it", async () => {
    const file = box.in("file");
    writeFileSync(file, "caf\u00e9\0\xff", "latin1");
    chmodSync(file, 0o640);
    mkdirSync(box.in("folder"), { mode: 0o750 });
    symlinkSync("file", box.in("link"));
    symlinkSync("link", box.in("link2"));
    symlinkSync("nowhere", box.in("dangling"));
    symlinkSync("loop", box.in("loop"));
    spawnSync("mkfifo", [box.in("fifo")]);
    const { client } = await box.agent();
    const at = (name: string) => ({ fact: "file", path: box.in(name) }) as const;
    const seen = await client.read({
      file: at("file"),
      stat: { fact: "stat", path: file },
      digest: { fact: "digest", path: box.in("link") },
      folder: at("folder"),
      link2: at("link2"),
      dangling: at("dangling"),
      loop: at("loop"),
      fifo: at("fifo"),
      absent: at("absent"),
      below: at("file/x"),
    });
    const owner = { uid: process.getuid?.(), gid: process.getgid?.() };
    const contents = "caf\u00e9\0\xff";
    const whole = {
      type: "file",
      mode: 0o640,
      ...owner,
      size: 6,
      contents,
      sha256: sha256(contents),
    };
    expect(seen).toEqual({
      file: whole,
      stat: { type: "file", mode: 0o640, ...owner, size: 6 },
      digest: {
        ...{ type: "symlink", target: "file", resolved: file },
        file: { type: "file", mode: 0o640, ...owner, size: 6, sha256: sha256(contents) },
      },
      folder: { type: "directory", mode: 0o750, ...owner },
      link2: { type: "symlink", target: "link", resolved: file, file: whole },
      dangling: { type: "symlink", target: "nowhere" },
      loop: { type: "symlink", target: "loop" },
      fifo: { type: "other", mode: expect.any(Number) as number, ...owner },
      absent: { type: "absent" },
      below: { type: "absent" },
    });
  });

  test("files up to 64 MB are carried, many at a time; of a larger one nothing passes for its contents", async () => {
    const mb = 1024 * 1024;
    const sizes = [0, 1, 4 * mb, 4 * mb + 1, 17 * mb];
    writeFileSync(box.in(`${64 * mb + 1}`), "");
    truncateSync(box.in(`${64 * mb + 1}`), 64 * mb + 1);
    for (const size of sizes)
      writeFileSync(box.in(`${size}`), Buffer.alloc(size, `${size} bytes\n`));
    symlinkSync(`${17 * mb}`, box.in("link"));
    symlinkSync(`${64 * mb + 1}`, box.in("large-link"));
    const { client } = await box.agent();
    const fact = (name: string) => ({ fact: "file", path: box.in(name) }) as const;
    const seen = await client.read(
      Object.fromEntries(sizes.map((size) => [`${size}`, fact(`${size}`)])),
    );
    for (const size of sizes) {
      const contents = readFileSync(box.in(`${size}`), "latin1");
      const state = seen[`${size}`];
      expect(state).toMatchObject({ type: "file", size, sha256: sha256(contents) });
      // Not compared by expect, which would print them.
      expect({ size, isSame: state && contentsOf(state) === contents }).toEqual({
        size,
        isSame: true,
      });
    }
    const { link, large, largeLink } = await client.read({
      link: fact("link"),
      large: fact(`${64 * mb + 1}`),
      largeLink: fact("large-link"),
    });
    expect(contentsOf(link)?.length).toBe(17 * mb);
    for (const state of [large, largeLink])
      expect(() => contentsOf(state)).toThrow(
        `${box.in(`${64 * mb + 1}`)} has 64.1 MB, and a file of more than 64 MB is neither read nor changed. `,
      );
  });

  test("a large file that changes while it is read is never put together from two versions", async () => {
    const path = box.in("changing");
    const put = (letter: string): void => {
      writeFileSync(box.in("new"), Buffer.alloc(9 * 1024 * 1024, letter));
      renameSync(box.in("new"), path);
    };
    put("a");
    const { client } = await box.agent();
    let letter = 97;
    const timer = setInterval(() => {
      if (letter < 105) put(String.fromCharCode(++letter));
    }, 40);
    try {
      for (let round = 0; round < 2; round += 1) {
        const { file } = await client.read({ file: { fact: "file", path } });
        const contents = contentsOf(file) ?? "";
        expect(contents === contents.charAt(0).repeat(9 * 1024 * 1024)).toBe(true);
      }
    } finally {
      clearInterval(timer);
    }
  });

  test("names of a folder are sorted by their bytes, and no folder is null", async () => {
    mkdirSync(box.in("f"));
    for (const name of ["b", "a", "\u00e9", ".hidden", "B", "new\nline"]) {
      writeFileSync(box.in("f", name), "");
    }
    const { client } = await box.agent();
    const { list, none } = await client.read({
      list: { fact: "list", path: box.in("f") },
      none: { fact: "list", path: box.in("none") },
    });
    expect(list).toEqual([".hidden", "B", "a", "b", "new\nline", "\u00c3\u00a9"]);
    expect(none).toBeNull();
  });

  test("the tail of a file is read from the offset that is asked for", async () => {
    writeFileSync(box.in("log"), "0123456789");
    const { client } = await box.agent();
    const tail = (offset: number, limit: number) =>
      ({ fact: "tail", path: box.in("log"), offset, limit }) as const;
    const seen = await client.read({
      middle: tail(3, 4),
      end: tail(-2, 100),
      beyond: tail(50, 10),
      before: tail(-50, 2),
      none: { ...tail(0, 1), path: box.in("none") },
    });
    const inode = String(lstatSync(box.in("log")).ino);
    expect(seen).toEqual({
      middle: { size: 10, inode, contents: "3456" },
      end: { size: 10, inode, contents: "89" },
      beyond: { size: 10, inode, contents: "" },
      before: { size: 10, inode, contents: "01" },
      none: null,
    });
  });

  test("users and groups are found by name", async () => {
    const { client } = await box.agent();
    const seen = await client.read({
      root: { fact: "user", name: "root" },
      daemon: { fact: "group", name: "daemon" },
      nobody: { fact: "user", name: "no-such-user" },
      none: { fact: "group", name: "no-such-group" },
    });
    expect(seen.root).toMatchObject({ uid: 0, gid: 0, home: "/root" });
    expect(seen.daemon).toEqual({ gid: 1 });
    expect(seen.nobody).toBeNull();
    expect(seen.none).toBeNull();
  });

  test.each([["relative/path"], [""], ["/etc/\0x"]])("the path %j is refused", async (path) => {
    const { client } = await box.agent();
    await expect(client.read({ file: { fact: "file", path } })).rejects.toMatchObject({
      kind: "refused",
    });
  });
});

describe("writing", () => {
  test("a new file has the contents, mode and owner that were asked for", async () => {
    const outcome = await change((host) =>
      host.write({
        path: box.in("new"),
        contents: "a\0\xff\n",
        mode: 0o600,
        expect: { absent: true },
      }),
    );
    expect(outcome).toEqual({ written: true, sha256: sha256("a\0\xff\n") });
    expect(readFileSync(box.in("new"), "latin1")).toBe("a\0\xff\n");
    expect(modeOf(box.in("new"))).toBe(0o600);
  });

  test("a new file is 0644 unless said otherwise, whatever the umask", async () => {
    await change((host) => host.write({ path: box.in("new"), contents: "", expect: anything }));
    expect(modeOf(box.in("new"))).toBe(0o644);
  });

  test("what is replaced keeps its mode and owner", async () => {
    writeFileSync(box.in("file"), "old");
    if (isRoot) chownSync(box.in("file"), 1234, 4321);
    chmodSync(box.in("file"), 0o2640);
    const before = lstatSync(box.in("file"));
    await change((host) =>
      host.write({ path: box.in("file"), contents: "new", expect: { sha256: sha256("old") } }),
    );
    const after = lstatSync(box.in("file"));
    expect(readFileSync(box.in("file"), "utf8")).toBe("new");
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    expect(after.ino).not.toBe(before.ino);
  });

  test("a link is followed to its end and stays a link", async () => {
    mkdirSync(box.in("real"));
    writeFileSync(box.in("real", "file"), "old");
    symlinkSync("real/file", box.in("one"));
    symlinkSync(box.in("one"), box.in("two"));
    await change((host) => host.write({ path: box.in("two"), contents: "new", expect: anything }));
    expect(readFileSync(box.in("real", "file"), "utf8")).toBe("new");
    expect(readlinkSync(box.in("two"))).toBe(box.in("one"));
    expect(readlinkSync(box.in("one"))).toBe("real/file");
    expect(lstatSync(box.in("real", "file")).isFile()).toBe(true);
  });

  test.each<[string, (path: string) => void]>([
    ["a folder", (path) => mkdirSync(path)],
    ["a fifo", (path) => spawnSync("mkfifo", [path])],
    ["a link to nowhere", (path) => symlinkSync("/no/where", path)],
    ["a link to a folder", (path) => symlinkSync("/tmp", path)],
    ["a link to itself", (path) => symlinkSync(path, path)],
    [
      "a file with two names",
      (path) => {
        writeFileSync(path, "x");
        linkSync(path, `${path}.2`);
      },
    ],
  ])("%s is not written over", async (_what, make) => {
    make(box.in("it"));
    const before = lstatSync(box.in("it"));
    await expect(
      change((host) => host.write({ path: box.in("it"), contents: "new", expect: anything })),
    ).rejects.toMatchObject({ kind: "refused", changed: "no" });
    expect(lstatSync(box.in("it"))).toMatchObject({
      mode: before.mode,
      ino: before.ino,
      size: before.size,
    });
  });

  const open: readonly (readonly [what: string, mode: number, uid: number, gid: number])[] = [
    ["that everybody can write to", 0o777, 0, 0],
    ["that everybody can write to, though it is sticky", 0o1777, 0, 0],
    ["that a group can write to", 0o775, 0, 4321],
    ["of another user", 0o755, 1234, 0],
  ];
  const made = isRoot ? open : open.filter(([, , uid, gid]) => uid === 0 && gid === 0);

  test.each(made)(
    "a folder %s is no place to change anything in",
    async (_what, mode, uid, gid) => {
      const folder = box.in("folder");
      mkdirSync(folder);
      mkdirSync(`${folder}/below`);
      for (const name of ["file", "below/file"]) writeFileSync(`${folder}/${name}`, "theirs");
      mkdirSync(box.in("elsewhere"));
      symlinkSync(`${folder}/file`, box.in("elsewhere", "link"));
      if (isRoot) chownSync(folder, uid, gid);
      chmodSync(folder, mode);
      // What is root's in a sticky folder, nobody else can rename: below it is a place like any other.
      const below = (mode & 0o1000) === 0 ? [`${folder}/below/file`, `${folder}/below/new`] : [];
      const paths = [`${folder}/file`, `${folder}/new`, box.in("elsewhere", "link"), ...below];
      const { client } = await box.agent();
      const refused = {
        kind: "refused",
        changed: "no",
        message: expect.stringContaining(`the folder ${folder}, through which `) as string,
      };
      for (const path of paths) {
        const { place } = await client.read({ place: { fact: "place", path } });
        expect(place).toEqual({ noFolder: false, reason: refused.message });
      }
      const before = JSON.stringify([readdirSync(folder), lstatSync(folder).mode]);
      const tree = async (path: string): Promise<string> =>
        treeDigest((await client.read({ tree: { fact: "tree", path } })).tree);
      const digests = { folder: await tree(`${folder}/file`), none: await tree(`${folder}/none`) };
      const attempts: readonly ((host: HostWriter) => Promise<unknown>)[] = [
        ...paths.map(
          (path) => (host: HostWriter) => host.write({ path, contents: "ours", expect: anything }),
        ),
        (host) => host.write({ path: paths[0] ?? "", contents: "o".repeat(5e6), expect: anything }),
        (host) => host.remove(`${folder}/file`, anything),
        (host) => host.makeDirectory(`${folder}/new`, 0o755),
        (host) => host.setAttributes(`${folder}/file`, 0o600, 0, 0),
        (host) => host.copyTree(box.in("elsewhere"), `${folder}/none`, digests.none),
        (host) => host.pruneTree(`${folder}/file`, [], digests.folder),
        (host) => host.removeFolder(`${folder}/below`, true),
        (host) => host.move(`${folder}/file`, box.in("moved")),
        (host) => host.move(box.in("elsewhere"), `${folder}/moved`),
      ];
      for (const attempt of attempts)
        await expect(client.change("a test", attempt)).rejects.toMatchObject(refused);
      expect(JSON.stringify([readdirSync(folder), lstatSync(folder).mode])).toBe(before);
      for (const name of ["file", "below/file"])
        expect(readFileSync(`${folder}/${name}`, "utf8")).toBe("theirs");
    },
  );

  test("a sticky folder that one group can write to, as that of crontab, is a place for files of root", async () => {
    mkdirSync(box.in("tabs"));
    if (isRoot) chownSync(box.in("tabs"), 0, 4321);
    chmodSync(box.in("tabs"), 0o1770);
    const path = box.in("tabs", "root");
    await change((host) => host.write({ path, contents: "a", expect: { absent: true } }));
    await change((host) => host.write({ path, contents: "b", expect: { sha256: sha256("a") } }));
    expect(readFileSync(path, "utf8")).toBe("b");
    if (!isRoot) return;
    chownSync(path, 1234, 4321);
    await expect(
      change((host) => host.write({ path, contents: "c", expect: anything })),
    ).rejects.toMatchObject({ kind: "refused" });
  });

  test("a look says beforehand why a path cannot be written, and that all others can", async () => {
    for (const name of ["file", "twice"]) writeFileSync(box.in(name), "");
    linkSync(box.in("twice"), box.in("other"));
    mkdirSync(box.in("folder"));
    spawnSync("mkfifo", [box.in("fifo")]);
    symlinkSync("nowhere", box.in("dangling"));
    symlinkSync("loop", box.in("loop"));
    symlinkSync("folder/../file", box.in("link"));
    const { client } = await box.agent();
    const fault = async (...names: string[]) =>
      (await client.read({ place: { fact: "place", path: box.in(...names) } })).place;
    for (const [name, real] of [
      ["file", "file"],
      ["link", "file"],
      ["new", "new"],
    ] as const)
      expect(await fault(name)).toEqual({ real: box.in(real) });
    for (const [name, reason] of [
      ["twice", "has 2 names (hard links)"],
      ["folder", "is a folder"],
      ["fifo", "is a pipe"],
      ["dangling", "is a link that leads nowhere"],
      ["loop", "leads round in a circle"],
      ["file/below", "is not a folder"],
    ] as const)
      expect(await fault(name)).toEqual({
        reason: expect.stringContaining(reason) as string,
        noFolder: false,
      });
    expect(await fault("none", "file")).toEqual({
      reason: `the folder of ${box.in("none", "file")} does not exist`,
      noFolder: true,
    });
  });

  test("two names that an interrupted write has left are no hard link: the next write takes one away", async () => {
    const path = box.in("file");
    writeFileSync(path, "old");
    linkSync(path, box.in(".file.pulumi-abcdefgh"));
    const { client } = await box.agent();
    expect((await client.read({ place: { fact: "place", path } })).place).toEqual({ real: path });
    await client.change("w", (host) => host.write({ path, contents: "new", expect: anything }));
    expect(readdirSync(box.path)).toEqual(["file"]);
    linkSync(path, box.in(".file.pulumi-abcdefgh"));
    await client.change("r", (host) => host.remove(path, anything));
    expect(readdirSync(box.path)).toEqual([]);
  });

  test("the next section takes away what a killed agent has left, and nothing that only looks like it", async () => {
    mkdirSync(box.in("record", "jobs", ".new-key"), { recursive: true, mode: 0o700 });
    mkdirSync(box.in("record", "jobs", "key"));
    for (const file of ["jobs/.new-key/pid", "jobs/key/status.new", "jobs/key/log", "record.json"])
      writeFileSync(box.in("record", file), "x");
    mkdirSync(box.in("etc"));
    const ours = box.in("etc", ".main.cf.pulumi-abcdefgh");
    const theirs = [
      ...[box.in("etc", "main.cf"), box.in("etc", ".main.cf.pulumi-abc")],
      ...[box.in("etc", ".other.pulumi-zzzzzzzz"), box.in("etc", "x.pulumi-abcdefgh")],
    ];
    for (const path of [ours, ...theirs]) writeFileSync(path, "x");
    mkdirSync(box.in("etc", ".folder.pulumi-abcdefgh"));
    mkdirSync(box.in("open"), { mode: 0o777 });
    chmodSync(box.in("open"), 0o777);
    const open = box.in("open", ".x.pulumi-abcdefgh");
    writeFileSync(open, "x");
    const noted = [
      ours,
      theirs[0],
      theirs[1],
      theirs[3],
      box.in("etc", ".folder.pulumi-abcdefgh"),
      open,
    ];
    writeFileSync(box.in("record", "temporary"), noted.map((path) => `${path}\n`).join(""));
    await change(() => Promise.resolve());
    expect(readdirSync(box.in("etc")).sort()).toEqual([
      ...[".folder.pulumi-abcdefgh", ".main.cf.pulumi-abc", ".other.pulumi-zzzzzzzz"],
      ...["main.cf", "x.pulumi-abcdefgh"],
    ]);
    expect(existsSync(open)).toBe(true);
    expect(readdirSync(box.in("record")).sort()).toEqual(["jobs", "lock", "record.json"]);
    expect(readdirSync(box.in("record", "jobs"))).toEqual(["key"]);
    expect(readdirSync(box.in("record", "jobs", "key"))).toEqual(["log"]);
  });

  test("what is not as expected is left and shown", async () => {
    writeFileSync(box.in("file"), "theirs");
    const [other, absent] = await change(async (host) => [
      await host.write({ path: box.in("file"), contents: "ours", expect: { sha256: sha256("x") } }),
      await host.write({ path: box.in("file"), contents: "ours", expect: { absent: true } }),
    ]);
    expect(other).toMatchObject({ written: false, found: { type: "file", contents: "theirs" } });
    expect(absent).toMatchObject({ written: false, found: { type: "file", contents: "theirs" } });
    const gone = await change((host) =>
      host.write({ path: box.in("none"), contents: "ours", expect: { sha256: sha256("x") } }),
    );
    expect(gone).toEqual({ written: false, found: { type: "absent" } });
    expect(readFileSync(box.in("file"), "utf8")).toBe("theirs");
    expect(readdirSync(box.path)).toEqual(["file"]);
  });

  test("no update is lost when several agents count up one file", async () => {
    const path = box.in("counter");
    writeFileSync(path, "0");
    const agents = await Promise.all([box.agent(), box.agent(), box.agent()]);
    const countUp = async (client: (typeof agents)[number]["client"]) => {
      for (let done = 0; done < 5;) {
        // Looks outside the section on purpose: what was seen may be old when it is written.
        const { file } = await client.read({ file: { fact: "file", path } });
        const found = contentsOf(file);
        if (found === undefined) throw new Error("no counter");
        const [contents, expect] = [String(Number(found) + 1), { sha256: sha256(found) }];
        const write = (host: HostWriter): Promise<WriteOutcome> =>
          host.write({ path, contents, expect });
        if ((await client.change("count", write)).written) done++;
      }
    };
    await Promise.all(agents.map(({ client }) => countUp(client)));
    expect(readFileSync(path, "utf8")).toBe("15");
  });

  test("a failed write leaves the old file and nothing else", async () => {
    writeFileSync(box.in("file"), "old");
    // Longer than any file system's names: the temporary file's name is shortened, the target's cannot be.
    const long = box.in("n".repeat(300));
    await expect(
      change((host) => host.write({ path: long, contents: "x", expect: anything })),
    ).rejects.toMatchObject({ kind: "refused" });
    await expect(
      change((host) =>
        host.write({ path: box.in("none", "file"), contents: "x", expect: anything }),
      ),
    ).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("does not exist") as string,
    });
    expect(readdirSync(box.path)).toEqual(["file"]);
  });

  test("a disk that takes no more leaves the old file and nothing else", async () => {
    writeFileSync(box.in("file"), "old");
    // A limit of 50 kB on what one file may grow to: write(2) fails half-way, as on a full disk.
    const { client } = await box.agent({}, "ulimit -f 100; trap '' XFSZ");
    const contents = "x".repeat(200_000);
    const write = client.change("a test", (host) =>
      host.write({ path: box.in("file"), contents, expect: anything }),
    );
    await expect(write).rejects.toMatchObject({
      kind: "refused",
      changed: "no",
      message: expect.stringContaining("File too large") as string,
    });
    expect(readdirSync(box.path)).toEqual(["file"]);
    expect(readFileSync(box.in("file"), "utf8")).toBe("old");
  });

  test("an agent that is killed leaves the old bytes or the new, never a mixture", async () => {
    const path = box.in("file");
    const [old, wanted] = ["old".repeat(100_000), "new".repeat(1_500_000)];
    const outcomes = new Set<string>();
    for (let delay = 0; delay < 60; delay += 4) {
      writeFileSync(path, old);
      chmodSync(path, 0o640);
      const { client, child, gone } = await box.agent();
      const writing = client.change("w", (host) =>
        host.write({ path, contents: wanted, expect: anything }),
      );
      setTimeout(() => child.kill("SIGKILL"), delay);
      await writing.catch((error: unknown) => expect(error).toMatchObject({ kind: "lost" }));
      child.kill("SIGKILL");
      await gone;
      const found = readFileSync(path, "latin1");
      expect(found === old || found === wanted).toBe(true);
      expect(modeOf(path)).toBe(0o640);
      outcomes.add(found === old ? "old" : "new");
    }
    // What the killed ones left behind goes with the next write, and only that.
    writeFileSync(box.in(".other.pulumi-abcdefgh"), "not ours to judge");
    await change((host) => host.write({ path, contents: "last", expect: anything }));
    expect(readdirSync(box.path).sort()).toEqual([".other.pulumi-abcdefgh", "file"]);
    expect(outcomes).toContain("old");
  });

  test("contents of any bytes arrive as they are", async () => {
    const { client } = await box.agent();
    await client.change("bytes", async (host) => {
      const bytes = fc.uint8Array({ maxLength: 2000 });
      await fc.assert(
        fc.asyncProperty(bytes, async (array) => {
          const contents = Buffer.from(array).toString("latin1");
          await host.write({ path: box.in("file"), contents, expect: anything });
          expect(readFileSync(box.in("file"), "latin1")).toBe(contents);
        }),
        { numRuns: 30 },
      );
    });
  });
});

describe("large files", () => {
  test("text in many pieces arrives as it is, or nothing is changed", async () => {
    const contents = Buffer.alloc(17 * 1024 * 1024 + 3, "0123456789\xff\0\n", "latin1").toString(
      "latin1",
    );
    const path = box.in("large");
    writeFileSync(path, "theirs");
    await change(async (host) => {
      const other = { sha256: sha256("ours") };
      expect(await host.write({ path, contents, expect: other })).toMatchObject({
        written: false,
        found: { contents: "theirs" },
      });
      expect(readFileSync(path, "utf8")).toBe("theirs");
      const theirs = { sha256: sha256("theirs") };
      expect(await host.write({ path, contents, mode: 0o600, expect: theirs })).toEqual({
        written: true,
        sha256: sha256(contents),
      });
    });
    expect(readFileSync(path, "latin1") === contents).toBe(true);
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(box.path)).toEqual(["large"]);
  });

  test("an agent that is killed between two pieces leaves the old file, and the next section takes the rest away", async () => {
    const path = box.in("large");
    writeFileSync(path, "old");
    const { client, child, gone } = await box.agent();
    const contents = "x".repeat(60 * 1024 * 1024);
    const writing = client.change("w", (host) => host.write({ path, contents, expect: anything }));
    while (readdirSync(box.path).length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    child.kill("SIGKILL");
    await expect(writing).rejects.toMatchObject({ kind: "lost" });
    await gone;
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(box.path)).toHaveLength(3);
    // Another file is written next, so that nothing else leads to what was left.
    await change((host) => host.write({ path: box.in("b"), contents: "", expect: anything }));
    expect(readdirSync(box.path).sort()).toEqual(["b", "large"]);
  });

  test("a copy on the host has the bytes of the digest that was asked for, or nothing is changed", async () => {
    const bytes = Buffer.alloc(21 * 1024 * 1024, "database");
    writeFileSync(box.in("virtual.db"), bytes);
    symlinkSync("virtual.db", box.in("link.db"));
    const digest = sha256(bytes.toString("latin1"));
    const copy = (path: string, from: string, of: string) =>
      change((host) =>
        host.write({
          ...{ path: box.in(path), from: box.in(from), sha256: of },
          ...{ mode: 0o600, expect: { absent: true } },
        }),
      );
    expect(await copy("one", "virtual.db", digest)).toEqual({ written: true, sha256: digest });
    expect(await copy("two", "link.db", digest)).toEqual({ written: true, sha256: digest });
    for (const name of ["one", "two"]) {
      expect(readFileSync(box.in(name)).equals(bytes)).toBe(true);
      expect(modeOf(box.in(name))).toBe(0o600);
    }
    await expect(copy("three", "virtual.db", sha256("other"))).rejects.toMatchObject({
      kind: "refused",
      changed: "no",
    });
    expect(readdirSync(box.path).sort()).toEqual(["link.db", "one", "two", "virtual.db"]);
  });

  test("a candidate with large files is judged like any other, and leaves nothing", async () => {
    const { client, child } = await box.agent();
    const large = "x".repeat(9 * 1024 * 1024);
    const answers = await client.judge({
      files: { small: "{dir}", "tables/0": large },
      commands: [{ argv: ["postconf", "-c", "{dir}"] }],
    });
    expect(answers).toHaveLength(1);
    const left = readdirSync("/tmp").filter((name) =>
      name.startsWith(`pulumi-openbsd-postfix-${child.pid}-`),
    );
    expect(left).toEqual([]);
  });
});

describe("removing, folders and links", () => {
  test("a file is removed only when it is as expected", async () => {
    writeFileSync(box.in("file"), "theirs");
    await change(async (host) => {
      expect(await host.remove(box.in("file"), { sha256: sha256("ours") })).toMatchObject({
        written: false,
        found: { type: "file", contents: "theirs" },
      });
      expect(existsSync(box.in("file"))).toBe(true);
      expect(await host.remove(box.in("file"), { sha256: sha256("theirs") })).toMatchObject({
        written: true,
      });
      expect(existsSync(box.in("file"))).toBe(false);
      expect(await host.remove(box.in("file"), { absent: true })).toMatchObject({ written: true });
      expect(await host.remove(box.in("file"), { sha256: sha256("theirs") })).toEqual({
        written: false,
        found: { type: "absent" },
      });
    });
  });

  test("a link is removed, and not what it leads to", async () => {
    writeFileSync(box.in("file"), "x");
    symlinkSync("file", box.in("link"));
    await change((host) => host.remove(box.in("link"), anything));
    expect(readdirSync(box.path)).toEqual(["file"]);
  });

  test("a folder is removed only when it is empty", async () => {
    mkdirSync(box.in("folder"));
    writeFileSync(box.in("folder", "file"), "x");
    const remove = () => change((host) => host.remove(box.in("folder"), anything));
    await expect(remove()).rejects.toMatchObject({ kind: "refused" });
    expect(existsSync(box.in("folder", "file"))).toBe(true);
    await change((host) => host.remove(box.in("folder", "file"), anything));
    await remove();
    expect(readdirSync(box.path)).toEqual([]);
  });

  test("a folder is made with its mode, and making it again changes nothing", async () => {
    await change(async (host) => {
      await host.makeDirectory(box.in("folder"), 0o2750);
      const made = lstatSync(box.in("folder"));
      expect(made.mode & 0o7777).toBe(0o2750);
      await host.makeDirectory(box.in("folder"), 0o2750);
      expect(lstatSync(box.in("folder")).ino).toBe(made.ino);
    });
    writeFileSync(box.in("file"), "x");
    await expect(change((host) => host.makeDirectory(box.in("file"), 0o755))).rejects.toMatchObject(
      {
        kind: "refused",
      },
    );
  });
});

test("errors tell the host, what was tried, why it failed and whether something was changed", async () => {
  const error: unknown = await change((host) =>
    host.write({ path: box.in("none", "file"), contents: "x", expect: anything }),
  ).catch((thrown: unknown) => thrown);
  expect(HostError.isInstance(error)).toBe(true);
  expect((error as HostError).message).toBe(
    `root@test:22: writing ${box.in("none", "file")} failed: the folder of ${box.in("none", "file")} does not exist. ` +
      "Nothing was changed on the host by this.",
  );
});
