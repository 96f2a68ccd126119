/** Secret values never show: not in a diff, not in a message. */
import { valueAt } from "../json";
import { type Values } from "./state";

/** Hides the values of the secret inputs wherever they stand in a text. */
export function masker(inputs: Values): (text: string) => string {
  const paths = (inputs["secretPaths"] as readonly string[] | undefined) ?? [];
  const secrets = paths
    .flatMap((path) => leaves(valueAt(inputs, path)))
    .filter((secret) => secret !== "")
    .sort((left, right) => right.length - left.length);
  return (text) => secrets.reduce((masked, secret) => masked.replaceAll(secret, "[secret]"), text);
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}
