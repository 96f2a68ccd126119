/** Connecting for a resource, which tells the user what there is to be told of the connection. */
import type { ConnectionArgs } from "../arguments/connection";
import type { DialOptions } from "../host/ssh/dial";
import type { Host } from "../host/host";
import { connect } from "../host/pool";
import { noteReached } from "./machine";
import { say } from "./engineLog";

/** Told in this process: once a run is enough for all resources of a host. */
const told = new Set<string>();

/** A connected host. @throws HostError */
export async function connectFor(
  urn: string,
  connection: ConnectionArgs,
  options: DialOptions = {},
): Promise<Host> {
  const host = await connect(connection, options);
  noteReached(connection);
  for (const warning of host.warnings) {
    const text = `${host.address}: ${warning}.`;
    if (told.has(text)) continue;
    told.add(text);
    await say(urn, "warning", text);
  }
  return host;
}
