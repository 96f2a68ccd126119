/**
 * Secrets in the values that the record holds: a hash stands in the place of each. Who may read the record may read the
 * file that holds the secret itself; but the record is also what a state keeps.
 */
import type { Claim, Json } from "../host/record";
import { sha256 } from "../values/digest";

/** What stands in the record for a secret. */
export interface Hash {
  readonly [key: string]: Json;
  readonly sha256: string;
}

export function hashOf(value: string): Hash {
  return { sha256: sha256(value) };
}

/** Does this stand for a secret? */
export function isHash(value: Json | undefined): value is Hash {
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

/** A value with something else in the place of its strings; what was hashed stays so. */
export function strings(value: Json, change: (one: string) => Json): Json {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null || isHash(value)) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => strings(item, change));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, strings(item, change)]),
  );
}

export function stringsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || isHash(value)) return [];
  return Object.values<Json>(value).flatMap(stringsIn);
}

/** What of a value may stand in the record. */
export function hideSecrets(
  text: { readonly kind: string; normal?(value: string): string },
  applied: Json,
  isSecret: (value: string) => boolean,
): Pick<Claim, "applied" | "secret"> {
  const hidden = strings(applied, (one) =>
    isSecret(one) ? hashOf(text.normal?.(one) ?? one) : one,
  );
  return { applied: hidden, ...(hasHash(hidden) ? { secret: text.kind } : {}) };
}
