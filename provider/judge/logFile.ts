/**
 * maillog_file, by which Postfix writes its log itself (MAILLOG_README). The candidate's own file is not tried on the
 * host, because `postfix check` would make it: what Postfix stops at is known here.
 */
import { type JudgedService, serviceKey } from "../postfix/masterServices";
import { MAIN_CF } from "../postfix/paths";
import { words } from "../postfix/values";
import type { Candidate, Complaint } from "./candidate";

const NAME = "maillog_file";
const PREFIXES = "maillog_file_prefixes";

/** The line of master.cf of the service that writes the file. */
export const LOG_SERVICE_LINE = "postlog unix-dgram n - n - 1 postlogd";

export function isLogService(service: JudgedService): boolean {
  return serviceKey(service) === "postlog/unix-dgram";
}

export function logFileComplaints(candidate: Candidate): Complaint[] {
  const set = candidate.parameters.get(NAME);
  const file = candidate.value(NAME);
  // Before 3.4 there is no such parameter, which another rule says.
  const isKnown = candidate.knowledge.defaults.has(PREFIXES);
  if (set === undefined || file === "" || !isKnown) return [];
  const prefixes = words(candidate.value(PREFIXES));
  const faults = [
    ...(prefixes.some((prefix) => file.startsWith(prefix))
      ? []
      : [`"${file}" begins with none of ${PREFIXES}, ${prefixes.join(", ")}`]),
    ...(candidate.services.length === 0 || candidate.services.some(isLogService)
      ? []
      : [`master.cf has no service to write it: ${LOG_SERVICE_LINE}`]),
  ];
  return faults.map((fault) => ({
    rule: "value",
    file: MAIN_CF,
    line: set.line,
    subject: NAME,
    reason: `${NAME}: ${fault}`,
  }));
}
