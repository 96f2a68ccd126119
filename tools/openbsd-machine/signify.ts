/**
 * Verifies what signify(1) has signed, with Node's own Ed25519: so that no program has to be installed for it. The tests
 * hold it to the real signify(1).
 */
import { createPublicKey, verify } from "node:crypto";

/** A signature or key that is none, or a signature that is not that of the key. */
export class SignatureError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SignatureError";
  }
}

/** The algorithm of all keys and signatures of signify(1), in their first two bytes. */
const algorithm = "Ed";

/** Eight bytes that tell keys apart; a signature names its key by them. */
const numberLength = 8;

/** Returns the message that is embedded in a signature (`signify -Se`), if the signature is that of the key. */
export function verifiedMessage(signed: Buffer, publicKey: string): Buffer {
  const { blob, rest } = decoded(signed, "the signature");
  const key = keyParts(publicKey);
  const signature = parts(blob, 64, "the signature");
  if (!signature.number.equals(key.number))
    throw new SignatureError("it was signed with another key");
  const jwk = { kty: "OKP", crv: "Ed25519", x: key.value.toString("base64url") };
  const ed25519 = createPublicKey({ key: jwk, format: "jwk" });
  if (!verify(null, rest, ed25519, signature.value))
    throw new SignatureError(
      "the signature does not fit: the file was changed after it was signed",
    );
  return rest;
}

/** Reads digests as signify(1) and sha256(1) print them: a line `SHA256 (NAME) = HEX` for each file. */
export function parseDigests(message: Buffer): Map<string, string> {
  const digests = new Map<string, string>();
  for (const line of message.toString("latin1").split("\n")) {
    if (line === "") continue;
    const [, name, digest] = /^SHA256 \(([^()/\s]+)\) = ([0-9a-f]{64})$/.exec(line) ?? [];
    if (name === undefined || digest === undefined || digests.has(name))
      throw new SignatureError(`the signed list has a line that cannot be read: ${line}`);
    digests.set(name, digest);
  }
  return digests;
}

/** A public key: either what is in its file, or that line alone in which the key is. */
function keyParts(text: string): { number: Buffer; value: Buffer } {
  const file = /^untrusted comment: /.test(text) ? text : `untrusted comment: \n${text.trim()}\n`;
  return parts(decoded(Buffer.from(file), "the key").blob, 32, "the key");
}

/** Takes apart a file of signify(1): a comment, a line of base64, and what comes after them. */
function decoded(file: Buffer, what: string): { blob: Buffer; rest: Buffer } {
  const first = file.indexOf("\n");
  const second = file.indexOf("\n", first + 1);
  const comment = file.subarray(0, Math.max(first, 0)).toString("latin1");
  const line = file.subarray(first + 1, Math.max(second, 0)).toString("latin1");
  if (!comment.startsWith("untrusted comment: ") || !/^[A-Za-z0-9+/]+={0,2}$/.test(line))
    throw new SignatureError(`${what} is not in the format of signify(1)`);
  return { blob: Buffer.from(line, "base64"), rest: file.subarray(second + 1) };
}

/** The number of the key and the value in a key or a signature. */
function parts(blob: Buffer, length: number, what: string): { number: Buffer; value: Buffer } {
  const start = algorithm.length + numberLength;
  if (blob.length !== start + length || blob.subarray(0, 2).toString("latin1") !== algorithm)
    throw new SignatureError(`${what} is not in the format of signify(1)`);
  return { number: blob.subarray(2, start), value: blob.subarray(start) };
}
