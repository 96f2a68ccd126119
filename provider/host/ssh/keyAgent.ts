/**
 * An ssh-agent with one key in this process (draft-ietf-sshm-ssh-agent), so that ssh(1) can use a key that stands in no
 * file. The one of ssh2 goes wrong at the first request that it does not know, with which OpenSSH begins.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { ParsedKey } from "ssh2";

const message = { failure: 5, list: 11, keys: 12, sign: 13, signature: 14 } as const;
/** The longest message of OpenSSH's agent. */
const maxLength = 256 * 1024;
/** The flags of a request to sign with RSA. */
const [sha256Flag, sha512Flag] = [2, 4];

/** A string of RFC 4251. */
function field(bytes: Buffer | string): Buffer {
  const length = Buffer.alloc(4);
  const content = Buffer.from(bytes);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

/** The two strings and the number of a request to sign; undefined when it is cut short. */
function signRequest(body: Buffer): { blob: Buffer; data: Buffer; flags: number } | undefined {
  const parts: Buffer[] = [];
  let at = 1;
  while (parts.length < 2) {
    const end = at + 4 + (at + 4 <= body.length ? body.readUInt32BE(at) : Infinity);
    if (end > body.length) return undefined;
    parts.push(body.subarray(at + 4, end));
    at = end;
  }
  const [blob = Buffer.alloc(0), data = Buffer.alloc(0)] = parts;
  return { blob, data, flags: at + 4 <= body.length ? body.readUInt32BE(at) : 0 };
}

/** The two numbers of a signature by ECDSA, which Node gives in DER and SSH wants as two strings (RFC 5656). */
function ofEcdsa(der: Buffer): Buffer {
  const numbers: Buffer[] = [];
  // A sequence of less than 256 bytes, and two integers.
  for (let at = (der[1] ?? 0) === 0x81 ? 3 : 2; at < der.length;) {
    const length = der[at + 1] ?? 0;
    numbers.push(der.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return Buffer.concat(numbers.map(field));
}

function signed(key: ParsedKey, data: Buffer, flags: number): Buffer {
  const isRsa = key.type === "ssh-rsa";
  const hash = !isRsa
    ? undefined
    : flags & sha512Flag
      ? "sha512"
      : flags & sha256Flag
        ? "sha256"
        : "sha1";
  const format = hash === "sha512" ? "rsa-sha2-512" : hash === "sha256" ? "rsa-sha2-256" : key.type;
  const signature: unknown = key.sign(data, hash);
  if (!Buffer.isBuffer(signature)) return Buffer.from([message.failure]);
  const bytes = key.type.startsWith("ecdsa") ? ofEcdsa(signature) : signature;
  const both = Buffer.concat([field(format), field(bytes)]);
  return Buffer.concat([Buffer.from([message.signature]), field(both)]);
}

function answer(key: ParsedKey, body: Buffer): Buffer {
  const blob = key.getPublicSSH();
  if (body[0] === message.list)
    return Buffer.concat([Buffer.from([message.keys, 0, 0, 0, 1]), field(blob), field("inline")]);
  const asked = body[0] === message.sign ? signRequest(body) : undefined;
  return asked?.blob.equals(blob) === true
    ? signed(key, asked.data, asked.flags)
    : Buffer.from([message.failure]);
}

function serve(socket: Socket, key: ParsedKey): void {
  let heard = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
    while (heard.length >= 4) {
      const end = 4 + heard.readUInt32BE();
      if (end > maxLength) socket.destroy();
      if (end > maxLength || heard.length < end) return;
      socket.write(field(answer(key, heard.subarray(4, end))));
      heard = heard.subarray(end);
    }
  });
}

/** Starts one at the path of a socket, in a folder that only this user may enter. */
export async function startKeyAgent(key: ParsedKey, path: string): Promise<Server> {
  const server = createServer((socket) => serve(socket, key));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  server.unref();
  return server;
}
