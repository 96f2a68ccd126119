/** Trees as the agent lists, copies and removes them. */
import fc from "fast-check";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import type { FactAnswers, HostWriter, TreeEntry } from "../../../provider/host/host";
import type { AgentClient } from "../../../provider/host/agentClient";
import {
  compareTrees,
  copyOfTree,
  isSameTree,
  treeDigest,
} from "../../../provider/host/treeDigest";
import { Sandbox } from "./localAgent";

let box: Sandbox;
let client: AgentClient;
beforeEach(async () => {
  box = new Sandbox();
  client = (await box.agent()).client;
});
afterEach(() => box.clean());

const change = <T>(work: (host: HostWriter) => Promise<T>): Promise<T> =>
  client.change("a test", work);

async function treeOf(path: string): Promise<readonly TreeEntry[] | null> {
  return (await client.read({ tree: { fact: "tree", path } })).tree;
}

/** What a copy is to be, owned by whoever runs the agent here. */
async function wantedOf(path: string): Promise<TreeEntry[]> {
  const { uid, gid } = lstatSync(box.path);
  return copyOfTree((await treeOf(path)) ?? []).map((entry) => ({ ...entry, uid, gid }));
}

/** Makes a tree: a text is a file, a text that begins with "->" a link, `null` a folder. */
function plant(folder: string, tree: Readonly<Record<string, string | null>>): void {
  mkdirSync(box.in(folder), { recursive: true });
  for (const [path, what] of Object.entries(tree)) {
    const full = box.in(folder, path);
    mkdirSync(dirname(full), { recursive: true });
    if (what === null) mkdirSync(full, { recursive: true });
    else if (what.startsWith("->")) symlinkSync(what.slice(2), full);
    else writeFileSync(full, what);
  }
}

const copy = async (host: HostWriter): Promise<boolean> =>
  host.copyTree(box.in("from"), box.in("to"), treeDigest(await treeOf(box.in("to"))));

test("a tree is listed with types, digests, owners and targets, and nothing in it is followed", async () => {
  plant("from", { "a/b": "text", "a/link": "->/etc", empty: null });
  chmodSync(box.in("from/a/b"), 0o640);
  const tree = await treeOf(box.in("from"));
  expect(tree?.map(({ path, type }) => `${path}: ${type}`)).toEqual([
    ": directory",
    "a: directory",
    "a/b: file",
    "a/link: symlink",
    "empty: directory",
  ]);
  expect(tree?.[2]).toMatchObject({
    mode: 0o640,
    size: 4,
    sha256: "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1",
  });
  expect(tree?.[3]).toMatchObject({ target: "/etc" });
  expect(await treeOf(box.in("none"))).toBeNull();
  expect((await treeOf(box.in("from/a/b")))?.map(({ path, type }) => [path, type])).toEqual([
    ["", "file"],
  ]);
});

test("a copy is like its source, with a mode of its own, and copying again changes nothing", async () => {
  plant("from", { "index.html": "x", "deep/er/file": "y", link: "->index.html", empty: null });
  chmodSync(box.in("from/index.html"), 0o400);
  expect(await change(copy)).toBe(true);
  expect(isSameTree(compareTrees(await treeOf(box.in("to")), await wantedOf(box.in("from"))))).toBe(
    true,
  );
  const { ino } = lstatSync(box.in("to/deep/er/file"));
  expect(await change(copy)).toBe(true);
  expect(lstatSync(box.in("to/deep/er/file")).ino).toBe(ino);
});

test("whatever stands at the target, the copy is like its source, and only what was expected is touched", async () => {
  const name = fc.constantFrom("a", "b", "c");
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
  const what = fc.oneof(
    fc.constantFrom("", "one", "two", "->a", "->/etc/passwd"),
    fc.constant(null),
  );
  const someTree = fc.uniqueArray(fc.tuple(path, what), {
    maxLength: 6,
    selector: ([one]) => one,
  });
  let run = 0;
  /** A path is not below a file or a link. */
  const possible = (entries: readonly (readonly [string, string | null])[]) =>
    Object.fromEntries(
      entries.filter(([one]) =>
        entries.every(([other, kind]) => !(one.startsWith(`${other}/`) && kind !== null)),
      ),
    );
  await fc.assert(
    fc.asyncProperty(someTree, someTree, async (source, target) => {
      run += 1;
      const [from, to] = [`from${run}`, `to${run}`];
      plant(from, possible(source));
      plant(to, possible(target));
      const digest = treeDigest(await treeOf(box.in(to)));
      await change(async (host) => {
        expect(await host.copyTree(box.in(from), box.in(to), `${digest}x`)).toBe(false);
        expect(treeDigest(await treeOf(box.in(to)))).toBe(digest);
        expect(await host.copyTree(box.in(from), box.in(to), digest)).toBe(true);
      });
      const difference = compareTrees(await treeOf(box.in(to)), await wantedOf(box.in(from)));
      expect(difference).toEqual({ missing: [], changed: [], extra: [] });
    }),
    { numRuns: 100 },
  );
});

test("a file with several names is replaced, and its other name keeps its mode", async () => {
  plant("from", { file: "x" });
  plant("to", { file: "x" });
  chmodSync(box.in("to/file"), 0o600);
  linkSync(box.in("to/file"), box.in("other"));
  await change(copy);
  expect(lstatSync(box.in("other")).mode & 0o777).toBe(0o600);
  expect(lstatSync(box.in("to/file")).mode & 0o777).toBe(0o644);
});

