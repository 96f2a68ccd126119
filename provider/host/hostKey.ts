/** Whether the key that a host shows is the one we expect. Asked before anything is sent that proves who we are. */
import { readFileSync } from "node:fs";
import { HostError } from "./errors";
import { homePath } from "./home";
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

/** What is expected of a host, and from where we know it. */
export interface Trust extends KnownKeys {
  /** `SHA256:…` of keys of which only that is known. */
  readonly fingerprints: readonly string[];
  /** For messages: "connection.hostKey", or the names of the files. */
  readonly source: string;
}

/**
 * Keys and fingerprints in a `hostKey` argument: lines as in a file of public keys (`ssh-ed25519 AAAA…`), as in
 * known_hosts (`name ssh-ed25519 AAAA…`, which is what ssh-keyscan prints), or fingerprints (`SHA256:…`).
 * Undefined when a line is none of these.
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

function contentsOf(path: string): string {
  try {
    return readFileSync(homePath(path), "latin1");
  } catch {
    return "";
  }
}

/** What we know of a host: by its `hostKey` if one is given, else by the files that ssh(1) reads. */
export function trustFor(
  host: string,
  port: number,
  given: { readonly hostKey?: string; readonly knownHostsPath?: string },
): Trust {
  if (given.hostKey !== undefined) {
    const parsed = parseHostKey(given.hostKey) ?? { keys: [], fingerprints: [] };
    return { ...parsed, revoked: [], source: "connection.hostKey" };
  }
  const files =
    given.knownHostsPath === undefined
      ? ["~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"]
      : [given.knownHostsPath];
  return {
    ...lookUp(files.map(contentsOf), host, port),
    fingerprints: [],
    source: files.join(" and "),
  };
}

/** ssh2's defaults, in its order. An RSA key signs in three ways. */
const signatures: Readonly<Record<string, readonly string[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

/**
 * The algorithms to ask a host's key for: those of the keys we know first, so that a host with several keys shows
 * one that can be compared. `without`: types of key that are not asked for.
 */
export function hostKeyAlgorithms(
  trust: Trust,
  without: ReadonlySet<string> = new Set(),
): string[] {
  const known = trust.keys.map((key) => key.type);
  const types = [...new Set([...known, ...Object.keys(signatures)])];
  return types
    .filter((type) => !without.has(type))
    .flatMap((type) => [...(signatures[type] ?? [])]);
}

/** What is to be thought of the key that a host shows. */
export type Verdict = "trusted" | "unknown" | "changed" | "revoked";

/** Compares it with what we know. Keys of another type than those known say nothing: the host may have several. */
export function judgeHostKey(blob: Buffer, trust: Trust): Verdict {
  if (trust.revoked.some((key) => key.blob.equals(blob))) return "revoked";
  if (trust.keys.some((key) => key.blob.equals(blob))) return "trusted";
  if (trust.fingerprints.includes(fingerprintOf(blob))) return "trusted";
  const pinned = trust.source === "connection.hostKey" || trust.fingerprints.length > 0;
  const type = keyTypeOf(blob);
  return pinned || trust.keys.some((key) => key.type === type) ? "changed" : "unknown";
}

/** The error for a key that is not trusted. `shown`: all keys that the host has shown us. */
export function hostKeyError(
  verdict: Exclude<Verdict, "trusted">,
  address: string,
  host: string,
  port: number,
  trust: Trust,
  shown: readonly Buffer[],
): HostError {
  const offered = shown.map((blob) => `${keyTypeOf(blob)} ${fingerprintOf(blob)}`).join(" and ");
  const last = shown.at(-1) ?? Buffer.alloc(0);
  const line = keyLineOf({ type: keyTypeOf(last), blob: last });
  const known = [
    ...trust.keys.map((key) => `${key.type} ${fingerprintOf(key.blob)}`),
    ...trust.fingerprints,
  ].join(", ");
  const details = {
    host: address,
    during: "verifying the host key",
    changed: "no" as const,
    retriable: false,
    fingerprint: fingerprintOf(last),
  };
  const compare =
    "Compare the fingerprint on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, or the key of the type shown)";
  const scan = `ssh-keyscan ${port === 22 ? "" : `-p ${port} `}${host}`;
  if (verdict === "unknown") {
    const others = known === "" ? "" : ` (only ${known}, which it did not show)`;
    return new HostError("hostKeyUnknown", {
      ...details,
      reason: `it shows the key ${offered}, and nothing says that this is its key: ${trust.source} does not have it${others}. No password and no proof of a key was sent`,
      next: `${compare}; if it is the same, set connection.hostKey to "${line}", or add the output of \`${scan}\` to known_hosts`,
    });
  }
  const why =
    verdict === "revoked"
      ? `it shows the key ${offered}, which ${trust.source} marks as revoked`
      : `it shows the key ${offered}, but ${trust.source} has ${known === "" ? "no valid key" : known}`;
  return new HostError("hostKeyChanged", {
    ...details,
    reason: `${why}. Somebody may be listening in, or the host was installed anew. No password and no proof of a key was sent`,
    next:
      verdict === "revoked"
        ? "Give the host a new key"
        : `${compare}; if the host really has a new key, replace the old one: connection.hostKey "${line}", or in known_hosts \`ssh-keygen -R '${knownName(host, port)}'\` and then \`${scan}\``,
  });
}
