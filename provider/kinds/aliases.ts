/** Guide 2.7 and 3.3, "Verify alias configuration", "Rebuild the alias file": alias entries and their database. */
import { type AliasesArgs, aliasesArguments } from "../arguments/aliases";
import { at } from "../arguments/schema";
import {
  alone,
  claimKeyedFile,
  type KeyedFile,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../contract/keyedFile";
import { keyedText } from "../contract/keyedText";
import type { Failure, JudgeContext, Kind, Plan, PlanContext } from "../contract/kind";
import { changeOf, textAfter } from "../contract/plans";
import { claimWholeFile } from "../contract/wholeFile";
import * as aliasesText from "../formats/aliases";
import { decodeUtf8, encodeUtf8, foldKey } from "../formats/bytes";
import { contentsOf, type FileState } from "../host/host";
import { file, Look, stat } from "../host/look";
import type { Json } from "../host/record";
import { judgeTable } from "../judge";
import { neverFound, unreached, userNames } from "../postfix/aliasReach";
import {
  broughtDatabase,
  type Compiled,
  databaseLook,
  isSettled,
  planDatabase,
  restoreDatabase,
  type SeenDatabase,
} from "../postfix/database";
import type { DatabaseTable } from "../postfix/databaseTable";
import { ALIASES, PROGRAMS } from "../postfix/paths";
import { databasePath } from "../postfix/tableTypes";
import { equal, rememberedFor } from "../values/json";

interface Observed {
  readonly file: FileState;
  readonly database: SeenDatabase;
  /** Is postalias(1) there, which builds the database? */
  readonly canBuild: boolean;
  /** The names of the host's users, each of whom has a mailbox. */
  readonly users: ReadonlySet<string>;
}

/** The format of the file: a key is an alias name, its value the list of recipients. */
export const text = keyedText({
  kind: "Aliases",
  ...aliasesText,
  normal: aliasesText.normalizeTarget,
  same: (left, right) => equal(left ?? [], right ?? []),
});

function pathOf(args: AliasesArgs): string {
  return args.file ?? ALIASES;
}

function tableOf(args: AliasesArgs): DatabaseTable {
  return { tool: "postalias", type: "hash", path: pathOf(args) };
}

function compiled(contents: string): Compiled {
  return [aliasesText.compiled(contents)];
}

/** Names and recipients as bytes: the file holds them in UTF-8, as the program does. */
const bytesOf = rememberedFor((entries: AliasesArgs["entries"]): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    Object.entries(entries).map(([name, targets]) => [encodeUtf8(name), targets.map(encodeUtf8)]),
  ),
);

function fileOf(observed: Observed, args: AliasesArgs): KeyedFile {
  return { path: pathOf(args), state: observed.file, text, wanted: bytesOf(args.entries) };
}

/** The file as it is planned: in the mode "exact", without entries that the arguments do not name. */
function plannedFile(
  observed: Observed,
  args: AliasesArgs,
  context: Pick<PlanContext, "record" | "owner">,
): KeyedFile {
  const file = fileOf(observed, args);
  if (args.mode !== "exact") return file;
  return alone(file, otherNames(observed, args), context);
}

/** Names of entries in the file that the arguments do not name. */
function otherNames(observed: Observed, args: AliasesArgs): readonly string[] {
  const wanted = new Set(Object.keys(args.entries).map((name) => foldKey(encodeUtf8(name))));
  return [...aliasesText.entries(contentsOf(observed.file) ?? "").keys()].filter(
    (name) => !wanted.has(name),
  );
}

/** Live recipients, in the user's spelling where they are equal; an empty list for an alias that does not exist. */
function liveEntries(observed: Observed, args: AliasesArgs): Record<string, readonly string[]> {
  const live = liveKeys(fileOf(observed, args));
  const wanted = bytesOf(args.entries);
  const contents = contentsOf(observed.file) ?? "";
  const others = args.mode === "exact" ? otherNames(observed, args) : [];
  return Object.fromEntries([
    ...Object.entries(args.entries).map(([name, targets]): [string, readonly string[]] => {
      const key = encodeUtf8(name);
      if (equal(live[key], wanted[key])) return [name, targets];
      return [name, targetsIn(live[key]).map(decodeUtf8)];
    }),
    ...others.map((name): [string, readonly string[]] => [
      decodeUtf8(name),
      (aliasesText.get(contents, name) ?? []).map(decodeUtf8),
    ]),
  ]);
}

function targetsIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function plan(observed: Observed, args: AliasesArgs, context: PlanContext): Plan {
  const write = planKeyedFile(plannedFile(observed, args, context), context);
  const contents = textAfter(write, pathOf(args), observed.file) ?? "";
  const changes = [
    ...write,
    ...planDatabase(tableOf(args), observed.database, compiled(contents), write.length > 0),
  ];
  if (changes.length > 0 && !observed.canBuild && !context.coming(PROGRAMS.postalias)) {
    const reason =
      "this host has no Postfix, whose postalias(1) builds the database: install the package first.";
    return { changes: [], obstacles: [{ path: "file", reason }] };
  }
  return { changes, brings: broughtDatabase(tableOf(args), changes) };
}

function judgePlan(
  observed: Observed,
  args: AliasesArgs,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const { plan: judged, warn } = context;
  for (const text of neverFound(Object.keys(args.entries))) warn(text);
  const write = changeOf(judged.changes, pathOf(args));
  // Of a file that an earlier step brings, only the new lines are known.
  if (write?.change === "write" && write.partial) return Promise.resolve([]);
  const contents = textAfter(judged.changes, pathOf(args), observed.file);
  if (contents === undefined) return Promise.resolve([]);
  for (const text of unreached(aliasesText.entries(contents), observed.users)) warn(text);
  if (write?.change !== "write") return Promise.resolve([]);
  const before = contentsOf(observed.file);
  return judgeTable({ ...tableOf(args), property: "entries", before, after: contents }, context);
}

export const aliases: Kind<AliasesArgs, Observed> = {
  name: "Aliases",
  subject: (args) => pathOf(args).slice(1),
  arguments: aliasesArguments,
  property: (name) => `entries${at(decodeUtf8(name))}`,
  complete: (args) => ({ ...args, file: pathOf(args) }),
  look: (args) =>
    Look.all({
      file: file(pathOf(args)),
      database: databaseLook(tableOf(args)),
      canBuild: stat(PROGRAMS.postalias).map(({ type }) => type === "file"),
      users: file("/etc/passwd").map((passwd) => userNames(contentsOf(passwd) ?? "")),
    }),
  live: (observed, args) => ({
    entries: liveEntries(observed, args),
    ...(isSettled(tableOf(args), observed.database, compiled(contentsOf(observed.file) ?? ""))
      ? {}
      : { file: `${pathOf(args)} (its database is not up to date)` }),
  }),
  outputs: () => ({}),
  owns: (observed, args, context) => ({
    claims: [
      ...claimKeyedFile(plannedFile(observed, args, context), context),
      claimWholeFile(databasePath(tableOf(args))),
    ],
    files: {
      [pathOf(args)]: observed.file,
      [databasePath(tableOf(args))]: observed.database.file,
    },
  }),
  plan,
  judge: judgePlan,
  restore: (observed, args, context) => {
    const write = restoreKeyedFile(pathOf(args), observed.file, text, context);
    const contents = textAfter(write, pathOf(args), observed.file);
    const database = restoreDatabase(tableOf(args), observed.database, contents, compiled, context);
    return { changes: [...write, ...database] };
  },
};
