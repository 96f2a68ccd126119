/** Hiding secrets in messages, and in values that the state keeps in clear. */
import { createHmac, randomBytes } from "node:crypto";
import { mapLeaves, mapValues, valueIn } from "../../values/json";
import type { Values } from "../state";
import { type Spellings, everywhere, SHORTEST, secretsOfCall } from "./known";

const HIDDEN = "[secret]";

/** A message without any secret that this process knows. */
export function mask(text: string): string {
  return replaced(text, new Map([...everywhere, ...secretsOfCall().own]), measured);
}

/** A text for the state without the secrets of the resource. Only these, so that the text is the same in each run. */
export function maskOwn(text: string): string {
  return replaced(text, secretsOfCall().own, () => HIDDEN);
}

/** Outputs, which the state keeps in clear, without any secret that this process knows, at any depth. */
export function maskAll<T>(value: T): T {
  return maskedBy(value, new Map([...everywhere, ...secretsOfCall().own]));
}

/**
 * Outputs of a refresh. They must not depend on what else this process has come to know, so only the secrets of the
 * resource and of its host are hidden in them, and parts that were hidden before.
 */
export function maskAgain<T>(before: Values, outputs: T): T {
  const { own, host } = secretsOfCall();
  const known: Spellings = new Map([
    ...[...host].filter(([spelling]) => spelling.trim().length >= SHORTEST),
    ...own,
  ]);
  return stillHidden(before, maskedBy(outputs, known));
}

function maskedBy<T>(value: T, known: Spellings): T {
  const hide = (leaf: unknown): unknown =>
    typeof leaf === "string" ? replaced(leaf, known, () => HIDDEN) : leaf;
  return mapLeaves(value, hide) as T;
}

/** Keeps a former text where the new one differs only in the parts that were hidden. */
function stillHidden<T>(before: unknown, now: T): T {
  if (typeof now === "string") {
    if (typeof before !== "string" || !before.includes(HIDDEN)) return now;
    const parts = before.split(HIDDEN).map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
    return new RegExp(`^${parts.join("[^]+")}$`).test(now) ? (before as T) : now;
  }
  if (Array.isArray(now))
    return now.map((item: unknown, index) =>
      stillHidden(valueIn(before, String(index)), item),
    ) as T;
  if (typeof now !== "object" || now === null) return now;
  return mapValues(now as Readonly<Record<string, unknown>>, (item, key) =>
    stillHidden(valueIn(before, key), item),
  ) as T;
}

/**
 * Replaces secrets by their labels, the longest secret first. Placeholders come first and labels second, so that no secret
 * is found in the label of another one.
 */
function replaced(text: string, known: Spellings, label: (secret: string) => string): string {
  const found = [...known.keys()]
    .filter((spelling) => text.includes(spelling))
    .sort((left, right) => right.length - left.length);
  if (found.length === 0) return text;
  // A placeholder consists of characters for private use, which neither files nor logs contain: U+E000, the number of the
  // secret in digits from U+E010 on, U+E001.
  const numbered = found.reduce(
    (masked, spelling, index) => masked.replaceAll(spelling, placeOf(index)),
    text,
  );
  return numbered.replace(/\uE000([\uE010-\uE019]+)\uE001/g, (_place, digits: string) => {
    const index = Number(digits.replace(/./g, (digit) => String(digit.charCodeAt(0) - 0xe010)));
    return label(known.get(found[index] ?? "") ?? "");
  });
}

function placeOf(index: number): string {
  const digits = String(index).replace(/./g, (digit) =>
    String.fromCharCode(0xe010 + Number(digit)),
  );
  return `\uE000${digits}\uE001`;
}

const hashKey = randomBytes(32);

/**
 * A hash for messages, which tells two texts in one output apart and says nothing else: nobody keeps its key. Against a
 * plain hash, a reader of the output could try passwords.
 */
export function messageHash(text: string): string {
  return createHmac("sha256", hashKey).update(text).digest("hex").slice(0, 8);
}

/** Stands for a secret in messages. */
export function measured(secret: string): string {
  return `[secret, ${secret.length} characters, hash ${messageHash(secret)}]`;
}
