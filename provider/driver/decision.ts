/** Deciding from a look at the host what is to be done: the same in a preview and in `up`. */
import { hideSecrets } from "../contract/hashedSecrets";
import type { KeyedText } from "../contract/keyedText";
import type { Holdings, Plan, PlanContext } from "../contract/kind";
import type { FoundFile } from "../host/host";
import {
  type Claim,
  type HostRecord,
  type KeyEntry,
  type Owner,
  claim,
  isUnsettled,
  keysOf,
  release,
  savedFile,
} from "../host/record";
import { sha256 } from "../values/digest";
import { equal, mapValues } from "../values/json";
import { takeOver, withPrevious } from "./ownership";
import { isSecretValue } from "./secrets/known";
import type { ServiceKind } from "./service";
import { type Sight, askKind } from "./sight";
import type { State } from "./state";

export interface Decision {
  readonly sight: Sight;
  readonly plan: Plan;
  readonly claims: readonly Claim[];
  /** Names of the keys that the resource owns and no longer claims. The record keeps them until they are undone. */
  readonly dropped: readonly string[];
  /** The files that hold the keys, as they are on the host. */
  readonly files: Holdings["files"];
  /** The record as it must be on the host before the first change is made. */
  readonly record: HostRecord;
  /** Must the record be written? Not for claims alone on things that the host already has as wanted. */
  readonly recordChanged: boolean;
}

/** What the earlier steps of the same plan bring, as {@link PlanContext} has it. */
type Earlier = Pick<PlanContext, "coming" | "expected">;

/**
 * Decides what is to be done.
 *
 * @param earlier in a preview: what the earlier steps of the same plan bring
 * @throws Unfit
 */
export function decide(
  kind: ServiceKind,
  sight: Sight,
  owner: Owner,
  state: Pick<State, "previous" | "applied">,
  earlier: Earlier = { coming: () => false, expected: () => undefined },
): Decision {
  return askKind(kind, sight.args, () => decided(kind, sight, owner, state, earlier));
}

function decided(
  kind: ServiceKind,
  sight: Sight,
  owner: Owner,
  { previous, applied }: Pick<State, "previous" | "applied">,
  { coming, expected }: Earlier,
): Decision {
  const { args, observed, platform } = sight;
  const contextFor = (record: HostRecord, dropped: PlanContext["dropped"] = []): PlanContext => ({
    ...{ platform, record, owner, applied, dropped, coming, expected },
    isSecret: isSecretValue,
  });
  let known = withPrevious(sight.record, previous, owner, sight.files);
  let holdings = kind.owns(observed, args, contextFor(known));
  const taken = takeOver(sight.record, owner, new Set(holdings.claims.map(({ key }) => key)));
  if (taken !== sight.record) {
    // The keys of a former instance pass to this one, with which the kind may own more.
    known = withPrevious(taken, previous, owner, sight.files);
    holdings = kind.owns(observed, args, contextFor(known));
  }
  const { claims, files } = holdings;
  const wanted = new Set(claims.map(({ key }) => key));
  const dropped = keysOf(known, owner.instance).filter(([name]) => !wanted.has(name));
  const droppedNames = dropped.map(([name]) => name);
  const plan = kind.plan(observed, args, contextFor(known, dropped));
  const claimed = withFormersHidden(
    claim(known, owner, claims, saved(files), writesOf(plan)),
    (name) => kind.service.keyedText(name, platform),
  );
  return {
    ...{ sight, plan, claims, files },
    dropped: droppedNames,
    record: kind.service.noteUntold({ ...release(claimed, []), ...plan.owes }, plan, files),
    recordChanged:
      plan.changes.length > 0 ||
      taken !== sight.record ||
      isUnsettled(sight.record, owner.instance) ||
      claims.some((made) => mustBeWritten(made, sight.record)) ||
      droppedNames.some((name) => sight.record.keys[name] !== undefined),
  };
}

function saved(files: Readonly<Record<string, FoundFile>>): Parameters<typeof claim>[3] {
  return mapValues(files, (state) => savedFile(state));
}

/** The record with hashes also for values from before that a program has marked as secret since. */
function withFormersHidden(
  record: HostRecord,
  formatOf: (kind: string) => KeyedText | undefined,
): HostRecord {
  const isMarked = ({ secret, unsettled }: KeyEntry): boolean =>
    secret !== undefined && unsettled !== undefined;
  if (!Object.values(record.keys).some(isMarked)) return record;
  const keys = mapValues(record.keys, (entry): KeyEntry => {
    const { secret, unsettled } = entry;
    if (secret === undefined || unsettled === undefined) return entry;
    const format = formatOf(secret) ?? { kind: secret };
    const hidden = unsettled.map((value) => hideSecrets(format, value, isSecretValue).applied);
    return { ...entry, unsettled: hidden };
  });
  return { ...record, keys };
}

/** SHA-256 of the contents that a plan writes to files; `null` for a removal. */
function writesOf({ changes }: Plan): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    changes.flatMap((change) =>
      change.change === "act"
        ? []
        : [[change.path, change.change === "remove" ? null : sha256(change.contents)] as const],
    ),
  );
}

/** Must a claim be in the record although it changes nothing else on the host? */
function mustBeWritten({ key, applied, noted, secret }: Claim, { keys }: HostRecord): boolean {
  const known = keys[key];
  // A value that somebody else has put there is the resource's own from now on, and a destroy takes it back.
  const isOther = known !== undefined && !equal(applied, known.applied);
  // Other stacks that look at the file find its secrets by the record. An earlier version of the provider recorded them in
  // clear.
  return isOther || (noted === true && known === undefined) || secret !== known?.secret;
}
