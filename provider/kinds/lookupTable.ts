/** A lookup table (guide: the pages on mail relays and virtual accounts): its text and its database as one. */
import {
  holdsCredentials,
  isBuilt,
  isSecretType,
  type LookupTableArgs,
  lookupTableArguments,
  typeOf,
} from "../arguments/lookupTable";
import { obsoleteSettings, serversOf } from "../arguments/sqlSettings";
import { hideSecrets } from "../contract/hashedSecrets";
import {
  alone,
  claimKeyedFile,
  type KeyedFile,
  keyName,
  planKeyedFile,
  restoreKeyedFile,
} from "../contract/keyedFile";
import { hashedValue, hidesFromOthers, isHidden } from "../contract/hiddenFile";
import { keyedText } from "../contract/keyedText";
import type {
  Action,
  Change,
  Failure,
  JudgeContext,
  Kind,
  Plan,
  PlanContext,
  RestoreContext,
} from "../contract/kind";
import { changeOf, textAfter } from "../contract/plans";
import { claimWholeFile, isOnlyClaimed, isOurs, restoreWholeFile } from "../contract/wholeFile";
import { type Bytes, decodeUtf8, encodeUtf8 } from "../formats/bytes";
import * as tableText from "../formats/table";
import type { Saved } from "../formats/undo";
import { contentsOf, digestOf, fileAt, type FileState } from "../host/fileState";
import { HostError } from "../host/errors";
import { file, group, Look, printed, probe, type ProbeAnswer, user } from "../host/look";
import { type Claim, type Json, savedContents } from "../host/record";
import { judgeTable, probeTable, type TableProbe } from "../judge";
import {
  broughtDatabase,
  databaseLook,
  isSettled,
  planDatabase,
  restoreDatabase,
  type SeenDatabase,
} from "../postfix/database";
import type { DatabaseTable } from "../postfix/databaseTable";
import { PROGRAMS } from "../postfix/paths";
import { databasePath, tableType } from "../postfix/tableTypes";
import { rememberedFor } from "../values/json";
import { lastLines } from "../values/readable";

interface Observed {
  readonly file: FileState;
  readonly database: SeenDatabase | undefined;
  /** The table types of the host's Postfix; `null` where postconf(1) did not list them, or there is no Postfix yet. */
  readonly types: readonly string[] | null;
  /** The error of postconf(1) where it could not list them: it stops at a faulty main.cf. */
  readonly refusal: string | undefined;
  /** The ids of the wanted owner and group; `null` where the host has no such user or group. */
  readonly uid: number | null;
  readonly gid: number | null;
}

const DEFAULT_OWNER = "root";
const DEFAULT_GROUP = "wheel";

/** The key of a table that a resource owns as a whole. */
const WHOLE = "*";

/**
 * The key of the entry `*` (transport(5): all that is named nowhere else), which {@link WHOLE} must not be taken for. No key
 * has an end of a line in it.
 */
const STAR = "*\n";

/** The key under which an entry is owned. */
function ownedKey(entry: string): string {
  return entry === WHOLE ? STAR : entry;
}

/** The entry that is owned under a key. */
function entryOf(key: string): string {
  return key === STAR ? "*" : key;
}

/** The format of the text: a key is a table's key, its value the rest of the line; the text as a whole is one value. */
export const text = keyedText({
  kind: "LookupTable",
  get: (contents, key) => (key === WHOLE ? contents : tableText.get(contents, entryOf(key))),
  set: (contents, key, value: Bytes, was?: Saved) =>
    tableText.set(contents, entryOf(key), value, was),
  remove: (contents, key) => (key === WHOLE ? contents : tableText.remove(contents, entryOf(key))),
  save: (contents, key) => tableText.save(contents, entryOf(key)),
  undo: (contents, key, saved) => tableText.undo(contents, entryOf(key), saved),
  open: (contents) => {
    const entries = tableText.open(contents);
    return {
      get text() {
        return entries.text;
      },
      get: (key) => (key === WHOLE ? entries.text : entries.get(entryOf(key))),
      set: (key, value, was) => entries.set(entryOf(key), value, was),
      remove: (key) => {
        if (key !== WHOLE) entries.remove(entryOf(key));
      },
      save: (key) => entries.save(entryOf(key)),
      undo: (key, saved) => entries.undo(entryOf(key), saved),
      isUndone: (key, saved) => entries.isUndone(entryOf(key), saved),
      undone: (key, saved) => entries.undone(entryOf(key), saved),
      placeOf: (key) => entries.placeOf(entryOf(key)),
    };
  },
});

