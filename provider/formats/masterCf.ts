/**
 * master.cf: services as Postfix reads them (master_ent.c, and postconf(1) -M, -F and -P), edited word by word. Of
 * several entries of one service the last is in force.
 */
import type { Bytes } from "./bytes";
import { FormatError } from "./bytes";
import { logicalLines, logicalUnits } from "./logicalLines";
import {
  closes,
  FIELDS,
  isOption,
  nameAndValue,
  optionsOf,
  overrideWord,
  parseEntry,
  removeBetween,
  replaceBetween,
  wordsOf,
  type Entry,
} from "./masterCfEntry";
import {
  checkArgs,
  checkOverride,
  checkService,
  columns,
  fieldFault,
  overrideKey,
  isType,
  parseKey,
  TYPES,
  type Column,
} from "./masterCfKeys";
import { beyondContinuations, formerPlace, keyEdits, withLineAt } from "./editor";
import type { Saved } from "./undo";
import {
  duplicatesIn,
  joinUnits,
  orphanFault,
  remembered,
  startsOf,
  withNewline,
  withoutKeys,
  type Duplicate,
  type Fault,
  type Unit,
} from "./units";

export { columns, fieldKey, overrideKey, parseKey, type Column, type Field } from "./masterCfKeys";

/** A service by the fields of master(5); `-` stands for the default. */
export interface ServiceFields {
  readonly private: Bytes;
  readonly unprivileged: Bytes;
  readonly chroot: Bytes;
  /** Seconds; with a `?` after them the service is woken up only if it has been used. */
  readonly wakeup: Bytes;
  readonly maxproc: Bytes;
  /** The program in the daemon directory. */
  readonly command: Bytes;
  /** Its arguments except the overrides. */
  readonly args: readonly Bytes[];
  /** The values of `-o name=value`; of several for one name the last is in force. */
  readonly overrides: Readonly<Record<string, Bytes>>;
}

/** What `undoPart` needs to restore a field or override: the lines of the service, or null when there was none. */
export interface SavedPart {
  readonly entry: Bytes | null;
}

function keyOf(line: Bytes): string | undefined {
  const found = wordsOf(line, FIELDS);
  const [name, type] = found;
  return name === undefined || type === undefined || found.length < FIELDS
    ? undefined
    : `${name.text}/${type.text}`;
}

const unitsOf = remembered((text): readonly Unit[] => logicalUnits(text, keyOf));

/** The units of an entry: from its first line to the last one that continues it. */
function extentOf(units: readonly Unit[], start: number): { from: number; to: number } {
  let to = start + 1;
  for (let at = start + 1; at < units.length && units[at]?.role !== "start"; at += 1)
    if (units[at]?.role === "more") to = at + 1;
  return { from: start, to };
}

interface Found {
  readonly units: readonly Unit[];
  readonly from: number;
  readonly to: number;
  readonly entry: Entry;
}

/** The entry of a service that is in force. */
function find(text: Bytes, service: string): Found | undefined {
  const units = unitsOf(text);
  const start = startsOf(units, service).at(-1);
  if (start === undefined) return undefined;
  const { from, to } = extentOf(units, start);
  return { units, from, to, entry: parseEntry(joinUnits(units.slice(from, to))) };
}

function withEntry({ units, from, to }: Found, { raw }: Pick<Entry, "raw">): Bytes {
  const after = units.slice(to);
  return (
    joinUnits(units.slice(0, from)) + (after.length > 0 ? withNewline(raw) : raw) + joinUnits(after)
  );
}

const word = (entry: Entry, index: number): Bytes => entry.words[index]?.text ?? "";

function serviceOf(entry: Entry): ServiceFields {
  const { overrides, args } = optionsOf(entry);
  return {
    private: word(entry, 2),
    unprivileged: word(entry, 3),
    chroot: word(entry, 4),
    wakeup: word(entry, 5),
    maxproc: word(entry, 6),
    command: word(entry, 7),
    args: args.map((arg) => arg.text),
    overrides: Object.fromEntries(overrides.map(({ name, value }) => [name, value])),
  };
}

/** All services, each with the line on which its entry in force begins. */
export function services(
  text: Bytes,
): ReadonlyMap<string, ServiceFields & { readonly line: number }> {
  const found = new Map<string, ServiceFields & { line: number }>();
  for (const { text: joined, line } of logicalLines(text)) {
    const key = keyOf(joined);
    if (key !== undefined) found.set(key, { ...serviceOf(parseEntry(joined)), line });
  }
  return found;
}

