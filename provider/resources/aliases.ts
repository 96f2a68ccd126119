/** Guide 2.7 and 3.3, "Verify alias configuration", "Rebuild the alias file": entries, and the database from them. */
import {
  alone,
  claimKeyedFile,
  contentsOf,
  type KeyedFile,
  type KeyedText,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
  restoreWholeFile,
} from "../files";
import * as aliasesText from "../formats/aliases";
import { decodeUtf8, encodeUtf8 } from "../formats/bytes";
import type { FactAnswers, FileState } from "../host/host";
import { type Json, savedContents } from "../host/record";
import { equal } from "../json";
import type { Change, Failure, Kind, PlanContext } from "../resource";
import { unreached, userNames } from "./aliasReach";

export interface AliasesArgs {
  readonly entries: Readonly<Record<string, readonly string[]>>;
  /** `"exact"`: the file has no other entries. */
  readonly mode?: "merge" | "exact";
  /** The text that is read; its database stands beside it. */
  readonly file?: string;
}

interface Observed {
  readonly file: FileState;
  readonly database: FileState;
  /** Whether there is a main.cf, without which Postfix's tools do nothing. */
  readonly configured: boolean;
  /** What the database holds, by `postalias -s`; `null` when it is missing or cannot be read. */
  readonly stored: string | null;
  /** Who has a mailbox. */
  readonly users: ReadonlySet<string>;
}

export const DEFAULT_ALIASES = "/etc/postfix/aliases";
const POSTALIAS = "/usr/local/sbin/postalias";

/**
 * The package's samples (openbsd.md 2.1): a configuration to run postalias(1) under. It needs a main.cf, reads nothing
 * of it that matters here, and that of the host may be gone or yet to be mended.
 */
const SAMPLES = "/usr/local/share/examples/postfix";

function rebuild(path: string, { configured }: Observed): Change {
  return {
    change: "run",
    text: `rebuild ${path}.db with postalias`,
    argv: [POSTALIAS, ...(configured ? [] : ["-c", SAMPLES]), `hash:${path}`],
  };
}

const text: KeyedText = {
  get: (contents, name) => aliasesText.get(contents, name),
  put: (contents, name, value, was) =>
    value === null
      ? aliasesText.remove(contents, name)
      : aliasesText.set(contents, name, value as string[], was as never),
  save: (contents, name) => aliasesText.save(contents, name) as unknown as Json,
  undo: (contents, name, saved) => aliasesText.undo(contents, name, saved as never),
  same: (left, right) => equal(targetsOf(left), targetsOf(right)),
};

/** Recipients as the file spells them: quoted where they must be. */
function targetsOf(value: Json | undefined): readonly string[] {
  return ((value ?? []) as readonly string[]).map(aliasesText.normalizeTarget);
}

function pathOf(args: AliasesArgs): string {
  return args.file ?? DEFAULT_ALIASES;
}

/** Names and recipients as bytes: what a program writes in UTF-8 stands in the file as UTF-8. */
function bytesOf(entries: AliasesArgs["entries"]): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, targets]) => [encodeUtf8(name), targets.map(encodeUtf8)]),
  );
}

function fileOf(observed: Observed, args: AliasesArgs): KeyedFile {
  return { path: pathOf(args), state: observed.file, text, wanted: bytesOf(args.entries) };
}

/** The file with all that is to become of it: in the mode "exact", other entries go. */
function plannedFile(
  observed: Observed,
  args: AliasesArgs,
  context: Pick<PlanContext, "record" | "owner">,
): KeyedFile {
  const file = fileOf(observed, args);
  if (args.mode !== "exact") return file;
  return alone(file, otherNames(observed, args), context);
}

/** Names of entries that the arguments do not have. */
function otherNames(observed: Observed, args: AliasesArgs): readonly string[] {
  const own = new Set(Object.keys(args.entries).map((name) => encodeUtf8(name).toLowerCase()));
  return [...aliasesText.entries(contentsOf(observed.file) ?? "").keys()].filter(
    (name) => !own.has(name),
  );
}

/** Does the database hold what the text says? Asked by content: time stamps lie after a restore or a clock step. */
function isCurrent(contents: string, stored: string | null): boolean {
  if (stored === null) return false;
  const wanted = aliasesText.compiled(contents);
  const found = new Map<string, string>();
  for (const line of stored.split("\n")) {
    const tab = line.indexOf("\t");
    if (tab < 0) continue;
    const name = line.slice(0, tab).replace(/:$/, "");
    // What postalias(1) adds for NIS, and newaliases of sendmail as its mark.
    if (!/^@$|^YP_/.test(name)) found.set(name, line.slice(tab + 1).trim());
  }
  return (
    found.size === wanted.size &&
    [...wanted].every(([name, value]) => found.get(name) === value.trim())
  );
}

/** Live recipients; the user's spelling where equal, and an empty list for an alias that is not there. */
function liveEntries(observed: Observed, args: AliasesArgs): Record<string, readonly string[]> {
  const live = liveKeys(fileOf(observed, args));
  const wanted = bytesOf(args.entries);
  const contents = contentsOf(observed.file) ?? "";
  const others = args.mode === "exact" ? otherNames(observed, args) : [];
  return Object.fromEntries([
    ...Object.entries(args.entries).map(([name, targets]) => {
      const key = encodeUtf8(name);
      if (equal(live[key], wanted[key])) return [name, targets];
      return [name, ((live[key] ?? []) as string[]).map(decodeUtf8)];
    }),
    ...others.map((name) => [
      decodeUtf8(name),
      (aliasesText.get(contents, name) ?? []).map(decodeUtf8),
    ]),
  ]) as Record<string, readonly string[]>;
}

