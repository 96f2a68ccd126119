/** The names of the rules. */
import type { Failure } from "../kind/kind";

/** The names that `accept` of MainCf and MasterCf takes. */
const RULES = [
  "syntax",
  "name",
  "value",
  "unset",
  "restriction",
  "tableType",
  "tableFile",
  "file",
  "openRelay",
  "domains",
  "service",
  "transport",
  "duplicate",
  "table",
  "said",
] as const;
export type Rule = (typeof RULES)[number];

/** Failures for names in `accept` that no rule has. */
export function wrongRules(accept: readonly string[] = []): Failure[] {
  return accept.flatMap((rule, index) =>
    (RULES as readonly string[]).includes(rule)
      ? []
      : [
          {
            path: `accept[${index}]`,
            reason: `there is no rule "${rule}"; rules are ${RULES.join(", ")}.`,
          },
        ],
  );
}
