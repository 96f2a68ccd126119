/** Secrets that are not on the host as they were applied. */
import { hashedValue } from "../../contract/hiddenFile";
import { equal, isDictionary, mapValues, pathParts, valueAt, valueIn } from "../../values/json";
import type { Values } from "../state";
import { secretPathsOf } from "./known";
import { measured } from "./masking";

/** What a refresh tells the user about drifted secrets, for which the engine shows `[secret]` before and after. */
export function driftedSecrets(given: Values, live: Values): string[] {
  const shown = (value: unknown): string => {
    if (value === undefined || value === null) return "nothing";
    return measured(typeof value === "string" ? value : JSON.stringify(value));
  };
  return secretPathsOf(given).flatMap((path) => {
    const [wanted, found] = [valueAt(given, path), valueAt(live, path)];
    if (found === undefined || equal(found, wanted)) return [];
    return [`${path} has drifted: the host has ${shown(found)}, applied was ${shown(wanted)}`];
  });
}

/**
 * Live values that a refresh may keep and show: a hash stands for a drifted secret. The engine treats an input as secret
 * only while the value is the one that the engine gave, so the drifted value would be kept in clear.
 */
export function hashDrift(inputs: Values, live: Values): Values {
  const marks = new Marks();
  for (const path of secretPathsOf(inputs)) marks.add(pathParts(path));
  return hashedAt(live, inputs, marks) as Values;
}

/** Where the secrets stand in a value. All of them at once, because a dictionary may have very many. */
class Marks {
  isSecret = false;
  readonly parts = new Map<string, Marks>();

  add([part, ...rest]: readonly string[]): void {
    if (part === undefined) {
      this.isSecret = true;
      return;
    }
    const below = this.parts.get(part) ?? new Marks();
    this.parts.set(part, below);
    below.add(rest);
  }
}

function hashedAt(live: unknown, given: unknown, { isSecret, parts }: Marks): unknown {
  if (isSecret) return equal(live, given) ? live : hashedValue(live, given);
  const hashed = (item: unknown, part: string): unknown => {
    const marks = parts.get(part);
    return marks === undefined ? item : hashedAt(item, valueIn(given, part), marks);
  };
  if (parts.size === 0) return live;
  if (Array.isArray(live)) return live.map((item: unknown, index) => hashed(item, String(index)));
  return isDictionary(live) ? mapValues(live, hashed) : live;
}
