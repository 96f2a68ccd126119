/** The guide's "Postfix chroot files": copies below /var/spool/postfix/etc, kept equal to their sources in /etc. */
import { type ChrootResolvArgs, chrootResolvArguments } from "../arguments/chrootResolv";
import type { Change, Kind, RestoreContext } from "../contract/kind";
import { withReload } from "../contract/plans";
import { claimWholeFile, restoreWholeFile } from "../contract/wholeFile";
import { contentsOf, type FileState } from "../host/host";
import { file, Look } from "../host/look";
import { savedContents } from "../host/record";
import { QUEUE } from "../postfix/paths";
import { mapValues } from "../values/json";

/** The arguments, with those that `complete` fills in. */
interface Completed extends ChrootResolvArgs {
  /** The state of each copy in words, such as "equal to /etc/hosts", by the name of its source below /etc. */
  readonly copies?: Readonly<Record<string, string>>;
}

/** A file in /etc and its copy in the chroot. */
interface Pair {
  readonly source: FileState;
  readonly copy: FileState;
}
type Observed = Readonly<Record<string, Pair>>;

const CHROOT = `${QUEUE}/etc`;

function copyOf(name: string): string {
  return `${CHROOT}/${name}`;
}

function equalTo(name: string): string {
  return `equal to /etc/${name}`;
}

const COPY = { mode: 0o644, uid: 0, gid: 0 } as const;

/** Is the copy root's, and for root alone to write? Else `postfix check` complains (docs/openbsd.md 8 and 10). */
function isSafe(copy: FileState): boolean {
  return copy.type !== "file" || (copy.uid === 0 && (copy.mode & 0o022) === 0);
}

/** Is there nothing to copy? A source that does not exist asks for no copy: the judgement warns of it. */
function isCopied({ source, copy }: Pair): boolean {
  const wanted = contentsOf(source);
  return wanted === undefined || (contentsOf(copy) === wanted && isSafe(copy));
}

/** The state of a copy in words. */
function describe(name: string, pair: Pair): string {
  if (isCopied(pair)) return equalTo(name);
  const contents = contentsOf(pair.copy);
  if (contents === undefined) return "missing";
  return contents === contentsOf(pair.source)
    ? "not root's alone to write"
    : `differs from /etc/${name}`;
}

/** Gives a copy its former owner and mode back where the step changed only these. */
function restoreAttributes(
  path: string,
  copy: FileState,
  { keys, record }: RestoreContext,
): Change[] {
  const before = record.files[path]?.before;
  if (!before || copy.type !== "file" || !keys.some(([, { file }]) => file === path)) return [];
  const { mode, uid, gid } = before;
  const isAsApplied = copy.mode === COPY.mode && copy.uid === COPY.uid && copy.gid === COPY.gid;
  const isAsBefore = mode === COPY.mode && uid === COPY.uid && gid === COPY.gid;
  if (!isAsApplied || isAsBefore || copy.contents !== savedContents(before)) return [];
  return [{ change: "write", path, found: copy, contents: copy.contents, mode, uid, gid }];
}

export const chrootResolv: Kind<Completed, Observed> = {
  name: "ChrootResolv",
  subject: () => CHROOT.slice(1),
  arguments: chrootResolvArguments,
  complete: (args, platform) => {
    const files = args.files ?? platform.chrootFiles;
    return {
      ...args,
      files,
      copies: Object.fromEntries(files.map((name) => [name, equalTo(name)])),
    };
  },
  look: ({ files = [] }) =>
    Look.each(files, (name) =>
      Look.all({ source: file(`/etc/${name}`), copy: file(copyOf(name)) }),
    ),
  live: (observed) => ({
    copies: mapValues(observed, (pair, name) => describe(name, pair)),
  }),
  outputs: () => ({}),
  owns: (observed) => ({
    claims: Object.keys(observed).map((name) => claimWholeFile(copyOf(name))),
    files: Object.fromEntries(
      Object.entries(observed).map(([name, { copy }]) => [copyOf(name), copy]),
    ),
  }),
  plan: (observed, _args, { coming }) =>
    withReload(
      CHROOT,
      Object.entries(observed).flatMap(([name, { source, copy }]): Change[] => {
        const path = copyOf(name);
        // The package makes its copies when it is installed.
        if (isCopied({ source, copy }) || (copy.type === "absent" && coming(path))) return [];
        return [
          { change: "write", path, found: copy, contents: contentsOf(source) ?? "", ...COPY },
        ];
      }),
    ),
  judge: (observed, _args, { warn }) => {
    for (const [name, { source }] of Object.entries(observed))
      if (contentsOf(source) === undefined)
        warn(`/etc/${name} is missing, so there is nothing to copy into the chroot.`);
    return Promise.resolve([]);
  },
  restore: (observed, _args, context) =>
    withReload(
      CHROOT,
      Object.entries(observed).flatMap(([name, { copy }]) => [
        ...restoreWholeFile(copyOf(name), copy, context),
        ...restoreAttributes(copyOf(name), copy, context),
      ]),
    ),
};
