/**
 * What the preview of the same `pulumi up` has shown, so that `up` can tell that somebody changed a file in between.
 *
 * The engine passes nothing of a preview on to the update: it starts another provider process, and calls `check` with the
 * program's inputs again (measured with 3.259). What both processes have in common is the CLI that started them. So the
 * preview leaves what it has shown in a file for this CLI, in a folder of the user's own; secrets are masked in it as in
 * what was shown. The update takes the file away.
 */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { FileChange } from "../contract/kind";
import { fileAt, type FoundFile } from "../host/host";
import { mapValues } from "../values/json";
import type { Decision } from "./decision";
import type { Overlay } from "./overlay";
import { printChange } from "./printChange";
import { shown } from "./shown";

/** A file as a preview has shown it. */
interface ShownFile {
  /** SHA-256 of the contents that the preview saw; `null` where there was no file, or one that is not carried. */
  readonly seen: string | null;
  /** The change that the preview has printed; `undefined` for none. */
  readonly change?: string;
  /** Can nobody but somebody else have changed it since? An action of an earlier step may have, too. */
  readonly certain: boolean;
}

/** By a resource's URN: files by their paths. */
type Shown = Record<string, Readonly<Record<string, ShownFile>>>;

let written: Shown = {};
let taken: Shown | undefined;
let place: { readonly path: string | undefined } | undefined;

/**
 * Keeps what the preview of a resource shows.
 *
 * @param overlay what the steps before this one will have done; their actions may change files, too
 */
export function approve(urn: string, { plan, files }: Decision, overlay: Overlay): void {
  const path = (place ??= { path: fileForCli() }).path;
  if (path === undefined) return;
  const changes = fileChanges(plan.changes);
  // Of a file that an earlier step brings, the preview knows nothing yet.
  const known = Object.entries({
    ...files,
    ...mapValues(changes, ({ found }) => found),
  }).filter(([file]) => !overlay.coming(file));
  const shownFiles = known.map(([file, state]): [string, ShownFile] => {
    const change = changes[file];
    const text = change && { change: shown(printChange(change)) };
    return [file, { seen: digestOf(state), ...text, certain: overlay.leaves(file) }];
  });
  written = { ...written, [urn]: Object.fromEntries(shownFiles) };
  try {
    writeFileSync(path, JSON.stringify(written), { mode: 0o600 });
  } catch {
    // Without the file, `up` plans anew as it does without a preview.
  }
}

/** A change that is another one than the preview has shown, because the file was changed after it. */
export interface Outdated {
  readonly certain: boolean;
  /** What the preview saw and was to write, and what is there now and would be written. */
  readonly text: string;
}

/** The changes of a plan that no longer are what the preview of the same run has shown; none where there was no preview. */
export function outdated(urn: string, { plan }: Decision): readonly Outdated[] {
  taken ??= take((place ??= { path: fileForCli() }).path);
  const files = taken[urn] ?? {};
  return Object.entries(fileChanges(plan.changes)).flatMap(([path, change]) => {
    const before = files[path];
    if (before === undefined || before.seen === digestOf(change.found)) return [];
    const text = [
      `${path} was changed after the preview. The preview ${before.change === undefined ? "had nothing to change in it" : "showed"}`,
      ...(before.change === undefined ? [] : [before.change]),
      "and with the file as it is now that would be",
      printChange(change),
    ].join("\n");
    return [{ certain: before.certain, text }];
  });
}

/** The writes and removals among changes, by path. What an earlier step brings is not known yet, and left out. */
function fileChanges(changes: Decision["plan"]["changes"]): Readonly<Record<string, FileChange>> {
  return Object.fromEntries(
    changes.flatMap((change) =>
      change.change === "act" || (change.change === "write" && change.partial)
        ? []
        : [[change.path, change] as const],
    ),
  );
}

function digestOf(state: FoundFile): string | null {
  return fileAt<{ readonly type: "file"; readonly sha256?: string }>(state)?.sha256 ?? null;
}

function take(path: string | undefined): Shown {
  if (path === undefined) return {};
  try {
    const shown = JSON.parse(readFileSync(path, "utf8")) as Shown;
    rmSync(path);
    return shown;
  } catch {
    return {};
  }
}

/** The file for the CLI that runs this process; `undefined` where there is no such CLI, or no safe place for it. */
function fileForCli(): string | undefined {
  try {
    const cli = cliAbove(process.ppid);
    if (cli === undefined) return undefined;
    const uid = process.getuid?.();
    const folder = join(tmpdir(), `pulumi-openbsd-postfix-${String(uid ?? "")}`);
    mkdirSync(folder, { mode: 0o700, recursive: true });
    const state = lstatSync(folder);
    // Somebody else may have made the folder: then nothing is kept.
    const isOurs = state.isDirectory() && (uid === undefined || state.uid === uid);
    if (!isOurs || (uid !== undefined && (state.mode & 0o077) !== 0)) return undefined;
    for (const name of readdirSync(folder)) if (!isAlive(name)) rmSync(join(folder, name));
    return join(folder, cli);
  } catch {
    return undefined;
  }
}

/** The nearest process above that is the CLI, by its id and the time of its start. */
function cliAbove(pid: number): string | undefined {
  for (let id = pid, steps = 0; id > 1 && steps < 5; steps += 1) {
    const [parent = "", ...rest] = psOf(id, "ppid=,lstart=,comm=").split(/\s+/);
    if (/^pulumi(?:\.exe)?$/.test(basename(rest.at(-1) ?? "")))
      return `${id}-${rest.slice(0, -1).join("").replace(/\W/g, "")}`;
    id = Number(parent);
  }
  return undefined;
}

function psOf(pid: number, format: string): string {
  return execFileSync("ps", ["-o", format, "-p", String(pid)], { encoding: "utf8" }).trim();
}

/** Does the CLI still run that a file is for? */
function isAlive(name: string): boolean {
  try {
    return process.kill(Number(name.split("-")[0]), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
