/**
 * master.cf: services as Postfix reads them (master_ent.c, and postconf(1) -M, -F and -P), edited word by word. Of
 * several entries of one service the last is in force. A commented-out sample is no service.
 */
import type { Bytes } from "./bytes";
import { FormatError } from "./bytes";
import { logicalLines, logicalUnits } from "./logicalLines";
import type { Fault } from "./mainCf";
import {
  closes,
  FIELDS,
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
  parseKey,
  type Column,
} from "./masterCfKeys";
import {
  beyondContinuations,
  formerPlace,
  insertLines,
  saveKey,
  undoKey,
  type Saved,
} from "./undo";
import {
  duplicatesIn,
  joinUnits,
  remembered,
  startsOf,
  withNewline,
  withoutKeys,
  type Duplicate,
  type Unit,
} from "./units";

export { columns, fieldKey, overrideKey, parseKey, type Column, type Field } from "./masterCfKeys";

/** A service as master(5) has it; `-` stands for the default. */
export interface Service {
  readonly private: Bytes;
  readonly unprivileged: Bytes;
  readonly chroot: Bytes;
  /** Seconds, with `?` behind them where the service is woken only once it was used. */
  readonly wakeup: Bytes;
  readonly maxproc: Bytes;
  /** The program in the daemon directory. */
  readonly command: Bytes;
  /** Its arguments but for the overrides. */
  readonly args: readonly Bytes[];
  /** `-o name=value` by name; of several the last is in force. */
  readonly overrides: Readonly<Record<string, Bytes>>;
}

/** What brings back one field or override: the service's lines as they were, null when there was none. */
export interface SavedPart {
  readonly entry: Bytes | null;
}

const types = /^(inet|unix|fifo|pass|unix-dgram)$/;

function keyOf(line: Bytes): string | undefined {
  const found = wordsOf(line, FIELDS);
  const [name, type] = found;
  return name === undefined || type === undefined || found.length < FIELDS
    ? undefined
    : `${name.text}/${type.text}`;
}

const unitsOf = remembered((text): readonly Unit[] => logicalUnits(text, keyOf));

/** Where an entry stands in the units: from its first line up to the last that continues it. */
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

/** The entry in force. */
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

