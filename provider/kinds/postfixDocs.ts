/**
 * Guide 2.2, "Documentation": the HTML manual of the package, copied to a web root as a managed tree. The target folder
 * itself becomes the html folder, where a second `cp -R` would put one html folder into the other (docs/openbsd.md 14).
 * Files are compared by their digests, and copied on the host without a detour.
 */
import { type PostfixDocsArgs, postfixDocsArguments } from "../arguments/postfixDocs";
import type { Action, Change, Failure, JudgeContext, Kind, PlanContext } from "../contract/kind";
import { HostError } from "../host/errors";
import type { FileStat, HostWriter, TreeEntry } from "../host/host";
import { list, Look, lookAt, stat, tree } from "../host/look";
import type { Claim, KeyEntry } from "../host/record";
import { RECORD } from "../host/recordLook";
import {
  compareTrees,
  copyOfTree,
  isSameTree,
  treeDigest,
  type TreeDifference,
} from "../host/treeDigest";
import { MANUAL } from "../postfix/paths";
import { valueIn } from "../values/json";

/** The arguments, with those that `complete` fills in. */
interface Completed extends PostfixDocsArgs {
  /** The state of the tree at `path` in words, such as "2 missing (a, b)". */
  readonly manual?: string;
}

type Tree = readonly TreeEntry[] | null;

/** A path where the manual is: the wanted one, or a former one that is to be undone. */
interface Place {
  readonly path: string;
  readonly tree: Tree;
  /** The tree that was at the path before the first apply, where it was moved aside; else null. */
  readonly saved: Tree;
  /** Does the folder exist that such a tree is moved aside into? */
  readonly aside: boolean;
  /** The folders above the path. */
  readonly parents: Readonly<Record<string, FileStat>>;
}

interface Observed {
  readonly source: Tree;
  readonly place: Place;
  /** Other paths with a copy, according to the record: former values of `path`, or copies of other resources. */
  readonly others: readonly Place[];
}

/** What a key's entry in the record holds under `before`. */
interface Before {
  /** The digest of the tree that was at the path; null where there was none. */
  readonly digest: string | null;
  /** The folders above the path that did not exist, from the top. */
  readonly made: readonly string[];
}

const DEFAULT_PATH = "/var/www/htdocs/manual/postfix";
const EQUAL = `equal to ${MANUAL}`;
const KEY = "tree:";

/** The folder for the former tree: beside the target, for root alone, with a hidden name that no web server lists. */
function asideOf(path: string): string {
  return path.replace(/[^/]+$/, (name) => `.${name}.before-pulumi`);
}

function savedPath(path: string): string {
  return `${asideOf(path)}/${baseOf(path)}`;
}

