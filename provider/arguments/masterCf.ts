/** The arguments of `MasterCf`. */
import { encodeUtf8, FormatError, type Bytes } from "../formats/bytes";
import * as text from "../formats/masterCf";
import { overrideWord } from "../formats/masterCfEntry";
import { checkArgs, checkOverride, checkService, fieldFault } from "../formats/masterCfKeys";
import { acceptedRules } from "./ruleNames";
import {
  list,
  object,
  oneOf,
  optional,
  record,
  refusal,
  single,
  step,
  text as string,
} from "./schema";

/**
 * Parts of one service of master.cf, by the names of master(5). A part that is left out stays as it is; in a new service it
 * is as in the file's services of the same program. That matters for `chroot`, where the meaning of `-` depends on the
 * version of Postfix, and the port chroots most services.
 */
export interface MasterService {
  /** May only Postfix itself use the service? `"y"`, `"n"`, or `"-"` for the default `y`. */
  readonly private?: string;
  /** Does the service run without root's privileges? `"y"`, `"n"`, or `"-"` for the default `y`. */
  readonly unprivileged?: string;
  /** Does the service run in the chroot? `"y"`, `"n"`, or `"-"` for the version's default. */
  readonly chroot?: string;
  /** The seconds after which the service is woken: `"60"`; `"60?"` only once it was used; `"-"` for never. */
  readonly wakeup?: string;
  /** The number of processes that the service may have at a time: `"1"`, `"0"` for no limit, `"-"` for `default_process_limit`. */
  readonly maxproc?: string;
  /** The program in the daemon directory, as in `"smtpd"`; needed to add a service. */
  readonly command?: string;
  /** The program's arguments without the overrides, each a word: `["-v"]`, `["flags=DRhu", "user=vmail", "argv=…"]`. */
  readonly args?: readonly string[];
  /** Parameters of main.cf that this service overrides with `-o name=value`, by name. `null` removes an override. */
  readonly overrides?: Readonly<Record<string, string | null>>;
}

/** Arguments of `MasterCf`. */
export interface MasterCfArgs {
  /**
   * Services by name and type, as `postconf -M` spells them: `submission/inet`, `smtp/unix`. `null` removes a service. Other
   * services, comments and the order in the file stay as they are. A new service goes behind its commented-out sample.
   */
  readonly services: Readonly<Record<string, MasterService | null>>;
  /**
   * Rules whose violations are to be warnings instead of failures, on the whole host. The message of a violation ends with
   * the name of its rule. Example: `["openRelay"]` for a service that only a closed network can reach.
   */
  readonly accept?: readonly string[];
}

const FIELDS = [...text.columns, "command"] as const;

/** The columns, arguments and overrides that a service's arguments give, as bytes by key; the key is that of the record. */
export function partsOf(
  name: string,
  service: MasterService,
): readonly (readonly [string, Bytes | readonly Bytes[] | null])[] {
  return [
    ...FIELDS.flatMap((field) => {
      const value = service[field];
      return value === undefined ? [] : [[text.fieldKey(name, field), encodeUtf8(value)] as const];
    }),
    ...(service.args === undefined
      ? []
      : [[text.fieldKey(name, "args"), service.args.map(encodeUtf8)] as const]),
    ...Object.entries(service.overrides ?? {}).map(
      ([parameter, value]) =>
        [
          text.overrideKey(name, parameter),
          value === null ? null : encodeUtf8(value.trim()),
        ] as const,
    ),
  ];
}

/** Does the service have a word with blanks, which can only be written in braces? */
export function needsBraces(service: MasterService): boolean {
  return (
    Object.values(service.overrides ?? {}).some((value) => /[ \t\r]/.test((value ?? "").trim())) ||
    (service.args ?? []).some((arg) => /[ \t\r]/.test(arg))
  );
}

function nameFault(name: string): string | undefined {
  return refusal(() => {
    checkService(encodeUtf8(name));
    if (text.parseKey(name).is !== "service")
      throw new FormatError(
        "is no service: it is written name/type; fields and overrides stand in its value",
      );
  });
}

function field(name: (typeof FIELDS)[number]) {
  return optional(
    single<string>((value) => {
      if (typeof value !== "string") return "must be a string.";
      return refusal(() => {
        const fault = fieldFault(name, encodeUtf8(value));
        if (fault !== undefined) throw new FormatError(fault);
      });
    }),
  );
}

function overrideFault(name: string, value: unknown): string | undefined {
  if (value !== null && typeof value !== "string")
    return "must be a string, or null (removes the override).";
  return refusal(() => {
    const bytes = encodeUtf8((value ?? "").trim());
    checkOverride(name, bytes);
    overrideWord(name, bytes);
  });
}

const service = object<MasterService>(
  {
    private: field("private"),
    unprivileged: field("unprivileged"),
    chroot: field("chroot"),
    wakeup: field("wakeup"),
    maxproc: field("maxproc"),
    command: field("command"),
    args: optional(
      list(string(/^/, "must be a word."), "must be a list of words.", (words) =>
        refusal(() => checkArgs(words.map(encodeUtf8))),
      ),
    ),
    overrides: optional(
      record<string | null>(
        "must be values by the names of parameters.",
        () => undefined,
        (name) => single((value) => overrideFault(name, value)),
      ),
    ),
  },
  "part of a service",
  { reason: "must be a service, or null (removes it)." },
);

/** What each argument of `MasterCf` may be. */
export const masterCfArguments = step<MasterCfArgs>({
  services: record("must be services by name/type.", nameFault, () => oneOf([null], service)),
  accept: optional(acceptedRules),
});
