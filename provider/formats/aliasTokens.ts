import { checkLineText, FormatError, type Bytes } from "./bytes";

/**
 * A token of the address syntax in which postalias(1) and local(8) read aliases. Tokens are those of Postfix's
 * tok822_scan, and recipients those of tok822_parse and deliver_token.
 */
export interface Token {
  readonly type: "operator" | "atom" | "quoted" | "literal" | "comment";
  readonly text: Bytes;
}

const operators = new Set("|%!)<>@,;:.]");
const special = /[ \x00-\x1f\x7f|%!()<>@,;:\\".[\]]/;

/** The text up to a character that `ends`, without backslashes, with blanks for white space; and the index after it. */
function collect(text: Bytes, from: number, ends: (char: string) => boolean): [Bytes, number] {
  let at = from;
  let collected = "";
  for (; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (ends(text.charAt(at))) break;
    collected += text.charAt(at).replace(/[\t\r\n]/, " ");
  }
  return [collected, Math.min(at, text.length)];
}

/** The index after the comment that begins at `from`; comments can be nested. */
function commentEnd(text: Bytes, from: number): number {
  let level = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "(") level += 1;
    else if (text[at] === ")" && --level === 0) return at + 1;
  }
  return text.length;
}

export function scan(text: Bytes): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const enclosed = (type: Token["type"], end: string): void => {
    const [found, next] = collect(text, at + 1, (char) => char === end);
    tokens.push({ type, text: found });
    at = next + 1;
  };
  while (at < text.length) {
    const char = text.charAt(at);
    if (/[ \t\r\n]/.test(char)) at += 1;
    else if (char === '"') enclosed("quoted", '"');
    else if (char === "[") enclosed("literal", "]");
    else if (char === "(") {
      const end = commentEnd(text, at);
      tokens.push({ type: "comment", text: text.slice(at, end) });
      at = end;
    } else if (operators.has(char)) {
      tokens.push({ type: "operator", text: char });
      at += 1;
    } else {
      const [found, next] = collect(
        text,
        at,
        (one) => /[ \t\r\n"([]/.test(one) || operators.has(one),
      );
      tokens.push({ type: special.test(found) ? "quoted" : "atom", text: found });
      at = next;
    }
  }
  return tokens;
}

const isOperator = (token: Token | undefined, text?: string): boolean =>
  token?.type === "operator" && (text === undefined || token.text === text);

/** The texts of tokens, with blanks where Postfix writes them: after a comma, before "<", between words. */
function joined(tokens: readonly Token[], write: (token: Token) => Bytes): Bytes {
  return tokens
    .map((token, nth) => {
      const next = tokens[nth + 1];
      if (next === undefined) return write(token);
      const words = !isOperator(token) && !isOperator(next);
      const blank = words || isOperator(token, ",") || isOperator(next, "<");
      return write(token) + (blank ? " " : "");
    })
    .join("");
}

const escaped = (text: Bytes, chars: RegExp): Bytes => text.replace(chars, "\\$&");
export const quoted = (text: Bytes): Bytes => `"${escaped(text, /["\\\r\n]/g)}"`;

/** The text without quotes, in which postalias(1) stores a key and which deliver_token inspects. */
export function internal(tokens: readonly Token[]): Bytes {
  return joined(tokens, ({ type, text }) => (type === "literal" ? `[${text}]` : text));
}

/** The text with quotes, in which postalias(1) stores a value. */
export function external(tokens: readonly Token[]): Bytes {
  return joined(tokens, ({ type, text }) => {
    if (type === "quoted") return quoted(text);
    return type === "literal" ? `[${escaped(text, /[\\\r\n]/g)}]` : text;
  });
}

/** Recipients that are no addresses (local(8)): a file, a file in the home folder, a command, a list in a file. */
const notAddress = /^([/~|]|:include:)/i;

function recipient(tokens: readonly Token[]): Bytes {
  const whole = internal(tokens);
  if (notAddress.test(whole)) return whole;
  return external(
    tokens.map(({ type, text }): Token => {
      const plain =
        type === "quoted" && text.split(".").every((part) => part !== "" && !special.test(part));
      return { type: plain ? "atom" : type, text };
    }),
  );
}

function split(
  tokens: readonly Token[],
  between: (left: Token, right: Token) => boolean,
): Token[][] {
  const parts: Token[][] = [];
  tokens.forEach((token, nth) => {
    const previous = tokens[nth - 1];
    const part = parts.at(-1);
    if (part === undefined || previous === undefined || between(previous, token))
      parts.push([token]);
    else part.push(token);
  });
  return parts;
}

/**
 * The recipients of a value. They are separated by commas or white space. Addresses come without needless quotes,
 * comments and names (`Alice <alice@example.org>`), and files, commands and includes without quotes.
 */
export function recipients(tokens: readonly Token[]): readonly Bytes[] {
  return split(
    tokens.filter((token) => token.type !== "comment"),
    (left, right) => isOperator(left, ",") || isOperator(right, ","),
  ).flatMap((part) => {
    if (isOperator(part[0], ",")) return [];
    const opening = part.findIndex((token) => isOperator(token, "<"));
    const inside =
      opening >= 0 && isOperator(part.at(-1), ">") ? part.slice(opening + 1, -1) : part;
    return split(inside, (left, right) => !isOperator(left) && !isOperator(right)).map(recipient);
  });
}

/** A name of atoms with dots between them, each of characters that have no other meaning. */
export const PLAIN_NAME = /[\w+-]+(?:\.[\w+-]+)*/;

/** A user or an address that is its own spelling as a recipient, and as a stored value. */
export const PLAIN = new RegExp(`${PLAIN_NAME.source}(?:@${PLAIN_NAME.source})?`);

const onlyPlain = new RegExp(`^${PLAIN.source}$`);

/**
 * A recipient in the spelling of {@link recipients}, so that equal recipients are equal texts.
 *
 * @throws FormatError when the text is not exactly one recipient
 */
export function normalizeTarget(target: Bytes): Bytes {
  if (onlyPlain.test(target)) return target;
  const what = `the recipient ${JSON.stringify(target)}`;
  checkLineText(what, target);
  if (/[\x00-\x1f\x7f]/.test(target)) throw new FormatError(`${what} holds a control character`);
  if (notAddress.test(target)) return target;
  const [only, ...more] = recipients(scan(target));
  if (only === undefined || more.length > 0) {
    throw new FormatError(
      `${what} must be one address, user, "|command", /file/name or :include:/file/name`,
    );
  }
  return only;
}

/** A normalized recipient as it is written to the file. */
export function writtenTarget(target: Bytes): Bytes {
  const plain = !notAddress.test(target) || /^(:include:)?\/[\w/.+=-]*$/i.test(target);
  return plain ? target : quoted(target);
}
