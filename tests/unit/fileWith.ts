import { sha256 } from "../../provider/values/digest";
import type { FileState } from "../../provider/host/host";

/** A file of root's with these contents, as a look finds it. */
export function fileWith(contents: string): FileState {
  return {
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    contents,
    sha256: sha256(contents),
    size: contents.length,
  };
}
