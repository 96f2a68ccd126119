/**
 * Work on a file of many keys: it is parsed a fixed number of times, whatever the number of its keys, and what undoing a key
 * needs is of a fixed size. Seconds are not asserted, because they depend on the machine.
 */
import {
  alone,
  claimKeyedFile,
  type KeyedFile,
  keyName,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../../provider/contract/keyedFile";
import { hideSecrets } from "../../provider/contract/hashedSecrets";
import { type KeyedText, secretsOfKeys } from "../../provider/contract/keyedText";
import type { Change, PlanContext } from "../../provider/contract/kind";
import { previousOf } from "../../provider/driver/ownership";
import * as logicalLines from "../../provider/formats/logicalLines";
import {
  claim,
  EMPTY_RECORD,
  type HostRecord,
  type Json,
  keysOf,
  recordFile,
  savedFile,
  settled,
} from "../../provider/host/record";
import { text as aliases } from "../../provider/kinds/aliases";
import { text as table } from "../../provider/kinds/lookupTable";
import { text as mainCf } from "../../provider/kinds/mainCf";
import { platformOf } from "../../provider/openbsd/platform";
import { sha256 } from "../../provider/values/digest";
import { fileWith } from "./fileWith";

/** Counts how often a text is parsed. */
jest.mock("../../provider/formats/logicalLines", () => {
  const real = jest.requireActual<typeof logicalLines>("../../provider/formats/logicalLines");
  return {
    ...real,
    logicalUnits: jest.fn(real.logicalUnits),
    logicalLines: jest.fn(real.logicalLines),
  };
});

const PATH = "/etc/postfix/many";
const HEAD = "# mine\n\nfirst: a\nsecond = b\n";
const OWNER = { urn: "urn", instance: "instance" };

interface Format {
  readonly text: KeyedText;
  readonly value: (word: string) => Json;
  readonly line: (key: string, word: string) => string;
}

const formats: readonly (readonly [string, Format])[] = [
  ["aliases", { text: aliases, value: (word) => [word], line: (key, word) => `${key}: ${word}\n` }],
  ["a table", { text: table, value: (word) => word, line: (key, word) => `${key}\t${word}\n` }],
  ["main.cf", { text: mainCf, value: (word) => word, line: (key, word) => `${key} = ${word}\n` }],
];

const keyOf = (nth: number): string => `key${nth}`;
const keys = (count: number): string[] => Array.from({ length: count }, (_, nth) => keyOf(nth));

function contextOf(record: HostRecord, dropped: PlanContext["dropped"] = []): PlanContext {
  return {
    ...{ platform: platformOf("7.8"), record, owner: OWNER, dropped, applied: undefined },
    coming: () => false,
    expected: () => undefined,
    isSecret: () => false,
  };
}

/** What a change of one file makes of it. */
function after(changes: readonly Change[], before: string): string {
  const [change] = changes;
  if (change === undefined) return before;
  return change.change === "write" ? change.contents : "";
}

/** The record once the keys of a file are claimed, and the file has its new contents. */
function recordOf(file: KeyedFile, before: string, written: string): HostRecord {
  const claims = claimKeyedFile(file, contextOf(EMPTY_RECORD));
  const claimed = claim(EMPTY_RECORD, OWNER, claims, { [PATH]: savedFile(fileWith(before)) });
  return settled(claimed, OWNER.instance, {
    ...{ claims, released: [] },
    written: { [PATH]: sha256(written) },
  });
}

/** A format that counts what goes through a whole text. */
function counted(text: KeyedText): {
  readonly text: KeyedText;
  readonly calls: () => Readonly<Record<"open" | "get" | "put", number>>;
} {
  const open = jest.fn((of: string) => text.open(of));
  const get = jest.fn((of: string, key: string) => text.get(of, key));
  const put = jest.fn((of: string, key: string, value: Json) => text.put(of, key, value));
  const calls = (of: { readonly mock: { readonly calls: unknown } }): number =>
    (of.mock.calls as readonly unknown[]).length;
  return {
    text: { ...text, open, get, put },
    calls: () => ({ open: calls(open), get: calls(get), put: calls(put) }),
  };
}

/** All that is done to a file of so many keys from `create` to `destroy`. */
function lifeOf({ text, value, line }: Format, count: number): void {
  const wanted = (word: string): KeyedFile["wanted"] =>
    Object.fromEntries(keys(count).map((key) => [key, value(word)]));
  const body =
    HEAD +
    keys(count)
      .map((key) => line(key, "old"))
      .join("");
  for (const before of [HEAD, body]) {
    const file: KeyedFile = { path: PATH, state: fileWith(before), text, wanted: wanted("new") };
    const written = after(planKeyedFile(file, contextOf(EMPTY_RECORD)), before);
    const record = recordOf(file, before, written);
    const there = { ...file, state: fileWith(written) };
    expect(liveKeys(there)).toEqual(file.wanted);
    expect(planKeyedFile(there, contextOf(record))).toEqual([]);
    const one = { ...there, wanted: { ...file.wanted, [keyOf(1)]: value("other") } };
    const changed = after(planKeyedFile(one, contextOf(record)), written);
    expect(changed).toContain(line(keyOf(1), "other"));
    const owned = keysOf(record, OWNER.instance);
    const dropped = after(
      planKeyedFile({ ...there, wanted: {} }, contextOf(record, owned)),
      written,
    );
    expect(dropped).toBe(before);
    const warn = (): void => undefined;
    const restore = { platform: platformOf("7.8"), keys: owned, record, warn };
    expect(after(restoreKeyedFile(PATH, there.state, text, restore), written)).toBe(before);
    const edited = `# somebody\n${written}`;
    expect(after(restoreKeyedFile(PATH, fileWith(edited), text, restore), edited)).toBe(
      `# somebody\n${before}`,
    );
  }
}

describe.each(formats)("%s", (_name, format) => {
  test("is parsed as often for a thousand keys as for ten", () => {
    const units = jest.mocked(logicalLines.logicalUnits);
    const lines = jest.mocked(logicalLines.logicalLines);
    const parses = (count: number): number => {
      units.mockClear();
      lines.mockClear();
      lifeOf(format, count);
      return units.mock.calls.length + lines.mock.calls.length;
    };
    const few = parses(10);
    expect(few).toBeGreaterThan(0);
    expect(parses(1000)).toBeLessThanOrEqual(few);
  });

  test("is opened once to find the secrets of all of its keys, and none is searched by itself", () => {
    const { text, value, line } = format;
    const body = keys(100)
      .map((key) => line(key, `secret-of-${key}`))
      .join("");
    const seen = counted(text);
    const held = keys(100).map(
      (key) => [key, hideSecrets(text, value(`secret-of-${key}`), () => true)] as const,
    );
    const found = secretsOfKeys(seen.text, body, held);
    expect(found).toEqual(keys(100).map((key) => `secret-of-${key}`));
    expect(seen.calls()).toEqual({ open: 1, get: 0, put: 0 });
  });

  test("takes as many bytes of the record and of a state for each of a thousand keys as of ten", () => {
    const bytesOf = (count: number): readonly number[] => {
      const { text, value } = format;
      const wanted = Object.fromEntries(keys(count).map((key) => [key, value("new")]));
      const file: KeyedFile = { path: PATH, state: fileWith(HEAD), text, wanted };
      const record = recordOf(
        file,
        HEAD,
        after(planKeyedFile(file, contextOf(EMPTY_RECORD)), HEAD),
      );
      const kept = JSON.stringify(previousOf(record, OWNER.instance));
      return [recordFile(record).contents.length, kept.length];
    };
    const [few, more, many] = [bytesOf(10), bytesOf(100), bytesOf(1000)] as const;
    few.forEach((least, nth) => {
      const [middle = 0, most = 0] = [more[nth], many[nth]];
      // Keys, and the numbers of their order, have a digit more.
      expect((most - middle) / 900).toBeLessThan((middle - least) / 90 + 8);
    });
  });

  test("is opened once to read all of its keys, and none is read by itself", () => {
    const { text, value, line } = format;
    const body = keys(100)
      .map((key) => line(key, "new"))
      .join("");
    const seen = counted(text);
    const wanted = Object.fromEntries(keys(100).map((key) => [key, value("new")]));
    const file = { path: PATH, state: fileWith(body), text: seen.text, wanted };
    expect(liveKeys(file)).toEqual(wanted);
    // To find the text again among those that were read compares all of it.
    expect(seen.calls()).toEqual({ open: 1, get: 0, put: 0 });
  });

  test("what undoing a key needs does not grow with the file, and is tiny for a key that is new", () => {
    const sizeOf = (key: string, count: number): number => {
      const body =
        HEAD +
        keys(count)
          .map((one) => format.line(one, "old"))
          .join("");
      return JSON.stringify(format.text.save(body, key)).length;
    };
    expect(sizeOf("key500", 10_000)).toBeLessThan(sizeOf("key500", 1000) + 5);
    expect(sizeOf("key500", 1000)).toBeLessThan(500);
    expect(sizeOf("another", 10_000)).toBeLessThan(40);
  });

  test("entries that were removed come back in their order, whatever the order in the program", () => {
    const { text, line } = format;
    const body =
      HEAD +
      keys(40)
        .map((key) => line(key, "old"))
        .join("");
    // Each seventh key after the other, so that no key comes next to its neighbour.
    const shuffled = keys(40).map((_, nth) => keyOf((nth * 7) % 40));
    const wanted = Object.fromEntries(shuffled.map((key) => [key, null]));
    const file: KeyedFile = { path: PATH, state: fileWith(body), text, wanted };
    const written = after(planKeyedFile(file, contextOf(EMPTY_RECORD)), body);
    expect(written).toBe(HEAD);
    const record = recordOf(file, body, written);
    const edited = `${written}# somebody\n`;
    const restored = restoreKeyedFile(PATH, fileWith(edited), text, {
      ...{ platform: platformOf("7.8"), keys: keysOf(record, OWNER.instance), record },
      warn: () => undefined,
    });
    expect(after(restored, edited)).toBe(`${body}# somebody\n`);
  });
});

test("of many keys that somebody else has changed, the first are named and the others counted", () => {
  const body =
    HEAD +
    keys(500)
      .map((key) => `${key} = old\n`)
      .join("");
  const wanted = Object.fromEntries(keys(500).map((key) => [key, "new"]));
  const file: KeyedFile = { path: PATH, state: fileWith(body), text: mainCf, wanted };
  const record = recordOf(file, body, body);
  const theirs = body.replaceAll("old", "theirs");
  const warnings: string[] = [];
  const changes = restoreKeyedFile(PATH, fileWith(theirs), mainCf, {
    ...{ platform: platformOf("7.8"), keys: keysOf(record, OWNER.instance), record },
    warn: (text) => void warnings.push(text),
  });
  expect(changes).toEqual([]);
  expect(warnings).toHaveLength(21);
  expect(warnings.at(-1)).toContain("480 more keys");
});

test("in the mode exact, the other keys are claimed in the order of the file", () => {
  const body =
    HEAD +
    keys(100)
      .map((key) => `${key}: old\n`)
      .join("");
  const file: KeyedFile = { path: PATH, state: fileWith(body), text: aliases, wanted: {} };
  const whole = alone(file, ["first", ...keys(100)].reverse(), {
    ...{ record: EMPTY_RECORD, owner: OWNER },
  });
  expect(claimKeyedFile(whole, contextOf(EMPTY_RECORD)).map(({ key }) => key)).toEqual(
    ["first", ...keys(100)].map((key) => keyName(PATH, key)),
  );
});

test("the key of a whole table reads and removes the same in an opened text as by itself", () => {
  const body = "# mine\n* OK\na b\n";
  const editor = table.open(body);
  expect(editor.get("*")).toBe(table.get(body, "*"));
  editor.put("*", null);
  expect(editor.text).toBe(table.put(body, "*", null));
});
