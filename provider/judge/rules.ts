/** All that we look for ourselves, because `postconf` and `postfix check` let it through (docs/openbsd.md 16). */
import { accessComplaints } from "./access";
import type { Candidate, Complaint } from "./candidate";
import { milterComplaints, serviceComplaints, transportComplaints } from "./daemons";
import { domainComplaints } from "./domains";
import {
  type Declared,
  duplicateComplaints,
  lineComplaints,
  nameComplaints,
  unsetComplaints,
  valueComplaints,
} from "./parameters";
import { networkComplaints, relayComplaints } from "./relay";
import { restrictionComplaints } from "./restrictions";
import { fileComplaints, typeComplaints } from "./tables";

/** What the rules may know of files besides main.cf and master.cf. */
export interface Surroundings {
  /** Is there a file, now or by an earlier step of the plan? */
  readonly isThere: (path: string) => boolean;
  /** The text of a file; `undefined` where it is not there or was not looked at. */
  readonly read: (path: string) => string | undefined;
  readonly declared: Declared;
}

export function complaintsOf(candidate: Candidate, around: Surroundings): Complaint[] {
  return [
    ...lineComplaints(candidate),
    ...duplicateComplaints(candidate),
    ...nameComplaints(candidate, around.declared),
    ...unsetComplaints(candidate),
    ...valueComplaints(candidate),
    ...restrictionComplaints(candidate),
    ...accessComplaints(candidate, around.read),
    ...typeComplaints(candidate),
    ...fileComplaints(candidate, around.isThere),
    ...relayComplaints(candidate, around.read),
    ...networkComplaints(candidate),
    ...domainComplaints(candidate, around.read),
    ...serviceComplaints(candidate),
    ...transportComplaints(candidate, around.read),
    ...milterComplaints(candidate),
  ];
}
