/**
 * The only file that knows pulumi.dynamic. Pulumi writes a provider's code into the state, so the object here is a few
 * lines that load the real code by name, in the provider process; its text must stay as it is for ever, because old
 * states call new code through it.
 */
import * as pulumi from "@pulumi/pulumi";

type Handlers = typeof import("./index");
type Values = Record<string, unknown>;

/**
 * A provider for a kind. Nothing but the kind's name is captured.
 *
 * @internal
 */
export function hostProvider(kind: string): pulumi.dynamic.ResourceProvider {
  // Resolved from the program's folder: that of the package in its node_modules, or of this package itself.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const handlers = (): Handlers => require("module").createRequire(process.cwd() + "/package.json")("pulumi-openbsd-postfix/provider");
  return {
    check: (olds: Values, news: Values) => handlers().check(kind, olds, news) as Promise<pulumi.dynamic.CheckResult>,
    diff: (id: string, olds: Values, news: Values) => Promise.resolve(handlers().diff(kind, id, olds, news) as pulumi.dynamic.DiffResult),
    create: (inputs: Values) => handlers().create(kind, inputs),
    read: (id: string, props?: Values) => handlers().read(kind, id, props ?? {}),
    update: (id: string, olds: Values, news: Values) => handlers().update(kind, id, olds, news),
    delete: (id: string, props: Values) => handlers().delete(kind, id, props),
  };
}

const providers = new Map<string, pulumi.dynamic.ResourceProvider>();

/** The SDK serialises each provider object once: one object for each kind. */
function providerFor(kind: string): pulumi.dynamic.ResourceProvider {
  let provider = providers.get(kind);
  if (!provider) providers.set(kind, (provider = hostProvider(kind)));
  return provider;
}

/** The custom resource inside a component: its inputs, and the outputs that the provider adds. */
export class HostResource extends pulumi.dynamic.Resource {
  constructor(
    kind: string,
    name: string,
    inputs: pulumi.Inputs,
    outputs: readonly string[],
    opts: pulumi.CustomResourceOptions,
  ) {
    const computed = Object.fromEntries(
      [...outputs, "revision", "release", "machine", "instance", "schema", "applied", "previous"].map(
        (output) => [output, undefined],
      ),
    );
    super(
      providerFor(kind),
      name,
      { ...computed, ...inputs },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["previous"] }),
      "openbsd",
      kind,
    );
  }

  /** An output by its name. */
  output<T>(name: string): pulumi.Output<T> {
    return (this as unknown as Record<string, pulumi.Output<T>>)[name] as pulumi.Output<T>;
  }
}
