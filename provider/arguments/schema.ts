/**
 * Schemas of arguments: each finds everything that is wrong with a value. A value that is not known yet passes, at any
 * depth, until it is known; schemas alone take care of that.
 */
import { FormatError } from "../formats/bytes";
import { isDictionary, isUnknown } from "../values/json";
import { suggestion } from "../values/nearestName";

/** What stands for a value that is not known yet, which every schema lets pass. */
export { UNKNOWN } from "../values/json";

/** A fault of an argument, found by a schema or on the host. */
export interface Failure {
  /** Property path as the user wrote it: `parameters.myhostname`, `flavors[0]`. */
  readonly path: string;
  /** Never quotes the value, which may be a secret that the provider does not know of yet. */
  readonly reason: string;
}

/** The schema of a value of the type `T`. */
export interface Schema<T> {
  /** Everything that is wrong with a value; the paths begin at the value, as in `.mode` and `[0]`. */
  readonly failures: (value: unknown) => readonly Failure[];
  /** Never set: it makes the compiler compare the types of schemas both ways. */
  readonly holds?: (value: T) => T;
}

/** The schema of an argument that need not be given. */
export interface Optional<T> extends Schema<T> {
  readonly optional: true;
}

/** A schema for each property of `T`, and for no other; optional where, and only where, the property is. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K>
    ? Optional<Exclude<T[K], undefined>>
    : Schema<T[K]> & { readonly optional?: never };
};

type Field = Pick<Schema<unknown>, "failures"> & { readonly optional?: true };

/** The schema of an object with known properties. */
export interface ObjectSchema<T> extends Schema<T> {
  readonly names: readonly string[];
}

/** A schema of arguments whose type does not matter to the caller. */
export type AnyArguments = Pick<ObjectSchema<unknown>, "failures" | "names">;

/** A rule about several properties of an object. It is checked only where each of them is known and has no fault itself. */
export interface Rule<T> {
  readonly of: readonly (keyof T & string)[];
  readonly failures: (object: Partial<T>) => readonly Failure[];
}

/** Everything that is wrong with the arguments of a step, before a host is looked at. */
export function violations(schema: AnyArguments, values: unknown): readonly Failure[] {
  return schema
    .failures(values)
    .map(({ path, reason }) => ({ path: path.replace(/^\./, ""), reason }));
}

/** The names of the arguments, in the order of the schema. */
export function argumentNames(schema: AnyArguments): readonly string[] {
  return schema.names;
}

function schema<T>(failures: (value: unknown) => readonly Failure[]): Schema<T> {
  return { failures: (value) => (isUnknown(value) ? [] : failures(value)) };
}

/** The path of a property, as Pulumi writes it. */
export function at(name: string): string {
  return /^[\w-]+$/.test(name) ? `.${name}` : quoted(name);
}

function quoted(name: string): string {
  return `[${JSON.stringify(name)}]`;
}

function under(path: string, failures: readonly Failure[]): Failure[] {
  return failures.map((failure) => ({ ...failure, path: `${path}${failure.path}` }));
}

/** A value that is checked as one piece: `fault` returns what is wrong with it. */
export function single<T>(fault: (value: unknown) => string | undefined): Schema<T> {
  return schema((value) => {
    const reason = fault(value);
    return reason === undefined ? [] : [{ path: "", reason }];
  });
}

/** A string of a certain shape. */
export function text<T extends string = string>(shape: RegExp, reason: string): Schema<T> {
  return single((value) => (typeof value === "string" && shape.test(value) ? undefined : reason));
}

/** A number for which `holds` is true. */
export function number(holds: (value: number) => boolean, reason: string): Schema<number> {
  return single((value) => (typeof value === "number" && holds(value) ? undefined : reason));
}

/** One of these values, or, with another schema, a value of that schema. */
export function oneOf<const V, T = never>(
  values: readonly V[],
  otherwise: string | Schema<T>,
): Schema<V | T> {
  return schema((value) => {
    if ((values as readonly unknown[]).includes(value)) return [];
    if (typeof otherwise !== "string") return otherwise.failures(value);
    return [{ path: "", reason: otherwise }];
  });
}

/** `true` or `false`. */
export const flag: Schema<boolean> = oneOf([true, false], "must be true or false.");

