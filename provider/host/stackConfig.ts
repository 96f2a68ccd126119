/**
 * The configuration of the stack, from which credentials are taken at run time, so that no state holds them. The engine
 * hands it to the provider process, which works for one stack only.
 */

/** The configuration as the SDK passes it to `configure`. */
export interface StackConfig {
  get(key: string): string | undefined;
}

let known: StackConfig | undefined;

export function setStackConfig(config: StackConfig | undefined): void {
  known = config;
}

/** The value of a name, which may have a namespace in front (`namespace:name`); `missing` says why there is none. */
export function configValue(
  name: string,
): { readonly value: string } | { readonly missing: string } {
  if (known === undefined)
    return {
      missing:
        "the state was written by a version that gives no configuration to its resources: run `pulumi up --refresh=false` once, or give the credential in another way",
    };
  const value = known.get(name);
  if (value === undefined || value === "")
    return {
      missing: `the stack's configuration has no value ${JSON.stringify(name)}: \`pulumi config set --secret ${name}\` sets it`,
    };
  return { value };
}
