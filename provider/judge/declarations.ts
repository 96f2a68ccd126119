/**
 * What resources declare for the judgement. The record keeps it for runs in which the resource that declares it does not
 * change, and so does not declare it again.
 */
import type { JudgeContext } from "../contract/kind";
import type { Claim, HostRecord, Json, Owner } from "../host/record";
import type { ComingPackage } from "../postfix/packageContents";

export interface Declarations {
  /** Names that are meant although Postfix does not know them. */
  readonly userDefined: readonly string[];
  /** Rules whose complaints are only warnings. */
  readonly accept: readonly string[];
}

const KEY = "judgement#";

/** The claim that keeps a resource's declarations in the record; none if it declares nothing. */
export function declarationClaims(
  { userDefined = [], accept = [] }: Partial<Declarations>,
  { urn }: Owner,
): Claim[] {
  if (userDefined.length === 0 && accept.length === 0) return [];
  return [{ key: KEY + urn, before: null, applied: { userDefined, accept }, noted: true }];
}

/** Makes the declarations known to this judgement and to those of later steps. */
export function declare(
  { declare: publish }: Pick<JudgeContext, "declare">,
  { userDefined = [], accept = [] }: Partial<Declarations>,
): void {
  publish({ userDefined, accept });
}

/** Makes the package that the plan will install known to the judgements of later steps. */
export function declareComing(
  { declare: publish }: Pick<JudgeContext, "declare">,
  { version, flavors }: ComingPackage,
): void {
  publish({ coming: { version, flavors } });
}

/** The package that an earlier step of the plan will install; `undefined` where none does. */
export function comingPackage({
  declared,
}: Pick<JudgeContext, "declared">): ComingPackage | undefined {
  return [...declared().values()].map((value) => declarations(value).coming).find(Boolean);
}

/** The declarations of all resources: of those that change in this run, and of the others by the record. */
export function declarationsOf({
  record,
  declared,
}: Pick<JudgeContext, "record" | "declared">): Declarations {
  const all = [...new Map([...declarationsIn(record), ...declared()]).values()].map(declarations);
  return {
    userDefined: all.flatMap(({ userDefined = [] }) => userDefined),
    accept: all.flatMap(({ accept = [] }) => accept),
  };
}

/** The declarations in the record, by the URN of the resource that declared them. */
function declarationsIn({ keys }: HostRecord): (readonly [string, Json])[] {
  return Object.entries(keys).flatMap(([key, { applied }]) =>
    key.startsWith(KEY) ? [[key.slice(KEY.length), applied] as const] : [],
  );
}

/** The cast is safe: only the functions of this file make these values. */
function declarations(value: Json): Partial<Declarations> & { readonly coming?: ComingPackage } {
  return value as unknown as ReturnType<typeof declarations>;
}
