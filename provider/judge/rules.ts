/** The rules of this project: they find what `postconf` and `postfix check` let through (docs/openbsd.md 16). */
import { accessComplaints } from "./access";
import type { Candidate, Complaint } from "./candidate";
import { milterComplaints, serviceComplaints, transportComplaints } from "./daemons";
import { domainComplaints } from "./domains";
import { installationComplaints } from "./installation";
import { logFileComplaints } from "./logFile";
import {
  type Declared,
  duplicateComplaints,
  lineComplaints,
  nameComplaints,
  unsetComplaints,
  valueComplaints,
} from "./parameters";
import { mynetworksComplaints } from "./mynetworks";
import type { TextAt } from "./plannedTexts";
import { relayComplaints } from "./relay";
import { restrictionComplaints } from "./restrictions";
import { saslComplaints } from "./sasl";
import { fileComplaints, typeComplaints } from "./tables";

/** What the rules need to know besides main.cf and master.cf. */
export interface Surroundings {
  /** Does a file exist, now or after an earlier step of the plan? */
  readonly isThere: (path: string) => boolean;
  readonly read: TextAt;
  readonly declared: Declared;
}

export function complaintsOf(candidate: Candidate, around: Surroundings): Complaint[] {
  return [
    ...lineComplaints(candidate),
    ...duplicateComplaints(candidate),
    ...nameComplaints(candidate, around.declared),
    ...unsetComplaints(candidate),
    ...valueComplaints(candidate),
    ...installationComplaints(candidate),
    ...restrictionComplaints(candidate),
    ...accessComplaints(candidate, around.read),
    ...typeComplaints(candidate),
    ...fileComplaints(candidate, around.isThere),
    ...relayComplaints(candidate, around.read),
    ...mynetworksComplaints(candidate),
    ...domainComplaints(candidate, around.read),
    ...saslComplaints(candidate),
    ...serviceComplaints(candidate),
    ...transportComplaints(candidate, around.read),
    ...milterComplaints(candidate),
    ...logFileComplaints(candidate),
  ];
}