test("what lies behind a link in the target is not touched", async () => {
  plant("elsewhere", { file: "mine" });
  plant("from", { "a/file": "x" });
  plant("to", { a: `->${box.in("elsewhere")}` });
  await change(copy);
  expect(readFileSync(box.in("elsewhere/file"), "utf8")).toBe("mine");
  expect(readFileSync(box.in("to/a/file"), "utf8")).toBe("x");
});

test("a tree is removed but for what is to be kept, and the folders that this stands in", async () => {
  plant("to", { "a/keep": "x", "a/go": "y", "b/go": "z", link: "->/etc" });
  const digest = treeDigest(await treeOf(box.in("to")));
  await change(async (host) => {
    expect(await host.pruneTree(box.in("to"), ["a/keep"], "other")).toBe(false);
    expect(await host.pruneTree(box.in("to"), ["a/keep"], digest)).toBe(true);
  });
  expect((await treeOf(box.in("to")))?.map(({ path }) => path)).toEqual(["", "a", "a/keep"]);
  await change(async (host) =>
    host.pruneTree(box.in("to"), [], treeDigest(await treeOf(box.in("to")))),
  );
  expect(existsSync(box.in("to"))).toBe(false);
});

test("moving gives another name to what stands there, and replaces nothing", async () => {
  plant("from", { link: "->nowhere" });
  plant("to", {});
  await change(async (host) => {
    await expect(host.move(box.in("from"), box.in("to"))).rejects.toMatchObject({
      kind: "refused",
    });
    await expect(host.move(box.in("none"), box.in("new"))).rejects.toMatchObject({
      kind: "refused",
    });
    await host.move(box.in("from"), box.in("new"));
  });
  expect(existsSync(box.in("from"))).toBe(false);
  expect(readlinkSync(box.in("new/link"))).toBe("nowhere");
});

test("a folder that everybody can write to is no place to copy to", async () => {
  plant("from", { file: "x" });
  plant("open", {});
  chmodSync(box.in("open"), 0o777);
  await expect(
    change((host) => host.copyTree(box.in("from"), box.in("open/to"), "")),
  ).rejects.toMatchObject({ kind: "refused", changed: "no" });
});

async function countAt(path: string): Promise<FactAnswers["count"]> {
  return (await client.read({ count: { fact: "count", path: box.in(path) } })).count;
}

test("files and maildirs are counted, and what links lead to is not", async () => {
  plant("elsewhere", { "a/b": "x", "cur/c": "x" });
  plant("store", {
    "example.org/alice/cur/1": "x",
    "example.org/alice/new/2": "x",
    "example.org/bob/cur": null,
    index: "x",
    link: `->${box.in("elsewhere")}`,
  });
  expect(await countAt("store")).toEqual({ files: 3, maildirs: 2, more: false });
  expect(await countAt("store/link")).toEqual({ files: 0, maildirs: 0, more: false });
  expect(await countAt("none")).toBeNull();
});

test("a count ends somewhere, and says so", async () => {
  plant("store", Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`cur/${at}`, "x"])));
  for (let folder = 0; folder < 45; folder += 1) {
    mkdirSync(box.in(`store/${folder}`));
    for (let at = 0; at < 500; at += 1)
      linkSync(box.in(`store/cur/${at}`), box.in(`store/${folder}/${at}`));
  }
  expect(await countAt("store")).toMatchObject({ more: true });
});

describe("a folder with all that is below it", () => {
  const LINKS = { "a/link": "->/etc/passwd", up: "->..", "b/c/out": "->/etc" };

  test("goes with its files where these may go, and what links lead to stays", async () => {
    plant("elsewhere", { file: "mine" });
    plant("store", { ...LINKS, "a/1": "x", "b/c/2": "x", own: `->${box.in("elsewhere")}` });
    chmodSync(box.in("store/b"), 0o555);
    expect(await change((host) => host.removeFolder(box.in("store"), true))).toBe(true);
    expect(existsSync(box.in("store"))).toBe(false);
    expect(readFileSync(box.in("elsewhere/file"), "utf8")).toBe("mine");
    expect(await change((host) => host.removeFolder(box.in("store"), true))).toBe(true);
  });

  test("goes without files where none is there, and else keeps all files, owners and modes", async () => {
    plant("store", { ...LINKS, "z/new": null });
    expect(await change((host) => host.removeFolder(box.in("store"), false))).toBe(true);
    expect(existsSync(box.in("store"))).toBe(false);
    plant("store", { "a/1": "x", "b/c/2": "x" });
    chmodSync(box.in("store"), 0o770);
    chmodSync(box.in("store/b/c"), 0o750);
    const before = await treeOf(box.in("store"));
    expect(await change((host) => host.removeFolder(box.in("store"), false))).toBe(false);
    expect(await treeOf(box.in("store"))).toEqual(before);
  });

  test("is no folder where a link or a file stands in its place", async () => {
    plant("elsewhere", { file: "mine" });
    plant("x", { link: `->${box.in("elsewhere")}`, file: "x" });
    for (const name of ["x/link", "x/file"])
      await expect(change((host) => host.removeFolder(box.in(name), true))).rejects.toMatchObject({
        kind: "refused",
        message: expect.stringContaining("is no folder") as string,
      });
    expect(readFileSync(box.in("elsewhere/file"), "utf8")).toBe("mine");
    expect(readFileSync(box.in("x/file"), "utf8")).toBe("x");
  });
});
