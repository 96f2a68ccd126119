/** The formats of all kinds by the kinds' names: with them, the secrets that the record names are found in the files. */
import type { KeyedText } from "../contract/keyedText";
import type { Platform } from "../openbsd/platform";
import { text as aliases } from "./aliases";
import { text as lookupTable } from "./lookupTable";
import { text as mainCf } from "./mainCf";
import { text as masterCf } from "./masterCf";
import { keyedText as rcConfLocal } from "./rcConfLocal";

/** The format of a kind's keys; `undefined` for a kind that this version of the provider does not know. */
export function keyedTextOf(kind: string, platform: Platform): KeyedText | undefined {
  const texts = [aliases, mainCf, masterCf, rcConfLocal(platform), lookupTable];
  return texts.find((text) => text.kind === kind);
}
