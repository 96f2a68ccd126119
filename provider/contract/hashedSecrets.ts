/**
 * Secrets in the values of the record, which holds a hash in place of each. Whoever can read the record can also read the
 * file with the secret itself; but Pulumi's state keeps a copy of the record's entries.
 */
import type { Claim, Json } from "../host/record";
import { sha256 } from "../values/digest";
import { mapLeaves } from "../values/json";

/** Stands in the record for a secret. */
export interface Hash {
  readonly [key: string]: Json;
  readonly sha256: string;
}

export function hashOf(value: string): Hash {
  return { sha256: sha256(value) };
}

/** Does this stand for a secret? */
export function isHash(value: unknown): value is Hash {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).join() === "sha256" &&
    typeof (value as Hash).sha256 === "string"
  );
}

export function hasHash(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isHash(value) || Object.values<Json>(value).some(hasHash);
}

/** A value with each of its strings, at any depth, changed; hashes stay as they are. */
export function mapStrings(value: Json, change: (text: string) => Json): Json {
  const changed = mapLeaves(value, (one) => (typeof one === "string" ? change(one) : one), isHash);
  return changed as Json;
}

/** The fields of a claim for an applied value, with hashes for the strings that are secret. */
export function hideSecrets(
  text: { readonly kind: string; normal?(value: string): string },
  applied: Json,
  isSecret: (value: string) => boolean,
): Pick<Claim, "applied" | "secret"> {
  const hidden = mapStrings(applied, (value) =>
    isSecret(value) ? hashOf(text.normal?.(value) ?? value) : value,
  );
  return { applied: hidden, ...(hasHash(hidden) ? { secret: text.kind } : {}) };
}
