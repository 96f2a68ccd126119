/** The messages of the host's own `postconf -n` and `postfix check` about a candidate, as complaints. */
import { CONFIGURATION, MAIN_CF, MASTER_CF } from "../postfix/paths";
import { references } from "../postfix/values";
import { lastLines } from "../values/readable";
import { type Candidate, type Complaint, settingsOf } from "./candidate";
import { EXPANDED_LATER } from "./parameters";
import { ranTool, type ToolAnswer } from "./toolAnswer";

/** How the paths of the private folders begin in which the agent runs the tools. */
const PRIVATE = "/tmp/pulumi-openbsd-postfix-";

const PRIVATE_CONFIGURATION = new RegExp(`${PRIVATE}[\\w-]+/(after|before)/`, "g");

/** The distinct lines that a tool printed, without its name, and with the real folder in place of the private one. */
export function linesOf(text: string): string[] {
  const plain = text.split(/\r?\n/).map((line) =>
    line
      .replace(/^(\S*\/)?(post\w+)(\/post[\w-]+)?(\[\d+\])?: /, "")
      .replace(PRIVATE_CONFIGURATION, `${CONFIGURATION}/`)
      .trim(),
  );
  return [...new Set(plain.filter((line) => line !== ""))];
}

/** Messages for which the rules have a complaint with a line and a suggestion. */
const SAID_BETTER =
  /unused parameter: |overriding earlier entry: |^(warning|fatal): .*duplicate (entry|service)/;

/** A message of a name that is set nowhere. */
const UNDEFINED = /undefined parameter: (\S+)/;

/** Is a name that is set nowhere in another complaint already, or only in values that are expanded later? */
function isNeedless(
  name: string,
  candidate: Candidate,
  ruleComplaints: readonly Complaint[],
): boolean {
  const mentions = new RegExp(`\\$${escaped(name)}(?!\\w)`);
  const settings = settingsOf(candidate).filter(({ value }) => refersTo(value, name));
  return (
    ruleComplaints.some(({ rule, reason }) => rule === "unset" && mentions.test(reason)) ||
    (settings.length > 0 && settings.every((one) => EXPANDED_LATER.has(one.name)))
  );
}

function refersTo(value: string, wanted: string): boolean {
  return references(value).some(({ name }) => name === wanted);
}

/** A name as a part of a regular expression. */
function escaped(name: string): string {
  return name.replace(/[.+]/g, "\\$&");
}

/** @param ruleComplaints the complaints of this project's own rules */
export function toolComplaints(
  answers: readonly ToolAnswer[],
  candidate: Candidate,
  ruleComplaints: readonly Complaint[],
): Complaint[] {
  const complaints = new Map<string, Complaint>();
  for (const answer of answers) {
    const result = ranTool(answer);
    if (result === undefined) continue;
    const fatal = result.exitCode !== 0;
    const relevant = linesOf(result.stderr).filter((line) => {
      const name = UNDEFINED.exec(line)?.[1];
      if (name !== undefined && isNeedless(name, candidate, ruleComplaints)) return false;
      // A message with the private folder in it is about the owner of that folder, not about the candidate.
      return !SAID_BETTER.test(line) && !line.includes(PRIVATE);
    });
    for (const line of relevant) complaints.set(line, located(line, candidate, fatal));
    if (fatal && relevant.length === 0)
      complaints.set("", {
        rule: "said",
        file: MAIN_CF,
        reason: `the host's Postfix refuses it: ${lastLines(`${result.stdout}\n${result.stderr}`, 3)}`,
      });
  }
  return [...complaints.values()];
}

/** A message as a complaint at the place that it names: a line of a file, or the line of a parameter. */
function located(message: string, candidate: Candidate, fatal: boolean): Complaint {
  const mild = fatal && /fatal|error|panic|bad /i.test(message) ? {} : { mild: true };
  return {
    rule: "said",
    ...placeIn(message, candidate),
    reason: `the host's Postfix says: ${message}`,
    ...mild,
  };
}

function placeIn(
  message: string,
  candidate: Candidate,
): Pick<Complaint, "file" | "line" | "subject"> {
  const [, named, at] = /(\/etc\/postfix\/(?:main|master)\.cf)[:,]? line (\d+)/.exec(message) ?? [];
  if (named !== undefined) return { file: named, line: Number(at) };
  const missing = UNDEFINED.exec(message)?.[1];
  const user = settingsOf(candidate).find(
    ({ value }) => missing !== undefined && refersTo(value, missing),
  );
  if (user !== undefined) return { file: user.file, line: user.line, subject: user.subject };
  for (const [name, { line }] of candidate.parameters)
    if (new RegExp(`(^|[^\\w])${escaped(name)}([^\\w]|$)`).test(message))
      return { file: MAIN_CF, line, subject: name };
  return { file: message.includes(MASTER_CF) ? MASTER_CF : MAIN_CF };
}
