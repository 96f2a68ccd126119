/** Services of /etc/postfix/master.cf: as a whole, or single columns and `-o` overrides of them. */
import {
  type MasterCfArgs,
  masterCfArguments,
  type MasterService,
  needsBraces,
  partsOf,
} from "../arguments/masterCf";
import { isHash } from "../contract/hashedSecrets";
import {
  claimKeyedFile,
  type KeyedFile,
  keyName,
  planKeyedFile,
  restoreKeyedFile,
  startingText,
} from "../contract/keyedFile";
import { keyedText } from "../contract/keyedText";
import type { Failure, JudgeContext, Kind, Plan, PlanContext } from "../contract/kind";
import { withReload } from "../contract/plans";
import { type Bytes, decodeUtf8, encodeUtf8, FormatError } from "../formats/bytes";
import * as masterCfText from "../formats/masterCf";
import { contentsOf, type FileState } from "../host/host";
import { file, Look } from "../host/look";
import type { Json } from "../host/record";
import {
  type Complaint,
  declarationClaims,
  declare,
  judgeConfiguration,
  settledLater,
} from "../judge";
import { MASTER_CF } from "../postfix/paths";
import { POSTFIX_VERSION } from "../postfix/postconf";
import { postfixTraits } from "../postfix/versionTraits";
import { equal, mapValues, valueIn } from "../values/json";

interface Observed {
  readonly file: FileState;
  /** The version of the host's Postfix; `null` where there is none yet. */
  readonly version: string | null;
}

/** A key's value: a whole service of master.cf, one of its columns or overrides, or the list of its arguments. */
type Value = masterCfText.ServiceFields | Bytes | readonly Bytes[];

type Saved = ReturnType<typeof masterCfText.save> | masterCfText.SavedPart;

function isService(value: Value | undefined): value is masterCfText.ServiceFields {
  return typeof value === "object" && !("length" in value);
}

/**
 * Is the value a whole service, not a hash? The key of a whole service stands for its existence only: its columns and
 * overrides have keys of their own.
 */
function exists(value: Value | undefined): boolean {
  return isService(value) && !isHash(value);
}

/** The format of the file: a key is a service of master.cf, or a part of one. */
export const text = keyedText<Value, Saved>({
  kind: "MasterCf",
  get: masterCfText.get,
  set,
  remove: masterCfText.blanked,
  save: (contents, key) =>
    masterCfText.parseKey(key).is === "service"
      ? masterCfText.save(contents, key)
      : masterCfText.savePart(contents, key),
  undo: (contents, key, saved) =>
    "entries" in saved
      ? masterCfText.undo(contents, key, saved)
      : masterCfText.undoPart(contents, key, saved),
  same: (left, right) => (exists(left) && exists(right)) || equal(left ?? null, right ?? null),
});

function set(contents: Bytes, key: string, value: Value, was: Saved | undefined): Bytes {
  if (isService(value)) return setService(contents, key, value, was);
  const named = masterCfText.parseKey(key);
  if (typeof value !== "string") return masterCfText.setArgs(contents, named.service, value);
  if (named.is === "override")
    return masterCfText.setOverride(contents, named.service, named.parameter, value);
  if (named.is !== "field" || named.field === "args")
    throw new FormatError(`${key} is no single value`);
  return masterCfText.setField(contents, named.service, named.field, value);
}

/** Adds a service. One that the file has stays as it is; one that it had before the first change returns to its place. */
function setService(
  contents: Bytes,
  key: string,
  service: masterCfText.ServiceFields,
  was: Saved | undefined,
): Bytes {
  if (masterCfText.get(contents, key) !== undefined) return contents;
  const before = was !== undefined && "entries" in was ? was : undefined;
  return before !== undefined && before.entries.length > 0
    ? masterCfText.undo(contents, key, before)
    : masterCfText.set(contents, key, service, before);
}

/** The text that a plan edits. */
function startingContents(
  { file: state }: Observed,
  { record }: Pick<PlanContext, "record">,
): Bytes {
  return startingText({ path: MASTER_CF, state }, record);
}

