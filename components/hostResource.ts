/**
 * The only file that uses pulumi.dynamic. Pulumi writes the code of a provider object into the state. So the object here
 * is a few lines, which load the real code by name in the provider process. Their text must never change, because old
 * states call new code through it.
 */
import * as pulumi from "@pulumi/pulumi";

/** The methods that the engine calls; the provider module has a function of each name. */
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

/** The provider object of a kind. There is one for each kind, because the SDK serialises each object once. */
function providerFor(kind: string): pulumi.dynamic.ResourceProvider {
  let provider = providers.get(kind);
  if (!provider) providers.set(kind, (provider = hostProvider(kind)));
  return provider;
}

/** The custom resource inside a component, with its inputs, and with the outputs that the provider adds. */
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
      // Both outputs hold copies of inputs, in which the engine does not recognise secrets.
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
