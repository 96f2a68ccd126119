/** `create` and `update`, which are the same: observe, plan, apply, observe. */
import { type ConnectionArgs } from "../host/connection";
import { HostError } from "../host/errors";
import { type Host } from "../host/host";
import { connect } from "../host/pool";
import { type HostRecord, type Owner } from "../host/record";
import { clean, equal } from "../json";
import { type AnyKind, NOTHING_BEFORE } from "../resource";
import { carryOut, settle } from "./apply";
import { say } from "./engineLog";
import { sameMachine } from "./machine";
import { SCHEMA } from "./migrate";
import { type Plan, type Sight, decide, look, ownedElsewhere, previousOf } from "./plan";
import { learnSecrets, mask, maskAll, maskOwn } from "./secrets";
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
  without,
} from "./state";
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
    revision: 0,
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
  const same = (key: string): boolean => equal(olds[key], news[key]);
  const onlyConnection =
    olds["unread"] === undefined &&
    olds["failed"] === undefined &&
    Object.keys(without(news, ["owner", "connection"])).every(same) &&
    !same("connection");
  const pinned = newlyPinned(olds, news);
  // Another key, port or user: no host is touched, only the state learns how to find it.
  if (onlyConnection && !pinned)
    return clean({ ...without(olds, []), ...without(news, []), applied: without(news, []) });
  return converge(kind, id, news, state, olds, pinned);
}

/** The user names another host key than before: the machine behind the address may be another one. */
function newlyPinned(olds: Values, news: Values): boolean {
  const key = connectionOf(news).hostKey;
  return key !== undefined && key !== (olds["connection"] as ConnectionArgs | undefined)?.hostKey;
}

interface Done {
  readonly sight: Sight;
  readonly record: HostRecord;
  readonly wrote: boolean;
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
  if (!pinned) sameMachine(host, given.machine, connection);
  // What another machine held before is nothing to put back on this one.
  const state =
    given.machine === undefined || given.machine === host.fingerprint
      ? given
      : { ...given, previous: NOTHING_BEFORE };
  const args = argsOf(inputs);
  const finish = (done: Done): Values => {
    const revision = state.revision + (done.wrote ? 1 : 0);
    const { sight } = done;
    const wanted = {
      ...without(inputs, []),
      ...sight.args,
      connection: inputs["connection"],
      owner: urn,
      release: sight.platform.release,
    };
    return clean({
      ...without(olds, [...Object.keys(inputs), ...KEPT]),
      ...wanted,
      ...kind.live(sight.observed, sight.args, sight.platform),
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

  const before = decide(kind, await look(kind, host, args), owner, state);
  learnSecrets(inputs, kind.live(before.sight.observed, before.sight.args, before.sight.platform));
  const elsewhere = ownedElsewhere(before.sight.record, before.claims, owner);
  if (elsewhere !== undefined)
    throw userError(
      `${elsewhere} (asked for by ${urn}). One thing has one owner. Nothing was changed on ${host.address}.`,
    );
  if (!before.recordChanged)
    return finish({ sight: before.sight, record: before.record, wrote: false, outputs: {} });

  const progress = (text: string): void =>
    void say(urn, "info", `${host.address}: ${text}`, { ephemeral: true });
  const touched = { host: false };
  let last: Plan = before;
  try {
    return await host.change(`${id} of ${urn}`, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        last = decide(kind, await look(kind, writer, args), owner, state);
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
            wrote: last.changes.length > 0,
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
    throw await partial(kind, id, error, host, args, inputs, last, finish);
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
  const properties = { ...finish({ sight, record, wrote: true, outputs: {} }), failed: message };
  const failed = userError(message);
  return Object.assign(failed, {
    id,
    reasons: [message],
    properties: { ...properties, __provider: inputs["__provider"] },
  });
}
