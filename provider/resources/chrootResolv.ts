/** The guide's "Postfix chroot files": copies below /var/spool/postfix/etc, kept equal to their sources in /etc. */
import { contentsOf, restoreWholeFile } from "../files";
import type { FileState } from "../host/host";
import type { Failure, Kind } from "../resource";

export interface ChrootResolvArgs {
  /** Names below /etc. Default: those that this release's package copies at installation. */
  readonly files?: readonly string[];
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

function inStep({ source, copy }: Pair): boolean {
  const wanted = contentsOf(source);
  return wanted === undefined || contentsOf(copy) === wanted;
}

export const chrootResolv: Kind<ChrootResolvArgs, Observed> = {
  name: "ChrootResolv",
  what: () => "var/spool/postfix/etc",
  validate: ({ files }): Failure[] =>
    (files ?? []).flatMap((name, index) =>
      /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(name) && !name.split("/").includes("..")
        ? []
        : [
            {
              path: `files[${index}]`,
              reason: "must be a name below /etc, as in resolv.conf or ssl/cert.pem.",
            },
          ],
    ),
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
      Object.entries(observed).map(([name, pair]) => [
        name,
        inStep(pair)
          ? equalTo(name)
          : contentsOf(pair.copy) === undefined
            ? "missing"
            : `differs from /etc/${name}`,
      ]),
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
          mode: 0o644,
          uid: 0,
          gid: 0,
        },
      ];
    }),
  restore: (observed, _args, context) =>
    Object.entries(observed).flatMap(([name, { copy }]) =>
      restoreWholeFile(copyOf(name), copy, context),
    ),
  pending: () => ({ need: "reload", because: [CHROOT] }),
};
