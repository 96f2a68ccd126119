/** What a preview foresees of a host, and what an update of the connection alone may skip. */
import * as provider from "../../provider";
import type { Change } from "../../provider/contract/kind";
import { forgetPlans, overlayOf } from "../../provider/driver/overlay";
import { SCHEMA } from "../../provider/driver/migrate";
import type { FileState } from "../../provider/host/host";

const PATH = "/etc/postfix/main.cf";
const HOST = { host: "mx1.example.org" };

beforeEach(forgetPlans);

function file(contents: string): FileState & { readonly type: "file" } {
  return { type: "file", mode: 0o600, uid: 7, gid: 8, contents, size: contents.length };
}

function foreseen(found: FileState, more: { mode?: number } = {}): FileState | undefined {
  const write: Change = { change: "write", path: PATH, found, contents: "new\n", ...more };
  overlayOf(HOST).add({ changes: [write] }, undefined);
  return overlayOf(HOST).predicted(PATH);
}

test("a file that will be written keeps the owner, the mode and the link that it has", () => {
  const after = { contents: "new\n", size: 4, uid: 7, gid: 8, mode: 0o600 };
  expect(foreseen(file("old\n"))).toMatchObject(after);
  expect(foreseen(file("old\n"), { mode: 0o640 })).toMatchObject({ ...after, mode: 0o640 });
  const link = { type: "symlink", target: "real.cf", resolved: "/etc/postfix/real.cf" } as const;
  expect(foreseen({ ...link, file: file("old\n") })).toMatchObject({ ...link, file: after });
  expect(foreseen({ type: "absent" })).toMatchObject({ type: "file", mode: 0o644, uid: 0, gid: 0 });
});

test("machines of one host key are told apart by their addresses", () => {
  const one = overlayOf(HOST);
  expect(one.claim(["key"], "first")).toBeUndefined();
  for (const other of [
    { host: "mx2.example.org" },
    { ...HOST, port: 2222 },
    { ...HOST, proxy: { host: "jump.example.org" } },
  ])
    expect(overlayOf(other).claim(["key"], "second")).toBeUndefined();
  // Another user, or the default port by its number, is the same machine.
  expect(overlayOf({ ...HOST, user: "op", port: 22 }).claim(["key"], "second")).toEqual({
    key: "key",
    urn: "first",
  });
});

test("another way to the host touches none; with an argument gone besides, the host is asked", async () => {
  const connection = { host: "127.0.0.1", port: 1, dialErrorLimit: 1, hostKey: "SHA256:x" };
  const inputs = { connection, owner: "urn", release: "7.8", parameters: { a: "1" } };
  const olds = { ...inputs, mode: "exact", applied: { ...inputs, mode: "exact" }, schema: SCHEMA };
  const way = { ...connection, perDialTimeout: 1 };
  const { outs } = await provider.update("MainCf", "id", olds, {
    ...inputs,
    mode: "exact",
    connection: way,
  });
  expect(outs).toMatchObject({ connection: way, mode: "exact" });
  // The state has all that was applied, so it has no copy of that.
  expect(Object.keys(outs).filter((name) => name.endsWith("applied"))).toEqual([]);
  await expect(
    provider.update("MainCf", "id", olds, { ...inputs, connection: way }),
  ).rejects.toThrow(/127\.0\.0\.1:1.*Nothing was changed/);
});
