/** What a complaint is about: the names that MainCf's `accept` takes. */
export const RULES = [
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
