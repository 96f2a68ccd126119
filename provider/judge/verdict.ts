/** What becomes of complaints: failures of the preview, or warnings. */
import type { Failure, Plan } from "../kind/kind";
import { type Complaint, keyOf } from "./candidate";
import type { Rule } from "../arguments/ruleNames";

/** What one resource wants judged. */
export interface Question {
  /** Property path of what a complaint is about, where the resource names it: `parameters.myhostname`. */
  readonly path: (complaint: Complaint) => string;
  /** The component in whose `accept` a rule is set aside. @defaultValue MainCf */
  readonly component?: "MainCf" | "MasterCf";
  /** Is the complaint no failure yet, because a later step may settle it? */
  readonly later?: (complaint: Complaint) => boolean;
  /** Does another judgement make this complaint? */
  readonly elsewhere?: (complaint: Complaint) => boolean;
  /** Other judgements tell what was wrong before the plan. */
  readonly onlyNew?: true;
}

/** Rules whose complaints a later main.cf, or a table that comes after this step, may settle. */
const DEPENDS_ON_OTHERS: readonly Rule[] = [
  "name",
  "unset",
  "restriction",
  "openRelay",
  "transport",
  "domains",
  "tableType",
  "tableFile",
  "file",
];

/** What a step that comes before main.cf may leave to it. */
export function settledLater({ rule, final }: Complaint): boolean {
  return final !== true && DEPENDS_ON_OTHERS.includes(rule);
}

/** What is asked about a table that changes alone: what it makes of the files that name it, as far as it alone can. */
export function tableQuestion({ changes }: Plan, path: string): Question {
  return {
    path: () => path,
    // A list of networks lets in whom it names as soon as it is there, whatever comes later.
    later: (complaint) => settledLater(complaint) && complaint.rule !== "openRelay",
    elsewhere: ({ rule, file }) =>
      rule === "table" &&
      changes.some((change) => change.change === "write" && change.path === file),
    onlyNew: true,
  };
}

/** What a tool says of a setting that a rule of ours names already is said once. */
export function merged(complaints: readonly Complaint[]): Complaint[] {
  const place = ({ file, subject = "" }: Complaint): string => `${file}#${subject}`;
  const ours = new Set(complaints.filter(({ rule, mild }) => rule !== "said" && !mild).map(place));
  const seen = new Set<string>();
  return complaints.filter((one) => {
    if (one.rule === "said" && one.subject !== undefined && ours.has(place(one))) return false;
    const key = keyOf(one);
    return !seen.has(key) && seen.add(key);
  });
}

const LATER = "unless a later step sets it";

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
    } else if (complaint.mild === true || accept.includes(complaint.rule)) warn(text);
    else if (question.later?.(complaint))
      warn(text.endsWith("?") ? `${text} (${LATER})` : `${text}, ${LATER}`);
    else
      failures.push({
        path: question.path(complaint),
        reason: `${text}${/\?$/.test(text) ? "" : "."}${wayOut(complaint, question)}`,
      });
  }
  return failures;
}

function printed({ file, line, reason }: Complaint): string {
  return `${file}${line === undefined ? "" : `, line ${line}`}: ${reason}`;
}

/** What to do where the rule may be wrong. */
function wayOut({ rule }: Complaint, { component = "MainCf" }: Question): string {
  if (rule === "name" && component === "MainCf")
    return " If it is meant, name it in MainCf's userDefined.";
  if (rule === "syntax" || rule === "said") return "";
  return ` If it is meant, name "${rule}" in ${component}'s accept.`;
}
