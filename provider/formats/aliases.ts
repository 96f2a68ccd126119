/**
 * aliases(5) as Postfix reads it: `name: recipient, recipient`, with names without regard to case. Of several entries
 * of one name the first is in force; postalias(1) warns of the others and ignores them.
 */
import {
  external,
  internal,
  normalizeTarget,
  PLAIN,
  PLAIN_NAME,
  quoted,
  recipients,
  scan,
  writtenTarget,
  type Token,
} from "./aliasTokens";
import { checkLineText, foldKey, FormatError, type Bytes } from "./bytes";
import { entriesOf } from "./entries";
import { logicalLines } from "./logicalLines";
import { remembered } from "./units";

export { normalizeTarget };

interface Entry {
  readonly name: string;
  /** The recipients as they are, where all are plain; else the tokens of the value. */
  readonly value: { readonly plain: readonly Bytes[] } | { readonly tokens: readonly Token[] };
}

/** An entry of recipients that mean themselves: nearly all of a large file are. */
const plainLine = new RegExp(
  `^(${PLAIN_NAME.source}):[ \\t]*(${PLAIN.source}(?:,[ \\t]*${PLAIN.source})*)$`,
);

/** Parses a logical line as postalias(1) does; a string is the reason why that would skip it. */
function parse(line: Bytes): Entry | string {
  const [, plainName, plain] = plainLine.exec(line) ?? [];
  if (plainName !== undefined && plain !== undefined)
    return { name: foldKey(plainName), value: { plain: plain.split(/,[ \t]*/) } };
  const tokens = scan(line);
  const is = (token: Token, chars: string) =>
    token.type === "operator" && chars.includes(token.text);
  const colon = tokens.findIndex((token) => is(token, ":"));
  const name = tokens.slice(0, Math.max(colon, 0));
  const value = tokens.slice(colon + 1);
  if (name.length === 0 || value.length === 0 || name.some((token) => is(token, ","))) {
    return 'is not "name: value"';
  }
  if (name.some((token) => is(token, "@%"))) return "has a name that is not local";
  return { name: foldKey(internal(name)), value: { tokens: value } };
}

function recipientsOf({ value }: Entry): readonly Bytes[] {
  return "plain" in value ? value.plain : recipients(value.tokens);
}

/** The value as postalias(1) stores it. */
function storedOf({ value }: Entry): Bytes {
  return "plain" in value ? value.plain.join(", ") : external(value.tokens);
}

/** Entries in force. */
const inForce = remembered((text): ReadonlyMap<string, Entry> => {
  const found = new Map<string, Entry>();
  for (const { text: joined } of logicalLines(text)) {
    const entry = parse(joined);
    if (typeof entry !== "string" && !found.has(entry.name)) found.set(entry.name, entry);
  }
  return found;
});

/** All names, in lower case, and their recipients as `normalizeTarget` spells them. */
export function entries(text: Bytes): ReadonlyMap<string, readonly Bytes[]> {
  return new Map([...inForce(text)].map(([name, entry]) => [name, recipientsOf(entry)]));
}

/**
 * The keys and values of the database that postalias(1) makes of the text. Compare values without blanks at their ends:
 * Postfix 3.7 writes one after a last comma (measured), later releases do not.
 */
export function compiled(text: Bytes): ReadonlyMap<string, Bytes> {
  return new Map([...inForce(text)].map(([name, entry]) => [name, storedOf(entry)]));
}

/** The recipients of a name; undefined when it has no entry. */
export function get(text: Bytes, name: Bytes): readonly Bytes[] | undefined {
  const entry = inForce(text).get(foldKey(name));
  return entry && recipientsOf(entry);
}

/** Refuses a name that postalias(1) would not read back. */
export function checkName(name: Bytes): void {
  checkLineText(`the alias name ${JSON.stringify(name)}`, name);
  if (name === "" || /[\x00-\x1f\x7f]/.test(name)) {
    throw new FormatError(
      `the alias name ${JSON.stringify(name)} must be a user name, without control characters`,
    );
  }
}

/** The beginning of an entry up to its recipients, as the old entry has it where that is simple. */
function written(name: Bytes, old: Bytes | undefined): Bytes {
  const before = /^([\w.+-]+)[ \t]*:[ \t]+/.exec(old ?? "");
  if (before !== null) return before[0];
  return `${/^[\w+-][\w.+-]*$/.test(name) ? name : quoted(name)}: `;
}

/** The recipients as `normalizeTarget` spells them. */
function checked(name: Bytes, targets: readonly Bytes[]): readonly Bytes[] {
  checkName(name);
  if (targets.length === 0)
    throw new FormatError(
      `the alias ${JSON.stringify(name)} needs a recipient; /dev/null drops its mail`,
    );
  return targets.map(normalizeTarget);
}

/** Edits of all entries of a name; a value is the list of its recipients. */
export const { set, remove, save, undo, open } = entriesOf<readonly Bytes[]>({
  keyIn: (line) => {
    const entry = parse(line);
    return typeof entry === "string" ? undefined : entry.name;
  },
  valueIn: (line) => {
    const entry = parse(line);
    return typeof entry === "string" ? [] : recipientsOf(entry);
  },
  keyOf: foldKey,
  inForce: "first",
  checked,
  written: (name, targets, old) =>
    `${written(name, old)}${targets.map(writtenTarget).join(", ")}\n`,
  same: (left, right) =>
    left.length === right.length && left.every((target, nth) => target === right[nth]),
});
