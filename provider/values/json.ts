/** Values as the engine passes them: JSON, with a placeholder for what is not known before an update. */

/** The placeholder of the SDK for a value that is not known yet (`runtime.unknownValue`; pulumi/pulumi#6310). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isUnknown(value: unknown): boolean {
  return value === UNKNOWN;
}

type Dictionary = Readonly<Record<string, unknown>>;

/** An object that is no list. */
export function isDictionary(value: unknown): value is Dictionary {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The property paths at which a value is unknown. */
export function unknownPaths(value: unknown, path = ""): string[] {
  if (isUnknown(value)) return [path];
  if (Array.isArray(value))
    return value.flatMap((item, index) => unknownPaths(item, `${path}[${index}]`));
  if (isDictionary(value))
    return Object.entries(value).flatMap(([key, item]) =>
      unknownPaths(item, path === "" ? key : `${path}.${key}`),
    );
  return [];
}

/** Are all properties and items of a value to be kept, at any depth? */
function isWhole(value: unknown, isKept: (item: unknown) => boolean): boolean {
  const isSound = (item: unknown): boolean => isKept(item) && isWhole(item, isKept);
  if (Array.isArray(value)) return value.every(isSound);
  return !isDictionary(value) || Object.values(value).every(isSound);
}

/**
 * The value with only those properties and items, at any depth, that are to be kept. A part that is kept as it is, is no
 * copy, because it may be very large.
 */
function pruned<T>(value: T, isKept: (item: unknown) => boolean): T {
  if (isWhole(value, isKept)) return value;
  if (Array.isArray(value))
    return value.filter(isKept).map((item: unknown) => pruned(item, isKept)) as T;
  if (!isDictionary(value)) return value;
  const kept = Object.entries(value).filter(([, item]) => isKept(item));
  return Object.fromEntries(kept.map(([key, item]) => [key, pruned(item, isKept)])) as T;
}

/**
 * The value without its unknown properties and items. A list of which no item is known is left out as well: as an empty
 * list it would say that there are none.
 */
export function knownPart<T>(value: T): T {
  return pruned(value, (item) => !isAllUnknown(item));
}

function isAllUnknown(value: unknown): boolean {
  return (
    isUnknown(value) || (Array.isArray(value) && value.length > 0 && value.every(isAllUnknown))
  );
}

/** Whether two values are equal as JSON: the order of keys does not matter, nor do keys with the value undefined. */
export function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, index) => equal(item, right[index]));
  if (isDictionary(left) && isDictionary(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...keys].every((key) => equal(left[key], right[key]));
  }
  return false;
}

/** The value without `undefined` anywhere, which in the result of a provider method breaks its reply. */
export function clean<T>(value: T): T {
  return pruned(value, (item) => item !== undefined);
}

/** A function of an object that remembers its answer as long as the object is there: for work on very many values. */
export function rememberedFor<K extends object, T>(make: (of: K) => T): (of: K) => T {
  const known = new WeakMap<K, { readonly made: T }>();
  return (of) => {
    const before = known.get(of);
    if (before !== undefined) return before.made;
    const made = make(of);
    known.set(of, { made });
    return made;
  };
}

/** How many texts are remembered, and how long each may be: no more memory is worth the time. */
const REMEMBERED = { texts: 8, length: 1024 * 1024 };

/** A function of a text that remembers its last answers, of texts that are not too long. */
export function rememberedTexts<T>(make: (of: string) => T): (of: string) => T {
  const known = new Map<string, T>();
  return (of) => {
    const before = known.get(of);
    if (before !== undefined) return before;
    const made = make(of);
    if (of.length > REMEMBERED.length) return made;
    const [oldest] = known.keys();
    if (known.size >= REMEMBERED.texts && oldest !== undefined) known.delete(oldest);
    known.set(of, made);
    return made;
  };
}

/** The dictionary with each of its values changed. */
export function mapValues<T, U>(
  values: Readonly<Record<string, T>>,
  change: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, change(value, key)]),
  );
}

/** The value with each of its leaves changed. A leaf is neither list nor dictionary, or what `isLeaf` says. */
export function mapLeaves(
  value: unknown,
  change: (leaf: unknown) => unknown,
  isLeaf: (value: unknown) => boolean = () => false,
): unknown {
  if (isLeaf(value)) return change(value);
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, change, isLeaf));
  if (!isDictionary(value)) return change(value);
  return mapValues(value, (item) => mapLeaves(item, change, isLeaf));
}

/** The strings in a value, at any depth. */
export function stringsIn(
  value: unknown,
  isLeaf: (value: unknown) => boolean = () => false,
): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || isLeaf(value)) return [];
  return Object.values(value).flatMap((item) => stringsIn(item, isLeaf));
}

/** The parts of a property path as Pulumi writes it: `variables.ntpd_flags`, `entries["a.b"][0]`, `files[*]`. */
export function pathParts(path: string): readonly string[] {
  const parts: string[] = [];
  for (const match of path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[([^\]"]*)\]|([^.[\]]+)/g))
    parts.push(match[1]?.replace(/\\(.)/g, "$1") ?? match[2] ?? match[3] ?? "");
  return parts;
}

/** The value of a key or at an index; `undefined` where there is none. */
export function valueIn(value: unknown, part: string): unknown {
  return Array.isArray(value) || isDictionary(value) ? (value as Dictionary)[part] : undefined;
}

/** The value at a property path without wildcards. */
export function valueAt(value: unknown, path: string): unknown {
  return pathParts(path).reduce(valueIn, value);
}

/** Whether two values differ at a property path, in which `*` stands for any key or index. */
export function differsAt(path: string, left: unknown, right: unknown): boolean {
  const differs = (one: unknown, other: unknown, parts: readonly string[]): boolean => {
    const [part, ...rest] = parts;
    if (part === undefined) return !equal(one, other);
    if (part !== "*") return differs(valueIn(one, part), valueIn(other, part), rest);
    const keys = new Set([one, other].flatMap((value) => Object.keys(value ?? {})));
    return [...keys].some((key) => differs(valueIn(one, key), valueIn(other, key), rest));
  };
  return differs(left, right, pathParts(path));
}
