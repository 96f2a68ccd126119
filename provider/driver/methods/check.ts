/** `check`: what is wrong with the inputs, what the release fills in, and, in a preview, what will change on the host. */
import { violations } from "../../arguments/schema";
import { printChange } from "../printChange";
import { connectionFaults } from "../../host/connection";
import { HostError } from "../../host/errors";
import { type Host } from "../../host/host";
import { connect } from "../../host/pool";
import { type Claim, type HostRecord, sameStack } from "../../host/record";
import { clean, equal, isUnknown, knownPart, unknownPaths } from "../../values/json";
import { declarationsIn } from "../../judge/declarations";
import { type Platform, UnsupportedRelease, platformOf } from "../../openbsd/platform";
import { type AnyKind, type Change, type Failure, NOTHING_BEFORE } from "../../kind/kind";
import { say } from "../engineLog";
import { hasMoved } from "./diff";
import { newlyPinned } from "../machine";
import { type Overlay, overlayOf } from "../overlay";
import {
  NotOpenBSD,
  type Plan,
  type Sight,
  Unfit,
  decide,
  liveOf,
  look,
  ownedElsewhere,
  platformFor,
} from "../plan";
import { learnSecrets, mask } from "../secrets";
import {
  type Values,
  argsOf,
  connectionOf,
  isForgotten,
  isPreview,
  ownerUrn,
  without,
} from "../state";

export interface CheckAnswer {
  readonly inputs: Values;
  readonly failures: readonly { readonly property: string; readonly reason: string }[];
}

export async function check(kind: AnyKind, olds: Values, news: Values): Promise<CheckAnswer> {
  const urn = ownerUrn(news);
  const preview = isPreview(news);
  const inputs: Record<string, unknown> = { ...news, owner: urn };
  const args = argsOf(inputs);
  const failures: Failure[] = [...connectionFailures(inputs), ...violations(kind.arguments, args)];
  if (failures.length > 0) return answer(inputs, failures);

  const asBefore = filledAsBefore(kind, inputs, olds);
  const differing = asBefore && differences(asBefore, olds);
  const names = [urn, ownerUrn(olds)] as const;
  if (asBefore && differing?.length === 0) {
    const unseen = { kind, inputs: asBefore, names };
    if (overlayOf(connectionOf(asBefore)).leave(unseen)) return answer(asBefore, []);
  }
  if (unknownPaths(inputs["connection"]).length > 0) {
    if (preview) await say(urn, "info", "The host is not known yet: looked at when it is.");
    return answer(asBefore ?? inputs, []);
  }
  if (isForgotten(connectionOf(inputs))) return answer(asBefore ?? inputs, []);
  return checkOnHost(kind, inputs, {
    olds,
    preview,
    names,
    asBefore,
    differing,
  });
}

/** The inputs with what the release filled in that the host had when it was last looked at. */
function filledAsBefore(kind: AnyKind, inputs: Values, olds: Values): Values | undefined {
  const { release } = olds;
  if (typeof release !== "string") return undefined;
  return { ...inputs, ...completed(kind, argsOf(inputs), platformOf(release)), release };
}

/** Names of the inputs in which two sets differ; whose they are, and what replaces them, is no difference. */
function differences(inputs: Values, olds: Values): readonly string[] {
  const names = Object.keys(without({ ...olds, ...inputs }, ["owner", "replaceOnChanges"]));
  return names.filter((name) => !equal(inputs[name], olds[name]));
}

interface Before {
  readonly olds: Values;
  readonly preview: boolean;
  /** The resource's name, and the one that it had before. */
  readonly names: readonly [string, string];
  readonly asBefore: Values | undefined;
  /** In what {@link asBefore} differs from the inputs of before. */
  readonly differing: readonly string[] | undefined;
}

