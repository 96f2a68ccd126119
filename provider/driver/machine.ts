/** Telling whether a host is still the same machine, and the ways out where it cannot be reached. */
import { type ConnectionArgs } from "../arguments/connection";
import { addressOf } from "../host/ssh/connection";
import { HostError } from "../host/errors";
import { type Host } from "../host/host";
import { type Values, connectionOf, nameToForget, userError } from "./state";

/**
 * The text by which a state remembers a machine: the fingerprints of all of its host keys. Which of them it shows
 * depends on the order of known_hosts, and on the algorithms of both sides. Version 0.1.0 remembered one.
 */
export function machineOf(host: Host): string {
  return host.fingerprints.join(" ");
}

/** The fingerprints in such a text. */
export function fingerprintsIn(machine: string): readonly string[] {
  return machine.split(" ");
}

/** Is a host the machine in the state? Any key that it still has tells it; a state that has none fits every host. */
export function isMachine(host: Host, machine: string | undefined): boolean {
  if (machine === undefined) return true;
  return fingerprintsIn(machine).some((one) => host.fingerprints.includes(one));
}

/** @throws Error where the host is another machine than the one in the state */
export function sameMachine(
  host: Host,
  machine: string | undefined,
  connection: ConnectionArgs,
): void {
  if (machine === undefined || isMachine(host, machine)) return;
  const [now, before] = [host.fingerprints, fingerprintsIn(machine)].map((keys) =>
    keys.join(" and "),
  );
  throw userError(
    `${host.address} is another machine than the one in the state: its host key is ${now}, recorded was ${before}. ` +
      "Nothing was changed. If the machine only has a new key, or was set up anew on purpose, say so by giving the new key as " +
      "`connection.hostKey` and run `pulumi up --refresh=false` once; if the old machine is gone for good, " +
      `PULUMI_OPENBSD_POSTFIX_FORGET=${nameToForget(connection)} lets it go.`,
  );
}

/**
 * Does a refresh log in with credentials of the last `up`? It does with those in the state, and with those in the stack's
 * configuration too: the engine keeps a copy of the configuration with the provider, which a refresh and a destroy use
 * (measured).
 */
export function hasKeptCredentials(connection: ConnectionArgs): boolean {
  const { privateKey, privateKeyConfig, password, passwordConfig } = connection;
  return [privateKey, privateKeyConfig, password, passwordConfig].some(
    (credential) => credential !== undefined,
  );
}

/** Does the program give another host key than before? Then the machine behind the address may be another one. */
export function newlyPinned(olds: Values, news: Values): boolean {
  const key = connectionOf(news).hostKey;
  return key !== undefined && key !== (olds["connection"] as ConnectionArgs | undefined)?.hostKey;
}

/** For each host that could not be reached at the last try: the resource whose error says so in full. */
const gone = new Map<string, string>();

/** Notes that the host was reached: should it go again, that is another failure, which is said in full. */
export function noteReached(connection: ConnectionArgs): void {
  gone.delete(addressOf(connection));
}

/** Could the host not be reached at the last try of this process? */
export function isKnownGone(connection: ConnectionArgs): boolean {
  return gone.has(addressOf(connection));
}

/** The error of an unreachable host, with the ways out; the errors of later resources only refer to the first one. */
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
