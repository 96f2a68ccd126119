/** Verifies the key of a host, before anything is sent that proves who the user is. */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { type ConnectionHop } from "../../arguments/connection";
import { addressOf, portOf } from "./connection";
import { HostError } from "../errors";
import { homePath } from "./homeFolder";
import {
  fingerprintOf,
  keyLineOf,
  keyTypeOf,
  knownName,
  type KnownKeys,
  lookUp,
  type PublicKey,
  publicKeyOf,
} from "./knownHosts";

/** The keys that a host is known to have, and where they were found. */
export interface Trust extends KnownKeys {
  /** Fingerprints (`SHA256:…`) of keys of which nothing else is known. */
  readonly fingerprints: readonly string[];
  /** Where they were found, for messages: "connection.hostKey", or the names of files. */
  readonly source: string;
}

/**
 * Reads a `hostKey` argument. Each line is a public key (`ssh-ed25519 AAAA…`), a line of known_hosts or ssh-keyscan
 * (`name ssh-ed25519 AAAA…`), or a fingerprint (`SHA256:…`); undefined when one is none of these.
 */
export function parseHostKey(text: string): Pick<Trust, "keys" | "fingerprints"> | undefined {
  const keys: PublicKey[] = [];
  const fingerprints: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const words = line
      .trim()
      .split(/\s+/)
      .filter((word) => word !== "");
    if (words.length === 0 || words[0]?.startsWith("#") === true) continue;
    const fingerprint = words.find((word) => /^SHA256:[A-Za-z0-9+/]{43}=?$/.test(word));
    const key = words
      .slice(0, 2)
      .map((type, at) => publicKeyOf(type, words[at + 1] ?? ""))
      .find((found) => found !== undefined);
    if (key !== undefined) keys.push(key);
    else if (fingerprint !== undefined) fingerprints.push(fingerprint.replace(/=$/, ""));
    else return undefined;
  }
  return keys.length + fingerprints.length > 0 ? { keys, fingerprints } : undefined;
}

function textOf(path: string): string {
  try {
    return readFileSync(homePath(path), "latin1");
  } catch {
    return "";
  }
}

/** What ssh(1) reads where its configuration names no other files. */
const knownHostsFiles = [
  "~/.ssh/known_hosts",
  "/etc/ssh/ssh_known_hosts",
  "~/.ssh/known_hosts2",
  "/etc/ssh/ssh_known_hosts2",
];

/**
 * The known keys of a host: those of `hostKey` if it is given, else those in the files that ssh(1) reads, by default or by
 * its configuration.
 */
export function trustFor(
  host: string,
  port: number,
  given: {
    readonly hostKey?: string;
    readonly knownHostsPath?: string;
    readonly knownHostsFiles?: readonly string[];
    readonly hostKeyAlias?: string;
  },
): Trust {
  if (given.hostKey !== undefined) {
    const parsed = parseHostKey(given.hostKey) ?? { keys: [], fingerprints: [] };
    const none = { ofPlainName: [], revoked: [], hasAuthority: false };
    return { ...parsed, ...none, source: "connection.hostKey" };
  }
  const files =
    given.knownHostsPath === undefined
      ? (given.knownHostsFiles ?? knownHostsFiles)
      : [given.knownHostsPath];
  const { hostKeyAlias } = given;
  const texts = files.map(textOf);
  return {
    // An alias stands without a port.
    ...(hostKeyAlias === undefined ? lookUp(texts, host, port) : lookUp(texts, hostKeyAlias, 22)),
    fingerprints: [],
    source: files.slice(0, 2).join(" and "),
  };
}

/** The signature algorithms of each type of key, in the order of ssh2's defaults. */
const signatures: Readonly<Record<string, readonly string[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};
/** The signature algorithm of RSA with SHA-1. */
const legacySignature = "ssh-rsa";

/**
 * The algorithms to offer for the host key, except those for the types of key in `without`. Types of known keys come
 * first, so that a host with several keys shows one that can be compared.
 */
export function hostKeyAlgorithms(
  trust: Trust,
  without: ReadonlySet<string> = new Set(),
  legacy = false,
): string[] {
  const known = [...trust.keys, ...trust.ofPlainName].map((key) => key.type);
  const types = [...new Set([...known, ...Object.keys(signatures)])];
  return types
    .filter((type) => !without.has(type))
    .flatMap((type) => [
      ...(signatures[type] ?? []),
      ...(legacy && type === "ssh-rsa" ? [legacySignature] : []),
    ]);
}

export type Verdict = "trusted" | "unknown" | "changed" | "revoked";

/**
 * Compares the key that a host shows with the known ones. When all known keys are of other types it is "unknown", not
 * "changed", for a host may have several keys; a `hostKey` argument names all that are allowed.
 */
