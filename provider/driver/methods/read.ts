/** `read`: what the host has now, under the names of the inputs. */
import { HostError } from "../../host/errors";
import { type Host } from "../../host/host";
import { connect } from "../../host/pool";
import { clean } from "../../values/json";
import { say } from "../engineLog";
import { hasKeptCredentials, isKnownGone, sameMachine, waysOut } from "../machine";
import type { ServiceKind } from "../service";
import { liveOf, look } from "../sight";
import { learnSecrets } from "../secrets/known";
import { driftedSecrets } from "../secrets/drift";
import { hashDrift } from "../secrets/drift";
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
  let host: Host;
  try {
    host = await connect(connection, isKnownGone(connection) ? { tries: 1 } : {});
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    if (error.kind === "authRefused" && hasKeptCredentials(connection)) {
      await say(
        urn,
        "warning",
        `${connection.host} refuses the credentials of the last \`pulumi up\`, so it was not looked at; the next \`pulumi up\` uses today's. ${error.reason}`,
      );
      return { ...asIs, props: { ...asIs.props, unread: error.reason } };
    }
    throw waysOut(error, connection, urn);
  }
  sameMachine(host, state.machine, connection);
  const sight = await look(kind, host, argsOf(applied));
  const found = liveOf(kind, sight);
  const given = { ...applied, secretPaths: props["secretPaths"] };
  learnSecrets(given, found);
  for (const text of driftedSecrets(given, found))
    await say(urn, "info", `${host.address}: ${text}`);
  const live = hashDrift(given, found);
  const common = { connection, owner: urn, release: sight.platform.release };
  return clean({
    id,
    props: {
      ...without(props, kind.traits?.repeats ? ["unread"] : ["unread", "failed"]),
      ...sight.args,
      ...live,
      ...maskAgain(props, kind.outputs(sight.observed, sight.args, sight.platform)),
      ...common,
    },
    inputs: { ...without(applied, []), ...sight.args, ...live, ...common },
  });
}
