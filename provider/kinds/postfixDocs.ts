/**
 * Guide 2.2, "Documentation": the HTML manual of the package, copied to a web root as a managed tree. The target
 * becomes the html folder; a second `cp -R` would put one into the other (docs/openbsd.md 14). Bytes are compared by their
 * digests and copied on the host.
 */
import { type PostfixDocsArgs, postfixDocsArguments } from "../arguments/postfixDocs";
import { HostError } from "../host/errors";
import type { FileState, HostWriter, TreeEntry } from "../host/host";
import { file, list, Look, lookAt, stat, tree } from "../host/look";
import { type Claim, type KeyEntry, parseRecord, RECORD_PATH } from "../host/record";
import {
  compareTrees,
  copyOfTree,
  isSameTree,
  treeDigest,
  type TreeDifference,
} from "../host/tree";
import type { Change, Failure, JudgeContext, Kind, PlanContext } from "../kind/kind";
import { MANUAL } from "../postfix/paths";
import { valueIn } from "../values/json";

/** The arguments with those that are filled in. */
interface Completed extends PostfixDocsArgs {
  /** What the tree at `path` is to be, in words. */
  readonly manual?: string;
}

type Tree = readonly TreeEntry[] | null;

/** One copy of the manual: the one that is wanted, or a former one that goes. */
interface Place {
  readonly path: string;
  readonly tree: Tree;
  /** Where the tree that stood there before us was moved aside to, if it was. */
  readonly saved: Tree;
  /** Is the folder there that it is moved aside into? */
  readonly aside: boolean;
  /** The folders above it that are there. */
  readonly parents: Readonly<Record<string, FileState>>;
}

interface Observed {
  readonly source: Tree;
  readonly place: Place;
  /** Copies at other paths that the record knows: `path` was another one before, or there are two copies. */
  readonly others: readonly Place[];
}

/** What is remembered of a target. */
interface Before {
  /** Digest of the tree that stood there; null when nothing did. */
  readonly digest: string | null;
  /** Folders above it that were not there, from the top. */
  readonly made: readonly string[];
}

const DEFAULT_PATH = "/var/www/htdocs/manual/postfix";
const EQUAL = `equal to ${MANUAL}`;
const KEY = "tree:";

/** Beside the target, with a name that no web server lists, in a folder that only root can enter. */
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
    elsewhere: file(RECORD_PATH).map((record) => otherPaths(parseRecord(record).keys, path)),
  }).andThen(({ source, place, elsewhere }) =>
    Look.each(elsewhere, placeAt).map((others) => ({
      ...{ source, place },
      others: Object.values(others),
    })),
  );
}

/** Paths of copies that the record knows besides. */
function otherPaths(keys: Readonly<Record<string, unknown>>, path: string): string[] {
  return Object.keys(keys)
    .filter((key) => key.startsWith(KEY) && key !== `${KEY}${path}`)
    .map((key) => key.slice(KEY.length));
}

