/** A lookup table (guide: the pages on mail relays and virtual accounts): its text and its database as one. */
import { lastLines } from "../values/readable";
import {
  alone,
  claimKeyedFile,
  hideSecrets,
  type KeyedFile,
  type KeyedText,
  keyName,
  planKeyedFile,
  restoreKeyedFile,
  restoreWholeFile,
} from "../kind/keyedFile";
import { contentsOf } from "../host/host";
import { decodeUtf8, encodeUtf8, type Bytes } from "../formats/bytes";
import * as tableText from "../formats/table";
import { HostError } from "../host/errors";
import { judge, tableQuestion } from "../judge";
import type { Answers, FactAnswers, Facts, FileState } from "../host/host";
import { type Claim, type Json, savedContents } from "../host/record";
import type {
  Change,
  Failure,
  JudgeContext,
  Kind,
  PlanContext,
  RestoreContext,
} from "../kind/kind";
import {
  databaseFacts,
  databaseBrought,
  databasePath,
  databaseStep,
  DATABASE_STEP,
  isSettled,
  observeDatabase,
  planDatabase,
  restoreDatabase,
  type DatabaseTable,
  type SeenDatabase,
} from "../postfix/database";
import { judgeTable } from "../judge/singleTable";
import {
  isBuilt,
  SECRET_TYPES,
  typeOf,
  type LookupTableArgs,
  lookupTableArguments,
} from "../arguments/lookupTable";

interface Observed {
  readonly file: FileState;
  readonly database: SeenDatabase | undefined;
  /** Types of table that the host's Postfix has; `null` where there is no Postfix yet. */
  readonly types: readonly string[] | null;
  /** Why that Postfix answers nothing: a main.cf that its tools stop at. */
  readonly refusal: string | undefined;
  /** Numbers of the owner and group, `null` for one that the host does not have. */
  readonly uid: number | null;
  readonly gid: number | null;
}

/** The key of a table that is ours as a whole. */
export const WHOLE = "*";

/** Whether its text may be shown: not where others on the host may not read it either. */
function isSecret({ permissions }: LookupTableArgs): boolean {
  return permissions !== undefined && (parseInt(permissions.mode, 8) & 0o004) === 0;
}

export const text: KeyedText = {
  kind: "LookupTable",
  get: (contents, key) => tableText.get(contents, key),
  put: (contents, key, value, was) =>
    value === null
      ? tableText.remove(contents, key)
      : tableText.set(contents, key, value as string, was as never),
  save: (contents, key) => tableText.save(contents, key) as unknown as Json,
  undo: (contents, key, saved) => tableText.undo(contents, key, saved as never),
};

/** Entries as bytes, by the key as postmap(1) stores it. */
function bytesOf(entries: NonNullable<LookupTableArgs["entries"]>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [
      tableText.foldKey(encodeUtf8(key)),
      value === null ? null : encodeUtf8(value.trim()),
    ]),
  );
}

function wholeKey(path: string): string {
  return keyName(path, WHOLE);
}

function fileOf(
  observed: Observed,
  args: LookupTableArgs,
  context: Pick<PlanContext, "record" | "owner">,
): KeyedFile {
  const file = {
    path: args.path,
    state: observed.file,
    text,
    wanted: bytesOf(args.entries ?? {}),
  };
  return args.mode === "exact"
    ? alone(file, tableText.entries(contentsOf(observed.file) ?? "").keys(), context)
    : file;
}

function tableOf(observed: Observed, args: LookupTableArgs): DatabaseTable {
  const attributes = attributesOf(observed, args);
  return {
    tool: "postmap",
    type: typeOf(args),
    path: args.path,
    ...(attributes === undefined ? {} : { attributes }),
  };
}

/** Owner and mode that were asked for, as far as the host has such an owner. */
function attributesOf(
  { uid, gid }: Observed,
  { permissions }: LookupTableArgs,
): DatabaseTable["attributes"] {
  // In a preview the mode may not be known yet.
  const mode: string | undefined = permissions?.mode;
  if (mode === undefined || uid === null || gid === null) return undefined;
  return { mode: parseInt(mode, 8), uid, gid };
}