async function checkOnHost(
  kind: AnyKind,
  inputs: Record<string, unknown>,
  { olds, preview, names, asBefore, differing }: Before,
): Promise<CheckAnswer> {
  const [urn] = names;
  const fresh = Object.keys(without(olds, [])).length === 0;
  const args = argsOf(inputs);
  const connection = connectionOf(inputs);
  // Another way to the same host, or nothing new at all: the next `up` does nothing there.
  const sameHost = asBefore !== undefined && !hasMoved(olds, inputs) && !newlyPinned(olds, inputs);
  const changed = differing ?? [];
  const onlyWay = sameHost && changed.every((key) => key === "connection");
  // What was filled in by the host's former release is no argument of the user on another one: `up` fills in anew.
  const unseen = preview || onlyWay ? (asBefore ?? inputs) : inputs;
  const overlay = overlayOf(connection);
  if (overlay.isSilent) return answer(unseen, []);
  let host: Host;
  try {
    // One try: where a step is made or changed after this, that one waits for the host as long as it may.
    host = await connect(connection, { tries: 1 });
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    if (error.kind !== "unreachable" && error.kind !== "lost")
      return answer(inputs, [{ path: connectionPath(error), reason: error.message }]);
    overlay.isSilent = true;
    if (preview)
      await say(urn, "info", `${connection.host} cannot be looked at yet: ${error.reason}`);
    return answer(unseen, []);
  }
  // Triggers only say when to do something again; there is nothing of them to show.
  const unknown = unknownPaths(args).filter((path) => !path.startsWith("triggers"));
  const { name, release } = host.system;
  if (onlyWay && name === "OpenBSD" && release === asBefore["release"])
    if (overlay.leave({ kind, inputs: asBefore, names })) return answer(asBefore, []);
  let sight: Sight;
  let live: Values;
  let found: Plan;
  const applied = fresh ? undefined : argsOf(olds);
  try {
    const platform = platformFor(host);
    const known = kind.complete(knownPart({ ...args }), platform);
    const missing = Object.keys(args).filter(
      (key) => isUnknown(args[key]) && known[key] === undefined && key !== "triggers",
    );
    if (missing.length > 0) {
      if (preview) await say(urn, "info", `${whereOf(host, platform)}: ${laterOf(unknown)}`);
      return answer(
        { ...inputs, ...completed(kind, args, platform), release: platform.release },
        [],
      );
    }
    sight = await look(kind, host, knownPart({ ...args }), (facts, answers) =>
      overlay.through(facts, answers),
    );
    live = liveOf(kind, sight);
    const plan = (instance: string): Plan =>
      decide(
        kind,
        sight,
        { urn, instance },
        { previous: NOTHING_BEFORE, applied },
        (path: string): boolean => overlay.coming(path),
      );
    found = plan(instanceOf(sight.record, names, fresh ? [] : plan("").claims));
  } catch (error) {
    if (error instanceof NotOpenBSD || error instanceof UnsupportedRelease)
      return answer(inputs, [{ path: "connection.host", reason: error.message }]);
    if (error instanceof Unfit) return answer(inputs, [error]);
    throw error;
  }
  learnSecrets(inputs, live);
  // What was filled in stands beside what is still unknown.
  const filled = {
    ...inputs,
    ...completed(kind, args, sight.platform),
    release: sight.platform.release,
  };
  const { changes, claims, record: planned } = found;

  if (takesOver(sight.record, claims, names)) await claimUnseen(host, overlay);
  const clash = overlay.claim(
    claims.map((one) => one.key),
    urn,
  );
  if (clash)
    return answer(filled, [
      {
        path: "connection",
        reason: `${clash.key} on ${host.address} has two owners in this program: ${clash.urn} and ${urn}. Give it to one.`,
      },
    ]);
  if (fresh) {
    const elsewhere = ownedElsewhere(sight.record, claims, { urn, instance: "" });
    if (elsewhere !== undefined)
      return answer(filled, [
        {
          path: "connection",
          reason: `${elsewhere}. One thing has one owner: take it out of one of the two programs (and run pulumi up there first).`,
        },
      ]);
  }
  const warnings: string[] = [];
  const failures =
    (await kind.judge?.(host, sight.observed, sight.args, changes, {
      platform: sight.platform,
      coming: (path) => overlay.coming(path),
      predicted: (path) => overlay.predicted(path),
      found: (path) => overlay.found(path),
      declare: (said) => overlay.declare(urn, said),
      declared: () => overlay.declared(declarationsIn(sight.record)),
      warn: (text) => warnings.push(text),
    })) ?? [];
  overlay.add(changes, kind.brings?.(sight.args, changes, sight.platform) ?? [], planned.pending);
  // A step that waits for others may only be told by them whether there is something to do.
  const waits = unknownPaths(args["triggers"]).length > 0;
  const quiet =
    changes.length === 0 &&
    sameHost &&
    changed.every((key) => key === "connection" || (waits && key === "triggers")) &&
    (changed.length === 0 || changed.includes("connection"));
  if (quiet) return answer(filled, failures);
  const { warning } = sight.platform;
  if (warning !== undefined && overlay.isNew(warning)) warnings.unshift(warning);
  // In `up` too, which may come without a preview, or after one that could not look at all of this: it runs in another
  // process, which does not know what was said in that one.
  for (const text of warnings) await say(urn, "warning", text);
  if (preview) await say(urn, "info", report(host, sight.platform, changes, unknown));
  return answer(filled, failures);
}

