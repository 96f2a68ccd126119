/** The base of all steps: a component around one resource on the host, reached by a connection. */
import * as pulumi from "@pulumi/pulumi";
import { type AnyArguments, argumentNames } from "../provider/arguments/schema";
import * as plain from "../provider/arguments/connection";
import { HostResource } from "./hostResource";
import type { Inputs } from "./inputs";

/** How to reach a host. Every field may be an output. */
export interface ConnectionArgs extends Inputs<plain.ConnectionArgs> {}

/** The arguments that every step takes besides its own. */
export interface OnHost {
  /** The host to work on. */
  readonly connection: pulumi.Input<ConnectionArgs>;
}

/**
 * The connection with its inline credentials as secrets, whether or not the program marked them. Each field is marked by
 * itself where the program gives fields: a secret inside an output makes the whole output secret, so that a diff of the
 * address would show nothing.
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

/** Property paths of the secrets in a step's arguments, which the provider's diffs and messages must hide. */
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
 * The paths in a child's arguments that a path in its parent's arguments stands for, where the child's arguments are at
 * `field` of the parent's. A path that goes on below the field stands for its rest; a path that ends at the field or above
 * stands for all arguments of the child; a path into the connection stands for itself in every child.
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

/** The place of a child's arguments in those of its parent. */
export interface Place {
  /** The path of the child's arguments in its parent's. */
  readonly field: readonly string[];
  /** The names of the child's arguments. */
  readonly own: readonly string[];
}

/**
 * The options of a component that a child of it gets as well. Property paths are changed to those in the child's
 * arguments: `mainCf.parameters.relayhost` of a server is `parameters.relayhost` of its MainCf, and `mainCf` stands for
 * all arguments of the MainCf. Without a `place`, they are paths in the child's arguments already.
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
 * The paths of `ignoreChanges` that lead to arguments of the step. The others must go: they lead to inputs that the
 * provider fills in, whose former values the engine would pass on as if they were arguments of the program.
 */
function ignorable(paths: readonly string[], own: readonly string[]): string[] {
  return paths
    .flatMap((path) => pathsFor(path, [], own))
    .filter((path) => ["connection", ...own].includes(path.split(/[.[]/, 1)[0] ?? ""));
}

/** The properties of a kind of step. */
export interface StepKind {
  /** The kind's name, in resource types and in the provider. */
  readonly kind: string;
  readonly schema: AnyArguments;
  /** The outputs of the resource, besides those that every step has. */
  readonly outputs: readonly string[];
}

/** What a program gives to make a step: its name, its arguments and the host, and Pulumi's options. */
export type Given<Args> = [
  name: string,
  args: Args & OnHost,
  opts?: pulumi.ComponentResourceOptions,
];

/**
 * A setup step: a component around one resource on the host. In the preview, the changes of the host are shown under the
 * component.
 */
export abstract class Step extends pulumi.ComponentResource {
  /** A number that rises with every apply that changes the host. Other steps take it as a trigger. */
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

  /** Outputs of the resource, by their names. */
  protected outputsNamed<Name extends string>(
    names: readonly Name[],
  ): Record<Name, pulumi.Output<unknown>> {
    const outputs = names.map((name) => [name, this.resource.output(name)]);
    return Object.fromEntries(outputs) as Record<Name, pulumi.Output<unknown>>;
  }
}
