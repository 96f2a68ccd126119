/**
 * The only file that knows pulumi.dynamic. Pulumi writes a provider's code into the state, so the object here is a few
 * lines that load the real code by name, in the provider process; its text must stay as it is for ever, because old
 * states call new code through it.
 */
import * as pulumi from "@pulumi/pulumi";

/** What the engine calls; the provider module has a function of each name. */
type Method = keyof typeof import("../provider/index");

/**
 * A provider for a kind. Nothing but the kind's name is captured.
 *
 * @internal
 */
export function hostProvider(kind: string): pulumi.dynamic.ResourceProvider {
  // Resolved from the program's folder: that of the package in its node_modules, or of this package itself.
  /* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return */
  const call = (method: Method, ...args: unknown[]): Promise<never> =>
    require("module")
      .createRequire(process.cwd() + "/package.json")("pulumi-openbsd-postfix/provider")
      [method](kind, ...args);
  /* eslint-enable */
  return {
    configure: (...args) => call("configure", ...args),
    check: (...args) => call("check", ...args),
    diff: (...args) => call("diff", ...args),
    create: (...args) => call("create", ...args),
    read: (...args) => call("read", ...args),
    update: (...args) => call("update", ...args),
    delete: (...args) => call("delete", ...args),
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
      [
        ...outputs,
        "revision",
        "release",
        "machine",
        "instance",
        "schema",
        "applied",
        "previous",
      ].map((output) => [output, undefined]),
    );
    super(
      providerFor(kind),
      name,
      { ...computed, ...inputs },
      // Both hold inputs under other names than their own, by which the engine does not know their secrets.
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["applied", "previous"] }),
      "openbsd",
      kind,
    );
  }

  /** An output by its name. */
  output<T>(name: string): pulumi.Output<T> {
    return (this as unknown as Record<string, pulumi.Output<T>>)[name] as pulumi.Output<T>;
  }
}
