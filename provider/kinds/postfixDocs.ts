/**
 * Guide 2.2, "Documentation": the HTML manual of the package, copied to a web root as a managed tree. The target
 * becomes the html folder; a second `cp -R` would put one into the other (openbsd.md 14). Bytes are compared by their
 * digests and copied on the host.
 */
import { type PostfixDocsArgs, postfixDocsArguments } from "../arguments/postfixDocs";
import { HostError } from "../host/errors";
import type { Answers, Facts, FileState, HostWriter, TreeEntry } from "../host/host";
import { EMPTY_RECORD, type Json, type KeyEntry, parseRecord } from "../host/record";
import {
  compareTrees,
  copyOfTree,
  isSameTree,
  treeDigest,
  type TreeDifference,
} from "../host/tree";
import type { Change, Failure, Kind, PlanContext } from "../kind/kind";

interface Completed extends PostfixDocsArgs {
  /** Filled in: what the tree at `path` is to be. */
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
  /** Paths of copies that the record knows besides: `path` was another one before, or there are two copies. */
  readonly elsewhere: readonly string[];
  /** These copies, once they were looked at. */
  readonly others: readonly Place[];
}

/** What is remembered of a target. */
interface Before {
  /** Digest of the tree that stood there; null when nothing did. */
  readonly digest: string | null;
  /** Folders above it that were not there, from the top. */
  readonly made: readonly string[];
}

/** Where the package puts it, in every release (openbsd.md 2.1). */
const SOURCE = "/usr/local/share/doc/postfix/html";
const DEFAULT_PATH = "/var/www/htdocs/manual/postfix";
const EQUAL = `equal to ${SOURCE}`;
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

function placeFacts(path: string): Facts {
  return {
    [`tree ${path}`]: { fact: "tree", path },
    [`saved ${path}`]: { fact: "tree", path: savedPath(path) },
    [`aside ${path}`]: { fact: "file", path: asideOf(path), stat: true },
    ...Object.fromEntries(
      parentsOf(path).map((parent) => [
        `parent ${parent}`,
        { fact: "file", path: parent, stat: true } as const,
      ]),
    ),
  };
}

