/** Secrets that are not on the host as they were applied. */
import { hashedValue } from "../../contract/hiddenFile";
import { equal, pathParts, valueAt, valueIn } from "../../values/json";
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
  return secretPathsOf(inputs).reduce<Values>(
    (hashed, path) => replaceAt(hashed, inputs, pathParts(path)) as Values,
    live,
  );
}

function replaceAt(live: unknown, given: unknown, [part, ...rest]: readonly string[]): unknown {
  if (part === undefined) return equal(live, given) ? live : hashedValue(live, given);
  if (Array.isArray(live))
    return live.map((item: unknown, index) =>
      String(index) === part ? replaceAt(item, valueIn(given, part), rest) : item,
    );
  if (typeof live !== "object" || live === null || !Object.hasOwn(live, part)) return live;
  const item = (live as Values)[part];
  return { ...live, [part]: replaceAt(item, valueIn(given, part), rest) };
}
