/** The formats in which a secret that the record speaks of is found again, by the name of the kind that wrote it. */
import type { KeyedText } from "../kind/keyedText";
import type { Platform } from "../openbsd/platform";
import { text as aliases } from "./aliases";
import { text as lookupTable, WHOLE } from "./lookupTable";
import { text as mainCf } from "./mainCf";
import { text as masterCf } from "./masterCf";
import { keyedText as rcConfLocal } from "./rcConfLocal";

/** A table that is one secret as a whole is one value. */
const table: KeyedText = {
  ...lookupTable,
  get: (contents, key) => (key === WHOLE ? contents : lookupTable.get(contents, key)),
  put: (contents, key, value) => (key === WHOLE ? contents : lookupTable.put(contents, key, value)),
};

/** `undefined` for a kind that this version does not know. */
export function keyedTextOf(kind: string, platform: Platform): KeyedText | undefined {
  const texts = [aliases, mainCf, masterCf, rcConfLocal(platform), table];
  return texts.find((text) => text.kind === kind);
}