function baseOf(path: string): string {
  return path.replace(/^.*\//, "");
}

/** The folders above a path, from the top. */
function parentsOf(path: string): string[] {
  const names = path.split("/").slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

function placeAt(path: string): Look<Place> {
  return Look.all({
    path: Look.of(path),
    tree: tree(path),
    saved: tree(savedPath(path)),
    aside: stat(asideOf(path)).map(({ type }) => type !== "absent"),
    parents: Look.each(parentsOf(path), stat),
  });
}

function look({ path = DEFAULT_PATH }: Completed): Look<Observed> {
  return Look.all({
    source: tree(MANUAL),
    place: placeAt(path),
    elsewhere: RECORD.map(({ keys }) => otherPaths(keys, path)),
  }).andThen(({ source, place, elsewhere }) =>
    Look.each(elsewhere, placeAt).map((others) => ({
      ...{ source, place },
      others: Object.values(others),
    })),
  );
}

/** Other paths with a copy, according to the keys of the record. */
function otherPaths(keys: Readonly<Record<string, unknown>>, path: string): string[] {
  return Object.keys(keys)
    .filter((key) => key.startsWith(KEY) && key !== `${KEY}${path}`)
    .map((key) => key.slice(KEY.length));
}

/** The first few of the paths, in words. */
function few(paths: readonly string[]): string {
  const names = paths.filter((path) => path !== "");
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown}, …` : shown;
}

/** A difference in words: "2 missing (a, b), 1 extra (c)". */
function describe(difference: TreeDifference): string {
  return (["missing", "changed", "extra"] as const)
    .filter((way) => difference[way].length > 0)
    .map((way) => {
      const names = few(difference[way]);
      return `${difference[way].length} ${way}${names === "" ? "" : ` (${names})`}`;
    })
    .join(", ");
}

function wantedOf(observed: Observed): TreeEntry[] | undefined {
  return observed.source === null ? undefined : copyOfTree(observed.source);
}

/** The type holds because {@link claimOf} alone makes this kind's claims. */
function beforeOf(entry: KeyEntry): Before {
  return entry.before as unknown as Before;
}

/** The digests of the trees that were written to the target: of the last, and of one before it that may still be there. */
function appliedOf({ applied, unsettled = [] }: KeyEntry): readonly unknown[] {
  return [applied, ...unsettled].map((tree) => valueIn(tree, "digest"));
}

function claimOf(observed: Observed, path: string): Claim {
  const { tree: found, parents } = observed.place;
  const wanted = wantedOf(observed);
  return {
    key: `${KEY}${path}`,
    before: {
      digest: found === null ? null : treeDigest(found),
      made: Object.keys(parents).filter((parent) => parents[parent]?.type === "absent"),
    },
    applied: { digest: wanted === undefined ? "" : treeDigest(wanted) },
  };
}

function changesAt(path: string, observed: Observed, context: PlanContext): readonly Change[] {
  const { tree: found, saved } = observed.place;
  const wanted = wantedOf(observed);
  // Copies at former paths go. Their warnings are left out, because their changes name the files that stay.
  const changes: Change[] = observed.others.flatMap(
    (place) => giveBack(place, observed, context.dropped).changes,
  );
  if (wanted === undefined)
    return context.coming(`${MANUAL}/index.html`)
      ? [
          ...changes,
          copying(path, `copy the HTML manual, which comes with the package, to ${path}`),
        ]
      : changes;
  const difference = compareTrees(found, wanted);
  if (isSameTree(difference)) return changes;
  const entry = context.record.keys[`${KEY}${path}`];
  const now = found === null ? null : treeDigest(found);
  const before = entry === undefined ? now : beforeOf(entry).digest;
  // The former tree is moved aside once and as a whole; a former tree that was the manual already is changed in place.
  const aside =
    before !== null && found !== null && saved === null && before !== treeDigest(wanted);
  if (aside)
    changes.push({
      change: "act",
      text: `move what stands at ${path} (${count(found)}) aside to ${asideOf(path)}, for destroy to put back`,
      places: entriesAt(path),
      act: (host) => moveAside(host, path),
    });
  const differences = describe(aside ? compareTrees(null, wanted) : difference);
  return [...changes, copying(path, `make ${path} like ${MANUAL}: ${differences}`)];
}

function copying(path: string, text: string): Action {
  return { change: "act", text, places: entriesAt(path), act: (host) => copy(host, path) };
}

function entriesAt(path: string): NonNullable<Action["places"]> {
  return [{ path, entry: true }];
}

/** The files of a tree in words: "2 files: a, b". */
function count(entries: readonly TreeEntry[]): string {
  const files = entries.filter(({ type }) => type !== "directory");
  const names = few(files.map(({ path }) => path));
  const total = files.length === 1 ? "1 file" : `${files.length} files`;
  return names === "" ? total : `${total}: ${names}`;
}

/** What {@link bringBack} is to do. */
interface BringBack {
  /** Folders above the path to remove where they are empty, from the top. */
  readonly made: readonly string[];
  /** Is the former tree to be put back? */
  readonly saved: boolean;
  /** Is the folder to be removed that it was moved aside into? */
  readonly aside: boolean;
}

/** Where others' files go that are left in the copy of the manual, when the former tree is put back in its place. */
function leftoverOf(path: string): string {
  return `${path}.left-by-pulumi`;
}

/** The changes that undo one copy of the manual. */
interface Undoing {
  readonly changes: readonly Action[];
  /** Warnings of everything that is left as it is, with the reason. */
  readonly left: readonly string[];
}

/** Undoes a copy: the manual's files go, the tree that was there before comes back, files of others stay. */
function giveBack(
  place: Place,
  { source }: Observed,
  keys: readonly (readonly [string, KeyEntry])[],
): Undoing {
  const { path, tree: found, saved, aside } = place;
  const entry = keys.find(([key]) => key === `${KEY}${path}`)?.[1];
  if (entry === undefined) return { changes: [], left: [] };
  const before = beforeOf(entry);
  const made = before.made.filter((folder) => place.parents[folder]?.type === "directory");
  const back = (text: string): Action => ({
    change: "act",
    text,
    places: entriesAt(path),
    act: (host) => bringBack(host, path, { made, saved: saved !== null, aside }),
  });
  // The former tree was never moved aside, because it was the manual or an apply ended early, or it is back already.
  if (before.digest !== null && saved === null)
    return {
      changes: aside ? [back(`remove ${asideOf(path)}`)] : [],
      left:
        treeDigest(found) === before.digest
          ? []
          : [`${path} was there before, was changed since, and is left as it is.`],
    };
  const { changes, left }: Undoing =
    found === null ? { changes: [], left: [] } : removeManual(place, found, source, entry);
  if (saved !== null)
    return {
      changes: [...changes, back(`put back what stood at ${path} before (${count(saved)})`)],
      left,
    };
  if (made.length === 0 && !aside) return { changes, left };
  const emptied = back(`remove the folders above ${path} that came with it, where they are empty`);
  return { changes: [...changes, emptied], left };
}

/** Removes the manual from a tree, but for files in it that others changed or added. */
function removeManual(
  { path, saved }: Place,
  found: readonly TreeEntry[],
  source: Tree,
  entry: KeyEntry,
): Undoing {
  const digest = treeDigest(found);
  const keep = appliedOf(entry).includes(digest) ? [] : foreign(found, source);
  const names = few(keep);
  const where = saved === null ? "." : `, in ${leftoverOf(path)}: what was there before is back.`;
  const removal: Action = {
    change: "act",
    places: entriesAt(path),
    text: `remove the manual from ${path}${keep.length > 0 ? `, but for ${names}` : ""}`,
    act: async (host) => {
      if (!(await host.pruneTree(path, keep, digest))) throw conflict(host, path);
    },
  };
  const left = `${keep.length} of the files in ${path} were changed or added by others and are left (${names})${where}`;
  return { changes: [removal], left: keep.length === 0 ? [] : [left] };
}

/** The paths in a tree that differ from the package's manual in more than owner and mode: files of others. */
function foreign(found: readonly TreeEntry[], source: Tree): string[] {
  const manual = new Map((source ?? []).map((entry) => [entry.path, entry]));
  return found
    .filter((entry) => {
      const page = manual.get(entry.path);
      return (
        entry.path !== "" &&
        (page?.type !== entry.type || page.sha256 !== entry.sha256 || page.target !== entry.target)
      );
    })
    .map(({ path }) => path);
}

function failuresAt(
  path: string,
  { place, source }: Observed,
  { coming }: JudgeContext,
): Failure[] {
  const failures: Failure[] = [];
  const blocked = Object.entries(place.parents).find(([, state]) => !isFolderOrAbsent(state))?.[0];
  if (blocked !== undefined)
    failures.push({ path: "path", reason: `${blocked} on the host is not a folder.` });
  if (source === null && !coming(`${MANUAL}/index.html`))
    failures.push({
      path: "path",
      reason: `there is no ${MANUAL} on the host to copy to ${path}: it comes with the package, so make this step depend on PostfixPackage.`,
    });
  return failures;
}

function isFolderOrAbsent(state: FileStat): boolean {
  if (state.type === "symlink") return state.file?.type === "directory";
  return state.type === "directory" || state.type === "absent";
}

export const postfixDocs: Kind<Completed, Observed> = {
  name: "PostfixDocs",
  subject: () => "html",
  arguments: postfixDocsArguments,
  complete: (args) => ({ ...args, path: args.path ?? DEFAULT_PATH, manual: EQUAL }),
  look,
  live: (observed) => {
    const wanted = wantedOf(observed);
    const { tree: found } = observed.place;
    if (found === null) return { manual: "missing" };
    if (wanted === undefined) return { manual: `without ${MANUAL}` };
    const difference = compareTrees(found, wanted);
    return { manual: isSameTree(difference) ? EQUAL : describe(difference) };
  },
  outputs: ({ place }) => ({
    files: (place.tree ?? []).filter(({ type }) => type !== "directory").length,
  }),
  owns: (observed, { path = DEFAULT_PATH }) => ({ claims: [claimOf(observed, path)], files: {} }),
  plan: (observed, { path = DEFAULT_PATH }, context) => {
    const changes = changesAt(path, observed, context);
    return { changes, brings: changes.length === 0 ? [] : [path, `${path}/`] };
  },
  judge: (observed, { path = DEFAULT_PATH }, context) =>
    Promise.resolve(failuresAt(path, observed, context)),
  restore: (observed, _args, { keys, warn }) => ({
    changes: [observed.place, ...observed.others].flatMap((place) => {
      const { changes, left } = giveBack(place, observed, keys);
      left.forEach(warn);
      return changes;
    }),
  }),
};

async function moveAside(host: HostWriter, path: string): Promise<void> {
  await host.makeDirectory(asideOf(path), 0o700, 0, 0);
  await host.move(path, savedPath(path));
}

async function copy(host: HostWriter, path: string): Promise<void> {
  const { parents } = await lookAt(host, placeAt(path));
  for (const [parent, state] of Object.entries(parents))
    if (state.type === "absent") await host.makeDirectory(parent, 0o755, 0, 0);
  const found = await lookAt(host, tree(path));
  if (!(await host.copyTree(MANUAL, path, treeDigest(found)))) throw conflict(host, path);
}

async function bringBack(
  host: HostWriter,
  path: string,
  { made, saved, aside }: BringBack,
): Promise<void> {
  if (saved) {
    if ((await lookAt(host, tree(path))) !== null) await host.move(path, leftoverOf(path));
    await host.move(savedPath(path), path);
  }
  if (aside) await host.remove(asideOf(path), { anything: true });
  for (const folder of [...made].reverse()) {
    const names = await lookAt(host, list(folder));
    if (names?.length !== 0) return;
    await host.remove(folder, { anything: true });
  }
}

function conflict(host: HostWriter, path: string): HostError {
  return new HostError("conflict", {
    host: host.address,
    during: `changing ${path}`,
    reason: "somebody else changed files in it after it was looked at",
    changed: "no",
    next: "Run `pulumi up` again: it then plans with the files as they are now",
    retriable: true,
  });
}