/** Does it claim a key that another resource of the stack has? */
function takesOver(
  record: HostRecord,
  claims: readonly Claim[],
  names: readonly [string, string],
): boolean {
  return claims.some(({ key }) => {
    const owner = record.keys[key]?.owner.urn;
    return owner !== undefined && !names.includes(owner) && sameStack(owner, names[0]);
  });
}

/** Claims keys for the resources for which the host was not looked at, since they are as they were. */
async function claimUnseen(host: Host, overlay: Overlay): Promise<void> {
  const claimed = overlay.dispute().map(async ({ kind, inputs, names }) => {
    const args = argsOf(inputs);
    try {
      const sight = await look(kind, host, args);
      const owner = { urn: names[0], instance: instanceOf(sight.record, names, []) };
      const plan = decide(kind, sight, owner, { previous: NOTHING_BEFORE, applied: args });
      return { urn: names[0], keys: plan.claims.map(({ key }) => key) };
    } catch (error) {
      // Whatever stands in its way is for its own update to say.
      if (error instanceof Unfit) return undefined;
      throw error;
    }
  });
  for (const one of await Promise.all(claimed)) if (one) overlay.claim(one.keys, one.urn);
}

/** The arguments with what the release fills in, and what is unknown in them still so. */
function completed(kind: AnyKind, args: Values, platform: Platform): Values {
  const unknown = Object.entries(args).filter(([, value]) => unknownPaths(value).length > 0);
  return { ...kind.complete(knownPart({ ...args }), platform), ...Object.fromEntries(unknown) };
}

/**
 * The instance is in the state, which `check` does not see. The record knows it where there is something to undo: under
 * one of the resource's names, or, where it was renamed before, by the keys that it has.
 */
function instanceOf(
  record: HostRecord,
  names: readonly string[],
  claims: readonly Claim[],
): string {
  const named = Object.values(record.keys).find((entry) => names.includes(entry.owner.urn));
  const holder = claims
    .map((one) => record.keys[one.key]?.owner)
    .find((owner) => owner !== undefined && sameStack(owner.urn, names[0] ?? ""));
  return named?.owner.instance ?? holder?.instance ?? "";
}

/** What the preview prints: where, and every change as a diff or a line. */
function report(
  host: Host,
  platform: Platform,
  changes: readonly Change[],
  unknown: readonly string[],
): string {
  const where = whereOf(host, platform);
  const later = unknown.length > 0 ? [laterOf(unknown)] : [];
  if (changes.length === 0) return [`${where}: nothing to change.`, ...later].join("\n");
  return [`${where}: up will`, ...changes.map(printChange), ...later].join("\n");
}

function whereOf(host: Host, platform: Platform): string {
  return `${host.address} (OpenBSD ${platform.release})`;
}

function laterOf(unknown: readonly string[]): string {
  return `Not known yet, so not shown: ${unknown.join(", ")}.`;
}

/** The property of `connection` that an error is about. */
function connectionPath({ kind }: HostError): string {
  if (kind === "hostKeyUnknown" || kind === "hostKeyChanged") return "connection.hostKey";
  return kind === "notPrivileged" ? "connection.user" : "connection";
}

function connectionFailures(inputs: Values): Failure[] {
  return connectionFaults(knownPart(inputs["connection"])).flatMap(({ path, reason }) =>
    // A host that is not known yet is no fault.
    isUnknown(inputs["connection"]) || unknownPaths(inputs["connection"]).includes(path)
      ? []
      : [{ path: path === "" ? "connection" : `connection.${path}`, reason }],
  );
}

/**
 * The engine prints the value of a property that a failure names, secrets of a nested one included, and `<nil>` for a
 * path into one. So no failure names a property to the engine; its reason begins with the path.
 */
function answer(inputs: Values, failures: readonly Failure[]): CheckAnswer {
  return clean({
    inputs,
    failures: failures.map(({ path, reason }) => ({
      property: "",
      reason: `${path}: ${mask(reason)}`,
    })),
  });
}
