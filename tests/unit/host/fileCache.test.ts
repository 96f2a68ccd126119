/** Files that have passed the line: what a look and a write say of them, and what travels for it. */
import { appendFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type * as diff from "diff";
import fc from "fast-check";
import { contentsOf, digestOf, type Host } from "../../../provider/host/host";
import { FileCache, splicesOf } from "../../../provider/host/fileCache";
import { jsdiff } from "../../../provider/values/jsdiff";
import type { WireValue } from "../../../provider/host/wire";
import { type LocalAgent, Sandbox } from "./localAgent";

/** Counts the lines that are compared. */
jest.mock("../../../provider/values/jsdiff", () => {
  const real = jest.requireActual<typeof diff>("diff");
  const counted = { ...real, diffArrays: jest.fn(real.diffArrays) };
  return { jsdiff: () => counted };
});

let box: Sandbox;
let agent: LocalAgent;
/** Bytes that the agent has sent, and that it was sent. */
const line = { received: 0, sent: 0 };

beforeEach(async () => {
  box = new Sandbox();
  agent = await box.agent();
  const { stdin, stdout } = agent.child;
  stdout.on("data", (chunk: Buffer) => (line.received += chunk.length));
  const write = stdin.write.bind(stdin) as (chunk: Buffer) => boolean;
  stdin.write = ((chunk: Buffer) => {
    line.sent += chunk.length;
    return write(chunk);
  }) as typeof stdin.write;
});
afterEach(() => box.clean());

async function travels(work: () => Promise<unknown>): Promise<{ sent: number; received: number }> {
  const before = { ...line };
  await work();
  return { sent: line.sent - before.sent, received: line.received - before.received };
}

const LARGE = Array.from({ length: 5000 }, (_, nth) => `line ${nth}\n`).join("");

async function read(client: Host, ...paths: string[]): Promise<(string | undefined)[]> {
  const facts = Object.fromEntries(paths.map((path) => [path, { fact: "file", path } as const]));
  const answers = await client.read(facts);
  return paths.map((path) => {
    const state = answers[path];
    return state === undefined ? undefined : contentsOf(state);
  });
}

test("a file that is as it was is read again for a few bytes, and one that has changed is read whole", async () => {
  const { client } = agent;
  const path = box.in("file");
  writeFileSync(path, LARGE);
  const first = await travels(async () => expect(await read(client, path)).toEqual([LARGE]));
  expect(first.received).toBeGreaterThan(LARGE.length);
  const again = await travels(async () => expect(await read(client, path)).toEqual([LARGE]));
  expect(again.received).toBeLessThan(500);
  appendFileSync(path, "more\n");
  const changed = await travels(async () =>
    expect(await read(client, path)).toEqual([`${LARGE}more\n`]),
  );
  expect(changed.received).toBeGreaterThan(LARGE.length);
  rmSync(path);
  expect(await read(client, path)).toEqual([undefined]);
  writeFileSync(path, LARGE);
  expect(await read(client, path)).toEqual([LARGE]);
});

test("looks that are asked at once share one copy, also by a link and in a write section", async () => {
  const { client } = agent;
  const [path, link] = [box.in("file"), box.in("link")];
  writeFileSync(path, LARGE);
  symlinkSync("file", link);
  const all = await travels(() =>
    Promise.all([
      ...Array.from({ length: 20 }, async () => {
        expect(await read(client, path)).toEqual([LARGE]);
        expect(await read(client, link)).toEqual([LARGE]);
      }),
      client.change("a test", async (host) => {
        const { file } = await host.read({ file: { fact: "file", path: link } });
        expect([contentsOf(file), digestOf(file)]).toEqual([LARGE, digestOf(file)]);
      }),
    ]),
  );
  expect(all.received).toBeLessThan(1.5 * LARGE.length);
});

test("files of more than 8 MB in all are read whole each time", async () => {
  const { client } = agent;
  const paths = ["a", "b", "c", "d", "e"].map((name) => box.in(name));
  for (const path of paths) writeFileSync(path, path.slice(-1).repeat(3 << 20));
  for (let round = 0; round < 2; round += 1)
    for (const path of paths)
      expect(await read(client, path)).toEqual([path.slice(-1).repeat(3 << 20)]);
});

test("of a file that was read or written, only the lines that differ are sent; what somebody else made of it is no base", async () => {
  const { client } = agent;
  const path = box.in("file");
  writeFileSync(path, LARGE);
  await client.change("a test", async (host) => {
    let { file } = await host.read({ file: { fact: "file", path } });
    for (const edit of ["line 7\n", "line 4000\n", "line 4999\n"]) {
      const contents = (contentsOf(file) ?? "").replace(edit, "another\nline\n");
      const { sent } = await travels(async () => {
        const outcome = await host.write({
          path,
          contents,
          expect: { sha256: digestOf(file) ?? "" },
        });
        expect(outcome.written).toBe(true);
      });
      expect(sent).toBeLessThan(1000);
      expect(readFileSync(path, "latin1")).toBe(contents);
      const { received } = await travels(
        async () => ({ file } = await host.read({ file: { fact: "file", path } })),
      );
      expect(received).toBeLessThan(500);
      expect(contentsOf(file)).toBe(contents);
    }
    appendFileSync(path, "an admin's\n");
    const refused = await host.write({
      path,
      contents: `${contentsOf(file) ?? ""}ours\n`,
      expect: { sha256: digestOf(file) ?? "" },
    });
    expect(refused.written).toBe(false);
    expect(readFileSync(path, "latin1")).toMatch(/\nan admin's\n$/);
  });
});

test("a file of 20 MB passes the line once, and of a change of it only the lines that differ", async () => {
  const { client } = agent;
  const path = box.in("file");
  const text = Array.from({ length: 600_000 }, (_, nth) => `a line with the number ${nth}\n`).join(
    "",
  );
  const changed = text.replace("number 300000\n", "number none\n");
  writeFileSync(path, text);
  expect(await read(client, path)).toEqual([text]);
  const { sent, received } = await travels(async () => {
    expect(await read(client, path)).toEqual([text]);
    await client.change("a test", async (host) => {
      const { file } = await host.read({ file: { fact: "file", path } });
      const outcome = await host.write({
        ...{ path, contents: changed, expect: { sha256: digestOf(file) ?? "" } },
      });
      expect(outcome.written).toBe(true);
    });
    expect(await read(client, path)).toEqual([changed]);
  });
  expect([sent, received].map((bytes) => bytes < 5000)).toEqual([true, true]);
  expect(readFileSync(path, "latin1")).toBe(changed);
  // What somebody else has made of it is read whole.
  appendFileSync(path, "more\n");
  expect(await read(client, path)).toEqual([`${changed}more\n`]);
});

/** The text that parts make of another one. */
function spliced(former: string, splices: ReturnType<typeof splicesOf>): string {
  let [made, from] = ["", 0];
  for (const { at, drop, contents } of splices) {
    made += former.slice(from, at) + contents;
    from = at + drop;
  }
  return made + former.slice(from);
}

test("the parts in which two texts differ make the one of the other, and of lines that are the same none is compared", () => {
  const line = fc.oneof(fc.nat(9), fc.nat(3000)).map((number) => `line ${number}\n`);
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.oneof(fc.nat(3), fc.nat(400)),
    lines: fc.array(line, { maxLength: 4 }),
  });
  const texts = fc.array(line, { size: "max", maxLength: 3000 });
  const tail = fc.constantFrom("", "without a newline");
  fc.assert(
    fc.property(texts, fc.array(edit, { maxLength: 6 }), tail, tail, (lines, edits, old, now) => {
      const changed = [...lines];
      for (const { at, drop, lines: more } of edits)
        changed.splice(Math.floor(at * changed.length), drop, ...more);
      const [former, contents] = [lines.join("") + old, changed.join("") + now];
      expect(spliced(former, splicesOf(former, contents))).toBe(contents);
    }),
    { numRuns: 50 },
  );
  const diffArrays = jest.mocked(jsdiff().diffArrays);
  diffArrays.mockClear();
  const text = Array.from({ length: 200_000 }, (_, nth) => `line ${nth}\n`).join("");
  const changed = `first\n${text.replace("line 100000\n", "")}last\n`;
  expect(splicesOf(text, changed)).toHaveLength(3);
  const compared = diffArrays.mock.calls.flatMap(([former, contents]) => [former, contents]);
  expect(compared.reduce((sum, lines) => sum + lines.length, 0)).toBeLessThan(2000);
});

