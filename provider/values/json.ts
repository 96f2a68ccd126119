/** Plain values as the engine passes them: equality, unknowns, and cleaning. Knows nothing of resources. */

/**
 * What the SDK puts in place of a value that is not known yet, in `check` and `diff` (`runtime.unknownValue`;
 * pulumi/pulumi#6310).
 */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isUnknown(value: unknown): boolean {
  return value === UNKNOWN;
}

type Dictionary = Readonly<Record<string, unknown>>;

/** An object that is no list. */
export function isDictionary(value: unknown): value is Dictionary {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Property paths of everything unknown in a value. */
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

/**
 * The value without what is unknown in it: an unknown property or item is left out, and so is a list of which nothing is
 * known. It is not an empty one.
 */
export function knownPart<T>(value: T): T {
  if (Array.isArray(value))
    return value.filter((item) => !isAllUnknown(item)).map((item) => knownPart<unknown>(item)) as T;
  if (isDictionary(value))
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => !isAllUnknown(item))
        .map(([key, item]) => [key, knownPart(item)]),
    ) as T;
  return value;
}

function isAllUnknown(value: unknown): boolean {
  return (
    isUnknown(value) || (Array.isArray(value) && value.length > 0 && value.every(isAllUnknown))
  );
}

/** Equal as JSON is: the order of keys does not matter, and a key that is undefined is not there. */
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

/** Without `undefined` anywhere: one of them in what a method returns crashes its reply. */
export function clean<T>(value: T): T {
  if (Array.isArray(value))
    return value.filter((item) => item !== undefined).map((item) => clean<unknown>(item)) as T;
  if (isDictionary(value))
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, clean(item)]),
    ) as T;
  return value;
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

/** Do two values differ at a property path, or, where it has a `*`, at one of those that it stands for? */
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
