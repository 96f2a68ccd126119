/** What becomes of complaints: failures of the preview, warnings, or nothing. */
import { type Complaint, keyOf } from "./candidate";
import type { Rule } from "../arguments/ruleNames";
import type { Failure, Plan } from "../contract/kind";

/** How complaints are reported to the resource that asks for the judgement. */
export interface Question {
  /** The resource's property that a complaint is about: `parameters.myhostname`. */
  readonly path: (complaint: Complaint) => string;
  /** The component whose `accept` makes a rule's complaints warnings. @defaultValue MainCf */
  readonly component?: "MainCf" | "MasterCf";
  /** Is the complaint only a warning here, because a later step may settle it? */
  readonly later?: (complaint: Complaint) => boolean;
  /** Is the complaint left out here, because another judgement makes it? */
  readonly elsewhere?: (complaint: Complaint) => boolean;
  /** Say what waits until Postfix is installed, where it is not. */
  readonly saysWhatWaits?: true;
  /** Leave out what was wrong before the plan: other judgements warn of it. */
  readonly onlyNew?: true;
}

/** Rules whose complaints a later step may settle, by a main.cf or a table that it writes. */
const DEPENDS_ON_OTHERS: readonly Rule[] = [
  "name",
  "unset",
  "restriction",
  "openRelay",
  "sasl",
  "transport",
  "domains",
  "tableType",
  "tableFile",
  "file",
];

/** May a complaint of a step that comes before main.cf be settled by main.cf? */
export function settledLater({ rule, final }: Complaint): boolean {
  return final !== true && DEPENDS_ON_OTHERS.includes(rule);
}

/** For a table that changes: what it does to the main.cf and master.cf that name it. */
export function tableQuestion({ changes }: Plan, path: string): Question {
  return {
    path: () => path,
    // A list of networks lets its clients in at once, so a later step is too late to settle an open relay.
    later: (complaint) => settledLater(complaint) && complaint.rule !== "openRelay",
    elsewhere: ({ rule, file }) =>
      rule === "table" &&
      changes.some((change) => change.change === "write" && change.path === file),
    onlyNew: true,
  };
}

/** Leaves out repeated complaints, and those of a tool about a setting of which a rule complains already. */
export function merged(complaints: readonly Complaint[]): Complaint[] {
  const place = ({ file, subject = "" }: Complaint): string => `${file}#${subject}`;
  const placesOfRules = new Set(
    complaints.filter(({ rule, mild }) => rule !== "said" && !mild).map(place),
  );
  const seen = new Set<string>();
  return complaints.filter((one) => {
    if (one.rule === "said" && one.subject !== undefined && placesOfRules.has(place(one)))
      return false;
    const key = keyOf(one);
    return !seen.has(key) && seen.add(key);
  });
}

const LATER = "unless a later step sets it";

/** @param known keys of the complaints about the files as they are before the plan */
export function verdict(
  complaints: readonly Complaint[],
  known: ReadonlySet<string>,
  question: Question,
  { accept, warn }: { accept: readonly string[]; warn: (text: string) => void },
): Failure[] {
  const failures: Failure[] = [];
  for (const complaint of complaints) {
    if (question.elsewhere?.(complaint)) continue;
    const text = printed(complaint);
    if (known.has(keyOf(complaint))) {
      if (!question.onlyNew) warn(`already so before: ${text}`);
    } else if (question.later?.(complaint))
      warn(text.endsWith("?") ? `${text} (${LATER})` : `${text}, ${LATER}`);
    else if (complaint.mild === true || accept.includes(complaint.rule)) warn(text);
    else
      failures.push({
        path: question.path(complaint),
        reason: `${text}${/\?$/.test(text) ? "" : "."}${howToAccept(complaint, question)}`,
      });
  }
  return failures;
}

function printed({ file, line, reason }: Complaint): string {
  return `${file}${line === undefined ? "" : `, line ${line}`}: ${reason}`;
}

/** What the user can do if the rule is wrong. */
function howToAccept({ rule }: Complaint, { component = "MainCf" }: Question): string {
  if (rule === "name" && component === "MainCf")
    return " If it is meant, name it in MainCf's userDefined.";
  if (rule === "syntax" || rule === "said") return "";
  return ` If it is meant, name "${rule}" in ${component}'s accept.`;
}
