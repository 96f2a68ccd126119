/** What a program declares for the judgement, kept in the record for runs in which the resource that declares it is idle. */
import type { Claim, HostRecord, Json, Owner } from "../host/record";
import type { JudgeContext } from "../kind/kind";

export interface Declarations {
  /** Names that Postfix does not know and that are meant. */
  readonly userDefined: readonly string[];
  /** Rules whose complaints are warnings. */
  readonly accept: readonly string[];
}

const KEY = "judgement#";

/** The claim that keeps the declarations of a resource; none where it declares nothing. */
export function declarationClaims(
  { userDefined = [], accept = [] }: Partial<Declarations>,
  { urn }: Owner,
): Claim[] {
  if (userDefined.length === 0 && accept.length === 0) return [];
  return [{ key: KEY + urn, before: null, applied: { userDefined, accept }, noted: true }];
}

/** Declares for all who judge after this step. */
export function declare(
  { declare: say }: Pick<JudgeContext, "declare">,
  { userDefined = [], accept = [] }: Partial<Declarations>,
): void {
  say({ userDefined, accept });
}

/** What all resources declare: those of this plan, and those of earlier runs by the record. */
export function declarationsOf({
  record,
  declared,
}: Pick<JudgeContext, "record" | "declared">): Declarations {
  const all = [...new Map([...declarationsIn(record), ...declared()]).values()].map(declarations);
  return {
    userDefined: all.flatMap(({ userDefined }) => userDefined),
    accept: all.flatMap(({ accept }) => accept),
  };
}

/** What the record keeps, by the URN of the resource that declared it. */
function declarationsIn({ keys }: HostRecord): (readonly [string, Json])[] {
  return Object.entries(keys).flatMap(([key, { applied }]) =>
    key.startsWith(KEY) ? [[key.slice(KEY.length), applied] as const] : [],
  );
}

/** Only {@link declare} and {@link declarationClaims} make such a value. */
function declarations(said: Json): Declarations {
  return said as unknown as Declarations;
}
