/** Whose keys are whose: the resource's own, what it takes over from a former instance, and what is another stack's. */
import {
  type Claim,
  type HostRecord,
  type KeyEntry,
  type Owner,
  foreignOwner,
  keysOf,
  sameStack,
} from "../host/record";
import type { Previous } from "../kind/kind";

/** The record as if it held what the state remembers, for a record that was lost or has not begun. */
export function withPrevious(record: HostRecord, previous: Previous, owner: Owner): HostRecord {
  const keys: Record<string, KeyEntry> = { ...record.keys };
  const files = { ...record.files };
  for (const [name, entry] of Object.entries(previous.keys)) {
    if (keys[name]) continue;
    keys[name] = { ...entry, owner };
    if (entry.file !== undefined)
      files[entry.file] ??= {
        before: previous.files[entry.file] ?? null,
        written: null,
      };
  }
  return { ...record, keys, files };
}

/** The part of a record that is one instance's, as the state keeps it. */
export function previousOf(record: HostRecord, instance: string): Previous {
  const keys = Object.fromEntries(keysOf(record, instance));
  const paths = new Set(Object.values(keys).map((entry) => entry.file));
  const files = Object.fromEntries(
    Object.entries(record.files)
      .filter(([path]) => paths.has(path))
      .map(([path, entry]) => [path, entry.before]),
  );
  return { files, keys };
}

/**
 * Keys of a former instance of the same resource pass to the one that is being made: a renamed host, a lost state. An
 * instance of the same name that has no key in common belongs to another resource, which has been renamed since.
 */
export function takeOver(
  record: HostRecord,
  owner: Owner,
  wanted: ReadonlySet<string>,
): HostRecord {
  const formers = new Set(
    Object.entries(record.keys)
      .filter(([name, entry]) => entry.owner.urn === owner.urn && wanted.has(name))
      .map(([, entry]) => entry.owner.instance),
  );
  formers.delete(owner.instance);
  if (formers.size === 0 || owner.instance === "") return record;
  const keys = { ...record.keys };
  const moved = { ...record.moved };
  for (const [name, entry] of Object.entries(record.keys)) {
    if (!formers.has(entry.owner.instance)) continue;
    keys[name] = { ...entry, owner };
    moved[entry.owner.instance] = owner.instance;
  }
  return { ...record, keys, moved };
}

/** The first of the keys that belongs to another stack, in words. */
export function ownedElsewhere(
  record: HostRecord,
  claims: readonly Claim[],
  owner: Owner,
): string | undefined {
  for (const one of claims) {
    const other = foreignOwner(record.keys[one.key], owner);
    if (other) return `${one.key} on this host belongs to ${other.urn}`;
  }
  return undefined;
}

/** The instance that has keys under one of a resource's names; the state, which `check` does not see, knows it too. */
export function instanceNamed(record: HostRecord, names: readonly string[]): string | undefined {
  return Object.values(record.keys).find(({ owner }) => names.includes(owner.urn))?.owner.instance;
}

/** The instance that has one of the keys, for a resource of the stack that was renamed before. */
export function instanceHolding(
  record: HostRecord,
  claims: readonly Claim[],
  urn: string,
): string | undefined {
  return claims
    .map(({ key }) => record.keys[key]?.owner)
    .find((owner) => owner !== undefined && sameStack(owner.urn, urn))?.instance;
}

/** Does a resource claim a key that another resource of the stack has? */
export function claimsOfAnother(
  record: HostRecord,
  claims: readonly Claim[],
  names: readonly [string, string],
): boolean {
  return claims.some(({ key }) => {
    const owner = record.keys[key]?.owner.urn;
    return owner !== undefined && !names.includes(owner) && sameStack(owner, names[0]);
  });
}
