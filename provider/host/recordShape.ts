/** The shape that a record must have before anything is done by it. */
import { isDictionary } from "../values/json";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isCount: Check = (value) => Number.isInteger(value) && Number(value) >= 0;
const isAny: Check = (value) => value !== undefined;
const isList =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const isOneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const isOptional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isOrNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

/** A dictionary with these fields. Fields of later versions may be there too. */
const isObject =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isDictionary(value) && Object.entries(fields).every(([name, check]) => check(value[name]));

const isMap =
  (item: Check, name: Check = isAny): Check =>
  (value) =>
    isDictionary(value) && Object.entries(value).every(([key, one]) => name(key) && item(one));

/** An absolute path that leads nowhere else, and not into the record's own folder. */
const isPath: Check = (value) =>
  typeof value === "string" &&
  /^\/[^\0]+$/.test(value) &&
  !value.split("/").includes("..") &&
  !value.startsWith("/var/db/pulumi-openbsd-postfix");

/** The name of a copy in the record's folder, which leads nowhere else. */
const isDigest: Check = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

const isSaved = isOrNull(
  isObject({
    base64: isOptional(isText),
    copy: isOptional(isDigest),
    mode: isCount,
    uid: isCount,
    gid: isCount,
  }),
);

const areKeys = isMap(
  isObject({
    owner: isObject({ urn: isText, instance: isText }),
    order: isCount,
    file: isOptional(isPath),
    before: isAny,
    applied: isAny,
    unsettled: isOptional(isList(isAny)),
    secret: isOptional(isText),
  }),
);

const FIELDS: Readonly<Record<string, Check>> = {
  version: isOneOf(1),
  files: isMap(
    isObject({
      before: isSaved,
      written: isOrNull(isText),
      unsettled: isOptional(isList(isOrNull(isText))),
    }),
    isPath,
  ),
  keys: areKeys,
  moved: isMap(isText),
  revisions: isOptional(isMap(isCount)),
  pending: isOptional(isObject({ need: isOneOf("reload", "restart"), because: isList(isText) })),
  syslogd: isOptional(isOneOf("restart")),
  served: isOptional(isMap(isSaved, isPath)),
  servedKeys: isOptional(areKeys),
  serving: isOptional(isOneOf(true)),
  rolledBack: isOptional(isMap(isOrNull(isText), isPath)),
};

/** What is wrong with the shape of a record; `undefined` where nothing is. */
export function shapeFault(record: unknown): string | undefined {
  if (!isDictionary(record)) return "it is no record";
  const wrong = Object.entries(FIELDS).find(([name, check]) => !check(record[name]));
  return wrong && `what it says under "${wrong[0]}" cannot be`;
}
