/** The record's file: read as it was written or not at all, and never by what others could have written. */
import fc from "fast-check";
import { HostError } from "../../provider/host/errors";
import type { Fact, FileState, HostReader, HostWriter } from "../../provider/host/host";
import { lookAt } from "../../provider/host/look";
import {
  BrokenRecord,
  claim,
  EMPTY_RECORD,
  type HostRecord,
  NewerRecord,
  parseRecord,
  PREVIOUS_PATH,
  RECORD_FOLDER,
  RECORD_PATH,
  recordFile,
  saveRecord,
} from "../../provider/host/record";
import { FOUND_RECORD, recordError } from "../../provider/host/recordLook";

const OWNER = { urn: "urn:pulumi:s::p::t::a", instance: "a" };
const SAVED = { base64: "aGk=", mode: 0o644, uid: 0, gid: 0 };

function recordOf(applied: string): HostRecord {
  const one = { key: "/etc/x#k", file: "/etc/x", before: null, applied };
  return claim(EMPTY_RECORD, OWNER, [one], { "/etc/x": SAVED });
}

const RECORD = recordOf("é");

function file(contents: string): FileState & { type: "file" } {
  return { type: "file", mode: 0o600, uid: 0, gid: 0, contents, size: contents.length };
}

/** As a version before the checksum wrote it. */
function asBefore(record: object): string {
  return Buffer.from(`${JSON.stringify(record, null, 1)}\n`).toString("latin1");
}

/** A host that has these files in the record's folder, and counts the requests. */
function hostWith(files: Readonly<Record<string, FileState>>): HostReader & { requests: number } {
  const host = {
    address: "root@mx1:22",
    requests: 0,
    read: (facts: Record<string, Fact>) => {
      host.requests += 1;
      const answers = Object.entries(facts).map(([name, fact]) => [
        name,
        files["path" in fact ? fact.path : ""] ?? { type: "absent" },
      ]);
      return Promise.resolve(Object.fromEntries(answers) as Record<string, FileState>);
    },
  };
  return host as unknown as HostReader & { requests: number };
}

const FOLDER: FileState = { type: "directory", mode: 0o700, uid: 0, gid: 0 };

async function faultOf(files: Readonly<Record<string, FileState>>): Promise<string> {
  const host = hostWith({ [RECORD_FOLDER]: FOLDER, ...files });
  const error = await lookAt(host, FOUND_RECORD).then(
    () => undefined,
    (thrown: unknown) => recordError(host, thrown),
  );
  return HostError.isInstance(error) ? error.message : `no HostError: ${String(error)}`;
}

test("a record is read as it was written, also one that an earlier version wrote or wrote over", () => {
  const written = recordFile(RECORD);
  expect(parseRecord(written)).toEqual(RECORD);
  expect(parseRecord(file(asBefore(RECORD)))).toEqual(RECORD);
  // An earlier version keeps the field of the checksum, which then no longer holds.
  const kept = JSON.parse(written.contents) as object;
  const later = { ...kept, ...recordOf("other") };
  expect(parseRecord(file(asBefore(later)))).toEqual(recordOf("other"));
});

test("a record that was cut or changed in any byte is not read", () => {
  const { contents } = recordFile(RECORD);
  const at = fc.nat({ max: contents.length - 1 });
  fc.assert(
    fc.property(at, fc.integer({ min: 1, max: 255 }), (place, change) => {
      expect(() => parseRecord(file(contents.slice(0, place)))).toThrow(BrokenRecord);
      const other = String.fromCharCode(contents.charCodeAt(place) ^ change);
      const changed = contents.slice(0, place) + other + contents.slice(place + 1);
      expect(() => parseRecord(file(changed))).toThrow(BrokenRecord);
    }),
  );
});

test.each<[string, object]>([
  ["files", { ...RECORD, files: [] }],
  ["files", { ...RECORD, files: { "/etc/x": { before: { mode: "0644" }, written: null } } }],
  ["files", { ...RECORD, files: { "/etc/../x": { before: null, written: null } } }],
  ["files", { ...RECORD, files: { [RECORD_PATH]: { before: null, written: null } } }],
  ["keys", { ...RECORD, keys: { a: { owner: "me", order: 1, before: null, applied: null } } }],
  ["keys", { ...RECORD, keys: null }],
  ["moved", { ...RECORD, moved: { a: 1 } }],
  ["pending", { ...RECORD, pending: { need: "reboot", because: [] } }],
  ["served", { ...RECORD, served: { "etc/x": null } }],
  ["version", { ...RECORD, version: "1" }],
])("a record that says something impossible under %s is not read", (name, record) => {
  expect(() => parseRecord(file(asBefore(record)))).toThrow(`under "${name}"`);
});

