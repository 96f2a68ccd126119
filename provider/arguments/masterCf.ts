/** What may be said of services in master.cf. */
import { encodeUtf8, FormatError, type Bytes } from "../formats/bytes";
import * as text from "../formats/masterCf";
import { checkArgs, checkOverride, checkService, fieldFault } from "../formats/masterCfKeys";
import { overrideWord } from "../formats/masterCfEntry";
import { wrongRules } from "../judge/ruleNames";
import type { Failure } from "../kind/kind";

/** Parts of one service; those that are left out belong to nobody. */
export interface MasterService {
  readonly private?: string;
  readonly unprivileged?: string;
  readonly chroot?: string;
  readonly wakeup?: string;
  readonly maxproc?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  /** `null` removes an override. */
  readonly overrides?: Readonly<Record<string, string | null>>;
}

export interface MasterCfArgs {
  /** By `name/type`, as `postconf -M` spells it; `null` removes a service. */
  readonly services: Readonly<Record<string, MasterService | null>>;
  /** Rules of the judgement whose complaints are warnings. */
  readonly accept?: readonly string[];
}

const FIELDS = [...text.columns, "command"] as const;

/** What a service's arguments name, by key, as bytes. */
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

/** Whether it can only be written with braces. */
export function needsBraces(service: MasterService): boolean {
  return (
    Object.values(service.overrides ?? {}).some((value) => /[ \t\r]/.test((value ?? "").trim())) ||
    (service.args ?? []).some((arg) => /[ \t\r]/.test(arg))
  );
}

function said(path: string, check: () => void): Failure[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!FormatError.isInstance(error)) throw error;
    return [{ path, reason: `${error.message}.` }];
  }
}

function validateService(path: string, service: MasterService): Failure[] {
  const known: readonly string[] = [...FIELDS, "args", "overrides"];
  return [
    ...Object.keys(service)
      .filter((field) => !known.includes(field))
      .map((field) => ({
        path: `${path}.${field}`,
        reason: `is no part of a service: ${known.join(", ")} (master(5)).`,
      })),
    ...FIELDS.flatMap((field): Failure[] => {
      const value: unknown = service[field];
      if (value === undefined) return [];
      const fault =
        typeof value === "string" ? fieldFault(field, encodeUtf8(value)) : "must be a string";
      return fault === undefined ? [] : [{ path: `${path}.${field}`, reason: `${fault}.` }];
    }),
    ...(service.args === undefined
      ? []
      : said(`${path}.args`, () => {
          if (!Array.isArray(service.args)) throw new FormatError("must be a list of words");
          checkArgs(service.args.map(encodeUtf8));
        })),
    ...Object.entries(service.overrides ?? {}).flatMap(([parameter, value]) =>
      said(`${path}.overrides.${parameter}`, () => {
        if (value !== null && typeof value !== "string")
          throw new FormatError("must be a string, or null (removes the override)");
        const bytes = encodeUtf8((value ?? "").trim());
        checkOverride(parameter, bytes);
        overrideWord(parameter, bytes);
      }),
    ),
  ];
}

export function validate({ services, accept }: Partial<MasterCfArgs>): Failure[] {
  const wrongServices = Object.entries(services ?? {}).flatMap(([name, service]): Failure[] => {
    const path = `services[${JSON.stringify(name)}]`;
    const wrong = said(path, () => {
      checkService(encodeUtf8(name));
      if (text.parseKey(name).is !== "service")
        throw new FormatError(
          "is no service: it is written name/type; fields and overrides stand in its value",
        );
    });
    if (wrong.length > 0 || service === null) return wrong;
    if (typeof service !== "object")
      return [{ path, reason: "must be a service, or null (removes it)." }];
    return validateService(path, service);
  });
  return [...wrongRules(accept), ...wrongServices];
}
