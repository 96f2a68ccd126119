/** The guide's "Postfix chroot files": copies below /var/spool/postfix/etc, kept equal to their sources in /etc. */
import { type ChrootResolvArgs, chrootResolvArguments } from "../arguments/chrootResolv";
import { restoreWholeFile } from "../kind/keyedFile";
import { contentsOf } from "../host/host";
import type { FileState } from "../host/host";
import { savedContents } from "../host/record";
import type { Change, Kind, RestoreContext } from "../kind/kind";

interface Completed extends ChrootResolvArgs {
  /** Filled in: what each copy is to be. */
  readonly copies?: Readonly<Record<string, string>>;
}

interface Pair {
  readonly source: FileState;
  readonly copy: FileState;
}
type Observed = Readonly<Record<string, Pair>>;

const CHROOT = "/var/spool/postfix/etc";

function copyOf(name: string): string {
  return `${CHROOT}/${name}`;
}

function equalTo(name: string): string {
  return `equal to /etc/${name}`;
}

const COPY = { mode: 0o644, uid: 0, gid: 0 } as const;

/** `postfix check` complains of files that are not root's, or that others may write (openbsd.md 8 and 10). */
function isSafe(copy: FileState): boolean {
  return copy.type !== "file" || (copy.uid === 0 && (copy.mode & 0o022) === 0);
}

function inStep({ source, copy }: Pair): boolean {
  const wanted = contentsOf(source);
  return wanted === undefined || (contentsOf(copy) === wanted && isSafe(copy));
}

/** What a copy is, in words. A source that is not there has nothing to be equal to: it is warned of. */
function wordsFor(name: string, pair: Pair): string {
  if (inStep(pair)) return equalTo(name);
  const contents = contentsOf(pair.copy);
  if (contents === undefined) return "missing";
  return contents === contentsOf(pair.source)
    ? "not root's alone to write"
    : `differs from /etc/${name}`;
}

/** A copy whose owner or mode alone was mended gets those of before back. */
function restoreAttributes(
  path: string,
  copy: FileState,
  { keys, record }: RestoreContext,
): Change[] {
  const before = record.files[path]?.before;
  if (!before || copy.type !== "file" || !keys.some(([, { file }]) => file === path)) return [];
  const { mode, uid, gid } = before;
  const ours = copy.mode === COPY.mode && copy.uid === COPY.uid && copy.gid === COPY.gid;
  const same = mode === COPY.mode && uid === COPY.uid && gid === COPY.gid;
  if (!ours || same || copy.contents !== savedContents(before)) return [];
  return [{ change: "write", path, found: copy, contents: copy.contents, mode, uid, gid }];
}

export const chrootResolv: Kind<Completed, Observed> = {
  name: "ChrootResolv",
  what: () => "var/spool/postfix/etc",
  arguments: chrootResolvArguments,
  complete: (args, platform) => {
    const files = args.files ?? platform.chrootFiles;
    return {
      ...args,
      files,
      copies: Object.fromEntries(files.map((name) => [name, equalTo(name)])),
    };
  },
  facts: ({ files }) =>
    Object.fromEntries(
      (files ?? []).flatMap((name) => [
        [`source ${name}`, { fact: "file", path: `/etc/${name}` } as const],
        [`copy ${name}`, { fact: "file", path: copyOf(name) } as const],
      ]),
    ),
  observe: (answers, { files }) =>
    Object.fromEntries(
      (files ?? []).map((name) => [
        name,
        {
          source: answers[`source ${name}`] as FileState,
          copy: answers[`copy ${name}`] as FileState,
        },
      ]),
    ),
  live: (observed) => ({
    copies: Object.fromEntries(
      Object.entries(observed).map(([name, pair]) => [name, wordsFor(name, pair)]),
    ),
  }),
  outputs: () => ({}),
  claims: (observed) =>
    Object.keys(observed).map((name) => ({
      key: copyOf(name),
      file: copyOf(name),
      before: null,
      applied: null,
    })),
  baselines: (observed) =>
    Object.fromEntries(Object.entries(observed).map(([name, { copy }]) => [copyOf(name), copy])),
  plan: (observed, _args, context) =>
    Object.entries(observed).flatMap(([name, pair]) => {
      // The package copies them when it is installed.
      if (inStep(pair) || (pair.copy.type === "absent" && context.coming(copyOf(name)))) return [];
      return [
        {
          change: "write" as const,
          path: copyOf(name),
          found: pair.copy,
          contents: contentsOf(pair.source) ?? "",
          ...COPY,
        },
      ];
    }),
  judge: (_host, observed, _args, _changes, { warn }) => {
    for (const [name, { source }] of Object.entries(observed))
      if (contentsOf(source) === undefined)
        warn(`/etc/${name} is missing, so there is nothing to copy into the chroot.`);
    return Promise.resolve([]);
  },
  restore: (observed, _args, context) =>
    Object.entries(observed).flatMap(([name, { copy }]) => [
      ...restoreWholeFile(copyOf(name), copy, context),
      ...restoreAttributes(copyOf(name), copy, context),
    ]),
  pending: () => ({ need: "reload", because: [CHROOT] }),
};
