/** What is wrong with a `connection` argument, found without looking at files or hosts. Messages repeat no secret. */
import { suggestion } from "../values/spelling";
import { CONFIGURED, CONNECTION_NAMES } from "../arguments/connection";
import { privateKeyOf, secretOf } from "./credentials";
import { parseHostKey } from "./hostKey";

/** The path is relative to the connection; "" stands for the connection itself. */
export interface ConnectionFault {
  readonly path: string;
  readonly reason: string;
}

type Hop = Readonly<Record<string, unknown>>;

/** Checks the shape and the values of the whole argument. */
export function connectionFaults(connection: unknown): readonly ConnectionFault[] {
  return hopFaults(connection, "", true);
}

function hopFaults(value: unknown, at: string, proxyAllowed: boolean): readonly ConnectionFault[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [{ path: at, reason: 'must be an object with at least "host"' }];
  const hop = value as Hop;
  const own = [
    ...nameFaults(hop),
    ...shapeFaults(hop),
    ...configuredFaults(hop),
    ...privateKeyFaults(hop),
  ];
  const faults = own.map(({ path, reason }) => ({
    path: at === "" ? path : `${at}.${path}`,
    reason,
  }));
  if (hop.proxy === undefined) return faults;
  if (proxyAllowed) return [...faults, ...hopFaults(hop.proxy, "proxy", false)];
  const reason = "a jump host cannot have a proxy itself: only one hop is supported";
  return [...faults, { path: `${at}.proxy`, reason }];
}

/** Names that no connection has, each with the nearest name that one has. */
function nameFaults(hop: Hop): readonly ConnectionFault[] {
  return Object.keys(hop)
    .filter((name) => hop[name] !== undefined && !CONNECTION_NAMES.includes(name))
    .map((name) => ({
      path: name,
      reason: `is no part of a connection${suggestion(name, CONNECTION_NAMES) || `: ${CONNECTION_NAMES.join(", ")}`}`,
    }));
}

const isString = (value: unknown): boolean => typeof value === "string";
const matches =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === "string" && pattern.test(value);

function isInteger(value: unknown, least: number, most = Infinity): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

/** What a property must be; all but `host` may be left out. */
const shapes: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  [
    "host",
    matches(/^[A-Za-z0-9_:%][A-Za-z0-9._:%-]{0,254}$/),
    "must be a host name or an IP address",
  ],
  ["port", (value) => isInteger(value, 1, 65535), "must be an integer from 1 to 65535"],
  ["user", matches(/^[A-Za-z0-9_][A-Za-z0-9._-]*\$?$/), "must be a user's name"],
  ["dialErrorLimit", (value) => isInteger(value, -1), "must be an integer, -1 (no limit) or more"],
  [
    "perDialTimeout",
    (value) => typeof value === "number" && value >= 0 && value < 86_400,
    "must be a number of seconds, 0 (no limit) or more",
  ],
  ["privateKeyPassword", isString, "must be a string"],
  ["password", isString, "must be a string"],
  ["agentSocketPath", isString, "must be a string"],
  ["privateKeyPath", isString, "must be a string"],
  ["knownHostsPath", isString, "must be a string"],
  [
    "hostKey",
    (value) => typeof value === "string" && parseHostKey(value) !== undefined,
    'must be a public key ("ssh-ed25519 AAAA…"), a line of known_hosts, or a fingerprint ("SHA256:…")',
  ],
];

function shapeFaults(hop: Hop): readonly ConnectionFault[] {
  return shapes
    .filter(
      ([name, isRight]) => (name === "host" || hop[name] !== undefined) && !isRight(hop[name]),
    )
    .map(([path, , reason]) => ({ path, reason }));
}

/** Credentials that are given by the name of a configuration value. */
function configuredFaults(hop: Hop): readonly ConnectionFault[] {
  return CONFIGURED.flatMap((field): readonly ConnectionFault[] => {
    const path = `${field}Config`;
    const name = hop[path];
    if (name === undefined) return [];
    if (typeof name !== "string" || !/^[^\s:]+(:[^\s:]+)?$/.test(name))
      return [{ path, reason: 'must be the name of a configuration value, as in "mailKey"' }];
    if (hop[field] !== undefined)
      return [{ path, reason: `is another way to give ${field}: give one` }];
    const found = secretOf(hop, field);
    return typeof found === "object" ? [{ path, reason: found.missing }] : [];
  });
}

/** A private key that cannot be used, inline or from the configuration. */
function privateKeyFaults(hop: Hop): readonly ConnectionFault[] {
  const inline = hop.privateKey !== undefined;
  const key = secretOf(hop, "privateKey");
  // Without an inline key, one that is not found has been reported by configuredFaults.
  if (typeof key !== "string" && !inline) return [];
  const passphrase = secretOf(hop, "privateKeyPassword");
  const parsed =
    typeof key === "string"
      ? privateKeyOf(key, typeof passphrase === "string" ? passphrase : undefined)
      : "it is no string";
  if (typeof parsed !== "string") return [];
  const reason = `must be a private key in OpenSSH or PEM format: ${parsed}`;
  return [{ path: inline ? "privateKey" : "privateKeyConfig", reason }];
}