/** All entries, also those in error and those that are not in force. */
export function entries(text: Bytes): readonly { readonly line: number; readonly entry: Entry }[] {
  const units = unitsOf(text);
  return units.flatMap(({ role, line }, at) => {
    if (role !== "start") return [];
    const { from, to } = extentOf(units, at);
    return [{ line, entry: parseEntry(joinUnits(units.slice(from, to))) }];
  });
}

/** A service, one of its fields or one of its overrides; undefined when there is none of that name. */
export function get(
  text: Bytes,
  name: string,
): ServiceFields | Bytes | readonly Bytes[] | undefined {
  const key = parseKey(name);
  const found = find(text, key.service);
  if (found === undefined) return undefined;
  const service = serviceOf(found.entry);
  if (key.is === "service") return service;
  return key.is === "field" ? service[key.field] : service.overrides[key.parameter];
}

/** Refuses a service that Postfix would not read back. */
function checkValue(name: string, service: ServiceFields): void {
  checkService(name);
  for (const field of [...columns, "command"] as const) {
    const fault = fieldFault(field, service[field]);
    if (fault !== undefined) throw new FormatError(`${field} of ${name} ${fault}`);
  }
  checkArgs(service.args);
  for (const [parameter, value] of Object.entries(service.overrides)) {
    checkOverride(parameter, value);
    overrideWord(parameter, value);
  }
}

/** The lines of a new service, in columns like those of the file that comes with Postfix. */
function written(name: string, service: ServiceFields): Bytes {
  const slash = name.lastIndexOf("/");
  const cells = [
    name.slice(0, slash),
    name.slice(slash + 1),
    ...columns.map((one) => service[one]),
  ];
  const widths = [10, 6, 8, 8, 8, 8, 8];
  const line =
    cells.map((cell, nth) => `${cell} `.padEnd(widths[nth] ?? 0)).join("") + service.command;
  const overrides = Object.entries(service.overrides).map(
    ([parameter, value]) => `\n  -o ${overrideWord(parameter, value)}`,
  );
  const args =
    service.args.length === 0 ? "" : (overrides.length > 0 ? "\n  " : " ") + service.args.join(" ");
  return `${line}${overrides.join("")}${args}\n`;
}

