/** `check`: finds faults in the inputs, fills in what the release decides, and in a preview shows the changes to come. */
import { violations } from "../../arguments/schema";
import { type Failure, NOTHING_BEFORE } from "../../contract/kind";
import { connectionFaults } from "../../host/ssh/connectionFaults";
import { HostError } from "../../host/errors";
import type { Host } from "../../host/host";
import type { Claim } from "../../host/record";
import { type Platform, UnsupportedRelease, platformOf } from "../../openbsd/platform";
import { abridged } from "../../values/abridged";
import { clean, equal, isUnknown, knownPart, unknownPaths } from "../../values/json";
import { approve } from "../approved";
import { connectFor } from "../connecting";
import { type Decision, decide } from "../decision";
import { say, warnOf } from "../engineLog";
import { newlyPinned } from "../machine";
import { type Overlay, type Unseen, overlayOf } from "../overlay";
import {
  claimsOfAnother,
  instanceHolding,
  instanceNamed,
  otherName,
  ownedByAnotherName,
  ownedElsewhere,
} from "../ownership";
import { inTheWay } from "../places";
import { printChange } from "../printChange";
import { learnSecrets } from "../secrets/known";
import type { ServiceKind } from "../service";
import { shown, unshowable } from "../shown";
import { NotOpenBSD, Unfit, liveOf, look, platformFor, unfit } from "../sight";
import {
  type Values,
  argsOf,
  connectionOf,
  isForgotten,
  isPreview,
  ownerUrn,
  without,
} from "../state";
import { hasMoved } from "./diff";

export interface CheckAnswer {
  readonly inputs: Values;
  readonly failures: readonly { readonly property: string; readonly reason: string }[];
}

/** One call of `check`. */
interface Request {
  readonly kind: ServiceKind;
  readonly inputs: Values;
  readonly args: Values;
  /** The former inputs; empty for a resource that does not exist yet. */
  readonly olds: Values;
  /** Does the resource not exist yet? */
  readonly fresh: boolean;
  readonly preview: boolean;
  /** The resource's URN, and the URN that it had before. */
  readonly names: readonly [string, string];
  /** The inputs, completed for the release that the host had at the last look; `undefined` where there was none. */
  readonly asBefore: Values | undefined;
  /** Names of the inputs in which {@link asBefore} differs from the former inputs. */
  readonly differing: readonly string[];
  /** Is the address the same as before, without a new host key, which may mean another machine? */
  readonly sameHost: boolean;
}

export async function check(kind: ServiceKind, olds: Values, news: Values): Promise<CheckAnswer> {
  const request = requestOf(kind, olds, news);
  const { inputs, args, asBefore, names, preview } = request;
  const failures = [
    ...connectionFailures(inputs),
    ...violations(kind.arguments, args),
    ...unshowable(args, inputs),
  ];
  if (failures.length > 0) return answer(inputs, failures);

  if (asBefore && request.differing.length === 0) {
    const unseen: Unseen = { kind, inputs: asBefore, names };
    if (overlayOf(connectionOf(asBefore)).leave(unseen)) return answer(asBefore);
  }
  if (unknownPaths(inputs["connection"]).length > 0) {
    if (preview)
      await say(names[0], "info", "The host is not known yet. It is looked at as soon as it is.");
    return answer(asBefore ?? inputs);
  }
  if (isForgotten(connectionOf(inputs))) return answer(asBefore ?? inputs);
  return checkOnHost(request);
}

function requestOf(kind: ServiceKind, olds: Values, news: Values): Request {
  const urn = ownerUrn(news);
  const inputs = { ...news, owner: urn };
  const asBefore = filledAsBefore(kind, inputs, olds);
  return {
    ...{ kind, inputs, olds, asBefore },
    args: argsOf(inputs),
    fresh: Object.keys(without(olds, [])).length === 0,
    preview: isPreview(news),
    names: [urn, ownerUrn(olds)],
    differing: asBefore ? differences(asBefore, olds) : [],
    sameHost: asBefore !== undefined && !hasMoved(olds, inputs) && !newlyPinned(olds, inputs),
  };
}

