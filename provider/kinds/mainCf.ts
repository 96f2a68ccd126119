/** Guide 2.4, "Minimal Configuration": parameters of /etc/postfix/main.cf, and 3.4, what Postfix makes of them. */
import { type MainCfArgs, mainCfArguments } from "../arguments/mainCf";
import { at } from "../arguments/schema";
import { decodeUtf8, encodeUtf8 } from "../formats/bytes";
import * as mainCfText from "../formats/mainCf";
import { contentsOf, type FileState } from "../host/host";
import { file, Look, printed, probe } from "../host/look";
import { keysOf } from "../host/record";
import { type Complaint, declarationClaims, declare, judge } from "../judge";
import {
  claimKeyedFile,
  type KeyedFile,
  keyName,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../kind/keyedFile";
import { keyedText } from "../kind/keyedText";
import type { Change, Kind, Plan, PlanContext } from "../kind/kind";
import { MAIN_CF, PROGRAMS } from "../postfix/paths";
import { type Settings, settingsIn } from "../postfix/postconf";
import { expand } from "../postfix/values";

/** The arguments, with every value as any parameter may have it. */
interface Completed extends MainCfArgs {
  readonly parameters: Readonly<Record<string, Value | null>>;
}

/** What a program may say for a parameter; booleans are `yes` and `no` in the file. */
type Value = string | number | boolean;

interface Observed {
  readonly file: FileState;
  readonly nonDefault: Settings;
  readonly effective: Settings;
}

/** Parameters whose values are outputs of the step. */
const EFFECTIVE = [
  "myhostname",
  "mydomain",
  "myorigin",
  "mydestination",
  "mynetworks",
  "mynetworks_style",
  "mail_version",
];

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

/** How a parameter stands in the file. */
export const text = keyedText({ kind: "MainCf", ...mainCfText });

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

/** What postconf(1) prints, as outputs have it: in UTF-8. */
function parameters(...words: readonly string[]): Look<Settings> {
  return probe([PROGRAMS.postconf, ...words]).map((answer) =>
    settingsIn(Buffer.from(printed(answer) ?? "", "latin1").toString("utf8")),
  );
}

/** The value in force, with what the file itself sets for the names in it. */
function inForce(contents: string, name: string): string | undefined {
  const set = mainCfText.parameters(contents);
  const value = set.get(name)?.value;
  return value === undefined ? undefined : expand(value, (other) => set.get(other)?.value);
}

/** Live values, in the user's spelling where equal; in the mode "exact" also what else the file sets. */
function live(observed: Observed, args: Completed): Partial<Completed> {
  const found = liveKeys(fileOf(observed, args));
  const wanted = [
    ...Object.entries(args.parameters),
    ...others(observed, args, []).map((name) => [name, undefined] as const),
  ];
  return {
    parameters: Object.fromEntries(
      wanted.map(([name, value]) => {
        const bytes = found[name];
        if (typeof bytes !== "string") return [name, null];
        const asWanted = value !== undefined && value !== null && bytes === bytesOf(value);
        return [name, asWanted ? value : decodeUtf8(bytes)];
      }),
    ),
  };
}

function plan(observed: Observed, args: Completed, context: PlanContext): Plan {
  const file = fileOf(observed, args, removedBefore(context));
  return planned(observed, planKeyedFile(file, context));
}

/** The changes of the file, with what Postfix must be told of them. */
function planned(observed: Observed, changes: readonly Change[]): Plan {
  const [write] = changes;
  if (write === undefined) return { changes };
  const after = write.change === "write" ? write.contents : "";
  const before = contentsOf(observed.file) ?? "";
  const needsRestart = NEEDS_RESTART.some((name) => inForce(before, name) !== inForce(after, name));
  return { changes, tells: { need: needsRestart ? "restart" : "reload", because: [MAIN_CF] } };
}

export const mainCf: Kind<Completed, Observed> = {
  name: "MainCf",
  subject: () => MAIN_CF.slice(1),
  arguments: mainCfArguments,
  property: (name) => `parameters${at(name)}`,
  complete: (args) => args,
  look: () =>
    Look.all({
      file: file(MAIN_CF),
      nonDefault: parameters("-n"),
      effective: parameters(...EFFECTIVE),
    }),
  live,
  outputs: ({ nonDefault, effective }) => ({ nonDefault, effective }),
  owns: (observed, args, context) => ({
    claims: [
      ...claimKeyedFile(fileOf(observed, args, removedBefore(context)), context),
      ...declarationClaims(args, context.owner),
    ],
    files: { [MAIN_CF]: observed.file },
  }),
  plan,
  restore: (observed, _args, context) =>
    planned(observed, restoreKeyedFile(MAIN_CF, observed.file, text, context)),
  judge: (_observed, args, context) => {
    declare(context, args);
    const path = ({ file: about, subject = "" }: Complaint): string =>
      about === MAIN_CF && subject in args.parameters ? `parameters.${subject}` : "parameters";
    return judge({ path }, context);
  },
};
