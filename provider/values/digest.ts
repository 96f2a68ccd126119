import { createHash } from "node:crypto";

/** The SHA-256, in hexadecimal, of bytes as a latin1 string. */
export function sha256(bytes: string): string {
  return createHash("sha256").update(bytes, "latin1").digest("hex");
}