/** The inputs, completed for the release in the former inputs. */
function filledAsBefore(kind: ServiceKind, inputs: Values, olds: Values): Values | undefined {
  const { release } = olds;
  if (typeof release !== "string") return undefined;
  return { ...inputs, ...completed(kind, argsOf(inputs), platformOf(release)), release };
}

/** Names of the inputs in which two sets differ, besides `owner` and `replaceOnChanges`. */
function differences(inputs: Values, olds: Values): readonly string[] {
  const names = Object.keys(without({ ...olds, ...inputs }, ["owner", "replaceOnChanges"]));
  return names.filter((name) => !equal(inputs[name], olds[name]));
}

/** The arguments, completed for a release; unknown arguments stay unknown. */
function completed(kind: ServiceKind, args: Values, platform: Platform): Values {
  const unknown = Object.entries(args).filter(([, value]) => unknownPaths(value).length > 0);
  return { ...kind.complete(knownPart({ ...args }), platform), ...Object.fromEntries(unknown) };
}

async function checkOnHost(request: Request): Promise<CheckAnswer> {
  const { kind, inputs, args, asBefore, names } = request;
  const host = await reach(request);
  if ("failures" in host) return host;
  const { name, release } = host.system;
  if (onlyWayChanged(request) && name === "OpenBSD" && release === asBefore?.["release"])
    if (overlayOf(connectionOf(inputs)).leave({ kind, inputs: asBefore, names }))
      return answer(asBefore);
  try {
    const later = await lookedAtLater(request, host);
    return later ?? (await answerFor(request, host, await decideOn(request, host)));
  } catch (error) {
    if (error instanceof NotOpenBSD || error instanceof UnsupportedRelease)
      return answer(inputs, [{ path: "connection.host", reason: error.message }]);
    const refusal = unfit(kind, knownPart({ ...args }), error);
    if (refusal instanceof Unfit) return answer(inputs, [refusal]);
    throw error;
  }
}

/** Is at most the way to the same host another one? Then `up` changes nothing on the host. */
function onlyWayChanged({ sameHost, differing }: Request): boolean {
  return sameHost && differing.every((key) => key === "connection");
}

/** The host; or the answer of `check` where the host cannot be looked at. */
async function reach(request: Request): Promise<Host | CheckAnswer> {
  const { inputs, asBefore, preview, names } = request;
  const connection = connectionOf(inputs);
  const overlay = overlayOf(connection);
  // In `up`, the host may have another release by now. What the former one filled in must not pass for the user's
  // arguments, so `up` fills in again.
  const unseen = preview || onlyWayChanged(request) ? (asBefore ?? inputs) : inputs;
  if (overlay.isSilent) return answer(unseen);
  try {
    // One try only: a step that is created or updated later tries as often as the connection allows.
    return await connectFor(names[0], connection, { tries: 1 });
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    if (error.kind !== "unreachable" && error.kind !== "lost")
      return answer(inputs, [{ path: connectionPath(error), reason: error.message }]);
    overlay.isSilent = true;
    if (preview)
      await say(names[0], "info", `${connection.host} cannot be looked at yet: ${error.reason}`);
    return answer(unseen);
  }
}

/** The answer of `check` where an unknown argument keeps the kind from looking at the host; else `undefined`. */
async function lookedAtLater(
  { kind, inputs, args, preview, names }: Request,
  host: Host,
): Promise<CheckAnswer | undefined> {
  const platform = platformFor(host);
  const known = kind.complete(knownPart({ ...args }), platform);
  const isMissing = Object.keys(args).some(
    (key) => isUnknown(args[key]) && known[key] === undefined && key !== "triggers",
  );
  if (!isMissing) return undefined;
  if (preview)
    await say(names[0], "info", `${whereOf(host, platform)}: ${laterOf(notShown(args))}`);
  return answer({ ...inputs, ...completed(kind, args, platform), release: platform.release });
}

/** Unknown arguments whose values the preview would show. Triggers it would not: they only make a step act again. */
function notShown(args: Values): readonly string[] {
  return unknownPaths(args).filter((path) => !path.startsWith("triggers"));
}