function placeIn(answers: Answers<Facts>, path: string): Place {
  return {
    path,
    tree: answers[`tree ${path}`] as Tree,
    saved: answers[`saved ${path}`] as Tree,
    aside: (answers[`aside ${path}`] as FileState).type !== "absent",
    parents: Object.fromEntries(
      parentsOf(path).map((parent) => [parent, answers[`parent ${parent}`] as FileState]),
    ),
  };
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

function beforeOf(entry: KeyEntry): Before {
  return entry.before as unknown as Before;
}

/** What the tree at the target was to be when it was last written. */
function appliedOf(entry: KeyEntry): string {
  return (entry.applied as { readonly digest?: string } | null)?.digest ?? "";
}

export const postfixDocs: Kind<Completed, Observed> = {
  name: "PostfixDocs",
  what: () => "html",
  arguments: postfixDocsArguments,
  complete: (args) => ({ ...args, path: args.path ?? DEFAULT_PATH, manual: EQUAL }),
  facts: ({ path = DEFAULT_PATH }) => ({
    source: { fact: "tree", path: SOURCE },
    ...placeFacts(path),
  }),
  observe: (answers, { path = DEFAULT_PATH }) => {
    const elsewhere = otherPaths(answers, path);
    return {
      source: answers["source"] as Tree,
      place: placeIn(answers, path),
      elsewhere,
      others: elsewhere
        .filter((other) => answers[`tree ${other}`] !== undefined)
        .map((other) => placeIn(answers, other)),
    };
  },
  more: ({ elsewhere }): Facts | undefined =>
    elsewhere.length === 0 ? undefined : (Object.assign({}, ...elsewhere.map(placeFacts)) as Facts),
  live: (observed) => {
    const wanted = wantedOf(observed);
    if (wanted === undefined)
      return { manual: observed.place.tree === null ? "missing" : `without ${SOURCE}` };
    if (observed.place.tree === null) return { manual: "missing" };
    const difference = compareTrees(observed.place.tree, wanted);
    return { manual: isSameTree(difference) ? EQUAL : describe(difference) };
  },
  outputs: ({ place }) => ({
    files: (place.tree ?? []).filter(({ type }) => type !== "directory").length,
  }),
  claims: (observed, { path = DEFAULT_PATH }) => {
    const { tree, parents } = observed.place;
    const wanted = wantedOf(observed);
    const before: Before = {
      digest: tree === null ? null : treeDigest(tree),
      made: Object.keys(parents).filter((parent) => parents[parent]?.type === "absent"),
    };
    return [
      {
        key: `${KEY}${path}`,
        before: before as unknown as Json,
        applied: { digest: wanted === undefined ? "" : treeDigest(wanted) },
      },
    ];
  },
  baselines: () => ({}),
  plan,
  judge: (_host, observed, { path = DEFAULT_PATH }, _changes, { coming }) => {
    const failures: Failure[] = [];
    const blocked = Object.entries(observed.place.parents).find(
      ([, state]) => !isFolderOrAbsent(state),
    )?.[0];
    if (blocked !== undefined)
      failures.push({ path: "path", reason: `${blocked} on the host is not a folder.` });
    if (observed.source === null && !coming(`${SOURCE}/index.html`))
      failures.push({
        path: "path",
        reason: `there is no ${SOURCE} on the host to copy to ${path}: it comes with the package (PostfixPackage), so let this depend on it.`,
      });
    return Promise.resolve(failures);
  },
  brings: ({ path = DEFAULT_PATH }, changes) => (changes.length === 0 ? [] : [path, `${path}/`]),
  restore: (observed, _args, { keys, warn }) =>
    [observed.place, ...observed.others].flatMap((place) => {
      const { changes, left } = giveBack(place, observed, keys);
      left.forEach(warn);
      return changes;
    }),
  async step(step, detail, host) {
    const { path } = detail as { readonly path: string };
    if (step === "aside") await moveAside(host, path);
    else if (step === "copy") await copy(host, path);
    else if (step === "prune") await prune(host, detail as unknown as Prune);
    else await bringBack(host, detail as unknown as BringBack);
    return undefined;
  },
};

function isFolderOrAbsent(state: FileState): boolean {
  if (state.type === "symlink") return state.file?.type === "directory";
  return state.type === "directory" || state.type === "absent";
}

function otherPaths(answers: Answers<Facts>, path: string): string[] {
  const record =
    answers["record"] === undefined ? EMPTY_RECORD : parseRecord(answers["record"] as FileState);
  return Object.keys(record.keys)
    .filter((key) => key.startsWith(KEY) && key !== `${KEY}${path}`)
    .map((key) => key.slice(KEY.length));
}

function plan(observed: Observed, args: Completed, context: PlanContext): Change[] {
  const path = args.path ?? DEFAULT_PATH;
  const { tree, saved } = observed.place;
  const wanted = wantedOf(observed);
  // Where another path was copied to before, that goes: what it says of others' files is seen in its own lines.
  const changes = observed.others.flatMap(
    (place) => giveBack(place, observed, context.dropped).changes,
  );
  if (wanted === undefined)
    return context.coming(`${SOURCE}/index.html`)
      ? [
          ...changes,
          copyStep(path, `copy the HTML manual, which comes with the package, to ${path}`),
        ]
      : changes;
  const difference = compareTrees(tree, wanted);
  if (isSameTree(difference)) return changes;
  const entry = context.record.keys[`${KEY}${path}`];
  const before =
    entry === undefined ? (tree === null ? null : treeDigest(tree)) : beforeOf(entry).digest;
  // What stood there before us is moved aside once, whole. Where it was the manual already, it is mended in place.
  const aside = before !== null && tree !== null && saved === null && before !== treeDigest(wanted);
  if (aside)
    changes.push({
      change: "step",
      step: "aside",
      text: `move what stands at ${path} (${count(tree)}) aside to ${asideOf(path)}, for destroy to put back`,
      detail: { path },
    });
  const what = describe(aside ? compareTrees(null, wanted) : difference);
  changes.push(copyStep(path, `make ${path} like ${SOURCE}: ${what}`));
  return changes;
}

function copyStep(path: string, text: string): Change {
  return { change: "step", step: "copy", text, detail: { path } };
}

function count(tree: readonly TreeEntry[]): string {
  const files = tree.filter(({ type }) => type !== "directory");
  const names = few(files.map(({ path }) => path));
  const how = files.length === 1 ? "1 file" : `${files.length} files`;
  return names === "" ? how : `${how}: ${names}`;
}

interface Prune {
  readonly path: string;
  readonly keep: readonly string[];
  readonly expect: string;
}

interface BringBack {
  readonly path: string;
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
  const { path, tree, saved, aside } = place;
  const entry = keys.find(([key]) => key === `${KEY}${path}`)?.[1];
  if (entry === undefined) return { changes: [], left: [] };
  const before = beforeOf(entry);
  const changes: Change[] = [];
  const left: string[] = [];
  const made = before.made.filter((folder) => place.parents[folder]?.type === "directory");
  const back = (text: string): number =>
    changes.push({
      change: "step",
      step: "back",
      text,
      detail: { path, made, saved: saved !== null, aside },
    });
  if (before.digest !== null && saved === null) {
    // Never moved aside, or back already: it was the manual when we came, or we did not get to it.
    if (treeDigest(tree) !== before.digest)
      left.push(`${path} was there before, was changed since, and is left as it is.`);
    if (aside) back(`remove ${asideOf(path)}`);
    return { changes, left };
  }
  if (tree !== null) {
    const digest = treeDigest(tree);
    const keep = digest === appliedOf(entry) ? [] : foreign(tree, source);
    if (keep.length > 0)
      left.push(
        `${keep.length} of the files in ${path} were changed or added by others and are left (${few(keep)})` +
          (saved === null ? "." : `, in ${leftoverOf(path)}: what was there before is back.`),
      );
    changes.push({
      change: "step",
      step: "prune",
      text: `remove the manual from ${path}${keep.length > 0 ? `, but for ${few(keep)}` : ""}`,
      detail: { path, keep, expect: digest },
    });
  }
  if (saved !== null) back(`put back what stood at ${path} before (${count(saved)})`);
  else if (made.length > 0 || aside)
    back(`remove the folders above ${path} that came with it, where they are empty`);
  return { changes, left };
}

/** What in a tree is not of the manual as the package has it; a mode or an owner makes nobody's file of it. */
function foreign(tree: readonly TreeEntry[], source: Tree): string[] {
  const own = new Map((source ?? []).map((entry) => [entry.path, entry]));
  return tree
    .filter((entry) => {
      const like = own.get(entry.path);
      return (
        entry.path !== "" &&
        (like?.type !== entry.type || like.sha256 !== entry.sha256 || like.target !== entry.target)
      );
    })
    .map(({ path }) => path);
}

async function treeAt(host: HostWriter, path: string): Promise<Tree> {
  return (await host.read({ tree: { fact: "tree", path } })).tree;
}

async function moveAside(host: HostWriter, path: string): Promise<void> {
  await host.makeDirectory(asideOf(path), 0o700, 0, 0);
  await host.move(path, savedPath(path));
}

async function copy(host: HostWriter, path: string): Promise<void> {
  const { parents } = placeIn(await host.read(placeFacts(path)), path);
  for (const [parent, state] of Object.entries(parents))
    if (state.type === "absent") await host.makeDirectory(parent, 0o755, 0, 0);
  if (!(await host.copyTree(SOURCE, path, treeDigest(await treeAt(host, path)))))
    throw conflict(host, path);
}

async function prune(host: HostWriter, { path, keep, expect }: Prune): Promise<void> {
  if (!(await host.pruneTree(path, keep, expect))) throw conflict(host, path);
}

async function bringBack(host: HostWriter, { path, made, saved, aside }: BringBack): Promise<void> {
  if (saved) {
    if ((await treeAt(host, path)) !== null) await host.move(path, leftoverOf(path));
    await host.move(savedPath(path), path);
  }
  if (aside) await host.remove(asideOf(path), { anything: true });
  for (const folder of [...made].reverse()) {
    const { names } = await host.read({ names: { fact: "list", path: folder } });
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
