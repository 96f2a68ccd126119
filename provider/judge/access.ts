/** Tables of access(5) whose text is known: actions that are misspelt. */
import { ACTIONS, answersOf, type Read } from "./answers";
import type { Candidate, Complaint } from "./candidate";
import { RESTRICTIONS, isRestrictionList } from "./restrictions";
import { nearest, suggestion } from "../values/spelling";
import { filesOf, tableReferences } from "./tables";
import { expand, words } from "../postfix/values";

/** Only what is close to a known word, and none: an unknown one makes smtpd(8) answer "server configuration error". */
export function accessComplaints(candidate: Candidate, read: Read): Complaint[] {
  return tableReferences(candidate).flatMap((reference): Complaint[] => {
    const { setting, type, name } = reference;
    const files = filesOf(reference);
    if (type === undefined || files === undefined || !isRestrictionList(candidate, setting))
      return [];
    const classes = words(
      expand(setting.lookup("smtpd_restriction_classes") ?? "", setting.lookup),
    );
    const known = [...ACTIONS, ...RESTRICTIONS.keys(), ...classes];
    const folded = new Set(known.map((word) => word.toLowerCase()));
    return answersOf(type, name, read).flatMap(({ key, result, line }): Complaint[] => {
      const action = words(result)[0] ?? "";
      if (folded.has(action.toLowerCase()) || !/^[A-Za-z][\w-]*$/.test(action)) return [];
      if (nearest(action, known) === undefined) return [];
      return [
        {
          rule: "restriction",
          file: name,
          ...(line === undefined ? {} : { line }),
          subject: key,
          reason: `${key}: there is no action "${action}"${suggestion(action, known)}`,
        },
      ];
    });
  });
}
