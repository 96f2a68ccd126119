/** What a program says of the judgement itself, kept in the record for runs in which whoever said it has nothing to do. */
import type { Claim, HostRecord, Owner } from "../host/record";

export interface Declarations {
  /** Names that Postfix does not know and that are meant. */
  readonly userDefined: readonly string[];
  /** Rules whose complaints are warnings. */
  readonly accept: readonly string[];
}

export const NOTHING_DECLARED: Declarations = { userDefined: [], accept: [] };

const KEY = "judgement#";

/** The claim that keeps them; none where nothing is said. */
export function declarationClaims(
  { userDefined = [], accept = [] }: Partial<Declarations>,
  { urn }: Owner,
): Claim[] {
  if (userDefined.length === 0 && accept.length === 0) return [];
  return [{ key: KEY + urn, before: null, applied: { userDefined, accept }, noted: true }];
}

/** What is kept, by who said it. */
export function declarationsIn({ keys }: HostRecord): ReadonlyMap<string, Declarations> {
  return new Map(
    Object.entries(keys).flatMap(([key, { applied }]) =>
      key.startsWith(KEY)
        ? [[key.slice(KEY.length), applied as unknown as Declarations] as const]
        : [],
    ),
  );
}

/** Those of all together. */
export function together(all: Iterable<Declarations>): Declarations {
  const list = [...all];
  return {
    userDefined: list.flatMap(({ userDefined }) => userDefined),
    accept: list.flatMap(({ accept }) => accept),
  };
}