/** What becomes of the entries of a file that the program does not name. */
export const mergeOrExact = oneOf(
  ["merge", "exact"],
  'must be "merge" (other entries stay) or "exact" (they are removed).',
);

/** A list. `whole` returns what is wrong with the list besides its items; it is called only where all of them are known. */
export function list<T>(
  item: Schema<T>,
  reason: string,
  whole: (items: readonly T[]) => string | undefined = () => undefined,
): Schema<readonly T[]> {
  return schema((value) => {
    if (!Array.isArray(value)) return [{ path: "", reason }];
    const items = value as readonly T[];
    const failures = items.flatMap((value, index) => under(`[${index}]`, item.failures(value)));
    if (failures.length > 0 || items.some(isUnknown)) return failures;
    const fault = whole(items);
    return fault === undefined ? [] : [{ path: "", reason: fault }];
  });
}

/** The argument `triggers`: a list of any values, whose changes count. */
export const triggers: Schema<readonly unknown[]> = list(
  single(() => undefined),
  "must be a list.",
);

/**
 * Values by names that the user chooses. `name` returns what is wrong with a name, `item` the schema of its value, and
 * `folded` what the file makes of a name: two names of which it makes one are refused.
 */
export function record<T>(
  reason: string,
  name: (name: string) => string | undefined,
  item: (name: string) => Schema<T>,
  folded?: { readonly of: (name: string) => string; readonly why: string },
): Schema<Readonly<Record<string, T>>> {
  return schema((value) => {
    if (!isDictionary(value)) return [{ path: "", reason }];
    const first = new Map<string, string>();
    return Object.entries(value).flatMap(([key, named]) => {
      const own = folded?.of(key) ?? key;
      const other = first.get(own);
      if (other !== undefined)
        return [
          {
            path: at(key),
            reason: `is the same key as ${JSON.stringify(other)}: ${folded?.why ?? ""}.`,
          },
        ];
      first.set(own, key);
      const fault = name(key);
      if (fault !== undefined) return [{ path: quoted(key), reason: fault }];
      return under(at(key), item(key).failures(named));
    });
  });
}

/** An argument that need not be given. */
export function optional<T>(of: Schema<T>): Optional<T> {
  return { ...of, optional: true };
}

/** An object with these properties and no others. `what` is their common name, as in "part of a service". */
export function object<T>(
  fields: Fields<T>,
  what: string,
  { reason, rules = [] }: { readonly reason?: string; readonly rules?: readonly Rule<T>[] } = {},
): ObjectSchema<T> {
  const known = Object.entries<Field>(fields);
  const names = known.map(([name]) => name);
  const judge = (value: unknown): readonly Failure[] => {
    if (!isDictionary(value))
      return [{ path: "", reason: reason ?? `must be an object of ${names.join(", ")}.` }];
    const strange = Object.keys(value)
      .filter((name) => value[name] !== undefined && !names.includes(name))
      .map((name) => ({ path: at(name), reason: noSuch(name, what, names) }));
    const failures = Object.fromEntries(
      known.map(([name, field]) => [name, under(at(name), propertyFailures(value[name], field))]),
    );
    const isSound = (name: string): boolean =>
      !isUnknown(value[name]) && failures[name]?.length === 0;
    return [
      ...strange,
      ...Object.values(failures).flat(),
      ...rules
        .filter(({ of }) => of.every(isSound))
        .flatMap((rule) => rule.failures(value as Partial<T>)),
    ];
  };
  return { ...schema<T>(judge), names };
}

function propertyFailures(value: unknown, { failures, optional: mayBeLeftOut }: Field) {
  if (value !== undefined) return failures(value);
  return mayBeLeftOut ? [] : [{ path: "", reason: "must be given." }];
}

/** The schema of a step's arguments. */
export function step<T>(fields: Fields<T>, ...rules: Rule<T>[]): ObjectSchema<T> {
  return object(fields, "argument of this step", { rules });
}

/** Says that a name is not known, and which known name may be meant. */
function noSuch(name: string, what: string, names: readonly string[]): string {
  if (names.length === 0) return `is no ${what}: there are none.`;
  const meant = suggestion(name, names);
  return `is no ${what}${meant === "" ? `: ${names.join(", ")}.` : meant}`;
}

/** Why a file's format refuses something, in the format's own words; `undefined` where it does not. */
export function refusal(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!FormatError.isInstance(error)) throw error;
    return `${error.message}.`;
  }
}
