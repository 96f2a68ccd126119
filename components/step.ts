/** What all steps share: the connection, and the component around the one resource that lives on the host. */
import * as pulumi from "@pulumi/pulumi";
import { type AnyArguments, argumentNames } from "../provider/arguments/schema";
import { HostResource } from "./hostResource";

/**
 * How a host is reached. The names are those of `remote.ConnectionArgs` in `@pulumi/command`, so that one object
 * serves both packages.
 *
 * Host keys are always verified: against {@link hostKey}, or the user's known_hosts. Credentials are looked for in
 * this order: `privateKey` or `privateKeyConfig`, `privateKeyPath`, the ssh-agent, `~/.ssh/id_ed25519` and
 * `~/.ssh/id_rsa`, `password` or `passwordConfig`. A secret that is given here is kept encrypted in the state; the
 * others are resolved at run time and not kept.
 */
export interface ConnectionArgs {
  /** Host name or IP address. */
  readonly host: pulumi.Input<string>;
  /** TCP port of sshd(8). @defaultValue 22 */
  readonly port?: pulumi.Input<number>;
  /** Whom to log in as: root, or a user whom doas.conf(5) lets run commands as root without a password. @defaultValue "root" */
  readonly user?: pulumi.Input<string>;
  /** A private key as text, in OpenSSH or PEM format. */
  readonly privateKey?: pulumi.Input<string>;
  /** The passphrase of the private key. */
  readonly privateKeyPassword?: pulumi.Input<string>;
  /** A file with a private key, read at run time where Pulumi runs. */
  readonly privateKeyPath?: pulumi.Input<string>;
  /** A password to log in with. */
  readonly password?: pulumi.Input<string>;
  /**
   * The name of a value of the stack's configuration that holds the private key: `mailKey` of the project, or
   * `namespace:mailKey` (`pulumi config set --secret`). The state of the resources holds the name only, and a new key is
   * no change of them. A refresh and a destroy get the values of the last `up`, because Pulumi keeps a stack's
   * configuration with its own provider resource, encrypted where it is secret.
   */
  readonly privateKeyConfig?: pulumi.Input<string>;
  /** The name of a value of the stack's configuration that holds the passphrase of the private key. */
  readonly privateKeyPasswordConfig?: pulumi.Input<string>;
  /** The name of a value of the stack's configuration that holds the password to log in with. */
  readonly passwordConfig?: pulumi.Input<string>;
  /** The socket of an ssh-agent. @defaultValue what SSH_AUTH_SOCK says */
  readonly agentSocketPath?: pulumi.Input<string>;
  /** The host's public key, as in `ssh-ed25519 AAAA…`, or its fingerprint, as in `SHA256:…`. */
  readonly hostKey?: pulumi.Input<string>;
  /** A known_hosts file. @defaultValue `~/.ssh/known_hosts`, then `/etc/ssh/ssh_known_hosts` */
  readonly knownHostsPath?: pulumi.Input<string>;
  /** How often to try to reach the host. @defaultValue 10 */
  readonly dialErrorLimit?: pulumi.Input<number>;
  /** Seconds until one try is given up. @defaultValue 15 */
  readonly perDialTimeout?: pulumi.Input<number>;
  /** A host to go through. */
  readonly proxy?: pulumi.Input<Omit<ConnectionArgs, "proxy">>;
}

/** What every step takes besides its own arguments. */
export interface OnHost {
  /** The host to work on. */
  readonly connection: pulumi.Input<ConnectionArgs>;
}

const SECRET_FIELDS = ["privateKey", "privateKeyPassword", "password"] as const;

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
        if ((SECRET_FIELDS as readonly string[]).includes(field))
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

  protected constructor(
    { kind, schema, outputs }: StepKind,
    name: string,
    args: OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
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