export function judgeHostKey(blob: Buffer, trust: Trust): Verdict {
  if (trust.revoked.some((key) => key.blob.equals(blob))) return "revoked";
  if ([...trust.keys, ...trust.ofPlainName].some((key) => key.blob.equals(blob))) return "trusted";
  if (trust.fingerprints.includes(fingerprintOf(blob))) return "trusted";
  const pinned = trust.source === "connection.hostKey" || trust.fingerprints.length > 0;
  const type = keyTypeOf(blob);
  return pinned || trust.keys.some((key) => key.type === type) ? "changed" : "unknown";
}

/**
 * Is this the first use of a host whose first key is to be trusted? Only where nothing at all is known of it: a key of
 * another type than the known ones may be an attacker's.
 */
export function isFirstUse(hop: ConnectionHop, verdict: Verdict, trust: Trust): boolean {
  const { keys, ofPlainName, fingerprints, hasAuthority } = trust;
  const known = keys.length + ofPlainName.length + fingerprints.length;
  return (
    hop.trustUnknownHostKeyOnFirstUse === true &&
    verdict === "unknown" &&
    known === 0 &&
    !hasAuthority
  );
}

/** Adds the key of a first use to the user's known_hosts; returns the file. */
export function rememberHostKey(
  hop: ConnectionHop & {
    readonly knownHostsFiles?: readonly string[];
    readonly hostKeyAlias?: string;
  },
  blob: Buffer,
): string {
  const file = hop.knownHostsPath ?? hop.knownHostsFiles?.[0] ?? "~/.ssh/known_hosts";
  const path = homePath(file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const name = hop.hostKeyAlias ?? knownName(hop.host, portOf(hop));
  appendFileSync(path, `${name} ${keyLineOf({ type: keyTypeOf(blob), blob })}\n`, { mode: 0o600 });
  return file;
}

/** The warning of every run with trustUnknownHostKeyOnFirstUse. `file`: where the key was added, if it was. */
export function firstUseWarning(fingerprint: string, file: string | undefined): string {
  const option = "connection.trustUnknownHostKeyOnFirstUse";
  return file === undefined
    ? `${option} is set, and the host key ${fingerprint} is known by now: take the option out, and compare the fingerprint on the host's console if nobody has`
    : `${option} has accepted the host key ${fingerprint}, which nobody has verified, and added it to ${file}: compare the fingerprint on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, or the key of the type shown)`;
}

/** The error for a key that is not trusted. `shown`: all keys that the host has shown, the refused one last. */
export function hostKeyError(
  verdict: Exclude<Verdict, "trusted">,
  hop: ConnectionHop,
  trust: Trust,
  shown: readonly Buffer[],
): HostError {
  const last = shown.at(-1) ?? Buffer.alloc(0);
  return new HostError(verdict === "unknown" ? "hostKeyUnknown" : "hostKeyChanged", {
    host: addressOf(hop),
    during: "verifying the host key",
    reason: `${distrust(verdict, trust, shown)}. No password and no proof of a key was sent`,
    changed: "no",
    next: keyAdvice(verdict, hop, last),
    retriable: false,
    fingerprint: fingerprintOf(last),
  });
}

function distrust(
  verdict: Exclude<Verdict, "trusted">,
  { keys, fingerprints, source }: Trust,
  shown: readonly Buffer[],
): string {
  const describe = (blob: Buffer): string => `${keyTypeOf(blob)} ${fingerprintOf(blob)}`;
  const offered = shown.map(describe).join(" and ");
  const known = [...keys.map(({ blob }) => describe(blob)), ...fingerprints].join(", ");
  if (verdict === "unknown") {
    const others = known === "" ? "" : ` (only ${known}, which it did not show)`;
    return `it shows the key ${offered}, which is not in ${source}${others}, so that it may be another host`;
  }
  const why =
    verdict === "revoked"
      ? `which ${source} marks as revoked`
      : `but ${source} has ${known === "" ? "no valid key" : known}`;
  return `it shows the key ${offered}, ${why}. Somebody may be listening in, or the host was installed anew`;
}

function keyAdvice(verdict: Exclude<Verdict, "trusted">, hop: ConnectionHop, blob: Buffer): string {
  if (verdict === "revoked") return "Give the host a new key";
  return hostKeyAdvice(verdict === "unknown", hop, keyLineOf({ type: keyTypeOf(blob), blob }));
}

/** What to do about a key, given as a line or as a fingerprint, that is not known, or is another than the known one. */
export function hostKeyAdvice(isUnknown: boolean, hop: ConnectionHop, line: string): string {
  const port = portOf(hop);
  const scan = `ssh-keyscan ${port === 22 ? "" : `-p ${port} `}${hop.host}`;
  const compare =
    "Compare the fingerprint on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, or the key of the type shown)";
  return isUnknown
    ? `${compare}; if it is the same, set connection.hostKey to "${line}", or add the output of \`${scan}\` to known_hosts`
    : `${compare}; if the host really has a new key, replace the old one: connection.hostKey "${line}", or in known_hosts \`ssh-keygen -R '${knownName(hop.host, port)}'\` and then \`${scan}\``;
}
