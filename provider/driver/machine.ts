/** Is it the machine that it was, and what to do when it is not there. */
import { type ConnectionArgs } from "../arguments/connection";
import { addressOf } from "../host/connection";
import { HostError } from "../host/errors";
import { type Host } from "../host/host";
import { type Values, connectionOf, nameToForget, userError } from "./state";

export function sameMachine(
  host: Host,
  machine: string | undefined,
  connection: ConnectionArgs,
): void {
  if (machine === undefined || machine === host.fingerprint) return;
  throw userError(
    `${host.address} is another machine than the one in the state: its host key is ${host.fingerprint}, recorded was ${machine}. ` +
      "Nothing was changed. If the machine only has a new key, or was set up anew on purpose, say so by giving the new key as " +
      "`connection.hostKey` and run `pulumi up --refresh=false` once; if the old machine is gone for good, " +
      `PULUMI_OPENBSD_POSTFIX_FORGET=${nameToForget(connection)} lets it go.`,
  );
}

/**
 * Does the state decide what a refresh logs in with? A configuration value too is as it was at the last `up`: the engine
 * keeps the configuration of a stack with the provider, and a refresh and a destroy get it from there (measured).
 */
export function hasKeptCredentials(connection: ConnectionArgs): boolean {
  const { privateKey, privateKeyConfig, password, passwordConfig } = connection;
  return [privateKey, privateKeyConfig, password, passwordConfig].some((one) => one !== undefined);
}

/** The user names another host key than before: the machine behind the address may be another one. */
export function newlyPinned(olds: Values, news: Values): boolean {
  const key = connectionOf(news).hostKey;
  return key !== undefined && key !== (olds["connection"] as ConnectionArgs | undefined)?.hostKey;
}

/** Hosts that could not be reached in this process, by the resource that said so first. */
const gone = new Map<string, string>();

/** Was the host tried in vain already? */
export function isKnownGone(connection: ConnectionArgs): boolean {
  return gone.has(addressOf(connection));
}

/** A host that cannot be reached, with the ways out; the resources after the first one only point to it. */
export function waysOut(error: HostError, connection: ConnectionArgs, urn: string): Error {
  if (error.kind !== "unreachable" && error.kind !== "lost") return error;
  const name = urn.split("::").at(-1) ?? urn;
  const address = addressOf(connection);
  const first = gone.get(address);
  if (first !== undefined && first !== name)
    return userError(`${address} cannot be reached, as ${first} says.`);
  gone.set(address, name);
  return userError(
    `${error.message}\nThe other resources of the stack can be worked on with --refresh=false; ` +
      `a host that is gone for good is let go with PULUMI_OPENBSD_POSTFIX_FORGET=${nameToForget(connection)} in the environment.`,
  );
}