test.each<[string, FileState]>([
  ["is empty", file("")],
  ["is not JSON", file("{")],
  ["is no record", file("[]")],
  ["is no file", { ...FOLDER }],
  ["belongs to uid 1000", { ...recordFile(RECORD), uid: 1000 }],
  ["has mode 0660", { ...recordFile(RECORD), mode: 0o660 }],
])("a record that %s is an error with the host, the file and the way out", async (why, state) => {
  const message = await faultOf({ [RECORD_PATH]: state });
  for (const part of ["root@mx1:22", RECORD_PATH, why, "Nothing was changed", "backup", "move it"])
    expect(message).toContain(part);
});

test("a record in a folder that others can write to is not read", async () => {
  const folder = { ...FOLDER, mode: 0o770 };
  expect(await faultOf({ [RECORD_FOLDER]: folder, [RECORD_PATH]: recordFile(RECORD) })).toContain(
    `${RECORD_FOLDER} belongs to uid 0 and has mode 0770`,
  );
});

test("a newer version's record is named as such, not as broken", () => {
  expect(() => parseRecord(file('{"version": 2}'))).toThrow(NewerRecord);
});

test("a whole record costs no second look; of a broken one the copy is used, with a warning", async () => {
  const copy = recordFile(RECORD);
  const whole = hostWith({ [RECORD_FOLDER]: FOLDER, [RECORD_PATH]: recordFile(RECORD) });
  expect((await lookAt(whole, FOUND_RECORD)).warning).toBeUndefined();
  expect(whole.requests).toBe(1);
  const broken = hostWith({
    [RECORD_FOLDER]: FOLDER,
    [RECORD_PATH]: file("{"),
    [PREVIOUS_PATH]: copy,
  });
  const found = await lookAt(broken, FOUND_RECORD);
  expect(found.record).toEqual(RECORD);
  expect(found.warning).toContain(PREVIOUS_PATH);
  expect(await faultOf({ [RECORD_PATH]: file("{"), [PREVIOUS_PATH]: file("{") })).toContain(
    PREVIOUS_PATH,
  );
});

test("the copy is written in the round trip of the record, and never from a broken record or one that may hold secrets", async () => {
  const sent: string[][] = [];
  const requests: string[] = [];
  const request = (what: string) => {
    // What is sent in one turn of the event loop travels together.
    if (requests.push(what) === 1)
      setImmediate(() => void sent.push(requests.splice(0, requests.length)));
    return new Promise((resolve) => setImmediate(() => resolve({ written: true, sha256: "" })));
  };
  const host = {
    write: ({ path }: { path: string }) => request(`write ${path}`),
    remove: (path: string) => request(`remove ${path}`),
  } as unknown as HostWriter;
  const found = { ...recordFile(RECORD), sha256: "0" };
  await saveRecord(host, recordOf("b"), found);
  expect(sent.splice(0)).toEqual([[`write ${PREVIOUS_PATH}`, `write ${RECORD_PATH}`]]);
  await saveRecord(host, recordOf("b"), { ...file("{"), sha256: "0" });
  await saveRecord(host, recordOf("b"), { ...file(asBefore(RECORD)), sha256: "0" });
  expect(sent.splice(0)).toEqual([[`write ${RECORD_PATH}`], [`write ${RECORD_PATH}`]]);
  await saveRecord(host, EMPTY_RECORD, found);
  expect(sent).toEqual([[`remove ${PREVIOUS_PATH}`, `remove ${RECORD_PATH}`]]);
});

test("a record is parsed once, however often it is asked for, and not to be written as it is", async () => {
  const parse = jest.spyOn(JSON, "parse");
  const found = { ...recordFile(recordOf("only here")), sha256: "0" };
  const host = hostWith({ [RECORD_FOLDER]: FOLDER, [RECORD_PATH]: found });
  const unwritten = {} as unknown as HostWriter;
  for (let looks = 0; looks < 3; looks += 1) {
    // The resources of a host find the same text one after the other.
    const seen = await lookAt(host, FOUND_RECORD);
    expect(await saveRecord(unwritten, recordOf("only here"), seen.file)).toBe(seen.file);
  }
  expect(parse).toHaveBeenCalledTimes(1);
  parse.mockRestore();
});

test("what Postfix last served by goes from the copy with the reload that succeeded", async () => {
  const pending: HostRecord = { ...RECORD, served: { "/etc/x": SAVED } };
  const found = { ...recordFile(pending), sha256: "0" };
  const written: Record<string, string> = { [RECORD_PATH]: found.contents };
  const host = {
    write: ({
      path,
      ...bytes
    }: { path: string; contents: string } | { path: string; from: string }) => {
      written[path] = "from" in bytes ? (written[bytes.from] ?? "") : bytes.contents;
      return Promise.resolve({ written: true, sha256: "1" });
    },
  } as unknown as HostWriter;
  await saveRecord(host, { ...recordOf("b"), served: { "/etc/x": SAVED } }, found);
  expect(parseRecord(file(written[PREVIOUS_PATH] ?? ""))).toEqual(pending);
  await saveRecord(host, recordOf("b"), found);
  expect(parseRecord(file(written[PREVIOUS_PATH] ?? ""))).toEqual(RECORD);
});
