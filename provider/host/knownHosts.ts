/** Files in the format of known_hosts (sshd(8)): who is known under which name, and by which keys. */
import { createHash, createHmac } from "node:crypto";

/** A public key as it travels. */
export interface PublicKey {
  /** As the blob itself says: "ssh-ed25519". */
  readonly type: string;
  readonly blob: Buffer;
}

/** The keys under which a host is known, and those it must never show again. */
export interface KnownKeys {
  readonly keys: readonly PublicKey[];
  readonly revoked: readonly PublicKey[];
}

interface Entry {
  readonly revoked: boolean;
  readonly names: string;
  readonly key: PublicKey;
}

/** The first string in a key's blob is its type (RFC 4253 section 6.6). */
export function keyTypeOf(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE() : 0;
  return length > 0 && length <= blob.length - 4 ? blob.toString("latin1", 4, 4 + length) : "";
}

/** As ssh-keygen prints it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** One line as it stands in a file of public keys. */
export function keyLineOf(key: PublicKey): string {
  return `${key.type} ${key.blob.toString("base64")}`;
}

/** A key from its type and base64, or undefined when these do not make one. */
export function publicKeyOf(type: string, base64: string): PublicKey | undefined {
  if (!/^[A-Za-z0-9+/]+=*$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, "base64");
  return keyTypeOf(blob) === type ? { type, blob } : undefined;
}

/** The name that a host goes by in these files: the port is part of it unless it is 22. */
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
  // A certificate authority's key is not a host's key; certificates are not asked for, so it has no use here.
  if (marker !== undefined && marker !== "@revoked") return undefined;
  const key = publicKeyOf(type, base64);
  return key === undefined ? undefined : { revoked: marker === "@revoked", names, key };
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

/** Does the first field of a line stand for this name? Hashed, or a list of patterns of which none negates it. */
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

/** What the contents of such files say of a host. */
export function lookUp(texts: readonly string[], host: string, port: number): KnownKeys {
  const name = knownName(host, port);
  const entries = texts
    .flatMap((text) => text.split(/\r?\n/))
    .map(entryOf)
    .filter((entry): entry is Entry => entry !== undefined && namesMatch(entry.names, name));
  return {
    keys: entries.filter((entry) => !entry.revoked).map((entry) => entry.key),
    revoked: entries.filter((entry) => entry.revoked).map((entry) => entry.key),
  };
}
