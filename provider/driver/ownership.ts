/** Who owns which keys: this resource, a former instance of it, another resource of the stack, or another stack. */
import type { Previous } from "../contract/kind";
import {
  type Claim,
  type HostRecord,
  type KeyEntry,
  type Owner,
  foreignOwner,
  keysOf,
  sameStack,
} from "../host/record";
import { type KeptPrevious, openKept, type Seen } from "./keptPrevious";

/**
 * The record, with the entries that the state keeps where it has none: the record on the host may have been lost.
 *
 * @param seen the files on the host
 */
export function withPrevious(
  record: HostRecord,
  previous: KeptPrevious,
  owner: Owner,
  seen: Seen,
): HostRecord {
  const lost = Object.entries(previous.keys).filter(([name]) => !record.keys[name]);
  if (lost.length === 0) return record;
  const keys: Record<string, KeyEntry> = { ...record.keys };
  const files = { ...record.files };
  for (const [name, entry] of lost) {
    keys[name] = { ...entry, owner };
    if (entry.file === undefined) continue;
    const before = openKept(previous.files[entry.file] ?? null, seen.get(entry.file));
    // What somebody else has changed is undone key by key, for which no whole file is needed.
    if (before !== undefined) files[entry.file] ??= { before, written: null };
  }
  return { ...record, keys, files };
}

/** The entries of one instance in a record, as the state keeps them. */
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
 * The record after the keys of a former instance of the same resource (its host was renamed, or its state lost) have
 * passed to the new instance. A former instance of the same URN without a common key does not count: it belongs to another
 * resource, which has been renamed since.
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

/** Says which of the claimed keys belongs to another stack; `undefined` where none does. */
export function ownedElsewhere(
  record: HostRecord,
  claims: readonly Claim[],
  owner: Owner,
): string | undefined {
  for (const { key } of claims) {
    const other = foreignOwner(record.keys[key], owner);
    if (other) return `${key} on this host belongs to ${other.urn}`;
  }
  return undefined;
}

/** Says which path leads by links to a file of another resource; `undefined` where none does. */
export function ownedByAnotherName(
  record: HostRecord,
  aliases: ReadonlyMap<string, string>,
  names: readonly string[],
): string | undefined {
  for (const [path, real] of aliases) {
    const other = Object.values(record.keys).find(
      ({ file, owner }) => file === real && !names.includes(owner.urn),
    );
    if (other !== undefined) return otherName(path, real, other.owner.urn);
  }
  return undefined;
}

/** Says that a path leads to a file of another resource. */
export function otherName(path: string, real: string, urn: string): string {
  return `${path} leads to ${real}, which belongs to ${urn}`;
}

/** The instance that owns keys under one of a resource's URNs. The state holds it too, but `check` does not see the state. */
export function instanceNamed(record: HostRecord, names: readonly string[]): string | undefined {
  return Object.values(record.keys).find(({ owner }) => names.includes(owner.urn))?.owner.instance;
}

/** The instance of this stack that owns one of the claimed keys: for a resource that an earlier program named otherwise. */
export function instanceHolding(
  record: HostRecord,
  claims: readonly Claim[],
  urn: string,
): string | undefined {
  return claims
    .map(({ key }) => record.keys[key]?.owner)
    .find((owner) => owner !== undefined && sameStack(owner.urn, urn))?.instance;
}

/** Does a resource claim a key that another resource of its stack owns? */
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
