/** The record on the host: whose a key is, and who has nothing left to undo. */
import type { HostWriter } from "../../provider/host/host";
import {
  claim,
  type Claim,
  EMPTY_RECORD,
  type HostRecord,
  isHandedOver,
  keysOf,
  nextRevision,
  type Owner,
  PREVIOUS_PATH,
  RECORD_PATH,
  recordFile,
  release,
  saveRecord,
  withRevision,
} from "../../provider/host/record";

const owner = (instance: string): Owner => ({ urn: `urn:pulumi:s::p::t::${instance}`, instance });
const key = (name: string): Claim => ({ key: name, before: null, applied: name });

function claimed(record: HostRecord, instance: string, ...names: string[]): HostRecord {
  return claim(record, owner(instance), names.map(key), {});
}

test("an instance that lost one of its keys has the others to undo", () => {
  const record = claimed(claimed(EMPTY_RECORD, "a", "one", "two"), "b", "one");
  expect(isHandedOver(record, "a")).toBe(false);
  expect(record.moved).toEqual({});
  expect(keysOf(record, "a").map(([name]) => name)).toEqual(["two"]);
});

test("an instance that lost its last key is handed over, until it claims again", () => {
  const both = claimed(EMPTY_RECORD, "a", "one", "two");
  const record = claimed(claimed(both, "b", "one"), "c", "two");
  expect(isHandedOver(record, "a")).toBe(true);
  expect(record.moved).toEqual({ a: "c" });
  const again = claimed(record, "a", "three");
  expect(isHandedOver(again, "a")).toBe(false);
  // Also when that is undone: what it had is given back by itself.
  expect(isHandedOver(release(again, ["three"]), "a")).toBe(false);
});

test("what an earlier version noted of an instance that has keys does not count", () => {
  const record = { ...claimed(EMPTY_RECORD, "a", "one"), moved: { a: "b" } };
  expect(isHandedOver(record, "a")).toBe(false);
});

test("a revision goes on with the next instance, and leaves nothing behind when the keys are given back", () => {
  const before = claimed(EMPTY_RECORD, "other", "theirs");
  const first = withRevision(claimed(before, "a", "one"), owner("a"), 1);
  expect(nextRevision(before, owner("a"), 0)).toBe(1);
  expect(nextRevision(first, owner("a"), 1)).toBe(2);
  const successor = { ...owner("a"), instance: "successor" };
  expect(nextRevision(first, successor, 0)).toBe(2);
  expect(release(first, ["one"])).toEqual(before);
  // What has no keys, as a test message, has nobody who goes on with them.
  expect(withRevision(before, owner("a"), 1)).toBe(before);
});

test("what an earlier version made, which noted no revision, is followed by one that it cannot have had", () => {
  const record = claimed(EMPTY_RECORD, "a", "one");
  expect(nextRevision(record, owner("a"), 3)).toBe(4);
  expect(nextRevision(record, { ...owner("a"), instance: "successor" }, 0)).toBeGreaterThan(1e9);
});

test("a record that says the same in another order is not written again", async () => {
  const record = { ...claimed(EMPTY_RECORD, "a", "one"), serving: true } as const;
  const { serving, ...rest } = record;
  const found = recordFile({ serving, ...rest });
  const writes: string[] = [];
  const host = {
    write: ({ path }: { path: string }) =>
      Promise.resolve({ written: writes.push(path) > 0, found }),
  } as unknown as HostWriter;
  expect(await saveRecord(host, record, found)).toBe(found);
  expect(writes).toEqual([]);
  await saveRecord(host, claimed(record, "a", "two"), found);
  expect(writes).toEqual([PREVIOUS_PATH, RECORD_PATH]);
});
