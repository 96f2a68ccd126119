/** Guide 2.4, "Minimal Configuration", and 3.4: parameters of /etc/postfix/main.cf, and the values that Postfix uses. */
import { type MainCfArgs, mainCfArguments } from "../arguments/mainCf";
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
import type { Change, Kind, Plan, PlanContext } from "../contract/kind";
import { decodeUtf8, encodeUtf8 } from "../formats/bytes";
import * as mainCfText from "../formats/mainCf";
import { contentsOf, type FileState } from "../host/host";
import { file, Look, printed, probe } from "../host/look";
import { type Complaint, declarationClaims, declare, judgeConfiguration } from "../judge";
import { MAIN_CF, PROGRAMS } from "../postfix/paths";
import { type Settings, settingsIn } from "../postfix/postconf";
import { expand } from "../postfix/values";

/** The arguments, with the same type for the values of all parameters. */
interface Completed extends MainCfArgs {
  readonly parameters: Readonly<Record<string, Value | null>>;
}

/** A parameter's value in a program; the file has `yes` and `no` for booleans. */
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

/** Parameters that master(8) reads only at its start: a reload does not apply them (postconf(5)). */
const NEEDS_RESTART = [
  "inet_interfaces",
  "inet_protocols",
  "queue_directory",
  "data_directory",
  "daemon_directory",
  "mail_owner",
  "setgid_group",
];

/** The format of the file: a key is the name of a parameter. */
export const text = keyedText({ kind: "MainCf", ...mainCfText });

/** A parameter's value as bytes: the file holds it in UTF-8, as the program does. */
function bytesOf(value: Value): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return encodeUtf8(String(value).trim());
}

function fileOf(observed: Observed, args: Completed): KeyedFile {
  const wanted = Object.entries(args.parameters).map(
    ([name, value]) => [name, value === null ? null : bytesOf(value)] as const,
  );
  return { path: MAIN_CF, state: observed.file, text, wanted: Object.fromEntries(wanted) };
}

/** The file as it is planned: in the mode "exact", without parameters that the arguments do not name. */
function plannedFile(observed: Observed, args: Completed, context: PlanContext): KeyedFile {
  const file = fileOf(observed, args);
  return args.mode === "exact" ? alone(file, namesIn(observed), context) : file;
}

/** The names of the parameters that the file sets. */
function namesIn(observed: Observed): readonly string[] {
  return [...mainCfText.parameters(contentsOf(observed.file) ?? "").keys()];
}

/** The settings that postconf(1) prints, in UTF-8, as outputs are. */
function parameters(...words: readonly string[]): Look<Settings> {
  return probe([PROGRAMS.postconf, ...words]).map((answer) =>
    settingsIn(Buffer.from(printed(answer) ?? "", "latin1").toString("utf8")),
  );
}

/** A parameter's value in a file, with the parameters that it refers to expanded from the same file. */
function inForce(contents: string, name: string): string | undefined {
  const set = mainCfText.parameters(contents);
  const value = set.get(name)?.value;
  return value === undefined ? undefined : expand(value, (other) => set.get(other)?.value);
}

/** Live values, in the user's spelling where equal; in the mode "exact", also of the other parameters that the file sets. */
function live(observed: Observed, args: Completed): Partial<Completed> {
  const file = fileOf(observed, args);
  const others =
    args.mode === "exact"
      ? namesIn(observed).filter((name) => !Object.hasOwn(args.parameters, name))
      : [];
  const noValues = Object.fromEntries(others.map((name) => [name, null]));
  const found = liveKeys({ ...file, wanted: { ...file.wanted, ...noValues } });
  const parameters = Object.entries({ ...args.parameters, ...noValues }).map(([name, value]) => {
    const bytes = found[name];
    if (typeof bytes !== "string") return [name, null];
    return [name, value !== null && bytes === bytesOf(value) ? value : decodeUtf8(bytes)];
  });
  return { parameters: Object.fromEntries(parameters) as Completed["parameters"] };
}

function plan(observed: Observed, args: Completed, context: PlanContext): Plan {
  return planned(observed, planKeyedFile(plannedFile(observed, args, context), context));
}

/** The changes of the file, with the reload or restart of Postfix that they need. */
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
      ...claimKeyedFile(plannedFile(observed, args, context), context),
      ...declarationClaims(args, context.owner),
    ],
    files: { [MAIN_CF]: observed.file },
  }),
  plan,
  restore: (observed, _args, context) =>
    planned(observed, restoreKeyedFile(MAIN_CF, observed.file, text, context)),
  judge: (_observed, args, context) => {
    declare(context, args);
    const path = ({ file: place, subject = "" }: Complaint): string =>
      place === MAIN_CF && subject in args.parameters ? `parameters.${subject}` : "parameters";
    return judgeConfiguration({ path, saysWhatWaits: true }, context);
  },
};
