/** Domains in two address classes: Postfix delivers their mail by one of the classes and silently ignores the other. */
import { logicalLines } from "../formats/logicalLines";
import { MAIN_CF } from "../postfix/paths";
import { words } from "../postfix/values";
import type { Candidate, Complaint } from "./candidate";
import type { TextAt } from "./plannedTexts";
import { entriesText, tableReferences } from "./tableReferences";

/** The parameters that list the domains of a class, in the order in which Postfix goes by them. */
const CLASSES = [
  "mydestination",
  "virtual_mailbox_domains",
  "virtual_alias_domains",
  "relay_domains",
] as const;

/** The default of virtual_alias_domains. The keys of that table are addresses as well as domains. */
const BY_DEFAULT = "$virtual_alias_maps";

/** The domains of a list in lower case, with those in tables whose text can be read. */
function domainsOf(candidate: Candidate, name: string, read: TextAt): Set<string> {
  const domains = new Set<string>();
  if (candidate.raw(name) === BY_DEFAULT) return domains;
  for (const word of words(candidate.value(name)))
    if (!/[:/!{]/.test(word)) domains.add(word.toLowerCase());
  for (const reference of tableReferences(candidate)) {
    if (reference.setting.service !== undefined || reference.setting.name !== name) continue;
    for (const line of logicalLines(entriesText(reference, read)?.text ?? "")) {
      const key = line.text.split(/\s+/)[0] ?? "";
      if (key !== "" && !/[@:/!]/.test(key)) domains.add(key.toLowerCase());
    }
  }
  return domains;
}

/** relay_domains may name mydestination by reference: before Postfix 3.0 that is its default, and local(8) comes first. */
function isMeant(left: string, right: string, value: string): boolean {
  return (
    left === "mydestination" && right === "relay_domains" && /\$[({]?mydestination\b/.test(value)
  );
}

/** The domains that two classes share. */
export function domainComplaints(candidate: Candidate, read: TextAt): Complaint[] {
  const set = CLASSES.filter((name) => candidate.parameters.has(name) || name === "mydestination");
  const lists = new Map(set.map((name) => [name, domainsOf(candidate, name, read)]));
  const complaints: Complaint[] = [];
  for (const [index, left] of set.entries())
    for (const right of set.slice(index + 1)) {
      if (isMeant(left, right, candidate.raw(right) ?? "")) continue;
      const both = [...(lists.get(left) ?? [])].filter((domain) => lists.get(right)?.has(domain));
      const line =
        candidate.parameters.get(right)?.line ?? candidate.parameters.get(left)?.line ?? 1;
      for (const domain of both)
        complaints.push({
          rule: "domains",
          file: MAIN_CF,
          line,
          subject: candidate.parameters.has(right) ? right : left,
          reason: `${domain} is in ${left} and in ${right}: Postfix goes by the first, and never looks at the second`,
        });
    }
  return complaints;
}
