/** What may be said of parameters in main.cf. */
import { encodeUtf8 } from "../formats/bytes";
import { checkName, checkValue } from "../formats/mainCf";
import type { MainCfParameters } from "./mainCfParameters";
import { acceptedRules } from "./ruleNames";
import { list, oneOf, optional, record, refusal, type Schema, single, step, text } from "./schema";

/** Arguments of `MainCf`. */
export interface MainCfArgs {
  /**
   * Parameters of main.cf by name, as postconf(5) lists them; a value is one line. `true` and `false` stand for `yes` and
   * `no`. `null` removes a parameter, so that Postfix's own default holds; `""` sets it empty. Others in the file,
   * comments and order are left as they are.
   */
  readonly parameters: MainCfParameters;
  /**
   * `"merge"` leaves what is not named; `"exact"` removes every other parameter that the file sets, shows each removal
   * in the preview, and gives all back on destroy. @defaultValue "merge"
   */
  readonly mode?: "merge" | "exact";
  /**
   * Names that Postfix does not know and that are meant, because a program of yours reads them. A name that another
   * value refers to, a restriction class, and what Postfix reads for a transport of master.cf (`slow_time_limit`) need
   * not be named. Any other name that Postfix does not know fails the preview.
   */
  readonly userDefined?: readonly string[];
  /**
   * Rules of the judgement whose complaints are to be warnings, by the names that the complaints end with, as in
   * `["openRelay"]` for a relay in a closed network.
   */
  readonly accept?: readonly string[];
}

function nameFault(name: string): string | undefined {
  const wrong = refusal(() => checkName(name));
  return wrong === undefined
    ? undefined
    : 'a parameter name is letters, digits and underscores, as postconf(5) lists them, and "-.:@+" where it begins with the name of a service; no blanks, no newline, no `=`.';
}

function valueFault(name: string, value: unknown): string | undefined {
  if (value === null || typeof value === "boolean" || Number.isSafeInteger(value)) return undefined;
  if (typeof value !== "string")
    return 'must be a string ("" sets the parameter empty), a whole number, true or false (yes or no), or null (removes it).';
  if (/[\n\r\0]/.test(value))
    return "must be one line: Postfix reads a newline as the end of the value. Separate list items with commas or blanks.";
  return refusal(() => checkValue(name, encodeUtf8(value.trim())));
}

const parameters = record<MainCfParameters[string]>(
  "must be parameters by name, as postconf(5) lists them.",
  nameFault,
  (name) => single((value) => valueFault(name, value)),
);

/** What each argument of `MainCf` may be. */
export const mainCfArguments = step<MainCfArgs>({
  // Which names are known, and what each takes, is for the editor and for the judgement.
  parameters: parameters as Schema<unknown> as Schema<MainCfParameters>,
  mode: optional(oneOf(["merge", "exact"], 'must be "merge" or "exact".')),
  userDefined: optional(
    list(text(/^/, "must be the name of a parameter."), "must be a list of names of parameters."),
  ),
  accept: optional(acceptedRules),
});
