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
