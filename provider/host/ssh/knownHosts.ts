/** Files in the format of known_hosts (sshd(8)), which list the keys of hosts. */
import { createHash, createHmac } from "node:crypto";

/** A public key in the encoding of RFC 4253. */
export interface PublicKey {
  /** The type that the blob names: "ssh-ed25519". */
  readonly type: string;
  readonly blob: Buffer;
}

/** The keys that are known of a host, and those that are marked as revoked. */
export interface KnownKeys {
  readonly keys: readonly PublicKey[];
  /**
   * For a port other than 22: the keys of the plain name. As for ssh(1), a key that is the same is trusted (sshconnect.c:
   * "checking without port identifier"), and one that is another says nothing.
   */
  readonly ofPlainName: readonly PublicKey[];
  /** Whether there is the key of a certificate authority for the host. */
  readonly hasAuthority: boolean;
  readonly revoked: readonly PublicKey[];
}

interface Entry {
  readonly marker: "" | "@revoked" | "@cert-authority";
  readonly names: string;
  readonly key: PublicKey;
}

/** The first string in a key's blob is its type (RFC 4253 section 6.6). */
export function keyTypeOf(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE() : 0;
  return length > 0 && length <= blob.length - 4 ? blob.toString("latin1", 4, 4 + length) : "";
}

/** The fingerprint of a key as ssh-keygen(1) prints it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The line of a key in a file of public keys. */
export function keyLineOf(key: PublicKey): string {
  return `${key.type} ${key.blob.toString("base64")}`;
}

/** The key of a type and base64; undefined when the two do not fit. */
export function publicKeyOf(type: string, base64: string): PublicKey | undefined {
  if (!/^[A-Za-z0-9+/]+=*$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, "base64");
  return keyTypeOf(blob) === type ? { type, blob } : undefined;
}

/** The key in a line of a file of public keys; undefined when it is none. */
export function publicKeyIn(line: string): PublicKey | undefined {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  return publicKeyOf(type, base64);
}

/** The name of a host in these files; it includes a port other than 22. */
export function knownName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

function entryOf(line: string): Entry | undefined {
  const words = line.trim().split(/[ \t]+/);
  const marker = words[0]?.startsWith("@") === true ? words.shift() : undefined;
  const [names, type, base64] = words;
  if (names === undefined || type === undefined || base64 === undefined || names.startsWith("#")) {
    return undefined;
  }
  const key = publicKeyOf(type, base64);
  if (key === undefined) return undefined;
  if (marker === undefined) return { marker: "", names, key };
  return marker === "@revoked" || marker === "@cert-authority" ? { marker, names, key } : undefined;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function matchesPattern(name: string, pattern: string): boolean {
  const source = pattern.replace(/[^*?]+|[*?]/g, (part) =>
    part === "*" ? ".*" : part === "?" ? "." : escaped(part),
  );
  return new RegExp(`^${source}$`, "is").test(name);
}

function matchesHash(name: string, hashed: string): boolean {
  const [, kind, salt, hash] = hashed.split("|");
  if (kind !== "1" || salt === undefined || hash === undefined) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

/** Whether the first field of a line is for this name. It is a hash, or a list of patterns, which may be negated. */
export function namesMatch(names: string, name: string): boolean {
  if (names.startsWith("|")) return matchesHash(name, names);
  let found = false;
  for (const pattern of names.split(",")) {
    if (pattern.startsWith("!")) {
      if (matchesPattern(name, pattern.slice(1))) return false;
    } else if (pattern !== "" && matchesPattern(name, pattern)) found = true;
  }
  return found;
}

/** The keys of a host in the texts of such files. */
export function lookUp(texts: readonly string[], host: string, port: number): KnownKeys {
  const entries = texts
    .flatMap((text) => text.split(/\r?\n/))
    .flatMap((line) => entryOf(line) ?? []);
  const of = (name: string): readonly Entry[] =>
    entries.filter(({ names }) => namesMatch(names, name));
  const keys = (found: readonly Entry[], marker: Entry["marker"]): readonly PublicKey[] =>
    found.filter((entry) => entry.marker === marker).map(({ key }) => key);
  const own = of(knownName(host, port));
  const plain = port === 22 ? [] : of(knownName(host, 22));
  return {
    keys: keys(own, ""),
    ofPlainName: keys(plain, ""),
    hasAuthority: keys([...own, ...plain], "@cert-authority").length > 0,
    revoked: keys([...own, ...plain], "@revoked"),
  };
}
