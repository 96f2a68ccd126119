/** What all steps share: the connection, and the component around the one resource that lives on the host. */
import * as pulumi from "@pulumi/pulumi";
import { type AnyArguments, argumentNames } from "../provider/arguments/schema";
import * as plain from "../provider/arguments/connection";
import { HostResource } from "./hostResource";
import type { Inputs } from "./inputs";

/** How a host is reached: see the plain {@link plain.ConnectionArgs}. */
export interface ConnectionArgs extends Inputs<plain.ConnectionArgs> {}

/** What every step takes besides its own arguments. */
export interface OnHost {
  /** The host to work on. */
  readonly connection: pulumi.Input<ConnectionArgs>;
}

/**
 * Inline credentials are secrets, whether or not the program said so. Field by field where the program gives fields: a
 * secret inside an output makes all of it one, and a diff of the address would then show nothing.
 */
function withSecrets(connection: pulumi.Input<unknown>): pulumi.Input<unknown> {
  if (pulumi.Output.isInstance(connection) || connection instanceof Promise)
    return pulumi.output(connection).apply(withSecrets);
  if (typeof connection !== "object" || connection === null) return connection;
  return Object.fromEntries(
    Object.entries(connection)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]: [string, unknown]) => {
        if ((plain.CONFIGURED as readonly string[]).includes(field))
          return [field, pulumi.secret(value)];
        return [field, field === "proxy" ? withSecrets(value) : value];
      }),
  );
}

/** Property paths of the secret leaves in a step's arguments: what our own diffs and messages must mask. */
export function secretPaths(value: unknown, path = ""): Promise<string[]>[] {
  if (pulumi.Output.isInstance(value))
    return [pulumi.isSecret(value).then((secret) => (secret ? [path] : []))];
  if (Array.isArray(value))
    return value.flatMap((item, index) => secretPaths(item, `${path}[${index}]`));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, item]) => secretPaths(item, within(path, key)));
  return [];
}

/** The property path of a key, as Pulumi writes it. */
function within(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** Options that the SDK does not pass from a component to its children by itself. */
const PASSED_ON = [
  "customTimeouts",
  "deletedWith",
  "replaceWith",
  "replacementTrigger",
  "retainOnDelete",
] as const satisfies readonly (keyof pulumi.ComponentResourceOptions)[];

/** Options that are lists of property paths. */
const PATHS = [
  "hideDiffs",
  "ignoreChanges",
  "replaceOnChanges",
] as const satisfies readonly (keyof pulumi.ComponentResourceOptions)[];

/** A part of a property path as Pulumi writes it: `mainCf`, `.parameters`, `["a.b"]`, `[0]`, `[*]`. */
const PART = /\.?([^.[\]]+)|\["((?:[^"\\]|\\.)*)"\]|\[([^\]"]*)\]/g;

/**
 * What a path into the arguments of a component means for a child of it, whose arguments are at `field`: one that goes
 * on below the field is the child's own, one that ends at it or above means all of the child's, and the connection is
 * every child's.
 */
function pathsFor(path: string, field: readonly string[], own: readonly string[]): string[] {
  const parts = [...path.matchAll(PART)];
  const names = parts.map(([, plain, quoted, index]) => plain ?? quoted ?? index ?? "");
  if (names[0] === "connection") return [path];
  const shared = Math.min(names.length, field.length);
  if (!names.slice(0, shared).every((name, at) => name === "*" || name === field[at])) return [];
  const rest = parts
    .slice(field.length)
    .map(([part]) => part)
    .join("")
    .replace(/^\./, "");
  if (rest !== "" && rest !== "*" && rest !== "[*]") return [rest];
  return names[0] === "*" ? [...own, "connection"] : [...own];
}

/** Where a child's arguments are in those of its parent, and what it can be told there. */
export interface Place {
  readonly field: readonly string[];
  readonly own: readonly string[];
}

/**
 * What a component's options say for a child of it. Property paths are told as the child has them:
 * `mainCf.parameters.relayhost` of a server is `parameters.relayhost` of its MainCf, and `mainCf` all that it can be
 * told. Without a `place` they are the child's already.
 *
 * @internal
 */
export function passedOn(
  opts: pulumi.ComponentResourceOptions | undefined,
  place?: Place,
): pulumi.ComponentResourceOptions {
  const passed: Record<string, unknown> = {};
  for (const name of PASSED_ON) if (opts?.[name] !== undefined) passed[name] = opts[name];
  for (const name of PATHS) {
    const paths = opts?.[name] ?? [];
    const theirs = place ? paths.flatMap((path) => pathsFor(path, place.field, place.own)) : paths;
    if (theirs.length > 0) passed[name] = [...new Set(theirs)];
  }
  return passed;
}

/**
 * What can be ignored of a step. What the provider fills in is no argument: where an option named that, or everything,
 * the engine would bring it back as one.
 */
function ignorable(paths: readonly string[], own: readonly string[]): string[] {
  return paths
    .flatMap((path) => pathsFor(path, [], own))
    .filter((path) => ["connection", ...own].includes(path.split(/[.[]/, 1)[0] ?? ""));
}

/** What a step is made from, besides what the program says. */
export interface StepKind {
  /** Its name, in types of resources and in the provider. */
  readonly kind: string;
  readonly schema: AnyArguments;
  /** What the provider puts out, besides what every step has. */
  readonly outputs: readonly string[];
}

/** What a program gives to make a step: its name, its arguments and the host, and Pulumi's options. */
export type Given<Args> = [
  name: string,
  args: Args & OnHost,
  opts?: pulumi.ComponentResourceOptions,
];

/**
 * A setup step: a component with one resource on the host in it. The component is what the user sees: its name in
 * the preview is where the diff of the host is shown.
 */
export abstract class Step extends pulumi.ComponentResource {
  /** Raised by every apply that changed something on the host; what depends on the step takes it as a trigger. */
  readonly revision: pulumi.Output<number>;
  /** The host's OpenBSD release, as in "7.8". */
  readonly release: pulumi.Output<string>;
  /** The resource on the host. */
  protected readonly resource: HostResource;

  protected constructor({ kind, schema, outputs }: StepKind, ...[name, args, opts]: Given<object>) {
    super(`openbsd-postfix:index:${kind}`, name, {}, opts);
    const { connection, ...own } = args;
    const { replaceOnChanges, ignoreChanges, ...passed } = passedOn(opts);
    const secrets = Promise.all(secretPaths(own)).then((paths) => paths.flat().sort());
    this.resource = new HostResource(
      kind,
      name,
      {
        ...own,
        connection: withSecrets(connection),
        owner: { urn: this.urn, preview: pulumi.runtime.isDryRun() },
        secretPaths: pulumi
          .output(secrets)
          .apply((paths) => (paths.length > 0 ? paths : undefined)),
        ...(replaceOnChanges === undefined ? {} : { replaceOnChanges }),
      },
      outputs,
      {
        ...passed,
        ...(ignoreChanges && { ignoreChanges: ignorable(ignoreChanges, argumentNames(schema)) }),
        parent: this,
      },
    );
    this.revision = this.resource.output("revision");
    this.release = this.resource.output("release");
  }
}