/** Is the text hidden in previews? It is where others on the host may not read it either. */
function isSecret({ permissions }: LookupTableArgs): boolean {
  return permissions !== undefined && (parseInt(permissions.mode, 8) & 0o004) === 0;
}

/** Entries as bytes, with their keys folded as postmap(1) stores them. */
const bytesOf = rememberedFor(
  (entries: NonNullable<LookupTableArgs["entries"]>): Readonly<Record<string, Json>> =>
    Object.fromEntries(
      Object.entries(entries).map(([key, value]) => [
        ownedKey(tableText.foldKey(encodeUtf8(key))),
        value === null ? null : encodeUtf8(value.trim()),
      ]),
    ),
);

function wholeKey(path: string): string {
  return keyName(path, WHOLE);
}

function fileOf(
  observed: Observed,
  args: LookupTableArgs,
  context: Pick<PlanContext, "record" | "owner">,
): KeyedFile {
  const state = startingState(observed, args, context);
  const file = { path: args.path, state, text, wanted: bytesOf(args.entries ?? {}) };
  return args.mode === "exact"
    ? alone(file, [...tableText.entries(contentsOf(state) ?? "").keys()].map(ownedKey), context)
    : file;
}

/** The text that entries are put into. Where the resource owned the table as a whole, that is the text from before. */
function startingState(
  { file: found }: Observed,
  { path }: LookupTableArgs,
  { record, owner }: Pick<PlanContext, "record" | "owner">,
): FileState {
  const whole = record.keys[wholeKey(path)];
  const saved = record.files[path];
  if (whole?.owner.instance !== owner.instance || isOnlyClaimed(whole, found, saved)) return found;
  const contents = savedContents(saved?.before ?? null) ?? "";
  return { type: "file", mode: 0, uid: 0, gid: 0, size: contents.length, contents };
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

/** The wanted owner and mode; `undefined` where none are wanted, or the host has no such user or group yet. */
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

function look(args: LookupTableArgs): Look<Observed> {
  return Look.all({
    file: file(args.path),
    types: probe([PROGRAMS.postconf, "-m"]),
    user: user(args.permissions?.owner ?? DEFAULT_OWNER),
    group: group(args.permissions?.group ?? DEFAULT_GROUP),
    database: isBuilt(args)
      ? databaseLook({ tool: "postmap", type: typeOf(args), path: args.path })
      : Look.of(undefined),
  }).map((found) => ({
    file: found.file,
    database: found.database,
    types: typesIn(found.types),
    refusal: refusalIn(found.types),
    uid: found.user?.uid ?? null,
    gid: found.group?.gid ?? null,
  }));
}

function typesIn(answer: ProbeAnswer): readonly string[] | null {
  return (
    printed(answer)
      ?.split("\n")
      .filter((line) => line !== "") ?? null
  );
}

function refusalIn(answer: ProbeAnswer): string | undefined {
  return "notFound" in answer || answer.exitCode === 0 ? undefined : lastLines(answer.stderr, 3);
}

/** A live value as it may be shown: a hash where the file is one that others may not read, and the value is not ours. */
function showable(observed: Observed, live: string, wanted: string | null | undefined): string {
  return isHidden(observed.file) ? (hashedValue(live, wanted) as string) : live;
}

function liveEntries(observed: Observed, args: LookupTableArgs): Record<string, string | null> {
  const found = tableText.entries(contentsOf(observed.file) ?? "");
  const wanted = args.entries ?? {};
  const wantedKeys = new Set(Object.keys(bytesOf(wanted)));
  const others =
    args.mode === "exact" ? [...found].filter(([key]) => !wantedKeys.has(ownedKey(key))) : [];
  return Object.fromEntries([
    ...Object.entries(wanted).map(([key, value]) => {
      const live = found.get(tableText.foldKey(encodeUtf8(key)))?.value;
      if (live === undefined) return [key, null];
      if (value !== null && live === encodeUtf8(value.trim())) return [key, value];
      return [key, showable(observed, decodeUtf8(live), value)];
    }),
    ...others.map(([key, { value }]) =>
      [key, value].map((one) => showable(observed, decodeUtf8(one), undefined)),
    ),
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

/** Is the database up to date? `live` shows one that is not in the input `type`, because no input stands for it. */
function isDatabaseCurrent(observed: Observed, args: LookupTableArgs): boolean {
  return (
    observed.database === undefined ||
    isSettled(
      tableOf(observed, args),
      observed.database,
      tableText.compiled(contentsOf(observed.file) ?? ""),
    )
  );
}

function claims(observed: Observed, args: LookupTableArgs, context: PlanContext): Claim[] {
  const database = databasePath({ path: args.path, type: typeOf(args) });
  return [
    ...(args.text === undefined
      ? claimKeyedFile(fileOf(observed, args, context), context).map((claim) =>
          // The record holds hashes for a text that others may not read, whether or not the program marked it secret.
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
    ...(observed.database === undefined ? [] : [claimWholeFile(database)]),
  ];
}

/** Why this host cannot have the table: its Postfix lacks the type, or the host lacks the owner. */
function obstacles(
  observed: Observed,
  args: LookupTableArgs,
  coming: (path: string) => boolean,
): Failure[] {
  // Users and table types come with the package, which an earlier step installs.
  if (coming(PROGRAMS.postmap)) return [];
  return [...typeObstacles(observed, typeOf(args)), ...ownerObstacles(observed, args)];
}

function typeObstacles({ types, refusal }: Observed, type: string): Failure[] {
  if (types === null)
    return [
      {
        path: "type",
        reason:
          refusal === undefined
            ? "this host has no Postfix, whose postmap(1) builds and reads tables: install the package first."
            : `Postfix's own tools stop on this host, at its present configuration: ${refusal}`,
      },
    ];
  if (types.includes(type)) return [];
  const flavor = tableType(type)?.flavor;
  const known = [...types].sort().join(", ");
  const hint = flavor === undefined ? "" : ` A package of the flavor ${flavor} has it.`;
  const reason = `this host's Postfix has no table type "${type}"; it has ${known}.${hint}`;
  return [{ path: "type", reason }];
}

function ownerObstacles({ uid, gid }: Observed, { permissions }: LookupTableArgs): Failure[] {
  const found: Failure[] = [];
  const { owner = DEFAULT_OWNER, group: wanted = DEFAULT_GROUP } = permissions ?? {};
  if (uid === null)
    found.push({ path: "permissions.owner", reason: `this host has no user ${owner}.` });
  if (gid === null)
    found.push({ path: "permissions.group", reason: `this host has no group ${wanted}.` });
  return found;
}

/** The write that gives the text its contents, owner and mode; none where it has them. */
function planText(observed: Observed, args: LookupTableArgs, context: PlanContext): Change[] {
  const attributes = attributesOf(observed, args);
  const current = contentsOf(observed.file);
  const change = (contents: Bytes, keyed?: Extract<Change, { change: "write" }>): Change[] => {
    if (contents === current && isAsWanted(observed.file, attributes)) return [];
    const mode = holdsCredentials(args) ? 0o600 : 0o644;
    const fresh = current === undefined ? { mode, uid: 0, gid: 0 } : {};
    const marks = {
      ...(keyed?.partial ? { partial: true } : {}),
      ...(keyed?.sets === undefined ? {} : { sets: keyed.sets }),
      ...(isSecret(args) ? { opaque: true } : {}),
    };
    const { path } = args;
    const found = observed.file;
    return [{ change: "write", path, found, contents, ...fresh, ...attributes, ...marks }];
  };
  if (args.text !== undefined) return change(encodeUtf8(args.text));
  const file = fileOf(observed, args, context);
  const dropped = withoutWhole(context.dropped, args.path);
  const [write] = planKeyedFile(file, { ...context, dropped });
  if (write?.change === "write") return change(write.contents, write);
  return change(contentsOf(file.state) ?? "");
}

/** The keys without that of the table as a whole, which is no entry that could be undone in the text. */
function withoutWhole(keys: RestoreContext["keys"], path: string): RestoreContext["keys"] {
  return keys.filter(([key]) => key !== wholeKey(path));
}

/** The server's entries that the table is asked for before its text is written; `undefined` where it is asked nothing. */
function probeOf(
  args: LookupTableArgs,
  changes: readonly Change[],
  observed: Observed,
): TableProbe | undefined {
  const write = changeOf(changes, args.path);
  const isNew = write?.change === "write" && write.contents !== contentsOf(observed.file);
  return args.probe === undefined || !isNew
    ? undefined
    : { type: typeOf(args), path: args.path, contents: write.contents, key: args.probe };
}

/** What was tried, and what came back. */
function probeFailure(probe: TableProbe, reason: string): string {
  return `${probe.type}:${probe.path} was asked for ${JSON.stringify(probe.key)} before it goes live, at ${serversOf(decodeUtf8(probe.contents))}, and could not be: ${reason}.`;
}

const PROBE_ADVICE =
  "Mend hosts, login, database and query in `text`, or the server; without `probe` the table is written unasked. A key that is there tells a server that fails from one that does not know the key";

function asking(probe: TableProbe): Action {
  return {
    change: "act",
    text: `ask ${probe.type}:${probe.path} for ${JSON.stringify(probe.key)} before it goes live`,
    asks: true,
    act: async (host, { warn }) => {
      const found = await probeTable(probe, host);
      if (found?.answered === false)
        throw new HostError("refused", {
          host: host.address,
          during: `asking a table before it goes live`,
          reason: probeFailure(probe, found.reason),
          changed: "no",
          next: PROBE_ADVICE,
        });
      if (found !== undefined && found.warnings !== "") warn(found.warnings);
    },
  };
}

/** The preview's question to a server, of which one that is not there is left to the time when the table is written. */
async function probeFailures(
  { observed, args }: { readonly observed: Observed; readonly args: LookupTableArgs },
  { host, plan: judged, note }: JudgeContext,
): Promise<readonly Failure[]> {
  const probe = probeOf(args, judged.changes, observed);
  if (probe === undefined || observed.types?.includes(probe.type) !== true) return [];
  const found = await probeTable(probe, host);
  if (found?.answered !== false) return [];
  if (!found.unreachable)
    return [{ path: "probe", reason: `${probeFailure(probe, found.reason)} ${PROBE_ADVICE}.` }];
  note(
    `${probe.type}:${probe.path} cannot be asked yet: no server of ${serversOf(decodeUtf8(probe.contents))} is there. It is asked before it is written`,
  );
  return [];
}

function plan(observed: Observed, args: LookupTableArgs, context: PlanContext): Plan {
  const found = obstacles(observed, args, context.coming);
  if (found.length > 0) return { changes: [], obstacles: found };
  const text = planText(observed, args, context);
  const probe = probeOf(args, text, observed);
  const write = [...(probe === undefined ? [] : [asking(probe)]), ...text];
  if (observed.database === undefined) return planned(args, write);
  const change = changeOf(write, args.path);
  // Of a text that an earlier step brings, only the new lines are known, so the database made from it is not known either.
  const partial = change?.change === "write" && change.partial === true;
  const contents = textAfter(write, args.path, observed.file) ?? "";
  return planned(args, [
    ...write,
    ...planDatabase(
      tableOf(observed, args),
      partial ? { ...observed.database, stored: null } : observed.database,
      tableText.compiled(contents),
      write.length > 0,
    ),
  ]);
}

/** The changes, with the database that they bring for later steps, and with the reload that Postfix needs. */
function planned(args: LookupTableArgs, changes: readonly Change[]): Plan {
  // Daemons notice by themselves that a database was replaced. A text without a database they read once, at their start.
  const isRead = !isBuilt(args) && changes.some(({ change }) => change === "write");
  return {
    changes,
    brings: broughtDatabase({ path: args.path, type: typeOf(args) }, changes),
    ...(isRead ? { tells: { need: "reload", because: [args.path] } } : {}),
  };
}

function restore(observed: Observed, args: LookupTableArgs, context: RestoreContext): Plan {
  const opaque = isSecret(args) ? { opaque: true } : {};
  const keys = withoutWhole(context.keys, args.path);
  const write = isRestoredWhole(observed.file, args.path, context)
    ? restoreWholeFile(args.path, observed.file, context, opaque)
    : restoreKeyedFile(args.path, observed.file, text, { ...context, keys }).map(
        (change): Change => ({
          ...change,
          ...opaque,
        }),
      );
  const contents = textAfter(write, args.path, observed.file);
  const before = context.record.files[args.path]?.before ?? null;
  const attributes =
    write.length === 0 && before !== null && contents === savedContents(before)
      ? restoreAttributes(observed.file, args, before)
      : [];
  const database =
    observed.database === undefined
      ? []
      : restoreDatabase(
          { tool: "postmap", type: typeOf(args), path: args.path },
          observed.database,
          contents,
          tableText.compiled,
          context,
        );
  return planned(args, [...write, ...attributes, ...database]);
}

/** Is the table to be restored as a whole? Not where it was about to become whole and still has its entries, edited since. */
function isRestoredWhole(
  state: FileState,
  path: string,
  { keys, record }: RestoreContext,
): boolean {
  if (!keys.some(([key]) => key === wholeKey(path))) return false;
  const hasEntries = withoutWhole(keys, path).some(([, { file: of }]) => of === path);
  const digest = digestOf(state);
  const saved = record.files[path];
  return !hasEntries || (digest !== undefined && saved !== undefined && isOurs(digest, saved));
}

/** Gives the text its former owner and mode back where the step changed only these. */
function restoreAttributes(
  found: FileState,
  args: LookupTableArgs,
  { mode, uid, gid }: NonNullable<DatabaseTable["attributes"]>,
): Change[] {
  const contents = contentsOf(found);
  if (args.permissions === undefined || contents === undefined) return [];
  if (isAsWanted(found, { mode, uid, gid })) return [];
  return [{ change: "write", path: args.path, found, contents, mode, uid, gid }];
}

/** Credentials that everybody on the host may read are left so, because the program may want it, but not without a word. */
function warnOfOpenCredentials(
  observed: Observed,
  args: LookupTableArgs,
  { plan: judged, warn }: JudgeContext,
): void {
  const write = changeOf(judged.changes, args.path);
  const mode =
    (write?.change === "write" ? write.mode : undefined) ?? fileAt(observed.file)?.mode ?? 0o644;
  if (holdsCredentials(args) && !hidesFromOthers(mode))
    warn(
      `${args.path} holds credentials, and its mode ${mode.toString(8).padStart(4, "0")} lets everybody on the host read them. Give permissions: { mode: "0640", group: "_postfix" }.`,
    );
}

async function judgePlan(
  observed: Observed,
  args: LookupTableArgs,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const { plan: judged } = context;
  const contents = textAfter(judged.changes, args.path, observed.file);
  if (judged.obstacles !== undefined || observed.types === null || contents === undefined)
    return [];
  warnOfOpenCredentials(observed, args, context);
  const property = args.text === undefined ? "entries" : "text";
  const table = { tool: "postmap", type: typeOf(args), path: args.path } as const;
  const before = contentsOf(observed.file);
  warnOfObsolete(args, context);
  const found = await Promise.all([
    judgeTable({ ...table, property, before, after: contents }, context),
    probeFailures({ observed, args }, context),
  ]);
  return found.flat();
}

/** Settings from before Postfix 2.2 are read still, and only where there is no query. */
function warnOfObsolete(args: LookupTableArgs, { warn }: JudgeContext): void {
  const obsolete = obsoleteSettings(typeOf(args), args.text ?? "");
  if (obsolete.length === 0) return;
  const names = obsolete.map((name) => `\`${name}\``).join(", ");
  warn(
    `${args.path}: ${names}: Postfix 2.2 has replaced ${obsolete.length === 1 ? "this setting" : "these settings"} by \`query\`, and a later one may no longer read ${obsolete.length === 1 ? "it" : "them"}. Write query = SELECT ... WHERE ... = '%s' (${typeOf(args)}_table(5)).`,
  );
}

export const lookupTable: Kind<LookupTableArgs, Observed> = {
  name: "LookupTable",
  subject: ({ path }) => path.slice(1),
  arguments: lookupTableArguments,
  complete: (args) => ({
    ...args,
    type: typeOf(args),
    ...(args.permissions === undefined && isSecretType(typeOf(args))
      ? { permissions: { mode: "0640", owner: "root", group: "_postfix" } }
      : {}),
  }),
  look,
  live: (observed, args) => {
    const found = contentsOf(observed.file);
    return {
      ...(args.text === undefined
        ? { entries: liveEntries(observed, args) }
        : {
            text:
              found === encodeUtf8(args.text)
                ? args.text
                : showable(observed, decodeUtf8(found ?? ""), args.text),
          }),
      ...livePermissions(observed, args),
      ...(isDatabaseCurrent(observed, args)
        ? {}
        : { type: `${typeOf(args)} (its database is not up to date)` }),
    };
  },
  outputs: (_observed, args) => ({ table: `${typeOf(args)}:${args.path}` }),
  owns: (observed, args, context) => ({
    claims: claims(observed, args, context),
    files: {
      [args.path]: observed.file,
      ...(observed.database === undefined
        ? {}
        : { [databasePath({ path: args.path, type: typeOf(args) })]: observed.database.file }),
    },
  }),
  plan,
  restore,
  judge: judgePlan,
};
