/**
 * The only file that uses pulumi.dynamic. Pulumi writes the code of a provider object into the state. So the object here
 * is a few lines, which load the real code by name in the provider process. Their text must never change, because old
 * states call new code through it.
 */
import { createRequire } from "node:module";
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
  return methodsBy(call);
}

/**
 * The same for a program that has this package only through another one, where node_modules is strict or nested (pnpm,
 * some installations by npm): looks through the dependencies of the program, and theirs, the nearest first. A destroy
 * runs no program, so the text has to do that by itself.
 *
 * @internal
 */
export function nestedHostProvider(kind: string): pulumi.dynamic.ResourceProvider {
  const call = (method: Method, ...args: unknown[]): Promise<never> => {
    /* eslint-disable @typescript-eslint/no-require-imports */
    const { createRequire } = require("module") as typeof import("module");
    const { existsSync, realpathSync } = require("fs") as typeof import("fs");
    /* eslint-enable */
    const attempt = <T>(answer: () => T): T | undefined => {
      try {
        return answer();
      } catch {
        return undefined;
      }
    };
    // What is added on the way is visited as well.
    const folders = new Set([process.cwd()]);
    for (const folder of folders) {
      const load = createRequire(folder + "/package.json");
      const found = attempt(() => load.resolve("pulumi-openbsd-postfix/provider"));
      if (found !== undefined)
        return (load(found) as Record<Method, (...args: unknown[]) => Promise<never>>)[method](
          kind,
          ...args,
        );
      const manifest = attempt(() => load("./package.json") as Manifest);
      const names = { ...manifest?.dependencies, ...manifest?.devDependencies };
      for (const name of Object.keys(names)) {
        const places = load.resolve.paths(name)?.map((modules) => modules + "/" + name);
        const place = places?.find((one) => existsSync(one));
        if (place !== undefined) folders.add(realpathSync(place));
      }
    }
    throw new Error(
      "pulumi-openbsd-postfix is neither in the node_modules of " +
        process.cwd() +
        " nor in those of the packages that its package.json names: install it there",
    );
  };
  return methodsBy(call);
}

/** What package.json says of what a package needs. */
interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The methods of a provider, each of which hands its arguments on. */
function methodsBy(
  call: (method: Method, ...args: unknown[]) => Promise<never>,
): pulumi.dynamic.ResourceProvider {
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

/** Is this package found from the program's folder? */
function isFoundFromProgram(): boolean {
  try {
    createRequire(`${process.cwd()}/package.json`).resolve("pulumi-openbsd-postfix/provider");
    return true;
  } catch {
    return false;
  }
}

const providers = new Map<string, pulumi.dynamic.ResourceProvider>();

/** The provider object of a kind. There is one for each kind, because the SDK serialises each object once. */
function providerFor(kind: string): pulumi.dynamic.ResourceProvider {
  let provider = providers.get(kind);
  if (!provider) {
    provider = isFoundFromProgram() ? hostProvider(kind) : nestedHostProvider(kind);
    providers.set(kind, provider);
  }
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