function validate({ entries, file, mode }: Partial<AliasesArgs>): Failure[] {
  const failures: Failure[] = [];
  if (mode !== undefined && !["merge", "exact"].includes(mode))
    failures.push({
      path: "mode",
      reason: 'must be "merge" (other entries stay) or "exact" (they are removed).',
    });
  if (file !== undefined && !/^\/[^\s\0]+$/.test(file))
    failures.push({ path: "file", reason: "must be an absolute path without blanks." });
  for (const [name, targets] of Object.entries(entries ?? {})) {
    const path = /^[\w-]+$/.test(name) ? `entries.${name}` : `entries[${JSON.stringify(name)}]`;
    if (name === "" || /[\n\r\0]/.test(name))
      failures.push({ path, reason: "an alias name is one line and not empty (aliases(5))." });
    if (!Array.isArray(targets) || targets.length === 0) {
      failures.push({
        path,
        reason:
          'must be a list of at least one recipient: an address, a local user, "|command", /file/name or :include:/file/name (aliases(5)).',
      });
      continue;
    }
    for (const [index, target] of (targets as unknown[]).entries())
      if (typeof target !== "string" || target.trim() === "" || /[\n\r\0]/.test(target))
        failures.push({
          path: `${path}[${index}]`,
          reason: "a recipient is one line and not empty (aliases(5)).",
        });
  }
  return failures;
}

export const aliases: Kind<AliasesArgs, Observed> = {
  name: "Aliases",
  what: (args) => pathOf(args).slice(1),
  validate,
  complete: (args) => ({ ...args, entries: args.entries, file: pathOf(args) }),
  facts: (args) => ({
    file: { fact: "file", path: pathOf(args) },
    database: { fact: "file", path: `${pathOf(args)}.db` },
    stored: {
      fact: "probe",
      argv: [POSTALIAS, "-c", SAMPLES, "-s", `hash:${pathOf(args)}`],
      // Without a database it would be a fatal error, for which Postfix's tools take a second.
      onlyWith: `${pathOf(args)}.db`,
    },
    mainCf: { fact: "file", path: "/etc/postfix/main.cf", stat: true },
    passwd: { fact: "file", path: "/etc/passwd" },
  }),
  observe: (answers) => {
    const stored = answers["stored"] as FactAnswers["probe"];
    const database = answers["database"] as FileState;
    return {
      file: answers["file"] as FileState,
      database,
      configured: (answers["mainCf"] as FileState).type !== "absent",
      stored:
        database.type === "absent" || "notFound" in stored || stored.exitCode !== 0
          ? null
          : stored.stdout,
      users: userNames(contentsOf(answers["passwd"] as FileState) ?? ""),
    };
  },
  live: (observed, args) => ({
    entries: liveEntries(observed, args),
    ...(isCurrent(contentsOf(observed.file) ?? "", observed.stored)
      ? {}
      : { file: `${pathOf(args)} (its database is not up to date)` }),
  }),
  outputs: () => ({}),
  claims: (observed, args, context) => [
    ...claimKeyedFile(plannedFile(observed, args, context), context),
    { key: `${pathOf(args)}.db`, file: `${pathOf(args)}.db`, before: null, applied: null },
  ],
  baselines: ({ file, database }, args) => ({
    [pathOf(args)]: file,
    [`${pathOf(args)}.db`]: database,
  }),
  plan: (observed, args, context) => {
    const path = pathOf(args);
    const write = planKeyedFile(plannedFile(observed, args, context), context);
    const first = write[0];
    const contents = first?.change === "write" ? first.contents : (contentsOf(observed.file) ?? "");
    return isCurrent(contents, observed.stored) ? write : [...write, rebuild(path, observed)];
  },
  judge: (_host, observed, _args, changes, { warn }) => {
    const [write] = changes;
    // A file that an earlier step brings is not known as a whole.
    if (write?.change === "write" && write.partial) return Promise.resolve([]);
    const contents = write?.change === "write" ? write.contents : contentsOf(observed.file);
    if (contents !== undefined)
      unreached(aliasesText.entries(contents), observed.users).forEach((text) => warn(text));
    return Promise.resolve([]);
  },
  restore: (observed, args, context) => {
    const path = pathOf(args);
    const write = restoreKeyedFile(path, observed.file, text, context);
    const first = write[0];
    const contents =
      first === undefined
        ? contentsOf(observed.file)
        : first.change === "write"
          ? first.contents
          : undefined;
    const original = context.record.files[path]?.before ?? null;
    // The text of before: its database of before fits it, to the byte. Any other text needs one built from it.
    if (contents === undefined || contents === savedContents(original))
      return [
        ...write,
        ...restoreWholeFile(`${path}.db`, observed.database, context, { opaque: true }),
      ];
    return [...write, rebuild(path, observed)];
  },
};
