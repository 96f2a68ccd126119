/** How changes read where their contents are not to be shown. */
import { applyChange } from "../../provider/driver/applyChange";
import { printChange } from "../../provider/driver/printChange";
import type { FileState, HostWriter } from "../../provider/host/host";

const fileWith = (contents: string): FileState => ({
  type: "file",
  mode: 0o600,
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
    /^replace \/etc\/postfix\/sasl_passwd \(1 lines, sha256 [0-9a-f]{12}, with 2 lines, sha256 [0-9a-f]{12}\)$/,
  );
  expect(printChange({ ...change, found: { type: "absent" } })).toMatch(/^create .* \(2 lines, /);
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
