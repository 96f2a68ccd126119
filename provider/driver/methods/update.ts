/** `create` and `update`, which are the same: observe, plan, apply, observe. */
import { HostError } from "../../host/errors";
import { type Host, type HostReader } from "../../host/host";
import { connect } from "../../host/pool";
import { type HostRecord, type Owner, nextRevision, withRevision } from "../../host/record";
import { clean, equal } from "../../values/json";
import { type AnyKind, NOTHING_BEFORE } from "../../kind/kind";
import { carryOut, settle } from "../apply";
import { say } from "../engineLog";
import { newlyPinned, sameMachine } from "../machine";
import { SCHEMA } from "../migrate";
import { overlayOf } from "../overlay";
import {
  type Plan,
  type Sight,
  Unfit,
  decide,
  liveOf,
  look,
  ownedElsewhere,
  previousOf,
} from "../plan";
import { learnSecrets, mask, maskAll, maskOwn } from "../secrets";
import { withWhoServes } from "../whoServes";
import {
  KEPT,
  type State,
  type Values,
  argsOf,
  connectionOf,
  isForgotten,
  nameToForget,
  ownerUrn,
  stateOf,
  userError,
  formerRevision,
  without,
} from "../state";
import { randomBytes } from "node:crypto";

export interface CreateAnswer {
  readonly id: string;
  readonly outs: Values;
}

export async function create(kind: AnyKind, inputs: Values): Promise<CreateAnswer> {
  // The id stands in the state and in what the engine prints.
  const id = maskOwn(`${kind.name}/${kind.what(argsOf(inputs))}`);
  const state: State = {
    previous: NOTHING_BEFORE,
    instance: randomBytes(8).toString("hex"),
    revision: formerRevision(ownerUrn(inputs)),
    machine: undefined,
    applied: undefined,
  };
  return { id, outs: await converge(kind, id, inputs, state, {}) };
}

export async function update(
  kind: AnyKind,
  id: string,
  olds: Values,
  news: Values,
): Promise<Values> {
  const state = stateOf(olds);
  // What the program no longer says is not in `news`; what only the host tells is in neither.
  const said = without({ ...appliedOf(olds), ...news }, ["owner", "replaceOnChanges"]);
  const changed = Object.keys(said).filter((key) => !equal(olds[key], news[key]));
  const onlyConnection =
    olds["unread"] === undefined && olds["failed"] === undefined && equal(changed, ["connection"]);
  const pinned = newlyPinned(olds, news);
  // Another key, port or user: no host is touched, only the state learns how to find it.
  if (onlyConnection && !pinned)
    return clean({
      ...without(olds, Object.keys(appliedOf(olds))),
      ...without(news, []),
      applied: without(news, []),
    });
  return converge(kind, id, news, state, olds, pinned);
}

/** The inputs as they were last applied. */
function appliedOf(olds: Values): Values {
  return (olds["applied"] as Values | undefined) ?? {};
}

interface Done {
  readonly sight: Sight;
  readonly record: HostRecord;
  readonly outputs: Values;
}

async function converge(
  kind: AnyKind,
  id: string,
  inputs: Values,
  given: State,
  olds: Values,
  pinned = false,
): Promise<Values> {
  const urn = ownerUrn(inputs);
  const owner: Owner = { urn, instance: given.instance };
  const connection = connectionOf(inputs);
  if (isForgotten(connection))
    throw userError(
      `${nameToForget(connection)} is named in PULUMI_OPENBSD_POSTFIX_FORGET, so it cannot be changed. Nothing was changed.`,
    );
  const host = await connect(connection);
  // Where it did not answer before, a step has waited for it: the next one can look again.
  overlayOf(connection).isSilent = false;
  if (!pinned) sameMachine(host, given.machine, connection);
  // What another machine held before is nothing to put back on this one.
  const state =
    given.machine === undefined || given.machine === host.fingerprint
      ? given
      : { ...given, previous: NOTHING_BEFORE };
  const args = argsOf(inputs);
  let { revision } = state;
  const finish = (done: Done): Values => {
    const { sight } = done;
    const wanted = {
      ...without(inputs, []),
      ...sight.args,
      connection: inputs["connection"],
      owner: urn,
      release: sight.platform.release,
    };
    return clean({
      ...without(olds, [...Object.keys({ ...appliedOf(olds), ...inputs }), ...KEPT]),
      ...wanted,
      ...liveOf(kind, sight),
      ...maskAll(kind.outputs(sight.observed, sight.args, sight.platform)),
      ...maskAll(done.outputs),
      applied: wanted,
      previous: previousOf(done.record, owner.instance),
      machine: host.fingerprint,
      instance: owner.instance,
      revision,
      schema: SCHEMA,
    });
  };

  const planOn = async (reader: HostReader): Promise<Plan> => {
    try {
      const plan = decide(kind, await look(kind, reader, args), owner, state);
      learnSecrets(inputs, liveOf(kind, plan.sight));
      revision = Math.max(state.revision, plan.sight.record.revisions?.[urn] ?? 0);
      if (plan.changes.length === 0) return plan;
      // By the record as it was found: in the plan's own the keys are this resource's already.
      // Noted before the first change: what is cut off after it has another revision than before as well.
      revision = nextRevision(plan.sight.record, owner, state.revision);
      return { ...plan, record: withRevision(plan.record, owner, revision) };
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      throw userError(`${host.address}: ${error.message} Nothing was changed by this.`);
    }
  };
  const before = await planOn(host);
  let last = before;
  const elsewhere = ownedElsewhere(before.sight.record, before.claims, owner);
  if (elsewhere !== undefined)
    throw userError(
      `${elsewhere} (asked for by ${urn}). One thing has one owner. Nothing was changed on ${host.address}.`,
    );
  if (!before.recordChanged)
    return finish({ sight: before.sight, record: before.record, outputs: {} });

  const progress = (text: string): void =>
    void say(urn, "info", `${host.address}: ${text}`, { ephemeral: true });
  const touched = { host: false };
  try {
    return await host.change(`${id} of ${urn}`, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        last = await planOn(writer);
        try {
          const outputs = await carryOut(
            kind,
            writer,
            last,
            progress,
            urn,
            () => (touched.host = true),
            connection.host,
          );
          const done = await settle(kind, writer, args, owner, state);
          return finish({
            sight: done.sight,
            record: done.record,
            outputs,
          });
        } catch (error) {
          if (!HostError.isInstance(error) || error.kind !== "conflict" || attempt > 1) throw error;
          progress("somebody else changed a file in between; looking again");
        }
      }
    });
  } catch (error) {
    if (!touched.host) throw error;
    const told = await withWhoServes(kind, host, error);
    throw await partial(kind, id, told, host, args, inputs, last, finish);
  }
}

/** An error after a change: the state that the next run goes on from travels with it. */
async function partial(
  kind: AnyKind,
  id: string,
  error: unknown,
  host: Host,
  given: Record<string, unknown>,
  inputs: Values,
  last: Plan,
  finish: (done: Done) => Values,
): Promise<Error> {
  const message = mask(error instanceof Error ? error.message : String(error));
  let sight = last.sight;
  let record = last.record;
  try {
    sight = await look(kind, host, given);
    record = sight.record;
  } catch {
    // Unknown is unknown: the state keeps what was seen before the change, and the next run looks again.
  }
  const properties = { ...finish({ sight, record, outputs: {} }), failed: message };
  const failed = userError(message);
  return Object.assign(failed, {
    id,
    reasons: [message],
    properties: { ...properties, __provider: inputs["__provider"] },
  });
}