function isAsWanted(state: FileState, wanted: DatabaseTable["attributes"]): boolean {
  const file = state.type === "symlink" ? state.file : state;
  return (
    wanted === undefined ||
    (file?.type === "file" &&
      file.mode === wanted.mode &&
      file.uid === wanted.uid &&
      file.gid === wanted.gid)
  );
}

/** The write that makes the text what it is to be, with its owner and mode; nothing where it is. */
function planText(observed: Observed, args: LookupTableArgs, context: PlanContext): Change[] {
  const attributes = attributesOf(observed, args);
  const current = contentsOf(observed.file);
  const change = (contents: Bytes, more: Partial<Change> = {}): Change[] =>
    contents === current && isAsWanted(observed.file, attributes)
      ? []
      : [
          {
            change: "write",
            path: args.path,
            found: observed.file,
            contents,
            ...(current === undefined ? { mode: 0o644, uid: 0, gid: 0 } : {}),
            ...more,
            ...attributes,
            ...(isSecret(args) ? { opaque: true } : {}),
          } as Change,
        ];
  if (args.text !== undefined) return change(encodeUtf8(args.text));
  const wasWhole = context.dropped.some(([key]) => key === wholeKey(args.path));
  const before = savedContents(context.record.files[args.path]?.before ?? null) ?? "";
  const file = fileOf(observed, args, context);
  // What was ours as a whole begins anew from what stood there before.
  const state: FileState = wasWhole
    ? { type: "file", mode: 0, uid: 0, gid: 0, size: before.length, contents: before }
    : observed.file;
  const [write] = planKeyedFile({ ...file, state }, withoutWhole(context, args.path));
  if (write?.change === "write")
    return change(write.contents, write.partial ? { partial: true } : {});
  return change(contentsOf(state) ?? "", {});
}

/** The file as a whole has no place in its text from which it could be undone. */
function withoutWhole(context: PlanContext, path: string): PlanContext {
  return { ...context, dropped: context.dropped.filter(([key]) => key !== wholeKey(path)) };
}

/** The text as it will be. */
function plannedText(observed: Observed, changes: readonly Change[]): Bytes | undefined {
  const write = changes.find((change) => change.change === "write");
  return write?.change === "write" ? write.contents : contentsOf(observed.file);
}

function planTable(observed: Observed, args: LookupTableArgs, context: PlanContext): Change[] {
  const wrong = obstacles(observed, args, context.coming);
  if (wrong.length > 0)
    return [
      {
        change: "step",
        step: "refuse",
        text: `leave ${args.path} as it is: ${wrong[0]?.reason ?? ""}`,
        detail: wrong.map(({ reason }) => reason),
      },
    ];
  const write = planText(observed, args, context);
  if (observed.database === undefined) return write;
  const [first] = write;
  // What an earlier step brings is not known as a whole, nor what is built from it.
  const partial = first?.change === "write" && first.partial === true;
  const contents = plannedText(observed, write) ?? "";
  return [
    ...write,
    ...planDatabase(
      tableOf(observed, args),
      partial ? { ...observed.database, stored: null } : observed.database,
      tableText.compiled(contents),
      write.length > 0,
    ),
  ];
}

/** Why it cannot be done on this host: a type that its Postfix does not have, an owner that is not there. */
function obstacles(
  { types, refusal, uid, gid }: Observed,
  args: LookupTableArgs,
  coming: (path: string) => boolean,
): Failure[] {
  // Users and types of table come with the package.
  if (coming("/usr/local/sbin/postmap")) return [];
  const found: Failure[] = [];
  const type = typeOf(args);
  if (types === null)
    found.push({
      path: "type",
      reason:
        refusal === undefined
          ? "this host has no Postfix, whose postmap(1) builds and reads tables: install the package first."
          : `Postfix's own tools stop on this host, at what its configuration is now: ${refusal}`,
    });
  else if (!types.includes(type))
    found.push({
      path: "type",
      reason:
        `this host's Postfix has no table type "${type}"; it has ${[...types].sort().join(", ")}.` +
        (SECRET_TYPES.includes(type) ? ` A package of the flavor ${type} has it.` : ""),
    });
  const owner = args.permissions?.owner ?? "root";
  const group = args.permissions?.group ?? "wheel";
  if (uid === null)
    found.push({ path: "permissions.owner", reason: `this host has no user ${owner}.` });
  if (gid === null)
    found.push({ path: "permissions.group", reason: `this host has no group ${group}.` });
  return found;
}

