/**
 * The frames between this process and the agent: a length (4 bytes, most significant first), then that many bytes of
 * bencode, extended by `n` (null), `t` (true) and `f` (false). Bencode, because it carries bytes, and the Perl of
 * OpenBSD 4.7 (5.10.1) has no JSON in its core.
 *
 * Strings are bytes (latin1, one character for each). {@link toBytes} makes such a string of text; a character above
 * U+00FF is an error, rather than lost without a word.
 */

/** A value that a frame can hold. */
export type WireValue =
  string | number | boolean | null | readonly WireValue[] | { readonly [key: string]: WireValue };

/** Both sides refuse a larger frame. */
const maxFrame = 64 * 1024 * 1024;

/** A value that cannot be sent, or an answer that is malformed or has the wrong shape. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** ASCII is the same as text and as bytes; a text may be very long. */
const beyondAscii = /[^\x00-\x7f]/;

/** The UTF-8 bytes of a text. */
export function toBytes(text: string): string {
  if (!beyondAscii.test(text)) return text;
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The text of UTF-8 bytes, to be shown only: other bytes become U+FFFD. */
export function toText(bytes: string): string {
  if (!beyondAscii.test(bytes)) return bytes;
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function encodeInto(value: WireValue, put: (part: string) => void): void {
  if (value === null) put("n");
  else if (typeof value === "boolean") put(value ? "t" : "f");
  else if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new WireError(`${value} is not an integer`);
    put(`i${value}e`);
  } else if (typeof value === "string") {
    if (/[^\u0000-\u00ff]/.test(value))
      throw new WireError("a string has a character that is not one byte");
    put(`${value.length}:`);
    put(value);
  } else if (Array.isArray(value)) {
    put("l");
    for (const item of value as readonly WireValue[]) encodeInto(item, put);
    put("e");
  } else {
    put("d");
    const entries = Object.entries(value as { readonly [key: string]: WireValue });
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [key, item] of entries) {
      encodeInto(key, put);
      encodeInto(item, put);
    }
    put("e");
  }
}

/** The frame of a value. */
export function encodeFrame(value: WireValue): Buffer {
  const parts: string[] = [];
  let length = 0;
  encodeInto(value, (part) => {
    parts.push(part);
    length += part.length;
  });
  if (length > maxFrame) throw new WireError(`a request of ${length} bytes is too large`);
  // Written part by part: joined, a large file would stand in memory once more.
  const frame = Buffer.alloc(4 + length);
  let at = frame.writeUInt32BE(length);
  for (const part of parts) at += frame.write(part, at, "latin1");
  return frame;
}

const maxDepth = 32;

class Decoder {
  private at = 0;
  constructor(private readonly text: string) {}

  whole(): WireValue {
    const value = this.value(0);
    if (this.at !== this.text.length) throw new WireError("bytes are left after the value");
    return value;
  }

  private until(end: string, pattern: RegExp): string {
    const stop = this.text.indexOf(end, this.at);
    const found = stop < 0 ? "" : this.text.slice(this.at, stop);
    if (!pattern.test(found)) throw new WireError(`not bencode at byte ${this.at}`);
    this.at = stop + 1;
    return found;
  }

  private value(depth: number): WireValue {
    if (depth > maxDepth) throw new WireError("nested too deep");
    switch (this.text.charAt(this.at)) {
      case "n":
        this.at++;
        return null;
      case "t":
        this.at++;
        return true;
      case "f":
        this.at++;
        return false;
      case "i":
        this.at++;
        return Number(this.until("e", /^-?\d{1,15}$/));
      case "l":
        return this.list(depth + 1);
      case "d":
        return this.dictionary(depth + 1);
      default:
        return this.bytes();
    }
  }

  private bytes(): string {
    const length = Number(this.until(":", /^\d{1,9}$/));
    const end = this.at + length;
    if (end > this.text.length) throw new WireError("a string is cut short");
    const value = this.text.slice(this.at, end);
    this.at = end;
    return value;
  }

  private list(depth: number): WireValue[] {
    this.at++;
    const items: WireValue[] = [];
    while (this.text[this.at] !== "e") items.push(this.value(depth));
    this.at++;
    return items;
  }

  private dictionary(depth: number): { readonly [key: string]: WireValue } {
    this.at++;
    const entries: [string, WireValue][] = [];
    while (this.text[this.at] !== "e") entries.push([this.bytes(), this.value(depth)]);
    this.at++;
    return Object.fromEntries(entries);
  }
}

/** The value of a frame, given without its length. */
export function decode(body: Buffer): WireValue {
  return new Decoder(body.toString("latin1")).whole();
}

/** Splits a stream into frames, which may be spread over any chunks. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private held = 0;

  /** How many bytes have come of a frame that is not complete; 0 between two frames. */
  get partial(): number {
    return this.held;
  }

  /** The frames, without their lengths, that this chunk completes. */
  push(chunk: Buffer): Buffer[] {
    this.chunks.push(chunk);
    this.held += chunk.length;
    const frames: Buffer[] = [];
    for (let body = this.next(); body !== undefined; body = this.next()) frames.push(body);
    return frames;
  }

  private next(): Buffer | undefined {
    if (this.held < 4) return undefined;
    const length = this.peekLength();
    if (length > maxFrame) throw new WireError(`a reply of ${length} bytes is too large`);
    if (this.held < 4 + length) return undefined;
    const all = this.join();
    const rest = all.subarray(4 + length);
    this.chunks = rest.length > 0 ? [rest] : [];
    this.held = rest.length;
    return all.subarray(4, 4 + length);
  }

  private peekLength(): number {
    const first = this.chunks[0];
    return first !== undefined && first.length >= 4
      ? first.readUInt32BE()
      : this.join().readUInt32BE();
  }

  private join(): Buffer {
    const [first, ...more] = this.chunks;
    const all = first !== undefined && more.length === 0 ? first : Buffer.concat(this.chunks);
    this.chunks = [all];
    return all;
  }
}
