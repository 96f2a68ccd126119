/** Domains that two address classes claim: mail for them goes by one, and the other is silently ignored. */
import { logicalLines } from "../formats/logicalLines";
import { type Candidate, type Complaint } from "./candidate";
import { MAIN_CF } from "../postfix/paths";
import { filesOf, tableReferences } from "./tables";
import { words } from "../postfix/values";

const CLASSES = [
  "mydestination",
  "virtual_mailbox_domains",
  "virtual_alias_domains",
  "relay_domains",
] as const;

/** A virtual alias domain that is listed by virtual_alias_maps only, by the default. */
const BY_DEFAULT = "$virtual_alias_maps";

/** The domains of a list, in lower case; those in tables that can be read as text are among them. */
function domainsOf(
  candidate: Candidate,
  name: string,
  read: (path: string) => string | undefined,
): Set<string> {
  const domains = new Set<string>();
  if (candidate.raw(name) === BY_DEFAULT) return domains;
  for (const word of words(candidate.value(name)))
    if (!/[:/!{]/.test(word)) domains.add(word.toLowerCase());
  for (const reference of tableReferences(candidate)) {
    if (reference.setting.service !== undefined || reference.setting.name !== name) continue;
    const files = filesOf(reference);
    const text = files === undefined ? undefined : read(files.source ?? files.needed);
    if (text === undefined || !/^(hash|btree|texthash)?$/.test(reference.type ?? "")) continue;
    for (const line of logicalLines(text)) {
      const key = line.text.split(/\s+/)[0] ?? "";
      if (key !== "" && !/[@:/!]/.test(key)) domains.add(key.toLowerCase());
    }
  }
  return domains;
}

/** Domains in two classes; relay_domains holds mydestination by the default of Postfix before 3.0. */
export function domainComplaints(
  candidate: Candidate,
  read: (path: string) => string | undefined,
): Complaint[] {
  const set = CLASSES.filter((name) => candidate.parameters.has(name) || name === "mydestination");
  const lists = new Map(set.map((name) => [name, domainsOf(candidate, name, read)]));
  const complaints: Complaint[] = [];
  for (const [index, left] of set.entries())
    for (const right of set.slice(index + 1)) {
      if ((candidate.raw(right) ?? "").includes(`$${left}`)) continue;
      const both = [...(lists.get(left) ?? [])].filter((domain) => lists.get(right)?.has(domain));
      const place =
        candidate.parameters.get(right)?.line ?? candidate.parameters.get(left)?.line ?? 1;
      for (const domain of both)
        complaints.push({
          rule: "domains",
          file: MAIN_CF,
          line: place,
          subject: candidate.parameters.has(right) ? right : left,
          reason: `${domain} is in ${left} and in ${right}: Postfix goes by the first, and never looks at the second`,
        });
    }
  return complaints;
}