/** The index after the commented-out sample of a service, if there is one. */
function sampleEnd(units: readonly Unit[], name: string): number | undefined {
  const at = units.findIndex(({ role, raw }) => {
    if (role !== "gap") return false;
    return keyOf(raw.replace(/^#[ \t]?/, "")) === name;
  });
  if (at < 0) return undefined;
  let end = at + 1;
  while (units[end]?.role === "gap" && /^#[ \t]{2,}\S/.test(units[end]?.raw ?? "")) end += 1;
  return beyondContinuations(units, end);
}

/**
 * Sets a service as a whole. An existing entry keeps its place and each word that is right. A new entry goes to its
 * former place if `was` has one, else after its commented-out sample, else to the end.
 *
 * @throws FormatError for a service that master.cf cannot hold
 */
export function set(text: Bytes, name: string, service: ServiceFields, was?: Saved): Bytes {
  checkValue(name, service);
  const units = unitsOf(text);
  if (startsOf(units, name).length === 0) {
    const place = (was && formerPlace(units, was, "last")) ?? sampleEnd(units, name);
    return withLineAt(units, written(name, service), place);
  }
  const found = needed(text, name);
  let { entry } = found;
  const dropped = new Set(Object.keys(serviceOf(entry).overrides));
  for (const parameter of Object.keys(service.overrides)) dropped.delete(parameter);
  entry = withoutOverrides(entry, dropped);
  for (const field of [...columns, "command"] as const)
    entry = withField(entry, field, service[field]);
  for (const [parameter, value] of Object.entries(service.overrides))
    entry = withOverride(entry, parameter, value);
  return withEntry(found, withArgs(entry, service.args));
}

/** The entry to edit. One whose options are in error is refused, because editing could change their meaning. */
function needed(text: Bytes, service: string): Found {
  const found = find(text, service);
  if (found === undefined) throw new FormatError(`master.cf has no service ${service}`);
  const options = found.entry.words.slice(FIELDS).map((one) => one.text);
  const fault = optionFault(options) ?? openBrace(options);
  if (fault !== undefined)
    throw new FormatError(
      `master.cf, line ${found.units[found.from]?.line}: ${service} ${fault}; fix it by hand first`,
    );
  return found;
}

const openBrace = (words: readonly Bytes[]): string | undefined =>
  words.every(closes) ? undefined : "has a brace that does not close";

function withField(entry: Entry, field: Column | "command", value: Bytes): Entry {
  const index = field === "command" ? FIELDS - 1 : columns.indexOf(field) + 2;
  const old = entry.words[index];
  if (old === undefined || old.text === value) return entry;
  return parseEntry(replaceBetween(entry, old.from, old.to, value));
}

function withArgs(entry: Entry, args: readonly Bytes[]): Entry {
  const old = optionsOf(entry).args;
  if (old.length === args.length && old.every((arg, nth) => arg.text === args[nth])) return entry;
  let result = entry;
  for (const arg of [...old].reverse())
    result = parseEntry(removeBetween(result, arg.from, arg.to));
  if (args.length === 0) return result;
  const { end } = optionsOf(result);
  return parseEntry(replaceBetween(result, end, end, ` ${args.join(" ")}`));
}

function withOverride(entry: Entry, parameter: string, value: Bytes): Entry {
  const { overrides, end } = optionsOf(entry);
  const old = overrides.filter((one) => one.name === parameter).at(-1);
  if (old?.value === value) return entry;
  if (old === undefined)
    return parseEntry(replaceBetween(entry, end, end, `\n  -o ${overrideWord(parameter, value)}`));
  const braces = entry.seen.startsWith("{", old.valueFrom);
  const word = overrideWord(parameter, value, braces);
  return parseEntry(replaceBetween(entry, old.valueFrom, old.to, word));
}

function withoutOverrides(entry: Entry, parameters: ReadonlySet<string>): Entry {
  let result = entry;
  for (const one of optionsOf(entry).overrides.toReversed())
    if (parameters.has(one.name)) result = parseEntry(removeBetween(result, one.from, one.to));
  return result;
}

/**
 * Sets a column or the program of an existing service.
 *
 * @throws FormatError when there is no such service, and for a value that the column cannot have
 */
export function setField(
  text: Bytes,
  service: string,
  field: Column | "command",
  value: Bytes,
): Bytes {
  const fault = fieldFault(field, value);
  if (fault !== undefined) throw new FormatError(`${field} of ${service} ${fault}`);
  const found = needed(text, service);
  return withEntry(found, withField(found.entry, field, value));
}

/** Sets the arguments of an existing service, after its overrides. @throws FormatError like {@link setField}. */
export function setArgs(text: Bytes, service: string, args: readonly Bytes[]): Bytes {
  checkArgs(args);
  const found = needed(text, service);
  return withEntry(found, withArgs(found.entry, args));
}

/** @throws FormatError for a service that does not exist, or cannot be edited because its options are in error */
export function checkEditable(text: Bytes, service: string): void {
  needed(text, service);
}

/**
 * Sets an `-o` override of an existing service: changes the one in force in its place, or adds a line after the last
 * option.
 *
 * @throws FormatError when there is no such service, and for a name or value that master.cf cannot hold
 */
export function setOverride(text: Bytes, service: string, parameter: string, value: Bytes): Bytes {
  checkOverride(parameter, value);
  const found = needed(text, service);
  return withEntry(found, withOverride(found.entry, parameter, value));
}

/** Removes all overrides of a parameter. */
function removeOverride(text: Bytes, service: string, parameter: string): Bytes {
  if (get(text, overrideKey(service, parameter)) === undefined) return text;
  const found = needed(text, service);
  return withEntry(found, withoutOverrides(found.entry, new Set([parameter])));
}

/** Removes all entries of a service, or all overrides of a parameter; a field cannot be removed. */
export function remove(text: Bytes, name: string): Bytes {
  const key = parseKey(name);
  if (key.is === "override") return removeOverride(text, key.service, key.parameter);
  return key.is === "field" ? text : joinUnits(withoutKeys(unitsOf(text), new Set([name])));
}

/** Edits of all entries of a service. */
export const { save, undo } = keyEdits(unitsOf);

export function savePart(text: Bytes, name: string): SavedPart {
  return { entry: find(text, parseKey(name).service)?.entry.raw ?? null };
}

/**
 * Restores one field or override of a service as it was at `savePart`, to the byte if the rest of the service is
 * unchanged since. A service that was removed since stays away. A field keeps its value when the service did not
 * exist at `savePart`.
 */
export function undoPart(text: Bytes, name: string, { entry: before }: SavedPart): Bytes {
  const key = parseKey(name);
  const found = find(text, key.service);
  if (found === undefined || key.is === "service") return text;
  if (before === null) return key.is === "override" ? remove(text, name) : text;
  const whole = withFormerGaps(found, parseEntry(before).gaps.length);
  const now = joinUnits(whole.units.slice(whole.from, whole.to));
  const without = (some: Bytes): Bytes => withNewline(blanked(some, name));
  if (without(before) === without(now)) return withEntry(whole, { raw: before });
  const value = get(before, name);
  if (key.is === "override")
    return value === undefined
      ? remove(text, name)
      : setOverride(text, key.service, key.parameter, value as Bytes);
  if (key.field === "args") return setArgs(text, key.service, value as readonly Bytes[]);
  return setField(text, key.service, key.field, value as Bytes);
}

/** The entry with comments after it that were in it when it was longer. */
function withFormerGaps(found: Found, count: number): Found {
  let { to } = found;
  for (let missing = count - found.entry.gaps.length; missing > 0; missing -= 1)
    if (found.units[to]?.role === "gap") to += 1;
  return { ...found, to };
}

/** The text with a part of a service replaced by a constant, for comparing the rest of the service. */
export function blanked(entry: Bytes, name: string): Bytes {
  const key = parseKey(name);
  if (key.is !== "field" || find(entry, key.service) === undefined) return remove(entry, name);
  if (key.field === "args") return setArgs(entry, key.service, []);
  return setField(entry, key.service, key.field, key.field === "command" ? "x" : "-");
}

/** Services with several entries. master(8) uses the last and warns of the others. */
export function duplicates(text: Bytes): readonly Duplicate[] {
  return duplicatesIn(unitsOf(text));
}

function faultOf(line: Bytes): string | undefined {
  const { words: found } = parseEntry(line);
  const [name, type] = found;
  if (found.length < FIELDS)
    return "has fewer than 8 fields (name type private unprivileged chroot wakeup maxproc command)";
  if (type === undefined || name === undefined || !isType(type.text))
    return `has the type ${JSON.stringify(type?.text)}: it is ${TYPES}`;
  for (const [nth, field] of columns.entries()) {
    const fault = fieldFault(field, found[nth + 2]?.text ?? "");
    if (fault !== undefined) return `${field} ${fault}`;
  }
  return optionFault(found.slice(FIELDS).map((one) => one.text));
}

/** An `-o` among the options, as daemons read them, without a `name=value`. */
function optionFault(args: readonly Bytes[]): string | undefined {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (!isOption(arg)) return undefined;
    const o = arg.indexOf("o", 1);
    if (o < 0) continue;
    const value = o + 1 < arg.length ? arg.slice(o + 1) : args[(at += 1)];
    if (value === undefined || nameAndValue(value) === undefined)
      return `has an -o that is not "-o name=value"${value === undefined ? "" : `: ${JSON.stringify(value)}`}`;
  }
  return undefined;
}

/** Lines with which Postfix does not start, and continuations of nothing. */
export function faults(text: Bytes): readonly Fault[] {
  const lines = logicalLines(text).flatMap(({ text: joined, line }) => {
    const reason = faultOf(joined);
    return reason === undefined ? [] : [{ line, reason }];
  });
  return [...orphanFault(unitsOf(text), "service"), ...lines];
}

/** Daemons that the port never chroots (docs/openbsd.md 2.3), because they need files, programs or mailboxes outside. */
const notChrooted = new Set([
  "proxymap",
  "proxywrite",
  "local",
  "virtual",
  "pipe",
  "spawn",
  "postlogd",
]);

/** Daemons that start as root, because they run programs or write mailboxes as other users. */
const privileged = new Set(["local", "virtual", "pipe", "spawn"]);

/**
 * The value of a column that is usual in this file for a program: that of most services with the program, or else,
 * for chroot, of most services whose programs can be chrooted, or cannot, like this one. The default `-` will not do:
 * it means "n" for chroot only since Postfix 3.0, and the port writes its own values.
 */
export function usual(text: Bytes, column: "chroot" | "unprivileged", command: Bytes): Bytes {
  const all = [...services(text).values()];
  const same = all.filter((service) => service.command === command);
  const alike =
    column === "chroot"
      ? all.filter((one) => notChrooted.has(one.command) === notChrooted.has(command))
      : [];
  const count = new Map<Bytes, number>();
  for (const service of same.length > 0 ? same : alike)
    count.set(service[column], (count.get(service[column]) ?? 0) + 1);
  const [most] = [...count].sort(([, left], [, right]) => right - left);
  const never = column === "chroot" ? notChrooted : privileged;
  return most?.[0] ?? (never.has(command) ? "n" : "-");
}