function serviceOf(entry: Entry): Service {
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

/** All services, with the line on which the entry in force begins. */
export function services(text: Bytes): ReadonlyMap<string, Service & { readonly line: number }> {
  const found = new Map<string, Service & { line: number }>();
  for (const { text: joined, line } of logicalLines(text)) {
    const key = keyOf(joined);
    if (key !== undefined) found.set(key, { ...serviceOf(parseEntry(joined)), line });
  }
  return found;
}

/** All entries as they stand, those in error and those that a later one overrides included. */
export function entries(text: Bytes): readonly { readonly line: number; readonly entry: Entry }[] {
  const units = unitsOf(text);
  return units.flatMap(({ role, line }, at) => {
    if (role !== "start") return [];
    const { from, to } = extentOf(units, at);
    return [{ line, entry: parseEntry(joinUnits(units.slice(from, to))) }];
  });
}

/** A service, a field of one or one of its overrides; undefined when it is not there. */
export function get(text: Bytes, name: string): Service | Bytes | readonly Bytes[] | undefined {
  const key = parseKey(name);
  const found = find(text, key.service);
  if (found === undefined) return undefined;
  const service = serviceOf(found.entry);
  if (key.is === "service") return service;
  return key.is === "field" ? service[key.field] : service.overrides[key.parameter];
}

/** Refuses a service that could not be read back. */
function checkValue(name: string, service: Service): void {
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

/** The line of a new service, in the columns of the file that comes with Postfix. */
function written(name: string, service: Service): Bytes {
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

/** Behind the sample of the service that stands commented out, if there is one. */
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
 * Sets a service as a whole. One that is there keeps its line and every word that says the same; a new one goes to its
 * former place when `was` tells it, behind its sample, or to the end.
 *
 * @throws FormatError for what master.cf cannot carry.
 */
export function set(text: Bytes, name: string, service: Service, was?: Saved): Bytes {
  checkValue(name, service);
  const units = unitsOf(text);
  if (startsOf(units, name).length === 0) {
    const place = (was && formerPlace(units, was, "last")) ?? sampleEnd(units, name);
    const line = written(name, service);
    return place === undefined
      ? withNewline(text) + line
      : insertLines(units, [{ at: place, raw: line }]);
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

/** The entry to edit. One whose options cannot be told apart for certain is not touched. */
function needed(text: Bytes, service: string): Found {
  const found = find(text, service);
  if (found === undefined) throw new FormatError(`master.cf has no service ${service}`);
  const options = found.entry.words.slice(FIELDS).map((one) => one.text);
  const fault = optionFault(options) ?? openBrace(options);
  if (fault !== undefined)
    throw new FormatError(
      `master.cf, line ${found.units[found.from]?.line}: ${service} ${fault}; mend it by hand first`,
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
 * Sets a column or the program of a service that is there.
 *
 * @throws FormatError when there is no such service, and for a value that the column does not take.
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

/** Sets the arguments of a service that is there, behind its overrides. @throws FormatError like {@link setField}. */
export function setArgs(text: Bytes, service: string, args: readonly Bytes[]): Bytes {
  checkArgs(args);
  const found = needed(text, service);
  return withEntry(found, withArgs(found.entry, args));
}

/** @throws FormatError for a service that is not there, or whose options are in error, so that it cannot be edited. */
export function checkEditable(text: Bytes, service: string): void {
  needed(text, service);
}

/**
 * Sets an `-o` override of a service that is there: the one in force is changed in its place, a new one gets a line
 * behind the last option.
 *
 * @throws FormatError when there is no such service, and for a name or value that master.cf cannot carry.
 */
export function setOverride(text: Bytes, service: string, parameter: string, value: Bytes): Bytes {
  checkOverride(parameter, value);
  const found = needed(text, service);
  return withEntry(found, withOverride(found.entry, parameter, value));
}

/** Takes all overrides of a parameter away. */
function removeOverride(text: Bytes, service: string, parameter: string): Bytes {
  if (get(text, overrideKey(service, parameter)) === undefined) return text;
  const found = needed(text, service);
  return withEntry(found, withoutOverrides(found.entry, new Set([parameter])));
}

/** Takes all entries of a service away, or one override; a field cannot be taken away. */
export function remove(text: Bytes, name: string): Bytes {
  const key = parseKey(name);
  if (key.is === "override") return removeOverride(text, key.service, key.parameter);
  return key.is === "field" ? text : joinUnits(withoutKeys(unitsOf(text), new Set([name])));
}

/** What `undo` needs to bring a service's entries back. */
export function save(text: Bytes, name: string): Saved {
  return saveKey(text, unitsOf(text), name);
}

/** Brings a service's entries back to what they were at `save`, and leaves all else as it is now. */
export function undo(text: Bytes, name: string, saved: Saved): Bytes {
  return undoKey(text, unitsOf, name, saved);
}

/** What `undoPart` needs to bring a field or an override back. */
export function savePart(text: Bytes, name: string): SavedPart {
  return { entry: find(text, parseKey(name).service)?.entry.raw ?? null };
}

/**
 * Brings one field or override of a service back to what it was at `savePart`: to the byte where nothing else of the
 * service was changed since. A service that is gone stays so, and a field of one that was not there stays as it is.
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

/** With the comments behind it that stood inside it while it was longer. */
function withFormerGaps(found: Found, count: number): Found {
  let { to } = found;
  for (let missing = count - found.entry.gaps.length; missing > 0; missing -= 1)
    if (found.units[to]?.role === "gap") to += 1;
  return { ...found, to };
}

/** The text with one part of a service made the same whatever it was; as it is where there is no such service. */
export function blanked(entry: Bytes, name: string): Bytes {
  const key = parseKey(name);
  if (key.is !== "field" || find(entry, key.service) === undefined) return remove(entry, name);
  if (key.field === "args") return setArgs(entry, key.service, []);
  return setField(entry, key.service, key.field, key.field === "command" ? "x" : "-");
}

/** Services with several entries. master(8) warns of them and takes the last. */
export function duplicates(text: Bytes): readonly Duplicate[] {
  return duplicatesIn(unitsOf(text));
}

function faultOf(line: Bytes): string | undefined {
  const { words: found } = parseEntry(line);
  const [name, type] = found;
  if (found.length < FIELDS)
    return "has fewer than 8 fields (name type private unprivileged chroot wakeup maxproc command)";
  if (type === undefined || name === undefined || !types.test(type.text))
    return `has the type ${JSON.stringify(type?.text)}: it is inet, unix, fifo, pass or unix-dgram`;
  for (const [nth, field] of columns.entries()) {
    const fault = fieldFault(field, found[nth + 2]?.text ?? "");
    if (fault !== undefined) return `${field} ${fault}`;
  }
  return optionFault(found.slice(FIELDS).map((one) => one.text));
}

/** The options as daemons read them: `-o` wants `name=value`. */
function optionFault(args: readonly Bytes[]): string | undefined {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (!arg.startsWith("-") || arg === "-" || arg === "--") return undefined;
    const o = arg.indexOf("o", 1);
    if (o < 0) continue;
    const value = o + 1 < arg.length ? arg.slice(o + 1) : args[(at += 1)];
    if (value === undefined || nameAndValue(value) === undefined)
      return `has an -o that is not "-o name=value"${value === undefined ? "" : `: ${JSON.stringify(value)}`}`;
  }
  return undefined;
}

/** Lines that make Postfix stop, and continuations of nothing. */
export function faults(text: Bytes): readonly Fault[] {
  const lines = logicalLines(text).flatMap(({ text: joined, line }) => {
    const reason = faultOf(joined);
    return reason === undefined ? [] : [{ line, reason }];
  });
  const first = unitsOf(text).find((unit) => unit.role !== "gap");
  return first?.role === "more"
    ? [{ line: first.line, reason: "starts with white space, but continues no service" }, ...lines]
    : lines;
}

/** Daemons that the port never chroots (openbsd.md 2.3): they need files, programs or mailboxes outside. */
const notChrooted = new Set([
  "proxymap",
  "proxywrite",
  "local",
  "virtual",
  "pipe",
  "spawn",
  "postlogd",
]);

/** Daemons that start programs or write mailboxes as other users, for which they must begin as root. */
const privileged = new Set(["local", "virtual", "pipe", "spawn"]);

/**
 * The column that the file gives to services like this one: what `-` means for chroot changed with Postfix 3.0, and the
 * port writes its own. That of the same program, else for chroot the one that most services have that may be chrooted
 * as well.
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
