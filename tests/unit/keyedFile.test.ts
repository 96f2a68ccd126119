/** Parts of a text file as resources own them: how they are taken out again. */
import fc from "fast-check";
import {
  alone,
  claimKeyedFile,
  keyName,
  planKeyedFile,
  restoreKeyedFile,
} from "../../provider/contract/keyedFile";
import { keyedText } from "../../provider/contract/keyedText";
import type { Change, PlanContext } from "../../provider/contract/kind";
import { sha256 } from "../../provider/values/digest";
import * as mainCf from "../../provider/formats/mainCf";
import {
  claim,
  EMPTY_RECORD,
  type HostRecord,
  keysOf,
  release,
  savedFile,
  settled,
} from "../../provider/host/record";
import { platformOf } from "../../provider/openbsd/platform";
import { fileWith } from "./fileWith";

const PATH = "/etc/postfix/main.cf";
const text = keyedText({ kind: "MainCf", ...mainCf });

const CONTEXT: PlanContext = {
  platform: platformOf("7.8"),
  record: EMPTY_RECORD,
  owner: { urn: "a", instance: "a" },
  dropped: [],
  applied: undefined,
  coming: () => false,
  expected: () => undefined,
  isSecret: () => false,
};

const BEFORE = "# mine\nrelayhost = a\nbiff = yes\n";

/** What `instance` has claimed, over a file that was {@link BEFORE}. */
function recorded(record: HostRecord, instance: string, keys: Record<string, string>): HostRecord {
  return claim(
    record,
    { urn: instance, instance },
    Object.entries(keys).map(([key, applied]) => ({
      key: keyName(PATH, key),
      file: PATH,
      before: text.save(BEFORE, key),
      applied,
    })),
    { [PATH]: savedFile(fileWith(BEFORE)) },
  );
}

test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
  "the mode exact removes a key named %s, as any that is not wanted",
  (key) => {
    const contents = `${key} = x\n`;
    const given = { path: PATH, state: fileWith(contents), text, wanted: {} };
    const changes = planKeyedFile(alone(given, [key], CONTEXT), CONTEXT);
    expect(changes).toMatchObject([{ change: "write", contents: "" }]);
  },
);

function restored(record: HostRecord, contents: string): { changes: Change[]; warnings: string[] } {
  const warnings: string[] = [];
  const changes = restoreKeyedFile(PATH, fileWith(contents), text, {
    platform: platformOf("7.8"),
    keys: keysOf(record, "a"),
    record,
    warn: (warning) => warnings.push(warning),
  });
  return { changes, warnings };
}

test("a destroy that is tried again finds nothing to do, and blames nobody", () => {
  const alone = recorded(EMPTY_RECORD, "a", { relayhost: "b", biff: "no" });
  expect(restored(alone, BEFORE)).toEqual({ changes: [], warnings: [] });
  const shared = recorded(recorded(EMPTY_RECORD, "a", { relayhost: "b" }), "other", { biff: "no" });
  const others = BEFORE.replace("biff = yes", "biff = no");
  expect(restored(shared, others)).toEqual({ changes: [], warnings: [] });
});

test("what somebody else has changed is left, and named", () => {
  const record = recorded(recorded(EMPTY_RECORD, "a", { relayhost: "b" }), "other", { biff: "no" });
  const { changes, warnings } = restored(record, "# mine\nrelayhost = theirs\nbiff = no\n");
  expect(changes).toEqual([]);
  expect(warnings).toEqual([
    `${PATH}: relayhost was changed by somebody else meanwhile and is left as it is.`,
  ]);
});

/** Values that a parameter may have; `null` for one that is not set. */
const value = fc.option(fc.constantFrom("a", "b", "c", "yes"), { nil: null });

test("whichever of an update's writes were carried out, undoing gives back every byte, and blames nobody", () => {
  fc.assert(
    fc.property(
      // Each update as the values that it wants, and whether the file was written before it was interrupted.
      fc.array(
        fc.tuple(fc.record({ relayhost: value, biff: value, mynetworks: value }), fc.boolean()),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      (updates) => {
        let record = EMPTY_RECORD;
        let contents = BEFORE;
        for (const [wanted, isWritten] of updates) {
          const keyed = { path: PATH, state: fileWith(contents), text, wanted };
          const owner = { urn: "a", instance: "a" };
          const context = { ...CONTEXT, record, owner };
          const claims = claimKeyedFile(keyed, context);
          const [change] = planKeyedFile(keyed, context);
          record = claim(record, owner, claims, { [PATH]: savedFile(fileWith(contents)) });
          if (isWritten && change?.change === "write") contents = change.contents;
        }
        const { changes, warnings } = restored(record, contents);
        expect(warnings).toEqual([]);
        const [change] = changes;
        expect(change?.change === "write" ? change.contents : contents).toBe(BEFORE);
      },
    ),
  );
});

test("once a change is settled, what was applied before it counts as somebody else's", () => {
  const first = recorded(EMPTY_RECORD, "a", { relayhost: "b" });
  const second = recorded(first, "a", { relayhost: "c" });
  const older = "# mine\nrelayhost = b\nbiff = yes\n";
  expect(restored(second, older).warnings).toEqual([]);
  const digest = sha256("# mine\nrelayhost = c\nbiff = yes\n");
  const done = settled(second, "a", { claims: [], released: [], written: { [PATH]: digest } });
  expect(restored(done, `# new\n${older}`).warnings).toHaveLength(1);
});

test.each<[string, string, string]>([
  ["another value", "biff = admin\n", "no"],
  ["none at all", "", "no"],
  // The file is the baseline to the byte, and still not what it was before the key was claimed.
  ["none, and the resource the value of the baseline", "", "yes"],
])(
  "what an admin gave a key after the first claim of its file comes back: %s",
  (_what, line, applied) => {
    const first = recorded(EMPTY_RECORD, "other", { relayhost: "b" });
    // Then an admin edits biff, and only then a resource owns it; the file's baseline is the older.
    const edited = BEFORE.replace("biff = yes\n", line);
    const key = keyName(PATH, "biff");
    const claims = [{ key, file: PATH, before: text.save(edited, "biff"), applied }];
    const both = claim(first, { urn: "a", instance: "a" }, claims, {});
    const alone = release(both, [keyName(PATH, "relayhost")]);
    const { changes, warnings } = restored(alone, text.put(edited, "biff", applied));
    expect(warnings).toEqual([]);
    expect(changes).toMatchObject([{ change: "write", path: PATH, contents: edited }]);
  },
);
