/** Values as the engine passes them: property paths, and what is unknown in them. */
import {
  clean,
  differsAt,
  knownPart,
  pathParts,
  unknownPaths,
  UNKNOWN,
  valueAt,
} from "../../provider/values/json";

test.each([
  ["variables.ntpd_flags", ["variables", "ntpd_flags"]],
  ['parameters["a.b"]', ["parameters", "a.b"]],
  ["entries.root[0]", ["entries", "root", "0"]],
  ['entries["x\\"y"][*]', ["entries", 'x"y', "*"]],
])("the path %s is read as Pulumi writes it", (path, parts) => {
  expect(pathParts(path)).toEqual(parts);
});

test("a value is found at its path, and nothing where there is none", () => {
  const value = { entries: { root: ["alice", "bob"], "a.b": ["carol"] } };
  expect(valueAt(value, "entries.root[1]")).toBe("bob");
  expect(valueAt(value, 'entries["a.b"][0]')).toBe("carol");
  expect(valueAt(value, "entries.none[0]")).toBeUndefined();
});

test("a difference is one at a path or below it, and nowhere else", () => {
  const [left, right] = [{ a: { b: "1", c: "2" } }, { a: { b: "1", c: "3" } }];
  expect(differsAt("a", left, right)).toBe(true);
  expect(differsAt("a.c", left, right)).toBe(true);
  expect(differsAt("a.b", left, right)).toBe(false);
  expect(differsAt("a.*", left, right)).toBe(true);
  expect(differsAt("a.*", left, left)).toBe(false);
});

test("what is unknown is named by its path and left out of the known part", () => {
  const value = { entries: { root: [UNKNOWN, "bob"], postmaster: UNKNOWN }, file: "/x" };
  expect(unknownPaths(value)).toEqual(["entries.root[0]", "entries.postmaster"]);
  expect(knownPart(value)).toEqual({ entries: { root: ["bob"] }, file: "/x" });
});

test("a value without anything to leave out is no copy, and neither are such parts of one that has it", () => {
  const whole = { entries: { root: ["alice"] } };
  expect(clean(whole)).toBe(whole);
  const { entries, ...rest } = clean({ ...whole, none: undefined, list: [{ a: undefined }] });
  expect(entries).toBe(whole.entries);
  expect(rest).toEqual({ list: [{}] });
  expect(Object.keys(rest)).toEqual(["list"]);
});