/** Names, the first few of them. */
function few(paths: readonly string[]): string {
  const names = paths.filter((path) => path !== "");
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown}, …` : shown;
}

/** A difference in words: "2 missing (a, b), 1 extra (c)". */
function describe(difference: TreeDifference): string {
  return (["missing", "changed", "extra"] as const)
    .filter((what) => difference[what].length > 0)
    .map((what) => {
      const names = few(difference[what]);
      return `${difference[what].length} ${what}${names === "" ? "" : ` (${names})`}`;
    })
    .join(", ");
}

function wantedOf(observed: Observed): TreeEntry[] | undefined {
  return observed.source === null ? undefined : copyOfTree(observed.source);
}

/** {@link owns} alone makes what a claim of this kind holds. */
function beforeOf(entry: KeyEntry): Before {
  return entry.before as unknown as Before;
}

/** What the tree at the target was to be when it was last written. */
function appliedOf({ applied }: KeyEntry): string {
  const digest = valueIn(applied, "digest");
  return typeof digest === "string" ? digest : "";
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
      reason: `there is no ${MANUAL} on the host to copy to ${path}: it comes with the package (PostfixPackage), so let this depend on it.`,
    });
  return failures;
}

function isFolderOrAbsent(state: FileState): boolean {
  if (state.type === "symlink") return state.file?.type === "directory";
  return state.type === "directory" || state.type === "absent";
}

function changesAt(path: string, observed: Observed, context: PlanContext): readonly Change[] {
  const { tree: found, saved } = observed.place;
  const wanted = wantedOf(observed);
  // Where another path was copied to before, that goes: what it says of others' files is seen in its own lines.
  const changes = observed.others.flatMap(
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
  // What stood there before us is moved aside once, whole. Where it was the manual already, it is mended in place.
  const aside =
    before !== null && found !== null && saved === null && before !== treeDigest(wanted);
  if (aside)
    changes.push({
      change: "act",
      text: `move what stands at ${path} (${count(found)}) aside to ${asideOf(path)}, for destroy to put back`,
      act: (host) => moveAside(host, path),
    });
  const what = describe(aside ? compareTrees(null, wanted) : difference);
  return [...changes, copying(path, `make ${path} like ${MANUAL}: ${what}`)];
}

function copying(path: string, text: string): Change {
  return { change: "act", text, act: (host) => copy(host, path) };
}

function count(entries: readonly TreeEntry[]): string {
  const files = entries.filter(({ type }) => type !== "directory");
  const names = few(files.map(({ path }) => path));
  const how = files.length === 1 ? "1 file" : `${files.length} files`;
  return names === "" ? how : `${how}: ${names}`;
}

interface BringBack {
  /** Folders to remove afterwards, from the top, where they are empty. */
  readonly made: readonly string[];
  readonly saved: boolean;
  readonly aside: boolean;
}

/** How a former tree and what is left of ours go together, see {@link bringBack}. */
function leftoverOf(path: string): string {
  return `${path}.left-by-pulumi`;
}

/**
 * What undoes one target: our files go, what stood there before comes back, others' files stay. `left` says what is
 * left as it is, and why.
 */
function giveBack(
  place: Place,
  { source }: Observed,
  keys: readonly (readonly [string, KeyEntry])[],
): { readonly changes: Change[]; readonly left: string[] } {
  const { path, tree: found, saved, aside } = place;
  const entry = keys.find(([key]) => key === `${KEY}${path}`)?.[1];
  if (entry === undefined) return { changes: [], left: [] };
  const before = beforeOf(entry);
  const changes: Change[] = [];
  const left: string[] = [];
  const made = before.made.filter((folder) => place.parents[folder]?.type === "directory");
  const back = (text: string): number =>
    changes.push({
      change: "act",
      text,
      act: (host) => bringBack(host, path, { made, saved: saved !== null, aside }),
    });
  if (before.digest !== null && saved === null) {
    // Never moved aside, or back already: it was the manual when we came, or we did not get to it.
    if (treeDigest(found) !== before.digest)
      left.push(`${path} was there before, was changed since, and is left as it is.`);
    if (aside) back(`remove ${asideOf(path)}`);
    return { changes, left };
  }
  if (found !== null) {
    const digest = treeDigest(found);
    const keep = digest === appliedOf(entry) ? [] : foreign(found, source);
    if (keep.length > 0)
      left.push(
        `${keep.length} of the files in ${path} were changed or added by others and are left (${few(keep)})` +
          (saved === null ? "." : `, in ${leftoverOf(path)}: what was there before is back.`),
      );
    changes.push({
      change: "act",
      text: `remove the manual from ${path}${keep.length > 0 ? `, but for ${few(keep)}` : ""}`,
      act: async (host) => {
        if (!(await host.pruneTree(path, keep, digest))) throw conflict(host, path);
      },
    });
  }
  if (saved !== null) back(`put back what stood at ${path} before (${count(saved)})`);
  else if (made.length > 0 || aside)
    back(`remove the folders above ${path} that came with it, where they are empty`);
  return { changes, left };
}

/** What in a tree is not of the manual as the package has it; a mode or an owner makes nobody's file of it. */
function foreign(found: readonly TreeEntry[], source: Tree): string[] {
  const own = new Map((source ?? []).map((entry) => [entry.path, entry]));
  return found
    .filter((entry) => {
      const like = own.get(entry.path);
      return (
        entry.path !== "" &&
        (like?.type !== entry.type || like.sha256 !== entry.sha256 || like.target !== entry.target)
      );
    })
    .map(({ path }) => path);
}

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
    next: "Run `pulumi up` again: it then plans with what stands there now",
    retriable: true,
  });
}
