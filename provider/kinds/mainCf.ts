/** Guide 2.4, "Minimal Configuration": parameters of /etc/postfix/main.cf, and 3.4, what Postfix makes of them. */
import {
  claimKeyedFile,
  keyName,
  type KeyedFile,
  type KeyedText,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../kind/keyedFile";
import { contentsOf } from "../host/host";
import { type MainCfArgs, mainCfArguments } from "../arguments/mainCf";
import * as mainCfText from "../formats/mainCf";
import { decodeUtf8, encodeUtf8 } from "../formats/bytes";
import type { FactAnswers, FileState } from "../host/host";
import { type Json, keysOf } from "../host/record";
import { declarationClaims, judge } from "../judge";
import { MAIN_CF } from "../postfix/paths";
import { expand } from "../postfix/values";
import type { Kind, PlanContext } from "../kind/kind";

/** What a program may say for a parameter; booleans are `yes` and `no` in the file. */
type Value = string | number | boolean;

interface Completed extends MainCfArgs {
  readonly parameters: Readonly<Record<string, Value | null>>;
}

interface Observed {
  readonly file: FileState;
  readonly nonDefault: Readonly<Record<string, string>>;
  readonly effective: Readonly<Record<string, string>>;
}

const POSTCONF = "/usr/local/sbin/postconf";

/** Read by master(8) when it starts only: a reload does not apply them (postconf(5)). */
const NEEDS_RESTART = [
  "inet_interfaces",
  "inet_protocols",
  "queue_directory",
  "data_directory",
  "daemon_directory",
  "mail_owner",
  "setgid_group",
];

export const text: KeyedText = {
  kind: "MainCf",
  get: (contents, name) => {
    const value = mainCfText.get(contents, name);
    return value === undefined ? undefined : value;
  },
  put: (contents, name, value, was) =>
    value === null
      ? mainCfText.remove(contents, name)
      : mainCfText.set(contents, name, value as string, was as never),
  save: (contents, name) => mainCfText.save(contents, name) as unknown as Json,
  undo: (contents, name, saved) => mainCfText.undo(contents, name, saved as never),
};

/** Names that "exact" removes: those that the file sets, and those that it removed before and keeps so. */
function others(observed: Observed, args: Completed, removed: Iterable<string>): string[] {
  if (args.mode !== "exact") return [];
  const inFile = mainCfText.parameters(contentsOf(observed.file) ?? "").keys();
  return [...new Set([...inFile, ...removed])].filter((name) => !(name in args.parameters));
}

/** A value as it stands in the file: what a program writes in UTF-8 stands there as UTF-8. */
function bytesOf(value: Value): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return encodeUtf8(String(value).trim());
}

/** The wanted values as bytes. */
function fileOf(observed: Observed, args: Completed, removed: Iterable<string> = []): KeyedFile {
  const named = Object.entries(args.parameters).map(
    ([name, value]) => [name, value === null ? null : bytesOf(value)] as const,
  );
  const rest = others(observed, args, removed).map((name) => [name, null] as const);
  return {
    path: MAIN_CF,
    state: observed.file,
    text,
    wanted: Object.fromEntries([...named, ...rest]),
  };
}

/** Parameters that an earlier apply of ours removed. */
function removedBefore({ owner, record }: PlanContext): string[] {
  const prefix = keyName(MAIN_CF, "");
  return keysOf(record, owner.instance)
    .filter(([key, { applied }]) => key.startsWith(prefix) && applied === null)
    .map(([key]) => key.slice(prefix.length));
}

/** `postconf` output: `name = value` a line. */
function settings(probe: FactAnswers["probe"] | undefined): Record<string, string> {
  if (!probe || "notFound" in probe || probe.exitCode !== 0) return {};
  const found: Record<string, string> = {};
  for (const line of Buffer.from(probe.stdout, "latin1").toString("utf8").split("\n")) {
    const match = /^([^\s=]+) =(?: (.*))?$/.exec(line);
    if (match?.[1] !== undefined) found[match[1]] = (match[2] ?? "").trimEnd();
  }
  return found;
}

/** The value in force, with what the file itself sets for the names in it. */
function inForce(contents: string, name: string): string | undefined {
  const set = mainCfText.parameters(contents);
  const value = set.get(name)?.value;
  return value === undefined ? undefined : expand(value, (other) => set.get(other)?.value);
}

export const mainCf: Kind<Completed, Observed> = {
  name: "MainCf",
  what: () => "etc/postfix/main.cf",
  arguments: mainCfArguments,
  property: (name) => `parameters.${name}`,
  complete: (args) => ({ ...args, parameters: args.parameters }),
  facts: () => ({
    file: { fact: "file", path: MAIN_CF },
    nonDefault: { fact: "probe", argv: [POSTCONF, "-n"] },
    effective: {
      fact: "probe",
      argv: [
        POSTCONF,
        "myhostname",
        "mydomain",
        "myorigin",
        "mydestination",
        "mynetworks",
        "mynetworks_style",
        "mail_version",
      ],
    },
  }),
  observe: (answers) => ({
    file: answers["file"] as FileState,
    nonDefault: settings(answers["nonDefault"] as FactAnswers["probe"]),
    effective: settings(answers["effective"] as FactAnswers["probe"]),
  }),
  live: (observed, args) => {
    const live = liveKeys(fileOf(observed, args));
    const foreign = others(observed, args, []).map((name) => [name, undefined] as const);
    return {
      parameters: Object.fromEntries(
        [...Object.entries(args.parameters), ...foreign].map(([name, value]) => {
          const found = live[name] as string | null;
          if (found === null) return [name, null];
          return [
            name,
            value !== undefined && value !== null && found === bytesOf(value)
              ? value
              : decodeUtf8(found),
          ];
        }),
      ),
    };
  },
  outputs: ({ nonDefault, effective }) => ({ nonDefault, effective }),
  claims: (observed, args, context) => [
    ...claimKeyedFile(fileOf(observed, args, removedBefore(context)), context),
    ...declarationClaims(args, context.owner),
  ],
  baselines: ({ file }) => ({ [MAIN_CF]: file }),
  plan: (observed, args, context) =>
    planKeyedFile(fileOf(observed, args, removedBefore(context)), context),
  restore: ({ file }, _args, context) => restoreKeyedFile(MAIN_CF, file, text, context),
  judge: (host, _observed, args, changes, context) => {
    const { userDefined = [], accept = [] } = args;
    context.declare({ userDefined, accept });
    return judge(
      host,
      {
        changes,
        path: ({ file, subject = "" }) =>
          file === MAIN_CF && subject in args.parameters ? `parameters.${subject}` : "parameters",
      },
      context,
    );
  },
  pending: (_args, changes, observed) => {
    const [write] = changes;
    const after = write?.change === "write" ? write.contents : "";
    const before = contentsOf(observed.file) ?? "";
    const needsRestart = NEEDS_RESTART.some(
      (name) => inForce(before, name) !== inForce(after, name),
    );
    return { need: needsRestart ? "restart" : "reload", because: [MAIN_CF] };
  },
};