/** A service to add. Columns that the arguments leave out are as in the file's services of the same program. */
function added(name: string, service: MasterService, contents: Bytes): masterCfText.ServiceFields {
  const command = service.command ?? "";
  const overrides = Object.entries(service.overrides ?? {}).flatMap(([parameter, value]) =>
    value === null ? [] : [[parameter, encodeUtf8(value.trim())] as const],
  );
  return {
    private: service.private ?? (name.endsWith("/inet") ? "n" : "-"),
    unprivileged: service.unprivileged ?? masterCfText.usual(contents, "unprivileged", command),
    chroot: service.chroot ?? masterCfText.usual(contents, "chroot", command),
    wakeup: service.wakeup ?? "-",
    maxproc: service.maxproc ?? "-",
    command,
    args: (service.args ?? []).map(encodeUtf8),
    overrides: Object.fromEntries(overrides),
  };
}

/** Does a resource own the service as a whole, because it added or removed the service? */
function isOwned(name: string, { record }: Pick<PlanContext, "record">): boolean {
  return record.keys[keyName(MASTER_CF, name)] !== undefined;
}

function fileOf(
  observed: Observed,
  args: MasterCfArgs,
  context: Pick<PlanContext, "record">,
): KeyedFile {
  const contents = startingContents(observed, context);
  const known = masterCfText.services(contents);
  const wanted = Object.entries(args.services).flatMap(
    ([key, service]): (readonly [string, Json])[] => {
      const name = encodeUtf8(key);
      if (service === null) return [[name, null]];
      const isWhole = !known.has(name) || isOwned(name, context);
      return [
        ...(isWhole ? [[name, added(name, service, contents) as unknown as Json] as const] : []),
        ...partsOf(name, service),
      ];
    },
  );
  return { path: MASTER_CF, state: observed.file, text, wanted: Object.fromEntries(wanted) };
}

/** Why the file cannot get what the arguments ask for. */
function obstacles(
  observed: Observed,
  args: MasterCfArgs,
  context: Pick<PlanContext, "record">,
): Failure[] {
  const contents = startingContents(observed, context);
  return Object.entries(args.services).flatMap(([name, service]) =>
    service === null ? [] : serviceObstacles(contents, name, service, observed, context),
  );
}

function serviceObstacles(
  contents: Bytes,
  name: string,
  service: MasterService,
  { version }: Observed,
  { record }: Pick<PlanContext, "record">,
): Failure[] {
  const path = `services[${JSON.stringify(name)}]`;
  const key = encodeUtf8(name);
  const found: Failure[] = [];
  if (masterCfText.get(contents, key) === undefined) {
    if (service.command === undefined && !existed(record.keys[keyName(MASTER_CF, key)]?.before))
      found.push({
        path,
        reason: `${MASTER_CF} has no service ${name}: give its command, and it is added.`,
      });
  } else {
    const reason = uneditable(contents, key);
    if (reason !== undefined) found.push({ path, reason });
  }
  if (version !== null && !postfixTraits(version).braces && needsBraces(service))
    found.push({
      path,
      reason: `Postfix ${version} cannot keep blanks in an argument or -o value of ${MASTER_CF} (3.0 can): write lists with commas.`,
    });
  return found;
}

/** Did the file have the service before the first change? `before` is the record's. */
function existed(before: Json | undefined): boolean {
  const entries = valueIn(before, "entries");
  return Array.isArray(entries) && entries.length > 0;
}

/** Why the lines of a service cannot be edited. */
function uneditable(contents: Bytes, key: string): string | undefined {
  try {
    masterCfText.checkEditable(contents, key);
    return undefined;
  } catch (error) {
    if (!FormatError.isInstance(error)) throw error;
    return `${error.message}.`;
  }
}

/** What the step will set in a file that an earlier step brings, as lines for the preview. */
function newLines(args: MasterCfArgs): Bytes {
  return Object.entries(args.services)
    .map(([name, service]) =>
      service === null
        ? `# without ${name}\n`
        : partsOf(encodeUtf8(name), service)
            .map(([key, value]) => {
              const shown =
                value === null ? "" : typeof value === "string" ? value : value.join(" ");
              return `${key} = ${shown}\n`;
            })
            .join(""),
    )
    .join("");
}

