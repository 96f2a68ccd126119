/**
 * The stack's configuration, as the engine gives it to the provider process: by it a credential is found at run time
 * and stands in no state. A process works for one stack only.
 */

/** What the SDK hands to `configure`. */
export interface StackConfig {
  get(key: string): string | undefined;
}

let known: StackConfig | undefined;

export function setStackConfig(config: StackConfig | undefined): void {
  known = config;
}

/** The value of `name`, or of `namespace:name`; else why there is none. */
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
