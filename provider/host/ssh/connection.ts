/** Naming the host of a connection. */
import type { ConnectionHop } from "../../arguments/connection";

/** `user@host:port`, for messages. */
export function addressOf(hop: ConnectionHop): string {
  return `${userOf(hop)}@${hop.host}:${portOf(hop)}`;
}

export function userOf({ user = "root" }: ConnectionHop): string {
  return user;
}

export function portOf({ port = 22 }: ConnectionHop): number {
  return port;
}
