/** Services in /etc/postfix/master.cf: whole ones, single columns of them, and their `-o` overrides. */
import {
  claimKeyedFile,
  isHash,
  type KeyedFile,
  type KeyedText,
  keyName,
  planKeyedFile,
  restoreKeyedFile,
} from "../kind/keyedFile";
import { contentsOf } from "../host/host";
import { decodeUtf8, encodeUtf8, FormatError, type Bytes } from "../formats/bytes";
import { MASTER_CF } from "../postfix/paths";
import * as masterCfText from "../formats/masterCf";
import { HostError } from "../host/errors";
import { declarationClaims, judge, settledLater } from "../judge";
import type { FactAnswers, FileState } from "../host/host";
import { type Json, savedContents } from "../host/record";
import { equal } from "../values/json";
import { postfixTraits } from "../postfix/traits";
import type { Change, Failure, JudgeContext, Kind, PlanContext } from "../kind/kind";
import {
  type MasterCfArgs,
  masterCfArguments,
  type MasterService,
  needsBraces,
  partsOf,
} from "../arguments/masterCf";

interface Observed {
  readonly file: FileState;
  /** The version of the host's Postfix; `null` where there is none yet. */
  readonly version: string | null;
}

/** A service as a whole is its being there: what it says is in its parts. */
const isThere = (value: Json | undefined): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isHash(value);

export const text: KeyedText = {
  kind: "MasterCf",
  get: (contents, key) => masterCfText.get(contents, key) as Json | undefined,
  put: (contents, key, value, was) => put(contents, key, value, was),
  save: (contents, key) =>
    (masterCfText.parseKey(key).is === "service"
      ? masterCfText.save(contents, key)
      : masterCfText.savePart(contents, key)) as unknown as Json,
  undo: (contents, key, saved) =>
    masterCfText.parseKey(key).is === "service"
      ? masterCfText.undo(contents, key, saved as never)
      : masterCfText.undoPart(contents, key, saved as never),
  same: (left, right) => (isThere(left) && isThere(right)) || equal(left ?? null, right ?? null),
};

function put(contents: Bytes, key: string, value: Json, was: Json | undefined): Bytes {
  const named = masterCfText.parseKey(key);
  if (value === null) return masterCfText.blanked(contents, key);
  switch (named.is) {
    case "service": {
      if (masterCfText.get(contents, key) !== undefined) return contents;
      const before = was as { entries?: readonly unknown[] } | undefined;
      return (before?.entries ?? []).length > 0
        ? masterCfText.undo(contents, key, was as never)
        : masterCfText.set(contents, key, value as never, was as never);
    }
    case "override":
      return masterCfText.setOverride(contents, named.service, named.parameter, value as string);
    case "field":
      return named.field === "args"
        ? masterCfText.setArgs(contents, named.service, value as string[])
        : masterCfText.setField(contents, named.service, named.field, value as string);
  }
}

/** What is edited: the file, or as it was before us where it was deleted meanwhile. */
function startingText({ file }: Observed, { record }: Pick<PlanContext, "record">): Bytes {
  return contentsOf(file) ?? savedContents(record.files[MASTER_CF]?.before ?? null) ?? "";
}

