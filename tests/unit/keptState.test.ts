/** A state keeps little: what it keeps is opened to what was put in. */
import fc from "fast-check";
import type { Previous } from "../../provider/contract/kind";
import { openApplied, packApplied } from "../../provider/driver/keptApplied";
import { keptPrevious, openKept, packPrevious } from "../../provider/driver/keptPrevious";
import { savedFile } from "../../provider/host/record";
import { kinds } from "../../provider/kinds";
import { file } from "./fakeHost";

const PATH = "/etc/postfix/main.cf";
const owner = { urn: "urn:pulumi:s::p::t::n", instance: "i" };

/** Bytes, as texts of files have them. */
const bytes = fc.uint8Array({ maxLength: 400 }).map((all) => Buffer.from(all).toString("latin1"));
const text = fc.oneof(bytes, fc.string({ unit: "grapheme-ascii", maxLength: 400 }));

function previousOf(before: string, key: string): Previous {
  return {
    files: { [PATH]: savedFile(file(before)) },
    keys: { [key]: { owner, order: 1, file: PATH, before: "é", applied: null } },
  };
}

function kept(before: string, now: string, key = `${PATH}#biff`): ReturnType<typeof keptPrevious> {
  const packed = packPrevious(previousOf(before, key), new Map([[PATH, file(now)]]));
  // As the engine keeps it.
  return keptPrevious(JSON.parse(JSON.stringify(packed)));
}

test("a file with keys comes back to the byte while it is as the apply left it, whatever it held", () => {
  fc.assert(
    fc.property(text, text, (before, now) => {
      const { files, keys } = kept(before, now);
      const expected = previousOf(before, `${PATH}#biff`);
      expect(keys).toEqual(expected.keys);
      expect(openKept(files[PATH] ?? null, file(now))).toEqual(expected.files[PATH]);
    }),
  );
});

test("once somebody else has changed it, it is never other bytes than those of before", () => {
  fc.assert(
    fc.property(text, text, text, (before, now, later) => {
      const opened = openKept(kept(before, now).files[PATH] ?? null, file(later));
      expect([undefined, ...Object.values(previousOf(before, "k").files)]).toContainEqual(opened);
    }),
  );
});

test("a file that is owned as a whole comes back whatever somebody else has made of it", () => {
  fc.assert(
    fc.property(text, text, text, (before, now, later) => {
      const opened = openKept(kept(before, now, PATH).files[PATH] ?? null, file(later));
      expect(opened).toEqual(previousOf(before, PATH).files[PATH]);
    }),
  );
});

test("what earlier versions have saved, and nothing, are opened as well", () => {
  const plain = previousOf("biff = yes\n", `${PATH}#biff`);
  const opened = keptPrevious(plain);
  expect(openKept(opened.files[PATH] ?? null, undefined)).toEqual(plain.files[PATH]);
  expect(keptPrevious(undefined)).toEqual({ files: {}, keys: {} });
  const copy = { copy: "0".repeat(64), size: 9, mode: 0o600, uid: 0, gid: 0 };
  expect(openKept(copy, undefined)).toBe(copy);
});

test("a long file of which little was changed takes little", () => {
  const lines = Array.from({ length: 600 }, (_, at) => `# ${at} ${(at * 7919) % 1009} words\n`);
  const before = lines.join("");
  const packed = packPrevious(
    previousOf(before, `${PATH}#biff`),
    new Map([[PATH, file(`${before}biff = no\n`)]]),
  );
  expect(JSON.stringify(packed).length).toBeLessThan(before.length / 20);
});

const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()));

test("the inputs of the last apply come back from a state, whatever has become of its values since", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.dictionary(fc.constantFrom("a", "b", "connection", "owner", "entries", "path"), value),
      fc.dictionary(fc.constantFrom("a", "b", "connection", "owner", "entries", "path"), value),
      ({ arguments: schema }, applied, drifted) => {
        const state = { schema: 2, revision: 3, ...applied, ...drifted, applied };
        const opened = openApplied(packApplied(state, schema), schema);
        expect(opened).toEqual(state);
      },
    ),
  );
});

test("a state that is as it was applied has no copy of that", () => {
  const { arguments: schema } = kinds.find(
    ({ name }) => name === "Aliases",
  ) as (typeof kinds)[number];
  const given = {
    connection: { host: "mx1" },
    owner: "urn",
    release: "7.8",
    entries: { a: ["b"] },
  };
  const state = { ...given, revision: 1, schema: 2, applied: given };
  expect(packApplied(state, schema)).not.toHaveProperty("applied");
});

test("a state of an earlier version is as it was saved", () => {
  const { arguments: schema } = kinds[0] as (typeof kinds)[number];
  for (const state of [{ schema: 1, applied: { a: 1 } }, { schema: 1, a: 1 }, {}])
    expect(openApplied(state, schema)).toBe(state);
});