test("an agent that wants ever more to be kept, or names what was never kept, is not believed", () => {
  const files = new FileCache();
  const answer = (more: WireValue): WireValue => ({
    a: { type: "file", sha256: "0", ...(more as object) },
  });
  const large = "x".repeat(4 << 20);
  expect(() => {
    for (let nth = 0; nth < 10; nth += 1)
      files.restored(answer({ keep: `/${nth}`, contents: large }));
  }).toThrow(/wants \d+ bytes to be kept/);
  expect(() => new FileCache().restored(answer({ kept: "/never" }))).toThrow(
    "the agent's answer lacks the contents of /never",
  );
});

test("whatever the bytes before and after, what is written is what was meant", async () => {
  const { client } = agent;
  const path = box.in("file");
  const texts = fc
    .array(
      fc.constantFrom("a\n", "b\n", "long line ".repeat(20) + "\n", "\n", "\xff\0\r\n", "end"),
      {
        maxLength: 30,
      },
    )
    .map((lines) => lines.join(""));
  await client.change("a test", async (host) => {
    await fc.assert(
      fc.asyncProperty(texts, texts, async (former, contents) => {
        for (const text of [former, contents]) {
          const { file } = await host.read({ file: { fact: "file", path } });
          const sha256 = digestOf(file);
          const expect = sha256 === undefined ? { absent: true as const } : { sha256 };
          await host.write({ path, contents: text, expect });
          if (readFileSync(path, "latin1") !== text) throw new Error("other bytes were written");
        }
      }),
      { numRuns: 200 },
    );
  });
});
