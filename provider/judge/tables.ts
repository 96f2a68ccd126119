/** Tables and files that Postfix could not use: table types that it does not have, and files that do not exist. */
import { tableType } from "../postfix/tableTypes";
import { suggestion } from "../values/nearestName";
import type { Candidate, Complaint, Setting } from "./candidate";
import { filesOf, neededFiles, neededTables, tableReferences, tool } from "./tableReferences";

/** Types that `postconf -m` does not list: `postconf -n` and `postfix check` let them through (docs/openbsd.md 16). */
export function typeComplaints(candidate: Candidate): Complaint[] {
  const { tableTypes } = candidate.knowledge;
  if (tableTypes.size === 0) return [];
  return tableReferences(candidate).flatMap(({ setting, type }) => {
    if (type === undefined || tableTypes.has(type)) return [];
    const flavor = tableType(type)?.flavor;
    const hint =
      flavor === undefined
        ? suggestion(type, tableTypes) || `; it has ${[...tableTypes].sort().join(", ")}`
        : `: it comes with the package's flavor "${flavor}"`;
    return [
      {
        rule: "tableType" as const,
        ...placeOf(setting),
        reason: `${setting.name}: this Postfix has no table type "${type}"${hint}`,
      },
    ];
  });
}

/** Tables and files that do not exist, and that no earlier step of the plan brings. */
export function fileComplaints(
  candidate: Candidate,
  isThere: (path: string) => boolean,
): Complaint[] {
  const needed = neededTables(candidate);
  // A table of alias_maps is one for postalias(1), even if local_recipient_maps names it too.
  const aliases = new Set(
    needed.filter(({ setting }) => tool(setting) === "postalias").map(({ name }) => name),
  );
  const tables = needed.flatMap((reference): Complaint[] => {
    const files = filesOf(reference);
    if (files === undefined || isThere(files.needed)) return [];
    const { setting } = reference;
    const how =
      files.source === undefined
        ? `${files.needed} is not there`
        : isThere(files.source)
          ? `${files.source} has no database ${files.needed}: it must be built with ${aliases.has(reference.name) ? "postalias" : tool(setting)}`
          : `neither ${files.source} nor its database is there`;
    return [
      {
        rule: "tableFile",
        ...placeOf(setting),
        reason: `${setting.name}: ${how}, and no step before this one brings it`,
      },
    ];
  });
  const plain = neededFiles(candidate)
    .filter(({ path }) => !isThere(path))
    .map(({ setting, path }): Complaint => ({
      rule: "file",
      ...placeOf(setting),
      reason: `${setting.name}: ${path} is not there, and no step before this one brings it`,
    }));
  return [...tables, ...plain];
}

function placeOf({ file, line, subject }: Setting): Pick<Complaint, "file" | "line" | "subject"> {
  return { file, line, subject };
}
