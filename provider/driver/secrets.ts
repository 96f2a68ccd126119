/** Secret values never show: not in a diff, not in a message. */
import { type Values } from "./state";

/** Hides the values of the secret inputs wherever they stand in a text. */
export function masker(inputs: Values): (text: string) => string {
  const paths = (inputs["secretPaths"] as readonly string[] | undefined) ?? [];
  const secrets = paths
    .flatMap((path) => leaves(at(inputs, path)))
    .filter((secret) => secret !== "")
    .sort((left, right) => right.length - left.length);
  return (text) => secrets.reduce((masked, secret) => masked.replaceAll(secret, "[secret]"), text);
}

/** The value at a property path such as `parameters.relayhost` or `entries.root[0]`. */
function at(value: unknown, path: string): unknown {
  return path
    .split(/\.|\[|\]/)
    .filter((part) => part !== "")
    .reduce<unknown>((inner, part) => (inner as Values | undefined)?.[part], value);
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}
