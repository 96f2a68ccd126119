/** Changes: how they read, and how they are done. */
import { createTwoFilesPatch } from "diff";
import { HostError } from "../host/errors";
import type { Expectation, FileState, HostWriter } from "../host/host";
import { contentsOf } from "../host/host";
import { sha256 } from "../values/digest";
import type { Change } from "../kind/kind";
import { readable } from "../values/readable";
import { programFailed } from "../host/programs";

function unifiedDiff(path: string, before: string | undefined, after: string | undefined): string {
  const patch = createTwoFilesPatch(
    before === undefined ? "/dev/null" : path,
    after === undefined ? "/dev/null" : path,
    readable(before ?? ""),
    readable(after ?? ""),
    before === undefined ? "" : "now",
    after === undefined ? "" : "after up",
    { context: 3 },
  );
  // What jsdiff writes before the two names says nothing here. A last line that is blank belongs to the diff.
  return patch.replace(/^(Index: .*\n)?=+\n/, "").replace(/\n$/, "");
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** A change as the preview prints it: a unified diff, or one line. */
export function printChange(change: Change): string {
  switch (change.change) {
    case "write": {
      const before = contentsOf(change.found);
      if (change.opaque)
        return before === undefined
          ? `create ${change.path} (${measure(change.contents)})`
          : `replace ${change.path} (${measure(before)}, with ${measure(change.contents)})`;
      if (before === change.contents)
        return `set ${change.path} to mode ${octal(change.mode ?? 0o644)}`;
      const link = change.found.type === "symlink" ? ` (a link to ${change.found.target})` : "";
      if (change.partial)
        return (
          `${change.path}: comes with an earlier step; lines that will be set in it\n` +
          readable(change.contents)
            .trimEnd()
            .split("\n")
            .map((line) => `+${line}`)
            .join("\n")
        );
      return unifiedDiff(`${change.path}${link}`, before, change.contents);
    }
    case "remove":
      return change.opaque || contentsOf(change.found) === undefined
        ? `remove ${change.path}`
        : unifiedDiff(change.path, contentsOf(change.found), undefined);
    case "run":
    case "step":
      return change.text;
  }
}

function expectationOf(state: FileState): Expectation {
  const file = state.type === "symlink" ? state.file : state;
  if (file?.type === "file" && file.sha256 !== undefined) return { sha256: file.sha256 };
  return state.type === "absent" ? { absent: true } : { anything: true };
}

/**
 * Does one change. A file is written only while it still holds what was observed.
 *
 * @throws HostError of kind "conflict" when it does not, with both sides; of kind "program" when a program failed.
 */
export async function applyChange(
  host: HostWriter,
  change: Exclude<Change, { change: "step" }>,
): Promise<void> {
  switch (change.change) {
    case "write": {
      const outcome = await host.write({
        path: change.path,
        contents: change.contents,
        ...(change.mode === undefined ? {} : { mode: change.mode }),
        ...(change.uid === undefined ? {} : { uid: change.uid }),
        ...(change.gid === undefined ? {} : { gid: change.gid }),
        expect: expectationOf(change.found),
      });
      if (!outcome.written) throw conflict(host, change, outcome.found);
      return;
    }
    case "remove": {
      const outcome = await host.remove(change.path, expectationOf(change.found));
      if (!outcome.written) throw conflict(host, change, outcome.found);
      return;
    }
    case "run": {
      const result = await host.run({
        argv: change.argv,
        ...(change.env === undefined ? {} : { env: change.env }),
        ...(change.tty === undefined ? {} : { tty: change.tty }),
        ...(change.timeoutMs === undefined ? {} : { timeoutMs: change.timeoutMs }),
      });
      if (result.exitCode === null || !(change.okay ?? [0]).includes(result.exitCode))
        throw programFailed(host.address, change.text, change.argv, result);
      return;
    }
  }
}

/** Contents that are not to be shown: how much, and a hash by which two of them can be told apart. */
function measure(contents: string): string {
  const lines = contents.split("\n").length - (contents.endsWith("\n") ? 1 : 0);
  return `${lines} lines, sha256 ${sha256(contents).slice(0, 12)}`;
}

function conflict(
  host: HostWriter,
  change: Extract<Change, { change: "write" | "remove" }>,
  found: FileState,
): HostError {
  return new HostError("conflict", {
    host: host.address,
    during: `writing ${change.path}`,
    reason: `somebody else changed it after it was looked at:\n${change.opaque ? [change.found, found].map((state) => measure(contentsOf(state) ?? "")).join(", then ") : unifiedDiff(change.path, contentsOf(change.found), contentsOf(found))}`,
    changed: "no",
    next: "Run `pulumi up` again to see and apply what is still to do.",
  });
}