async function decideOn(request: Request, host: Host): Promise<Decision> {
  const { kind, inputs, args, names, fresh, olds } = request;
  const [urn] = names;
  const overlay = overlayOf(connectionOf(inputs));
  const sight = await look(kind, host, knownPart({ ...args }), {
    foreseen: (answerTo) => overlay.through(answerTo),
    withPlaces: true,
  });
  learnSecrets(inputs, liveOf(kind, sight));
  const state = { previous: NOTHING_BEFORE, applied: fresh ? undefined : argsOf(olds) };
  const decideFor = (instance: string): Decision =>
    decide(kind, sight, { urn, instance }, state, {
      coming: (path) => overlay.coming(path),
      expected: (path) => overlay.expected(path),
    });
  const named = instanceNamed(sight.record, names);
  const decision = decideFor(named ?? "");
  if (named !== undefined || fresh) return decision;
  const holder = instanceHolding(sight.record, decision.claims, urn);
  return holder === undefined || holder === "" ? decision : decideFor(holder);
}

/** Judges a decision, adds its plan to the predictions for later steps, and shows what `up` will do. */
async function answerFor(request: Request, host: Host, decision: Decision): Promise<CheckAnswer> {
  const { kind, inputs, args, names, preview } = request;
  const { sight, plan, record } = decision;
  const { platform } = sight;
  const overlay = overlayOf(connectionOf(inputs));
  const filled = { ...inputs, ...completed(kind, args, platform), release: platform.release };
  const conflict = await ownershipConflict(request, host, decision);
  if (conflict !== undefined) return answer(filled, [{ path: "connection", reason: conflict }]);
  const warnings: string[] = [];
  const notes: string[] = [];
  const { obstacles, withoutFolder, aliases } = await inTheWay(
    host,
    plan.changes,
    sight.places,
    (path) => overlay.coming(path),
  );
  const twice =
    ownedByAnotherName(sight.record, aliases, names) ?? claimedTwice(overlay, aliases, names);
  if (twice !== undefined)
    return answer(filled, [{ path: "connection", reason: `${twice}. One thing has one owner.` }]);
  if (preview)
    for (const path of withoutFolder)
      warnings.push(`${path}: its folder does not exist, and no earlier step brings it.`);
  const failures = [
    ...(plan.obstacles ?? []),
    ...obstacles.map(({ path, reason }) => ({
      path,
      reason: `${host.address}: ${reason} Nothing was changed.`,
    })),
    ...(await judged(kind, host, decision, overlay, names[0], { warnings, notes })),
  ];
  if (preview) approve(names[0], decision, overlay);
  overlay.add(plan, record.pending);
  overlay.expectChange(names[0], decision.recordChanged);
  if (isQuiet(request, decision)) return answer(filled, failures);
  for (const warning of [sight.recordWarning, platform.warning])
    if (warning !== undefined && overlay.isNew(warning)) warnings.unshift(warning);
  // In `up` as well: it may come without a preview, or after one that could not look at the host, and it runs in another
  // process, which does not know which warnings a preview has shown.
  await warnOf(names[0], warnings);
  if (preview && !plan.obstacles?.length)
    await say(names[0], "info", [report(host, decision, notShown(args)), ...notes].join("\n"));
  return answer(filled, failures);
}

async function judged(
  kind: ServiceKind,
  host: Host,
  { sight, plan }: Decision,
  overlay: Overlay,
  urn: string,
  { warnings, notes }: { readonly warnings: string[]; readonly notes: string[] },
): Promise<readonly Failure[]> {
  const { platform, record, observed, args } = sight;
  const context = {
    ...{ host, platform, record, plan },
    coming: (path: string) => overlay.coming(path),
    comingItself: (path: string) => overlay.comingItself(path),
    predicted: (path: string) => overlay.predicted(path),
    found: (path: string) => overlay.found(path),
    expected: (path: string) => overlay.expected(path),
    brought: (path: string) => overlay.brought(path),
    declare: (declaration: Parameters<Overlay["declare"]>[1]) => overlay.declare(urn, declaration),
    declared: () => overlay.declared,
    warn: (text: string) => void warnings.push(text),
    note: (text: string) => void notes.push(text),
  };
  return (await kind.judge?.(observed, args, context)) ?? [];
}

