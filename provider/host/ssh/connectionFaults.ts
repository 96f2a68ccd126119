/** What is wrong with a `connection` argument, found without looking at files or hosts. Messages repeat no secret. */
import { CONFIGURATION_NAME, CONFIGURED, connectionArguments } from "../../arguments/connection";
import { type Failure, violations } from "../../arguments/schema";
import { isDictionary, isUnknown, knownPart } from "../../values/json";
import { privateKeyOf, secretOf } from "./credentials";
import { parseHostKey } from "./hostKey";

type Hop = Readonly<Record<string, unknown>>;

/** Checks the whole argument; paths begin in it. What is not known yet is no fault. */
export function connectionFaults(connection: unknown): readonly Failure[] {
  const failures = violations(connectionArguments, connection);
  if (!isDictionary(connection)) return failures;
  return [...failures, ...chainFaults(connection)];
}

/** What is wrong with a hop, and with those in front of it. */
function chainFaults(hop: Hop): readonly Failure[] {
  const { proxy } = hop;
  const ofProxy = isDictionary(proxy) ? chainFaults(proxy) : [];
  return [
    ...hopFaults(hop),
    ...ofProxy.map((fault) => ({ ...fault, path: `proxy.${fault.path}` })),
  ];
}

/** What is wrong with keys and with values of the configuration. */
function hopFaults(hop: Hop): readonly Failure[] {
  const known = knownPart(hop);
  const keyFaults = isUnknown(hop.privateKeyPassword) ? [] : privateKeyFaults(known);
  return [...hostKeyFaults(known), ...configuredFaults(known), ...keyFaults];
}

function hostKeyFaults({ hostKey }: Hop): readonly Failure[] {
  if (typeof hostKey !== "string" || parseHostKey(hostKey) !== undefined) return [];
  const reason =
    'must be a public key ("ssh-ed25519 AAAA…"), a line of known_hosts, or a fingerprint ("SHA256:…")';
  return [{ path: "hostKey", reason }];
}

/** Credentials that are given by the name of a configuration value. */
function configuredFaults(hop: Hop): readonly Failure[] {
  return CONFIGURED.flatMap((field): readonly Failure[] => {
    const path = `${field}Config`;
    const name = hop[path];
    // A name that is none has been reported by the schema.
    if (typeof name !== "string" || !CONFIGURATION_NAME.test(name)) return [];
    if (hop[field] !== undefined)
      return [{ path, reason: `is another way to give ${field}: give one` }];
    const found = secretOf(hop, field);
    return typeof found === "object" ? [{ path, reason: found.missing }] : [];
  });
}

/** A private key that cannot be used, inline or from the configuration. */
function privateKeyFaults(hop: Hop): readonly Failure[] {
  const key = secretOf(hop, "privateKey");
  // A key of another type has been reported by the schema, one that is not found by configuredFaults.
  if (typeof key !== "string") return [];
  const passphrase = secretOf(hop, "privateKeyPassword");
  const parsed = privateKeyOf(key, typeof passphrase === "string" ? passphrase : undefined);
  if (typeof parsed !== "string") return [];
  const path = hop.privateKey === undefined ? "privateKeyConfig" : "privateKey";
  return [{ path, reason: `must be a private key in OpenSSH, PEM or PKCS#8 format: ${parsed}` }];
}
