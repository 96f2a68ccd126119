/** `read`: the state and the inputs of a resource, with the values that its host has now. */
import type { ConnectionArgs } from "../../arguments/connection";
import { HostError } from "../../host/errors";
import { type Host } from "../../host/host";
import { clean } from "../../values/json";
import { connectFor } from "../connecting";
import { say } from "../engineLog";
import { hasKeptCredentials, isKnownGone, sameMachine, waysOut } from "../machine";
import type { ServiceKind } from "../service";
import { shown, shownValues } from "../shown";
import { type Sight, liveOf, look } from "../sight";
import { learnSecrets } from "../secrets/known";
import { driftedSecrets, hashDrift } from "../secrets/drift";
import { maskAgain } from "../secrets/masking";
import {
  type Values,
  argsOf,
  connectionOf,
  isForgotten,
  ownerUrn,
  stateOf,
  without,
} from "../state";

export interface ReadAnswer {
  readonly id: string;
  readonly props: Values;
  readonly inputs: Values;
}

export async function read(kind: ServiceKind, id: string, props: Values): Promise<ReadAnswer> {
  const state = stateOf(props);
  const applied = (props["applied"] as Values | undefined) ?? props;
  const urn = ownerUrn(applied);
  const connection = connectionOf(props);
  const asIs = { id, props: clean(without(props, [])), inputs: clean(without(applied, [])) };
  if (isForgotten(connection)) {
    await say(urn, "warning", `${connection.host} is to be forgotten: kept as it was last seen.`);
    return asIs;
  }
  const host = await reach(connection, urn);
  if ("refused" in host) return { ...asIs, props: { ...asIs.props, unread: host.refused } };
  sameMachine(host, state.machine, connection);
  return clean({ id, ...(await liveValues(kind, host, props, applied)) });
}

/** The host; or the reason for which it refuses the credentials, where those of the next `up` may be others. */
async function reach(
  connection: ConnectionArgs,
  urn: string,
): Promise<Host | { readonly refused: string }> {
  try {
    return await connectFor(urn, connection, isKnownGone(connection) ? { tries: 1 } : {});
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    if (error.kind !== "authRefused" || !hasKeptCredentials(connection))
      throw waysOut(error, connection, urn);
    await say(
      urn,
      "warning",
      `${connection.host} refuses the credentials of the last \`pulumi up\`, so it was not looked at; the next \`pulumi up\` uses today's. ${error.reason}`,
    );
    return { refused: shown(error.reason) };
  }
}

/** The state and the inputs with the values that the host has now. */
async function liveValues(
  kind: ServiceKind,
  host: Host,
  props: Values,
  applied: Values,
): Promise<Omit<ReadAnswer, "id">> {
  const urn = ownerUrn(applied);
  const { sight, live } = await lookFor(kind, host, props, applied);
  const { args, observed, platform } = sight;
  const common = { connection: connectionOf(props), owner: urn, release: platform.release };
  return {
    props: {
      ...without(props, kind.traits?.repeats ? ["unread"] : ["unread", "failed"]),
      ...args,
      ...live,
      ...maskAgain(props, shownValues(kind.outputs(observed, args, platform))),
      ...common,
    },
    inputs: { ...without(applied, []), ...args, ...live, ...common },
  };
}

/** Looks at the host, and reports secrets that are not as they were applied. `live` has hashes in place of these. */
async function lookFor(
  kind: ServiceKind,
  host: Host,
  props: Values,
  applied: Values,
): Promise<{ readonly sight: Sight; readonly live: Values }> {
  const sight = await look(kind, host, argsOf(applied));
  const found = liveOf(kind, sight);
  const given = { ...applied, secretPaths: props["secretPaths"] };
  learnSecrets(given, found);
  for (const text of driftedSecrets(given, found))
    await say(ownerUrn(applied), "info", `${host.address}: ${text}`);
  return { sight, live: shownValues(hashDrift(given, found), given) };
}
