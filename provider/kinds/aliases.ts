/** Guide 2.7 and 3.3, "Verify alias configuration", "Rebuild the alias file": entries, and the database from them. */
import {
  alone,
  claimKeyedFile,
  type KeyedFile,
  type KeyedText,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../kind/keyedFile";
import { contentsOf } from "../host/host";
import { type AliasesArgs, aliasesArguments } from "../arguments/aliases";
import * as aliasesText from "../formats/aliases";
import { decodeUtf8, encodeUtf8 } from "../formats/bytes";
import type { FileState } from "../host/host";
import type { Json } from "../host/record";
import { equal } from "../values/json";
import type { Change, Kind, PlanContext } from "../kind/kind";
import { judge, tableQuestion } from "../judge";
import { at } from "../arguments/schema";
import { judgeTable } from "../judge/singleTable";
import { unreached, userNames } from "../postfix/aliasReach";
import {
  type Compiled,
  databaseFacts,
  databaseBrought,
  databasePath,
  databaseStep,
  type DatabaseTable,
  isSettled,
  observeDatabase,
  planDatabase,
  restoreDatabase,
  type SeenDatabase,
} from "../postfix/database";

interface Observed {
  readonly file: FileState;
  readonly database: SeenDatabase;
  /** Who has a mailbox. */
  readonly users: ReadonlySet<string>;
}

export const DEFAULT_ALIASES = "/etc/postfix/aliases";

function tableOf(args: AliasesArgs): DatabaseTable {
  return { tool: "postalias", type: "hash", path: pathOf(args) };
}

function compiled(contents: string): Compiled {
  return [aliasesText.compiled(contents)];
}

export const text: KeyedText = {
  kind: "Aliases",
  get: (contents, name) => aliasesText.get(contents, name),
  put: (contents, name, value, was) =>
    value === null
      ? aliasesText.remove(contents, name)
      : aliasesText.set(contents, name, value as string[], was as never),
  save: (contents, name) => aliasesText.save(contents, name) as unknown as Json,
  undo: (contents, name, saved) => aliasesText.undo(contents, name, saved as never),
  normal: aliasesText.normalizeTarget,
  same: (left, right) => equal(left ?? [], right ?? []),
};

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

/** The text as the changes leave it; `undefined` when it goes, or was never there. */
function textAfter([first]: readonly Change[], { file }: Observed): string | undefined {
  if (first?.change === "write") return first.contents;
  return first?.change === "remove" ? undefined : contentsOf(file);
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

export const aliases: Kind<AliasesArgs, Observed> = {
  name: "Aliases",
  what: (args) => pathOf(args).slice(1),
  arguments: aliasesArguments,
  property: (name) => `entries${at(decodeUtf8(name))}`,
  complete: (args) => ({ ...args, entries: args.entries, file: pathOf(args) }),
  facts: (args) => ({
    file: { fact: "file", path: pathOf(args) },
    ...databaseFacts(tableOf(args)),
    passwd: { fact: "file", path: "/etc/passwd" },
  }),
  observe: (answers, args) => ({
    file: answers["file"] as FileState,
    database: observeDatabase(tableOf(args), answers),
    users: userNames(contentsOf(answers["passwd"] as FileState) ?? ""),
  }),
  live: (observed, args) => ({
    entries: liveEntries(observed, args),
    ...(isSettled(tableOf(args), observed.database, compiled(contentsOf(observed.file) ?? ""))
      ? {}
      : { file: `${pathOf(args)} (its database is not up to date)` }),
  }),
  outputs: () => ({}),
  claims: (observed, args, context) => [
    ...claimKeyedFile(plannedFile(observed, args, context), context),
    {
      key: databasePath(tableOf(args)),
      file: databasePath(tableOf(args)),
      before: null,
      applied: null,
    },
  ],
  baselines: ({ file, database }, args) => ({
    [pathOf(args)]: file,
    [databasePath(tableOf(args))]: database.file,
  }),
  plan: (observed, args, context) => {
    const write = planKeyedFile(plannedFile(observed, args, context), context);
    const contents = textAfter(write, observed) ?? "";
    return [
      ...write,
      ...planDatabase(tableOf(args), observed.database, compiled(contents), write.length > 0),
    ];
  },
  step: async (_step, detail, host, _args, context) => {
    await databaseStep(detail, host, context);
    return undefined;
  },
  judge: async (host, observed, args, changes, context) => {
    const [write] = changes;
    // A file that an earlier step brings is not known as a whole.
    if (write?.change === "write" && write.partial) return [];
    const contents = textAfter(changes, observed);
    if (contents === undefined) return [];
    for (const text of unreached(aliasesText.entries(contents), observed.users)) context.warn(text);
    if (write?.change !== "write") return [];
    const [alone, among] = await Promise.all([
      judgeTable(
        host,
        { ...tableOf(args), property: "entries" },
        { before: contentsOf(observed.file), after: contents },
        context,
      ),
      judge(host, tableQuestion(changes, "entries"), context),
    ]);
    return [...alone, ...among];
  },
  brings: (args, changes) => databaseBrought(tableOf(args), changes),
  restore: (observed, args, context) => {
    const write = restoreKeyedFile(pathOf(args), observed.file, text, context);
    return [
      ...write,
      ...restoreDatabase(
        tableOf(args),
        observed.database,
        textAfter(write, observed),
        compiled,
        context,
      ),
    ];
  },
};
