/** Generates SSH key pairs in the formats of OpenSSH. */
import { generateKeyPair, randomBytes, type JsonWebKey, type KeyObject } from "node:crypto";

/** A key pair in the text formats of OpenSSH's files. */
export interface SshKeyPair {
  /** The private key, without a passphrase. */
  readonly private: string;
  /** Type and base64, without a comment, e.g. `ssh-ed25519 AAAA…`. */
  readonly public: string;
}

/**
 * Generates a new key pair.
 *
 * The generator of the package ssh2 cannot be used: it drops leading zero bytes of ed25519 keys, so that OpenSSH
 * refuses one in 256 of them (measured with ssh2 1.17).
 */
export async function generateSshKey(type: "ed25519" | "rsa" = "ed25519"): Promise<SshKeyPair> {
  if (type === "rsa") {
    const key = await newKey((done) => {
      generateKeyPair("rsa", { modulusLength: 2048 }, (error, _, secret) => done(error, secret));
    });
    const { e, n } = parts(key, "e", "n");
    const blob = Buffer.concat([text("ssh-rsa"), integer(e), integer(n)]);
    return {
      private: key.export({ type: "pkcs1", format: "pem" }).toString(),
      public: `ssh-rsa ${blob.toString("base64")}`,
    };
  }
  const key = await newKey((done) => {
    generateKeyPair("ed25519", undefined, (error, _, secret) => done(error, secret));
  });
  const { x, d } = parts(key, "x", "d");
  const blob = Buffer.concat([text("ssh-ed25519"), field(x)]);
  return {
    private: opensshFormat(blob, Buffer.concat([field(x), field(Buffer.concat([d, x]))])),
    public: `ssh-ed25519 ${blob.toString("base64")}`,
  };
}

function newKey(
  generate: (done: (error: Error | null, key: KeyObject) => void) => void,
): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    generate((error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

/** Numbers of a key by their names in JSON Web Key (RFC 7517). An ed25519 number there always has all its 32 bytes. */
function parts<Name extends keyof JsonWebKey & string>(
  key: KeyObject,
  ...names: readonly Name[]
): Record<Name, Buffer> {
  const jwk = key.export({ format: "jwk" });
  const entries = names.map((name) => [name, Buffer.from(String(jwk[name]), "base64url")]);
  return Object.fromEntries(entries) as Record<Name, Buffer>;
}

/** Encodes bytes as a "string" of RFC 4251, section 5. */
function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Encodes a text as a "string" of RFC 4251, section 5. */
function text(value: string): Buffer {
  return field(Buffer.from(value));
}

/** Encodes a positive number as an "mpint" of RFC 4251, section 5: with a zero byte in front if its highest bit is set. */
function integer(bytes: Buffer): Buffer {
  return field((bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** The unencrypted private key file that OpenSSH's PROTOCOL.key describes. */
function opensshFormat(publicBlob: Buffer, secret: Buffer): string {
  const check = randomBytes(4);
  const inner = [check, check, text("ssh-ed25519"), secret, text("")];
  const length = inner.reduce((sum, part) => sum + part.length, 0);
  const padding = Buffer.from(Array.from({ length: (8 - (length % 8)) % 8 }, (_, at) => at + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const outer = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...[text("none"), text("none"), text(""), one],
    field(publicBlob),
    field(Buffer.concat([...inner, padding])),
  ]);
  const lines = outer.toString("base64").match(/.{1,70}/g) ?? [];
  const name = "OPENSSH PRIVATE KEY";
  return [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`, ""].join("\n");
}
