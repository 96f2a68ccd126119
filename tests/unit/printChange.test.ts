/** How changes read where their contents are not to be shown. */
import { applyChange } from "../../provider/driver/applyChange";
import { printChange } from "../../provider/driver/printChange";
import type { FileState, HostWriter } from "../../provider/host/host";

const fileWith = (contents: string, mode = 0o644): FileState => ({
  type: "file",
  mode,
  uid: 0,
  gid: 0,
  size: contents.length,
  sha256: "0".repeat(64),
  contents,
});
const change = {
  change: "write",
  path: "/etc/postfix/sasl_passwd",
  found: fileWith("relay old-password\n"),
  contents: "relay new-password\nother another\n",
  opaque: true,
} as const;

test("contents that are not to be shown are told by counts and hashes", () => {
  expect(printChange(change)).toMatch(
    /^replace \/etc\/postfix\/sasl_passwd \(1 line, hash [0-9a-f]{8}, with 2 lines, hash [0-9a-f]{8}\)$/,
  );
  expect(printChange({ ...change, found: { type: "absent" } })).toMatch(/^create .* \(2 lines, /);
});

test("what others on the host may not read is told so too, before and after the change", () => {
  const open = { ...change, opaque: false };
  const text = "relay old-password\n";
  expect(printChange(open)).toContain("-relay old-password");
  for (const one of [
    { ...open, found: fileWith(text, 0o600) },
    { ...open, found: fileWith(text, 0o640) },
    { ...open, mode: 0o640 },
    { ...open, found: { type: "symlink", target: "x", file: fileWith(text, 0o600) } as FileState },
    { change: "remove", path: change.path, found: fileWith(text, 0o600) } as const,
  ])
    expect(printChange(one)).not.toContain("password\n");
  expect(printChange({ ...open, found: fileWith(text, 0o600), sets: "sets relay" })).toMatch(
    /\): sets relay$/,
  );
});

test("neither does an error show them when somebody else changed the file in between", async () => {
  const host = {
    address: "root@mx1.example.org:22",
    write: () => Promise.resolve({ written: false, found: fileWith("relay third-password\n") }),
  } as unknown as HostWriter;
  const error: unknown = await applyChange(host, change, undefined as never).catch(
    (thrown: unknown) => thrown,
  );
  expect(String(error)).toContain("somebody else changed it");
  expect(String(error)).not.toContain("password\n");
  expect(String(error)).not.toMatch(/(old|new|third)-password/);
  const open = await applyChange(host, { ...change, opaque: false }, undefined as never).catch(
    String,
  );
  expect(open).toContain("+relay third-password");
});

describe("a difference too long to be read", () => {
  const lines = (count: number, word: string): string =>
    Array.from({ length: count }, (_, nth) => `${word}${nth} x\n`).join("");
  const write = (before: string | undefined, after: string): string =>
    printChange({
      change: "write",
      path: "/etc/postfix/virtual",
      found: before === undefined ? { type: "absent" } : fileWith(before),
      contents: after,
    });

  test.each([
    ["a new table", undefined, lines(150_000, "key"), { gone: 0, come: 150_000 }],
    ["a new table, shorter", undefined, lines(300, "key"), { gone: 0, come: 300 }],
    ["a table in other words", lines(5000, "old"), lines(6000, "new"), { gone: 5000, come: 6000 }],
    [
      "a table that grows",
      lines(5000, "a"),
      lines(5000, "a") + lines(200, "b"),
      { gone: 0, come: 200 },
    ],
    ["a table of which little stays", lines(3000, "a"), lines(2, "a"), { gone: 2998, come: 0 }],
  ])("%s: twenty lines, the counts, and where the rest is", (_, before, after, { gone, come }) => {
    const printed = write(before, after).split("\n");
    expect(printed).toHaveLength(23);
    expect(printed.at(-1)).toContain(`of ${gone} lines that go and ${come} that come: `);
    expect(printed.at(-1)?.includes("/etc/postfix/virtual on the host")).toBe(gone > 0);
    expect(printed.at(-1)?.includes("follow from the program")).toBe(come > 0);
    const shown = printed.slice(2, -1);
    expect(shown.some((line) => line.startsWith("+"))).toBe(come > 0);
  });

  test("one changed line of a large table is shown as it is", () => {
    const table = lines(100_000, "key");
    const printed = write(table, table.replace("key70000 x", "key70000 y"));
    expect(printed.split("\n").slice(2)).toEqual([
      "@@ -69998,7 +69998,7 @@",
      " key69997 x",
      " key69998 x",
      " key69999 x",
      "-key70000 x",
      "+key70000 y",
      " key70001 x",
      " key70002 x",
      " key70003 x",
    ]);
  });

  test("a difference of a hundred lines is shown whole", () => {
    expect(write(undefined, lines(99, "key")).split("\n")).toHaveLength(102);
    expect(write(undefined, lines(100, "key")).split("\n")).toHaveLength(23);
  });

  test("lines for a file that is still to come are abridged too", () => {
    const printed = printChange({
      change: "write",
      path: "/etc/postfix/main.cf",
      found: { type: "absent" },
      contents: lines(1000, "p"),
      partial: true,
    }).split("\n");
    expect(printed).toHaveLength(22);
    expect(printed.at(-1)).toContain("980 more lines");
  });
});