/** Why the resource may not own a key that it claims: another resource of this program, or another stack, does. */
async function ownershipConflict(
  { inputs, names, fresh }: Request,
  host: Host,
  { sight, claims }: Decision,
): Promise<string | undefined> {
  const [urn] = names;
  const overlay = overlayOf(connectionOf(inputs));
  if (claimsOfAnother(sight.record, claims, names)) await claimUnseen(host, overlay);
  const clash = overlay.claim(keysIn(claims), urn);
  if (clash)
    return `${clash.key} on ${host.address} has two owners in this program: ${clash.urn} and ${urn}. Give it to one.`;
  const elsewhere = fresh ? ownedElsewhere(sight.record, claims, { urn, instance: "" }) : undefined;
  return elsewhere === undefined
    ? undefined
    : `${elsewhere}. One thing has one owner: take it out of one of the two programs (and run pulumi up there first).`;
}

/** Says which path leads by links to a file that another resource of the program has claimed. */
function claimedTwice(
  overlay: Overlay,
  aliases: ReadonlyMap<string, string>,
  names: readonly string[],
): string | undefined {
  for (const [path, real] of aliases) {
    const holder = overlay.holderOf(real);
    if (holder !== undefined && !names.includes(holder)) return otherName(path, real, holder);
  }
  return undefined;
}

function keysIn(claims: readonly Claim[]): string[] {
  return claims.map(({ key }) => key);
}

/** Claims the keys of unchanged resources, whose check did not look at the host. */
async function claimUnseen(host: Host, overlay: Overlay): Promise<void> {
  const claimed = overlay.dispute().map(async ({ kind, inputs, names }) => {
    const args = argsOf(inputs);
    try {
      const sight = await look(kind, host, args);
      const owner = { urn: names[0], instance: instanceNamed(sight.record, names) ?? "" };
      const { claims } = decide(kind, sight, owner, { previous: NOTHING_BEFORE, applied: args });
      return { urn: names[0], keys: keysIn(claims) };
    } catch (error) {
      // The resource's own update reports this refusal.
      if (error instanceof Unfit) return undefined;
      throw error;
    }
  });
  for (const found of await Promise.all(claimed)) if (found) overlay.claim(found.keys, found.urn);
}

/**
 * Is there nothing to report? Triggers that are not known yet count for nothing here: whether they make the step act is
 * known only after the earlier steps.
 */
function isQuiet({ args, sameHost, differing }: Request, { plan }: Decision): boolean {
  const waits = unknownPaths(args["triggers"]).length > 0;
  return (
    plan.changes.length === 0 &&
    sameHost &&
    differing.every((key) => key === "connection" || (waits && key === "triggers")) &&
    (differing.length === 0 || differing.includes("connection"))
  );
}

/** The report of a preview: the host, and every change as a diff or a line. */
function report(host: Host, { sight, plan }: Decision, unknown: readonly string[]): string {
  const where = whereOf(host, sight.platform);
  const later = unknown.length > 0 ? [laterOf(unknown)] : [];
  if (plan.changes.length === 0) return [`${where}: nothing to change.`, ...later].join("\n");
  return [`${where}: up will`, ...plan.changes.map(printChange), ...later].join("\n");
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
  return connectionFaults(inputs["connection"]).map(({ path, reason }) => ({
    path: path === "" ? "connection" : `connection.${path}`,
    reason,
  }));
}

/**
 * The answer to the engine. Its failures name no property, and their reasons begin with the path instead: the engine
 * prints the value of a property that a failure names, with the secrets nested in it, and `<nil>` for a path into one.
 */
function answer(inputs: Values, failures: readonly Failure[] = []): CheckAnswer {
  const few = abridged(failures, (count, [first]) => ({
    path: first?.path.replace(/[.[].*/s, "") ?? "",
    reason: `${count} more faults like these. When these are mended, the next preview shows what is left.`,
  }));
  return clean({
    inputs,
    failures: few.map(({ path, reason }) => ({
      property: "",
      reason: shown(`${path}: ${reason}`),
    })),
  });
}
