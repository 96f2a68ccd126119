import type { Failure } from "../kind/kind";

/** What a complaint is about: the names that MainCf's `accept` takes. */
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

/** Names in `accept` that are no rules. */
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
