/**
 * aliases(5) as Postfix reads them: `name: recipient, recipient`, names without regard to case. Of several
 * entries of one name the first is in force: postalias(1) warns of the others and ignores them.
 */
import {
  external,
  internal,
  normalizeTarget,
  quoted,
  recipients,
  scan,
  writtenTarget,
  type Token,
} from "./aliasTokens";
import { checkLineText, FormatError, type Bytes } from "./bytes";
import { logicalLines, logicalUnits } from "./logicalLines";
import { formerPlace, insertLines, saveKey, undoKey, type Saved } from "./undo";
import {
  joinUnits,
  remembered,
  replaceEntries,
  startsOf,
  withNewline,
  withoutKeys,
  type Unit,
} from "./units";

export { normalizeTarget };

interface Entry {
  readonly name: string;
  readonly value: readonly Token[];
}

/** Postfix folds ASCII only (the port is built without EAI). */
function folded(name: Bytes): Bytes {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Takes a logical line apart as postalias(1) does; the text says what it finds wrong. */
function parse(line: Bytes): Entry | string {
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
  return { name: folded(internal(name)), value };
}

const unitsOf = remembered((text): readonly Unit[] =>
  logicalUnits(text, (line) => {
    const entry = parse(line);
    return typeof entry === "string" ? undefined : entry.name;
  }),
);

/** Entries in force, with the line on which each begins. */
function inForce(text: Bytes): ReadonlyMap<string, Entry & { readonly line: number }> {
  const found = new Map<string, Entry & { line: number }>();
  for (const { text: joined, line } of logicalLines(text)) {
    const entry = parse(joined);
    if (typeof entry !== "string" && !found.has(entry.name))
      found.set(entry.name, { ...entry, line });
  }
  return found;
}

/** All names, in lower case, and their recipients as `normalizeTarget` spells them. */
export function entries(text: Bytes): ReadonlyMap<string, readonly Bytes[]> {
  return new Map([...inForce(text)].map(([name, entry]) => [name, recipients(entry.value)]));
}

/**
 * What postalias(1) makes of the text: the keys and values that its database then holds. Compare them
 * without blanks at the end: Postfix 3.7 writes one after a last comma (measured), later releases do not.
 */
export function compiled(text: Bytes): ReadonlyMap<string, Bytes> {
  return new Map([...inForce(text)].map(([name, entry]) => [name, external(entry.value)]));
}

/** Recipients of a name, in their order; undefined when it has no entry. */
export function get(text: Bytes, name: Bytes): readonly Bytes[] | undefined {
  return entries(text).get(folded(name));
}

/** Refuses a name that could not be read back. */
export function checkName(name: Bytes): void {
  checkLineText(`the alias name ${JSON.stringify(name)}`, name);
  if (name === "" || /[\x00-\x1f\x7f]/.test(name)) {
    throw new FormatError(
      `the alias name ${JSON.stringify(name)} must be a user name, without control characters`,
    );
  }
}

/** The name with what stands between it and the recipients, as the file had it where that is plain. */
function written(name: Bytes, old: Bytes | undefined): Bytes {
  const before = /^([\w.+-]+)[ \t]*:[ \t]+/.exec(old ?? "");
  if (before !== null) return before[0];
  return `${/^[\w+-][\w.+-]*$/.test(name) ? name : quoted(name)}: `;
}

/**
 * Sets a name's recipients: one entry remains, in the place of the one in force. A new one goes to the end,
 * or to its former place when `was` tells it. The text stays as it is when it already says so.
 *
 * @throws FormatError for a name or recipient that the file cannot carry, and for no recipients.
 */
export function set(text: Bytes, name: Bytes, targets: readonly Bytes[], was?: Saved): Bytes {
  checkName(name);
  const wanted = targets.map(normalizeTarget);
  if (wanted.length === 0) {
    throw new FormatError(
      `the alias ${JSON.stringify(name)} needs a recipient; /dev/null drops its mail`,
    );
  }
  const key = folded(name);
  const units = unitsOf(text);
  const starts = startsOf(units, key);
  const first = starts[0];
  const line = (old?: Bytes) => `${written(name, old)}${wanted.map(writtenTarget).join(", ")}\n`;
  if (first === undefined) {
    const place = was && formerPlace(units, was, "first");
    return place === undefined
      ? withNewline(text) + line()
      : insertLines(units, [{ at: place, raw: line() }]);
  }
  const now = get(text, key) ?? [];
  const same = now.length === wanted.length && wanted.every((target, nth) => target === now[nth]);
  if (same && starts.length === 1) return text;
  return replaceEntries(units, key, first, line(units[first]?.raw));
}

/** Takes all entries of a name away. */
export function remove(text: Bytes, name: Bytes): Bytes {
  return joinUnits(withoutKeys(unitsOf(text), new Set([folded(name)])));
}

/** What `undo` needs to bring a name's entries back. */
export function save(text: Bytes, name: Bytes): Saved {
  return saveKey(text, unitsOf(text), folded(name));
}

/** Brings a name's entries back to what they were at `save`, and leaves all else as it is now. */
export function undo(text: Bytes, name: Bytes, saved: Saved): Bytes {
  return undoKey(text, unitsOf, folded(name), saved);
}
