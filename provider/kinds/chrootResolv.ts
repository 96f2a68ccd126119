/** The guide's "Postfix chroot files": copies below /var/spool/postfix/etc, kept equal to their sources in /etc. */
import { type ChrootResolvArgs, chrootResolvArguments } from "../arguments/chrootResolv";
import { isHidden } from "../contract/hiddenFile";
import type { Change, Failure, Kind, RestoreContext } from "../contract/kind";
import { withReload } from "../contract/plans";
import { claimWholeFile, restoreWholeFile } from "../contract/wholeFile";
import { contentsOf, fileAt, type FileState } from "../host/fileState";
import { file, Look } from "../host/look";
import { savedContents } from "../host/record";
import { QUEUE } from "../postfix/paths";
import { equal, mapValues } from "../values/json";

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

/** The owner and the mode of a copy, which is never more readable than its source. */
function attributesOf(source: FileState): { mode: number; uid: number; gid: number } {
  const readable = (fileAt(source)?.mode ?? 0o044) & 0o044;
  return { mode: 0o600 | readable, uid: 0, gid: 0 };
}

/** Is the copy root's, and for root alone to write? Else `postfix check` complains (docs/openbsd.md 8 and 10). */
function isSafe(copy: FileState): boolean {
  return copy.type !== "file" || (copy.uid === 0 && (copy.mode & 0o022) === 0);
}

/** May somebody read the copy who may not read its source? */
function isWider({ source, copy }: Pair): boolean {
  return copy.type === "file" && (copy.mode & 0o044 & ~attributesOf(source).mode) !== 0;
}

/** Is there nothing to copy? A source that does not exist asks for no copy: the judgement warns of it. */
function isCopied({ source, copy }: Pair): boolean {
  const wanted = contentsOf(source);
  return (
    wanted === undefined ||
    (contentsOf(copy) === wanted && isSafe(copy) && !isWider({ source, copy }))
  );
}

/** The state of a copy in words. */
function describe(name: string, pair: Pair): string {
  if (isCopied(pair)) return equalTo(name);
  const contents = contentsOf(pair.copy);
  if (contents === undefined) return "missing";
  if (contents !== contentsOf(pair.source)) return `differs from /etc/${name}`;
  return isSafe(pair.copy) ? "more readable than its source" : "not root's alone to write";
}

/** Failures for sources that others on the host may not read: a copy of them would help no daemon but a broken one. */
function secretSources(observed: Observed): Failure[] {
  return Object.entries(observed).flatMap(([name, { source }], index) =>
    isHidden(source)
      ? [
          {
            path: `files[${index}]`,
            reason: `/etc/${name} may not be read by others on the host, and the daemons in the chroot are others: it is not copied. Take ${name} out of files.`,
          },
        ]
      : [],
  );
}

/** Gives a copy its former owner and mode back where the step changed only these. */
function restoreAttributes(
  path: string,
  { source, copy }: Pair,
  { keys, record }: RestoreContext,
): Change[] {
  const before = record.files[path]?.before;
  if (!before || copy.type !== "file" || !keys.some(([, { file }]) => file === path)) return [];
  const { mode, uid, gid } = before;
  const applied = attributesOf(source);
  const isAsApplied = equal({ mode: copy.mode, uid: copy.uid, gid: copy.gid }, applied);
  const isAsBefore = equal({ mode, uid, gid }, applied);
  const contents = contentsOf(copy);
  if (!isAsApplied || isAsBefore || contents !== savedContents(before)) return [];
  return [{ change: "write", path, found: copy, contents, mode, uid, gid }];
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
  plan: (observed, _args, { coming }) => {
    const obstacles = secretSources(observed);
    if (obstacles.length > 0) return { changes: [], obstacles };
    return withReload(
      CHROOT,
      Object.entries(observed).flatMap(([name, { source, copy }]): Change[] => {
        const path = copyOf(name);
        // The package makes its copies when it is installed.
        if (isCopied({ source, copy }) || (copy.type === "absent" && coming(path))) return [];
        return [
          {
            change: "write",
            ...{ path, found: copy, contents: contentsOf(source) ?? "" },
            ...attributesOf(source),
          },
        ];
      }),
    );
  },
  judge: (observed, _args, { warn }) => {
    for (const [name, { source }] of Object.entries(observed))
      if (contentsOf(source) === undefined)
        warn(`/etc/${name} is missing, so there is nothing to copy into the chroot.`);
    return Promise.resolve([]);
  },
  restore: (observed, _args, context) =>
    withReload(
      CHROOT,
      Object.entries(observed).flatMap(([name, pair]) => [
        ...restoreWholeFile(copyOf(name), pair.copy, context),
        ...restoreAttributes(copyOf(name), pair, context),
      ]),
    ),
};