function liveEntries(observed: Observed, args: LookupTableArgs): Record<string, string | null> {
  const found = tableText.entries(contentsOf(observed.file) ?? "");
  const wanted = args.entries ?? {};
  const own = new Set(Object.keys(bytesOf(wanted)));
  const others = args.mode === "exact" ? [...found].filter(([key]) => !own.has(key)) : [];
  return Object.fromEntries([
    ...Object.entries(wanted).map(([key, value]) => {
      const live = found.get(tableText.foldKey(encodeUtf8(key)))?.value;
      if (live === undefined) return [key, null];
      return [key, value !== null && live === encodeUtf8(value.trim()) ? value : decodeUtf8(live)];
    }),
    ...others.map(([key, { value }]) => [decodeUtf8(key), decodeUtf8(value)]),
  ]) as Record<string, string | null>;
}

function livePermissions(observed: Observed, args: LookupTableArgs): Partial<LookupTableArgs> {
  const { permissions } = args;
  const { file } = observed;
  const attributes = attributesOf(observed, args);
  const real = file.type === "symlink" ? file.file : file;
  if (permissions === undefined || attributes === undefined || real?.type !== "file") return {};
  return {
    permissions: {
      ...permissions,
      mode:
        real.mode === attributes.mode ? permissions.mode : real.mode.toString(8).padStart(4, "0"),
      ...(real.uid === attributes.uid ? {} : { owner: String(real.uid) }),
      ...(real.gid === attributes.gid ? {} : { group: String(real.gid) }),
    },
  };
}

function answered(answers: Answers<Facts>, args: LookupTableArgs): Observed {
  const types = answers["types"] as FactAnswers["probe"];
  const user = answers["owner"] as FactAnswers["user"];
  const group = answers["group"] as FactAnswers["group"];
  return {
    file: answers["file"] as FileState,
    database: isBuilt(args)
      ? observeDatabase({ tool: "postmap", type: typeOf(args), path: args.path }, answers)
      : undefined,
    types:
      "notFound" in types || types.exitCode !== 0
        ? null
        : types.stdout.split("\n").filter((line) => line !== ""),
    refusal: "notFound" in types || types.exitCode === 0 ? undefined : lastLines(types.stderr, 3),
    uid: user?.uid ?? null,
    gid: group?.gid ?? null,
  };
}

function claims(observed: Observed, args: LookupTableArgs, context: PlanContext): Claim[] {
  const database = databasePath({ path: args.path, type: typeOf(args) });
  return [
    ...(args.text === undefined
      ? claimKeyedFile(fileOf(observed, args, context), context).map((claim) =>
          // What others may not read is in the record as a hash, whether or not the program called it a secret.
          isSecret(args)
            ? { ...claim, applied: hideSecrets(text, claim.applied, () => true).applied }
            : claim,
        )
      : [
          {
            key: wholeKey(args.path),
            file: args.path,
            before: null,
            ...(context.isSecret(encodeUtf8(args.text))
              ? hideSecrets(text, encodeUtf8(args.text), () => true)
              : { applied: null }),
          },
        ]),
    ...(observed.database === undefined
      ? []
      : [{ key: database, file: database, before: null, applied: null }]),
  ];
}

function restore(observed: Observed, args: LookupTableArgs, context: RestoreContext): Change[] {
  const whole = context.keys.some(([key]) => key === wholeKey(args.path));
  const opaque = isSecret(args) ? { opaque: true } : {};
  const write = whole
    ? restoreWholeFile(args.path, observed.file, context, opaque)
    : restoreKeyedFile(args.path, observed.file, text, context).map((change): Change => ({
        ...change,
        ...opaque,
      }));
  const [first] = write;
  const contents = first === undefined ? contentsOf(observed.file) : plannedText(observed, write);
  const gone = first?.change === "remove";
  const before = context.record.files[args.path]?.before ?? null;
  const back =
    first === undefined && before !== null && contents === savedContents(before)
      ? ownBack(observed.file, args, before)
      : [];
  return [
    ...write,
    ...back,
    ...(observed.database === undefined
      ? []
      : restoreDatabase(
          { tool: "postmap", type: typeOf(args), path: args.path },
          observed.database,
          gone ? undefined : contents,
          tableText.compiled,
          context,
        )),
  ];
}

