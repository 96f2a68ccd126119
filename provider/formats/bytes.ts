/**
 * The text of a file as bytes: one character (U+0000 to U+00FF) for each, as `Buffer`'s "latin1" converts them, so
 * that no byte is lost, valid UTF-8 or not.
 */
export type Bytes = string;

const marker = "__pulumiOpenbsdPostfixFormatError";

/** For a name or value that a format cannot hold, and for a file that cannot be edited safely. */
export class FormatError extends Error {
  readonly [marker] = true;

  constructor(message: string) {
    super(message);
    this.name = "FormatError";
  }

  /** Like `instanceof`, but also true for an error of another copy of this package. */
  static isInstance(error: unknown): error is FormatError {
    return error instanceof Error && marker in error;
  }
}

/** ASCII is the same as text and as bytes; most names and values are ASCII, and a file may have very many. */
const beyondAscii = /[^\x00-\x7f]/;

/**
 * The UTF-8 bytes of a string.
 *
 * @throws FormatError for half a surrogate pair, which has no UTF-8
 */
export function encodeUtf8(text: string): Bytes {
  if (!beyondAscii.test(text)) return text;
  const bytes = Buffer.from(text, "utf8");
  if (bytes.toString("utf8") !== text) {
    throw new FormatError("the text holds half a surrogate pair, which UTF-8 cannot express");
  }
  return bytes.toString("latin1");
}

/** What `TextDecoder` takes as one character: 1 to 4 bytes, without overlong forms and surrogates. */
const utf8Character =
  /[\x00-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[^]/g;

/** Bytes as text to read: decoded as UTF-8, with each byte that is not valid UTF-8 as `\xNN`. */
export function decodeUtf8(bytes: Bytes): string {
  if (!beyondAscii.test(bytes)) return bytes;
  return bytes.replace(utf8Character, (found) =>
    found.length === 1 && found >= "\x80"
      ? `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`
      : Buffer.from(found, "latin1").toString("utf8"),
  );
}

/**
 * Refuses text that cannot be part of a line.
 *
 * @param what - names the text in messages: `the value of "myhostname"`
 */
export function checkLineText(what: string, text: Bytes): void {
  if (text.includes("\n")) throw new FormatError(`${what} must be one line: it holds a newline`);
  if (text.includes("\0")) throw new FormatError(`${what} must not hold a NUL byte`);
  if (/[^\0-\xff]/.test(text)) {
    throw new FormatError(`${what} must be bytes, one character each: encode it with encodeUtf8`);
  }
}

/** A key without regard to case. Postfix folds ASCII only where it is built without EAI, as the port is. */
export function foldKey(key: Bytes): Bytes {
  return !/[A-Z]/.test(key) ? key : key.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
