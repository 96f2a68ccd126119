/**
 * A dynamic resource, registered as `pulumi.dynamic.Resource` does it, but with a text of the provider's code that is at
 * hand ({@link providerText}): the SDK would make it of a provider object, in every run of the program.
 */
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { type Finding, providerText } from "./providerText";

/** How the provider finds this package: from the program's folder, if the program does. */
function finding(): Finding {
  try {
    createRequire(`${process.cwd()}/package.json`).resolve("pulumi-openbsd-postfix/provider");
    return "from the program";
  } catch {
    return "through packages";
  }
}

/** The custom resource inside a component, with its inputs, and with the outputs that the provider adds. */
export class HostResource extends pulumi.CustomResource {
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
      `pulumi-nodejs:dynamic/openbsd:${kind}`,
      name,
      { ...computed, ...inputs, __provider: providerText(kind, finding()) },
      // These outputs hold copies of inputs, in which the engine does not recognise secrets.
      pulumi.mergeOptions(opts, {
        additionalSecretOutputs: ["applied", "previous", "__applied"],
      }),
    );
  }

  /** An output by its name. */
  output<T>(name: string): pulumi.Output<T> {
    return (this as unknown as Record<string, pulumi.Output<T>>)[name] as pulumi.Output<T>;
  }
}
