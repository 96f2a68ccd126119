/** The arguments of `Aliases`. */
import { checkName, normalizeTarget } from "../formats/aliases";
import { encodeUtf8, foldKey } from "../formats/bytes";
import { list, mergeOrExact, optional, record, refusal, single, step } from "./schema";
import { tablePathFault } from "./tablePath";

/** Arguments of `Aliases`. */
export interface AliasesArgs {
  /**
   * Recipients by alias name (aliases(5)): addresses, local users, `|command`, `/file/name`, `:include:/file/name`.
   * {@link mode} decides what happens to aliases that are not named here.
   */
  readonly entries: Readonly<Record<string, readonly string[]>>;
  /**
   * `"merge"` leaves entries that are not named in {@link entries} as they are; `"exact"` removes them, and destroy puts
   * them back. @defaultValue "merge"
   */
  readonly mode?: "merge" | "exact";
  /** The alias file. Its database stands beside it, with `.db` at its end. @defaultValue "/etc/postfix/aliases" */
  readonly file?: string;
}

const RECIPIENTS =
  'must be a list of at least one recipient: an address, a local user, "|command", /file/name or :include:/file/name (aliases(5)).';

function nameFault(name: string): string | undefined {
  if (name === "" || /[\n\r\0]/.test(name))
    return "an alias name is one line and not empty (aliases(5)).";
  return refusal(() => checkName(encodeUtf8(name)));
}

function recipientFault(target: unknown): string | undefined {
  if (typeof target !== "string" || target.trim() === "" || /[\n\r\0]/.test(target))
    return "a recipient is one line and not empty (aliases(5)).";
  // Without the text itself, which may be a secret that the provider does not know of yet.
  if (refusal(() => void normalizeTarget(encodeUtf8(target))) !== undefined)
    return 'must be one address, local user, "|command", /file/name or :include:/file/name; several recipients are several items of the list (aliases(5)).';
  return undefined;
}

/** What each argument of `Aliases` may be. */
export const aliasesArguments = step<AliasesArgs>({
  entries: record(
    "must be recipients by alias name.",
    nameFault,
    () =>
      list(single<string>(recipientFault), RECIPIENTS, ({ length }) =>
        length === 0 ? RECIPIENTS : undefined,
      ),
    {
      of: (name) => foldKey(encodeUtf8(name)),
      why: "postalias(1) folds letters, and local(8) looks for small ones",
    },
  ),
  mode: optional(mergeOrExact),
  file: optional(single<string>(tablePathFault)),
});
