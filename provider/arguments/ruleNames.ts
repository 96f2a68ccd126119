/** The names of the judgement's rules, which the argument `accept` takes. */
import { list, single } from "./schema";

export const RULES = [
  "syntax",
  "name",
  "value",
  "unset",
  "restriction",
  "sasl",
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

/** The argument `accept`. */
export const acceptedRules = list<string>(
  single((rule) => {
    if ((RULES as readonly unknown[]).includes(rule)) return undefined;
    const name = typeof rule === "string" ? `"${rule}"` : "of that name";
    return `there is no rule ${name}; rules are ${RULES.join(", ")}.`;
  }),
  `must be a list of rules: ${RULES.join(", ")}.`,
);
