/**
 * Parameters that must fit what the package installs: folders of programs, and accounts. Where Postfix is installed, its
 * own `postfix check` finds the same.
 */
import { DEFAULT_FOLDERS, MAIN_CF } from "../postfix/paths";
import type { Candidate, Complaint } from "./candidate";

/** The folders that hold programs of the package. Nobody else fills them. */
const PROGRAM_FOLDERS = ["daemon_directory", "command_directory"];

export function installationComplaints(candidate: Candidate): Complaint[] {
  const { accounts } = candidate.knowledge;
  if (accounts === undefined) return [];
  const complaint = (name: string, reason: string): Complaint => {
    const line = candidate.parameters.get(name)?.line;
    const at = line === undefined ? {} : { line };
    return { rule: "value", file: MAIN_CF, ...at, subject: name, reason: `${name} ${reason}` };
  };
  const folders = PROGRAM_FOLDERS.flatMap((name) => {
    const value = candidate.value(name);
    const brought = DEFAULT_FOLDERS.get(name) ?? "";
    return value === brought
      ? []
      : [complaint(name, `is ${value}, and the package brings its programs in ${brought}`)];
  });
  const account = (name: string, known: ReadonlySet<string>, what: string): Complaint[] => {
    const value = candidate.value(name);
    return value === "" || known.has(value)
      ? []
      : [complaint(name, `is "${value}", and this host has no such ${what}`)];
  };
  return [
    ...folders,
    ...account("mail_owner", accounts.users, "user"),
    ...account("default_privs", accounts.users, "user"),
    ...account("setgid_group", accounts.groups, "group"),
  ];
}