/** Owner and mode of before, where only these were changed. */
function ownBack(
  found: FileState,
  args: LookupTableArgs,
  { mode, uid, gid }: NonNullable<DatabaseTable["attributes"]>,
): Change[] {
  const contents = contentsOf(found);
  if (args.permissions === undefined || contents === undefined) return [];
  if (isAsWanted(found, { mode, uid, gid })) return [];
  return [{ change: "write", path: args.path, found, contents, mode, uid, gid }];
}

/** What of a table is wrong when it is not for its entries: shown as a type that nobody asked for. */
function settled(observed: Observed, args: LookupTableArgs): boolean {
  return (
    observed.database === undefined ||
    isSettled(
      tableOf(observed, args),
      observed.database,
      tableText.compiled(contentsOf(observed.file) ?? ""),
    )
  );
}

export const lookupTable: Kind<LookupTableArgs, Observed> = {
  name: "LookupTable",
  what: ({ path }) => path.slice(1),
  arguments: lookupTableArguments,
  complete: (args) => ({
    ...args,
    path: args.path,
    type: typeOf(args),
    ...(args.permissions === undefined && SECRET_TYPES.includes(typeOf(args))
      ? { permissions: { mode: "0640", owner: "root", group: "_postfix" } }
      : {}),
  }),
  facts: (args) => ({
    file: { fact: "file", path: args.path },
    types: { fact: "probe", argv: ["/usr/local/sbin/postconf", "-m"] },
    owner: { fact: "user", name: args.permissions?.owner ?? "root" },
    group: { fact: "group", name: args.permissions?.group ?? "wheel" },
    ...(isBuilt(args)
      ? databaseFacts({ tool: "postmap", type: typeOf(args), path: args.path })
      : {}),
  }),
  observe: answered,
  live: (observed, args) => {
    const found = contentsOf(observed.file);
    return {
      ...(args.text === undefined
        ? { entries: liveEntries(observed, args) }
        : { text: found === encodeUtf8(args.text) ? args.text : decodeUtf8(found ?? "") }),
      ...livePermissions(observed, args),
      ...(settled(observed, args)
        ? {}
        : { type: `${typeOf(args)} (its database is not up to date)` }),
    };
  },
  outputs: (_observed, args) => ({ table: `${typeOf(args)}:${args.path}` }),
  claims,
  baselines: ({ file, database }, args) => ({
    [args.path]: file,
    ...(database === undefined
      ? {}
      : { [databasePath({ path: args.path, type: typeOf(args) })]: database.file }),
  }),
  plan: planTable,
  restore,
  judge: async (host, observed, args, changes, context: JudgeContext) => {
    const wrong = obstacles(observed, args, context.coming);
    const contents = plannedText(observed, changes);
    if (wrong.length > 0 || observed.types === null || contents === undefined) return wrong;
    const property = args.text === undefined ? "entries" : "text";
    const [alone, among] = await Promise.all([
      judgeTable(
        host,
        { tool: "postmap", type: typeOf(args), path: args.path, property },
        { before: contentsOf(observed.file), after: contents },
        context,
      ),
      changes.length === 0 ? [] : judge(host, tableQuestion(changes, property), context),
    ]);
    return [...alone, ...among];
  },
  step: async (step, detail, host, args, context) => {
    if (step === DATABASE_STEP) await databaseStep(detail, host, context);
    else
      throw new HostError("refused", {
        host: host.address,
        during: `writing ${args.path}`,
        reason: (detail as readonly string[]).join("\n"),
        changed: "no",
        next: "Mend the arguments or the host and run `pulumi up` again.",
      });
    return undefined;
  },
  brings: (args, changes) => databaseBrought({ path: args.path, type: typeOf(args) }, changes),
  // Daemons see by themselves that a database was replaced; a text they read once, when they start.
  pending: (args, changes) =>
    isBuilt(args) || !changes.some((change) => change.change === "write")
      ? undefined
      : { need: "reload", because: [args.path] },
};