/** The plan for a file that an earlier step brings: its services are known where that step's package is. */
function planBrought(observed: Observed, args: MasterCfArgs, context: PlanContext): Plan {
  const brought = context.expected(MASTER_CF);
  const write = {
    change: "write",
    path: MASTER_CF,
    found: observed.file,
    contents: newLines(args),
    partial: true,
  } as const;
  if (brought === undefined) return withReload(MASTER_CF, [write]);
  const expected = { ...observed, file: broughtFile(brought) };
  const found = obstacles(expected, args, context);
  if (found.length > 0) return { changes: [], obstacles: found };
  const [planned] = planKeyedFile(fileOf(expected, args, context), context);
  const after = planned?.change === "write" ? planned.contents : brought;
  return withReload(MASTER_CF, [{ ...write, expected: after }]);
}

function broughtFile(contents: Bytes): FileState {
  const size = contents.length;
  return { ...{ type: "file", mode: 0o644, uid: 0, gid: 0 }, contents, size };
}

function plan(observed: Observed, args: MasterCfArgs, context: PlanContext): Plan {
  if (contentsOf(observed.file) === undefined && context.coming(MASTER_CF))
    return planBrought(observed, args, context);
  const found = obstacles(observed, args, context);
  if (found.length > 0) return { changes: [], obstacles: found };
  return withReload(MASTER_CF, planKeyedFile(fileOf(observed, args, context), context));
}

/** The live service, in the parts that the arguments name and in the user's spelling where equal. */
function liveService(
  contents: Bytes,
  name: string,
  wanted: MasterService | null,
): MasterService | null {
  const found = masterCfText.get(contents, encodeUtf8(name));
  if (!isService(found)) return null;
  const spelled = (value: Bytes, given: string | null | undefined): string =>
    typeof given === "string" && encodeUtf8(given.trim()) === value ? given : decodeUtf8(value);
  const named = wanted ?? { ...found };
  const fields = [...masterCfText.columns, "command"] as const;
  return {
    ...Object.fromEntries(
      fields.flatMap((field) =>
        named[field] === undefined ? [] : [[field, spelled(found[field], named[field])]],
      ),
    ),
    ...(named.args === undefined
      ? {}
      : {
          args: equal(found.args, named.args.map(encodeUtf8))
            ? named.args
            : found.args.map(decodeUtf8),
        }),
    ...(named.overrides === undefined
      ? {}
      : {
          overrides: mapValues(named.overrides, (value, parameter) => {
            const live = found.overrides[parameter];
            return live === undefined ? null : spelled(live, value);
          }),
        }),
  };
}

/** Warns of lines that master(8) stops at. The step did not write them: everything that it writes is checked. */
function warnOfFaults(contents: Bytes, { warn }: Pick<JudgeContext, "warn">): void {
  for (const { line, reason } of masterCfText.faults(contents))
    warn(`already so before: ${MASTER_CF}, line ${line} ${reason}`);
  for (const { name, lines } of masterCfText.duplicates(contents))
    warn(
      `already so before: ${MASTER_CF} has ${name} on the lines ${lines.join(", ")}, of which Postfix takes the last`,
    );
}

export const masterCf: Kind<MasterCfArgs, Observed> = {
  name: "MasterCf",
  subject: () => MASTER_CF.slice(1),
  arguments: masterCfArguments,
  complete: (args) => args,
  look: () => Look.all({ file: file(MASTER_CF), version: POSTFIX_VERSION }),
  live: (observed, args) => ({
    services: mapValues(args.services, (wanted, name) =>
      liveService(contentsOf(observed.file) ?? "", name, wanted),
    ),
  }),
  outputs: () => ({}),
  owns: (observed, args, context) => ({
    claims: [
      ...claimKeyedFile(fileOf(observed, args, context), context),
      ...declarationClaims(args, context.owner),
    ],
    files: { [MASTER_CF]: observed.file },
  }),
  plan,
  restore: (observed, _args, context) =>
    withReload(MASTER_CF, restoreKeyedFile(MASTER_CF, observed.file, text, context)),
  judge: async (observed, args, context) => {
    warnOfFaults(contentsOf(observed.file) ?? "", context);
    if (context.plan.obstacles !== undefined) return [];
    declare(context, args);
    const path = ({ file: place, subject = "" }: Complaint): string =>
      place === MASTER_CF && subject in args.services
        ? `services[${JSON.stringify(subject)}]`
        : "services";
    // An override may refer to a parameter that main.cf, which is written later, defines.
    return judgeConfiguration({ path, component: "MasterCf", later: settledLater }, context);
  },
};
