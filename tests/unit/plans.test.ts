/** Pieces of plans that several kinds need. */
import type { Change } from "../../provider/contract/kind";
import { textAfter } from "../../provider/contract/plans";
import type { FileState } from "../../provider/host/host";

const ABSENT: FileState = { type: "absent" };
const OLD: FileState = { type: "file", mode: 0o644, uid: 0, gid: 0, contents: "old", size: 3 };

const write = (path: string, contents: string): Change => ({
  change: "write",
  path,
  found: ABSENT,
  contents,
});
const remove = (path: string): Change => ({ change: "remove", path, found: ABSENT });
const act: Change = { change: "act", text: "reload", act: () => Promise.resolve() };

test.each<[string, readonly Change[], string | undefined]>([
  ["a write", [write("/a", "new")], "new"],
  ["a write after changes of other files", [act, remove("/b"), write("/a", "new")], "new"],
  ["a write before changes of other files", [write("/a", "new"), remove("/b")], "new"],
  ["a removal after a write of another file", [write("/b", "other"), remove("/a")], undefined],
  ["none, but another file is written", [write("/b", "other"), act], "old"],
])("the text after a plan is told by the change of that file alone: %s", (_, changes, text) => {
  expect(textAfter(changes, "/a", OLD)).toBe(text);
});
