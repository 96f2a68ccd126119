/** Tables of access(5) whose text can be read: actions that are misspelt. */
import type { Candidate, Complaint } from "./candidate";
import type { TextAt } from "./plannedTexts";
import { isRestrictionList, restrictionClasses, RESTRICTIONS } from "./restrictions";
import { ACTIONS, answersOf } from "./tableAnswers";
import { filesOf, tableReferences } from "./tableReferences";
import { words } from "../postfix/values";
import { nearest, suggestion } from "../values/nearestName";

/**
 * Actions that no table may have, which make smtpd(8) answer "server configuration error". Only those that are close to
 * a known action count, because later versions of Postfix may have more actions than are known here.
 */
export function accessComplaints(candidate: Candidate, read: TextAt): Complaint[] {
  return tableReferences(candidate).flatMap((reference): Complaint[] => {
    const { setting, type, name } = reference;
    const files = filesOf(reference);
    if (type === undefined || files === undefined || !isRestrictionList(candidate, setting))
      return [];
    const known = [...ACTIONS, ...RESTRICTIONS.keys(), ...restrictionClasses(setting.lookup)];
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
