/** `check`: what is wrong with the inputs, what the release fills in, and, in a preview, what will change on the host. */
import { printChange } from "../changes";
import { connectionFaults } from "../host/connection";
import { HostError } from "../host/errors";
import { type Host } from "../host/host";
import { connect } from "../host/pool";
import { type Claim, type HostRecord, sameStack } from "../host/record";
import { clean, equal, isUnknown, knownPart, unknownPaths } from "../json";
import { declarationsIn } from "../judge/declarations";
import { type Platform, UnsupportedRelease, platformOf } from "../openbsd/platform";
import { type AnyKind, type Change, type Failure, NOTHING_BEFORE } from "../resource";
import { say } from "./engineLog";
import { overlayOf } from "./overlay";
import {
  NotOpenBSD,
  type Plan,
  type Sight,
  decide,
  look,
  ownedElsewhere,
  platformFor,
} from "./plan";
import { learnSecrets, mask } from "./secrets";
import {
  type Values,
  argsOf,
  connectionOf,
  isForgotten,
  isPreview,
  ownerUrn,
  without,
} from "./state";

export interface CheckAnswer {
  readonly inputs: Values;
  readonly failures: readonly { readonly property: string; readonly reason: string }[];
}

export async function check(kind: AnyKind, olds: Values, news: Values): Promise<CheckAnswer> {
  const urn = ownerUrn(news);
  const preview = isPreview(news);
  const inputs: Record<string, unknown> = { ...news, owner: urn };
  const args = argsOf(inputs);
  const failures: Failure[] = [...connectionFailures(inputs), ...kind.validate(knownPart(args))];
  if (failures.length > 0) return answer(inputs, failures);

  const release = olds["release"];
  if (typeof release === "string") {
    const filled = { ...inputs, ...completed(kind, args, platformOf(release)), release };
    const asked = (values: Values): Values => without(values, ["owner", "replaceOnChanges"]);
    if (equal(asked(filled), asked(olds))) return answer(filled, []);
    Object.assign(inputs, filled);
  }
  if (unknownPaths(inputs["connection"]).length > 0) {
    if (preview) await say(urn, "info", "The host is not known yet: looked at when it is.");
    return answer(inputs, []);
  }
  if (isForgotten(connectionOf(inputs))) return answer(inputs, []);
  return checkOnHost(kind, inputs, { olds, preview, urn });
}

async function checkOnHost(
  kind: AnyKind,
  inputs: Record<string, unknown>,
  { olds, preview, urn }: { olds: Values; preview: boolean; urn: string },
): Promise<CheckAnswer> {
  const fresh = Object.keys(without(olds, [])).length === 0;
  const args = argsOf(inputs);
  let host: Host;
  try {
    // One try: where a step is made or changed after this, that one waits for the host as long as it may.
    host = await connect(connectionOf(inputs), { tries: 1 });
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    if (error.kind !== "unreachable" && error.kind !== "lost")
      return answer(inputs, [{ path: connectionPath(error), reason: error.message }]);
    if (preview)
      await say(
        urn,
        "info",
        `${connectionOf(inputs).host} cannot be looked at yet: ${error.reason}`,
      );
    return answer(inputs, []);
  }
  // Triggers only say when to do something again; there is nothing of them to show.
  const unknown = unknownPaths(args).filter((path) => !path.startsWith("triggers"));
  const overlay = overlayOf(host.fingerprint);
  let sight: Sight;
  try {
    const platform = platformFor(host);
    const known = kind.complete(knownPart({ ...args }), platform);
    const missing = Object.keys(args).filter(
      (key) => isUnknown(args[key]) && known[key] === undefined && key !== "triggers",
    );
    if (missing.length > 0) {
      if (preview) await say(urn, "info", `${whereOf(host, platform)}: ${laterOf(unknown)}`);
      const { release } = platform;
      return answer({ ...inputs, ...completed(kind, args, platform), release }, []);
    }
    sight = await look(kind, host, knownPart({ ...args }), (facts, answers) =>
      overlay.through(facts, answers),
    );
  } catch (error) {
    if (error instanceof NotOpenBSD || error instanceof UnsupportedRelease)
      return answer(inputs, [{ path: "connection.host", reason: error.message }]);
    throw error;
  }
  learnSecrets(inputs, kind.live(sight.observed, sight.args, sight.platform));
  // What was filled in stands beside what is still unknown.
  const filled = {
    ...inputs,
    ...completed(kind, args, sight.platform),
    release: sight.platform.release,
  };
  const coming = (path: string): boolean => overlay.coming(path);
  const applied = fresh ? undefined : argsOf(olds);
  const plan = (instance: string): Plan =>
    decide(kind, sight, { urn, instance }, { previous: NOTHING_BEFORE, applied }, coming);
  const instance = instanceOf(sight.record, [urn, ownerUrn(olds)], fresh ? [] : plan("").claims);
  const { changes, claims, record: planned } = plan(instance);

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
      coming,
      predicted: (path) => overlay.predicted(path),
      found: (path) => overlay.found(path),
      declare: (said) => overlay.declare(urn, said),
      declared: () => overlay.declared(declarationsIn(sight.record)),
      warn: (text) => warnings.push(text),
    })) ?? [];
  overlay.add(changes, kind.brings?.(sight.args, changes, sight.platform) ?? [], planned.pending);
  if (preview) {
    if (sight.platform.warning !== undefined) warnings.unshift(sight.platform.warning);
    for (const text of warnings) await say(urn, "warning", text);
    await say(urn, "info", report(host, sight.platform, changes, unknown));
  }
  return answer(filled, failures);
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