/** A service that is to be added: columns that were not given are as in services like it. */
function added(name: string, service: MasterService, contents: Bytes): masterCfText.Service {
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

/** Was this service ours as a whole from the beginning: added or removed by us? */
function isOwned(name: string, { record }: Pick<PlanContext, "record">): boolean {
  return record.keys[keyName(MASTER_CF, name)] !== undefined;
}

function fileOf(
  observed: Observed,
  args: MasterCfArgs,
  context: Pick<PlanContext, "record">,
): KeyedFile {
  const contents = startingText(observed, context);
  const known = masterCfText.services(contents);
  const wanted = Object.entries(args.services).flatMap(
    ([key, service]): (readonly [string, Json])[] => {
      const name = encodeUtf8(key);
      if (service === null) return [[name, null]];
      const whole = !known.has(name) || isOwned(name, context);
      return [
        ...(whole ? [[name, added(name, service, contents) as unknown as Json] as const] : []),
        ...partsOf(name, service),
      ];
    },
  );
  return { path: MASTER_CF, state: observed.file, text, wanted: Object.fromEntries(wanted) };
}

/** Why the file cannot be made so. */
function obstacles(
  observed: Observed,
  args: MasterCfArgs,
  context: Pick<PlanContext, "record">,
): Failure[] {
  const contents = startingText(observed, context);
  const traits = observed.version === null ? undefined : postfixTraits(observed.version);
  return Object.entries(args.services).flatMap(([name, service]): Failure[] => {
    if (service === null) return [];
    const path = `services[${JSON.stringify(name)}]`;
    const key = encodeUtf8(name);
    const found: Failure[] = [];
    const before = context.record.keys[keyName(MASTER_CF, key)]?.before as
      { entries?: readonly unknown[] } | undefined;
    const gone = masterCfText.get(contents, key) === undefined;
    if (gone && service.command === undefined && (before?.entries ?? []).length === 0)
      found.push({
        path,
        reason: `${MASTER_CF} has no service ${name}: say its command, and it is added.`,
      });
    if (!gone)
      try {
        masterCfText.checkEditable(contents, key);
      } catch (error) {
        if (!FormatError.isInstance(error)) throw error;
        found.push({ path, reason: `${error.message}.` });
      }
    if (traits?.braces === false && needsBraces(service))
      found.push({
        path,
        reason: `Postfix ${observed.version ?? ""} cannot keep blanks in an argument or -o value of ${MASTER_CF} (3.0 can): write lists with commas.`,
      });
    return found;
  });
}

/** The obstacles that a plan carries, so that `up` stops at them and a preview names them. */
function refusals(detail: Json | undefined): readonly Failure[] {
  return detail as unknown as readonly Failure[];
}

/** What will be set in a file that an earlier step brings. */
function planned(args: MasterCfArgs): Bytes {
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

function plan(observed: Observed, args: MasterCfArgs, context: PlanContext): Change[] {
  if (contentsOf(observed.file) === undefined && context.coming(MASTER_CF))
    return [
      {
        change: "write",
        path: MASTER_CF,
        found: observed.file,
        contents: planned(args),
        partial: true,
      },
    ];
  const wrong = obstacles(observed, args, context);
  if (wrong.length > 0)
    return [
      {
        change: "step",
        step: "refuse",
        text: `leave ${MASTER_CF} as it is: ${wrong[0]?.reason ?? ""}`,
        detail: wrong as unknown as Json,
      },
    ];
  return planKeyedFile(fileOf(observed, args, context), context);
}

/** A service as it stands, in the parts that the arguments name and in the user's spelling where equal. */
function liveService(
  contents: Bytes,
  name: string,
  wanted: MasterService | null,
): MasterService | null {
  const found = masterCfText.get(contents, encodeUtf8(name)) as masterCfText.Service | undefined;
  if (found === undefined) return null;
  const shown = (value: Bytes, said: string | null | undefined): string =>
    typeof said === "string" && encodeUtf8(said.trim()) === value ? said : decodeUtf8(value);
  const named = wanted ?? { ...found };
  const fields = [...masterCfText.columns, "command"] as const;
  return {
    ...Object.fromEntries(
      fields.flatMap((field) =>
        named[field] === undefined ? [] : [[field, shown(found[field], named[field])]],
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
          overrides: Object.fromEntries(
            Object.entries(named.overrides).map(([parameter, value]) => {
              const live = found.overrides[parameter];
              return [parameter, live === undefined ? null : shown(live, value)];
            }),
          ),
        }),
  };
}

/** Lines that master(8) stops at: they were there before us, because what we write is checked. */
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
  what: () => MASTER_CF.slice(1),
  arguments: masterCfArguments,
  complete: (args) => ({ ...args, services: args.services }),
  facts: () => ({
    file: { fact: "file", path: MASTER_CF },
    version: { fact: "probe", argv: ["/usr/local/sbin/postconf", "-h", "mail_version"] },
  }),
  observe: (answers) => {
    const version = answers["version"] as FactAnswers["probe"];
    return {
      file: answers["file"] as FileState,
      version: "notFound" in version || version.exitCode !== 0 ? null : version.stdout.trim(),
    };
  },
  live: ({ file }, args) => ({
    services: Object.fromEntries(
      Object.entries(args.services).map(([name, wanted]) => [
        name,
        liveService(contentsOf(file) ?? "", name, wanted),
      ]),
    ),
  }),
  outputs: () => ({}),
  claims: (observed, args, context) => [
    ...claimKeyedFile(fileOf(observed, args, context), context),
    ...declarationClaims(args, context.owner),
  ],
  baselines: ({ file }) => ({ [MASTER_CF]: file }),
  plan,
  restore: ({ file }, _args, context) => restoreKeyedFile(MASTER_CF, file, text, context),
  judge: async (host, observed, args, changes, context) => {
    warnOfFaults(contentsOf(observed.file) ?? "", context);
    const refused = changes.flatMap((change) =>
      change.change === "step" ? refusals(change.detail) : [],
    );
    if (refused.length > 0) return refused;
    context.declare({ userDefined: [], accept: args.accept ?? [] });
    return judge(
      host,
      {
        changes,
        path: ({ file, subject = "" }) =>
          file === MASTER_CF && subject in args.services
            ? `services[${JSON.stringify(subject)}]`
            : "services",
        component: "MasterCf",
        // What an override refers to may come with main.cf, which is written after it.
        later: settledLater,
      },
      context,
    );
  },
  step: (_step, detail, host) => {
    throw new HostError("refused", {
      host: host.address,
      during: `writing ${MASTER_CF}`,
      reason: refusals(detail)
        .map(({ reason }) => reason)
        .join("\n"),
      changed: "no",
      next: "Mend the arguments or the file and run `pulumi up` again.",
    });
  },
  // master(8) reads it again on a reload: services come, change and go without a restart.
  pending: (_args, changes) =>
    changes.length === 0 ? undefined : { need: "reload", because: [MASTER_CF] },
};
