/** Guide 2.4, "Minimal Configuration": parameters of /etc/postfix/main.cf, and 3.4, what Postfix makes of them. */
import {
  claimKeyedFile,
  contentsOf,
  type KeyedFile,
  type KeyedText,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../files";
import * as mainCfText from "../formats/mainCf";
import { encodeUtf8 } from "../formats/bytes";
import type { FactAnswers, FileState } from "../host/host";
import type { Json } from "../host/record";
import { judgeMainCf } from "./judge";
import type { Failure, Kind } from "../resource";

export interface MainCfArgs {
  /** `null` removes a parameter, `""` sets it empty. */
  readonly parameters: Readonly<Record<string, string | null>>;
}

interface Observed {
  readonly file: FileState;
  readonly nonDefault: Readonly<Record<string, string>>;
  readonly effective: Readonly<Record<string, string>>;
}

export const MAIN_CF = "/etc/postfix/main.cf";
const POSTCONF = "/usr/local/sbin/postconf";

/** Read by master(8) when it starts only: a reload does not apply them (postconf(5)). */
const NEEDS_RESTART = new Set([
  "inet_interfaces",
  "inet_protocols",
  "queue_directory",
  "data_directory",
  "daemon_directory",
  "mail_owner",
  "setgid_group",
]);

const text: KeyedText = {
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

/** The wanted values as bytes: what a program writes in UTF-8 stands in the file as UTF-8. */
function fileOf(observed: Observed, args: MainCfArgs): KeyedFile {
  const wanted = Object.fromEntries(
    Object.entries(args.parameters).map(([name, value]) => [
      name,
      value === null ? null : encodeUtf8(value.trim()),
    ]),
  );
  return { path: MAIN_CF, state: observed.file, text, wanted };
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

function validate({ parameters }: Partial<MainCfArgs>): Failure[] {
  if (parameters === undefined) return [];
  return Object.entries(parameters).flatMap(([name, value]): Failure[] => {
    const path = `parameters.${name}`;
    if (!/^[A-Za-z0-9_./:-]+$/.test(name))
      return [
        {
          path: `parameters[${JSON.stringify(name)}]`,
          reason:
            "a parameter name is letters, digits and underscores, as postconf(5) lists them; no blanks, no newline, no `=`.",
        },
      ];
    if (value === null) return [];
    if (typeof value !== "string")
      return [
        { path, reason: 'must be a string ("" sets the parameter empty) or null (removes it).' },
      ];
    if (/[\n\r\0]/.test(value))
      return [
        {
          path,
          reason:
            "must be one line: Postfix reads a newline as the end of the value. Separate list items with commas or blanks.",
        },
      ];
    return [];
  });
}

export const mainCf: Kind<MainCfArgs, Observed> = {
  name: "MainCf",
  what: () => "etc/postfix/main.cf",
  validate,
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
    return {
      parameters: Object.fromEntries(
        Object.entries(args.parameters).map(([name, value]) => {
          const found = live[name] as string | null;
          if (found === null) return [name, null];
          return [
            name,
            value !== null && found === encodeUtf8(value.trim())
              ? value
              : Buffer.from(found, "latin1").toString("utf8"),
          ];
        }),
      ),
    };
  },
  outputs: ({ nonDefault, effective }) => ({ nonDefault, effective }),
  claims: (observed, args, context) => claimKeyedFile(fileOf(observed, args), context),
  baselines: ({ file }) => ({ [MAIN_CF]: file }),
  plan: (observed, args, context) => planKeyedFile(fileOf(observed, args), context),
  restore: ({ file }, _args, context) => restoreKeyedFile(MAIN_CF, file, text, context),
  judge: (host, observed, args, changes, context) =>
    judgeMainCf(host, contentsOf(observed.file), args.parameters, changes, context),
  pending: (args, _changes, observed) => {
    const contents = contentsOf(observed.file) ?? "";
    const changed = Object.entries(args.parameters)
      .filter(([name, value]) => (mainCfText.get(contents, name) ?? null) !== value)
      .map(([name]) => name);
    return {
      need: changed.some((name) => NEEDS_RESTART.has(name)) ? "restart" : "reload",
      because: [MAIN_CF],
    };
  },
};
