/** The arguments of `MainCf`. */
import { encodeUtf8 } from "../formats/bytes";
import { checkName, checkValue } from "../formats/mainCf";
import type { MainCfParameters } from "./mainCfParameters";
import { acceptedRules } from "./ruleNames";
import { list, oneOf, optional, record, refusal, type Schema, single, step, text } from "./schema";

/** Arguments of `MainCf`. */
export interface MainCfArgs {
  /**
   * Parameters of main.cf by name, as postconf(5) lists them; a value is one line. `true` and `false` stand for `yes` and
   * `no`. `null` removes a parameter, so that Postfix's own default holds; `""` sets it empty. Comments and the order in the
   * file stay as they are; {@link mode} decides what happens to other parameters.
   */
  readonly parameters: MainCfParameters;
  /**
   * `"merge"` leaves parameters that are not named in {@link parameters} as they are; `"exact"` removes them, shows each
   * removal in the preview, and puts them back on destroy. @defaultValue "merge"
   */
  readonly mode?: "merge" | "exact";
  /**
   * Names of parameters that Postfix does not know, for programs of your own that read them. Without being listed here, such
   * a parameter fails the preview, unless another value refers to it, it is a restriction class, or Postfix reads it for a
   * transport of master.cf (`slow_time_limit`).
   */
  readonly userDefined?: readonly string[];
  /**
   * Rules whose violations are to be warnings instead of failures. The message of a violation ends with the name of its
   * rule. Example: `["openRelay"]` for a relay in a closed network.
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
  // The type tells an editor which names there are and which values each takes; the judgement checks both in the preview.
  parameters: parameters as Schema<unknown> as Schema<MainCfParameters>,
  mode: optional(oneOf(["merge", "exact"], 'must be "merge" or "exact".')),
  userDefined: optional(
    list(text(/^/, "must be the name of a parameter."), "must be a list of names of parameters."),
  ),
  accept: optional(acceptedRules),
});
