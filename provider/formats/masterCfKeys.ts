import { checkLineText, FormatError, type Bytes } from "./bytes";
import { checkName as checkParameter, checkValue as checkParameterValue } from "./mainCf";

/** The columns of a service between its type and its program, by their names in master(5). */
export const columns = ["private", "unprivileged", "chroot", "wakeup", "maxproc"] as const;
export type Column = (typeof columns)[number];
export type Field = Column | "command" | "args";

/**
 * What a key of master.cf names: a service (`submission/inet`, as `postconf -M` spells it), one field of it
 * (`submission/inet:chroot`), or one `-o` override (`submission/inet/smtpd_tls_security_level`, as `postconf -P`).
 */
export type MasterKey =
  | { readonly is: "service"; readonly service: string }
  | { readonly is: "field"; readonly service: string; readonly field: Field }
  | { readonly is: "override"; readonly service: string; readonly parameter: string };

const types = ["inet", "unix", "fifo", "pass", "unix-dgram"];

/** The types of services, for messages. */
export const TYPES = `${types.slice(0, -1).join(", ")} or ${types.at(-1) ?? ""}`;

export function isType(text: Bytes): boolean {
  return types.includes(text);
}

// Of two types of which one begins with the other, the longer is tried first.
const key = new RegExp(`^([^]*?/(?:${types.toReversed().join("|")}))(?:([:/])([^]+))?$`);
const fields: readonly string[] = [...columns, "command", "args"];

export const fieldKey = (service: string, field: Field): string => `${service}:${field}`;
export const overrideKey = (service: string, parameter: string): string =>
  `${service}/${parameter}`;

/** @throws FormatError for a name without a type, and for a field that master.cf does not have */
export function parseKey(name: string): MasterKey {
  const [, service, mark, part] = key.exec(name) ?? [];
  if (service === undefined)
    throw new FormatError(
      `${JSON.stringify(name)} is no service: it is written name/type, where the type is ${TYPES}`,
    );
  if (mark === undefined || part === undefined) return { is: "service", service };
  if (mark === "/") return { is: "override", service, parameter: part };
  if (!fields.includes(part))
    throw new FormatError(`${JSON.stringify(part)} is no field of a service: ${fields.join(", ")}`);
  return { is: "field", service, field: part as Field };
}

/** Refuses the name of a service that Postfix would not read back. */
export function checkService(service: string): void {
  parseKey(service);
  checkLineText(`the service ${JSON.stringify(service)}`, service);
  if (/[ \t\r\v\f{}]|^[#/]/.test(service))
    throw new FormatError(
      `the service ${JSON.stringify(service)} must not hold blanks or braces, nor begin with "#"`,
    );
}

const allowed: Readonly<Record<Column | "command", readonly [RegExp, string]>> = {
  private: [/^[yn-]$/, '"y", "n" or "-"'],
  unprivileged: [/^[yn-]$/, '"y", "n" or "-"'],
  chroot: [/^[yn-]$/, '"y", "n" or "-"'],
  wakeup: [/^(-|\d{1,9}\??)$/, 'seconds, such as "60" or "60?", or "-"'],
  maxproc: [/^(-|\d{1,9})$/, 'a number or "-"'],
  command: [/^[^\s{}\0]+$/, "the name of a program in the daemon directory, without blanks"],
};

/** What is wrong with the value of a column or the program; undefined when it is right. */
export function fieldFault(field: Column | "command", value: Bytes): string | undefined {
  const [pattern, says] = allowed[field];
  return pattern.test(value) ? undefined : `must be ${says}`;
}

/** Refuses arguments that Postfix would read as an override, or as several words. */
export function checkArgs(args: readonly Bytes[]): void {
  let options = true;
  for (const arg of args) {
    const what = `the argument ${JSON.stringify(arg)}`;
    checkLineText(what, arg);
    let level = 0;
    for (const char of arg) {
      if (char === "{") level += 1;
      else if (char === "}" && level > 0) level -= 1;
      else if (level === 0 && /[ \t\r\v\f]/.test(char))
        throw new FormatError(
          `${what} must be one word; from Postfix 3.0 on, { } keep blanks in one`,
        );
    }
    if (arg === "" || level > 0)
      throw new FormatError(`${what} is empty, or its braces do not close`);
    options &&= arg.startsWith("-") && arg !== "-" && arg !== "--";
    if (options && arg.includes("o"))
      throw new FormatError(`${what} is an option -o: give it as an override`);
  }
}

/** Refuses an override that Postfix would not read back. */
export function checkOverride(name: string, value: Bytes): void {
  checkParameter(name);
  checkParameterValue(name, value);
}
