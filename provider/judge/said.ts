/** What the host's own tools say of a candidate, as complaints with file and line. */
import { lastLines } from "../values/readable";
import { logicalLines } from "../formats/logicalLines";
import type { RunResult } from "../host/host";
import { type Candidate, type Complaint, settingsOf } from "./candidate";
import { MASTER_CF } from "../postfix/paths";
import { CONFIGURATION, MAIN_CF } from "../postfix/paths";
import { EXPANDED_LATER } from "./parameters";
import { references } from "../postfix/values";

/** The distinct lines that a tool printed, with the real names for those in the private folder. */
function linesOf(text: string): string[] {
  const plain = text.split(/\r?\n/).map((line) =>
    line
      .replace(/^(\S*\/)?(post\w+)(\/post[\w-]+)?(\[\d+\])?: /, "")
      .replace(/\/tmp\/pulumi-openbsd-postfix-[\w-]+\/(after|before)\//g, `${CONFIGURATION}/`)
      .trim(),
  );
  return [...new Set(plain.filter((line) => line !== ""))];
}

/** What our own rules say better, with a line and a suggestion. */
const SAID_BETTER =
  /unused parameter: |overriding earlier entry: |^(warning|fatal): .*duplicate (entry|service)/;

/** Says nothing of the candidate: whose the private folder is. */
const OF_THE_FOLDER = /\/tmp\/pulumi-openbsd-postfix-/;

/** A name that a tool finds set nowhere, where no rule of ours speaks of it. */
const UNDEFINED = /undefined parameter: (\S+)/;

/** Is it said already, or of a value that is read only when mail is delivered? */
function isNeedless(name: string, candidate: Candidate, ours: readonly Complaint[]): boolean {
  const mentions = new RegExp(`\\$${name.replace(/[.+]/g, "\\$&")}(?!\\w)`);
  const settings = settingsOf(candidate).filter(({ value }) => refersTo(value, name));
  return (
    ours.some(({ rule, reason }) => rule === "unset" && mentions.test(reason)) ||
    (settings.length > 0 && settings.every((one) => EXPANDED_LATER.has(one.name)))
  );
}

function refersTo(value: string, wanted: string): boolean {
  return references(value).some(({ name }) => name === wanted);
}

/**
 * Complaints of `postconf -n` and `postfix check`.
 *
 * @param ours what our own rules found
 */
export function toolComplaints(
  results: readonly (RunResult | { readonly notFound: true } | undefined)[],
  candidate: Candidate,
  ours: readonly Complaint[],
): Complaint[] {
  const complaints = new Map<string, Complaint>();
  for (const result of results) {
    if (result === undefined || "notFound" in result) continue;
    const fatal = result.exitCode !== 0;
    const lines = linesOf(result.stderr);
    const relevant = lines.filter((line) => {
      const name = UNDEFINED.exec(line)?.[1];
      if (name !== undefined && isNeedless(name, candidate, ours)) return false;
      return !SAID_BETTER.test(line) && !OF_THE_FOLDER.test(line);
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

/** Where a line of a tool points: it names a line of a file, or a parameter. */
function located(text: string, candidate: Candidate, fatal: boolean): Complaint {
  const mild = fatal && /fatal|error|panic|bad /i.test(text) ? {} : { mild: true };
  const reason = `the host's Postfix says: ${text}`;
  const [, file, line] = /(\/etc\/postfix\/(?:main|master)\.cf)[:,]? line (\d+)/.exec(text) ?? [];
  if (file !== undefined) return { rule: "said", file, line: Number(line), reason, ...mild };
  const missing = UNDEFINED.exec(text)?.[1];
  const user = settingsOf(candidate).find(
    ({ value }) => missing !== undefined && refersTo(value, missing),
  );
  if (user !== undefined) {
    const { file: place, line: at, subject } = user;
    return { rule: "said", file: place, line: at, subject, reason, ...mild };
  }
  const setting = [...candidate.parameters].find(([name]) =>
    new RegExp(`(^|[^\\w])${name.replace(/[.+]/g, "\\$&")}([^\\w]|$)`).test(text),
  );
  if (setting !== undefined)
    return {
      rule: "said",
      file: MAIN_CF,
      line: setting[1].line,
      subject: setting[0],
      reason,
      ...mild,
    };
  return { rule: "said", file: text.includes(MASTER_CF) ? MASTER_CF : MAIN_CF, reason, ...mild };
}

/** Complaints of postmap(1) and postalias(1), which warn and leave the line out (docs/openbsd.md 16, M8 and M9). */
export function tableComplaints(
  result: RunResult | { readonly notFound: true } | undefined,
  path: string,
  contents: string,
): Complaint[] {
  const logical = logicalLines(contents);
  if (result === undefined || "notFound" in result) return [];
  const lines = linesOf(result.stderr);
  const twice = (key: string): Complaint => {
    const subject = key.replace(/^"|"$/g, "");
    const last = logical.findLast(({ text }) =>
      text.toLowerCase().replace(/^"/, "").startsWith(subject.toLowerCase()),
    )?.line;
    return {
      rule: "table",
      file: path,
      ...(last === undefined ? {} : { line: last }),
      subject,
      reason: `has ${key} twice: the first is in force`,
    };
  };
  return lines.flatMap((line): Complaint[] => {
    if (/using backwards-compatible/.test(line)) return [];
    const [, number, text] = /, line (\d+): (.*)$/.exec(line) ?? [];
    if (number === undefined) {
      const duplicate = /duplicate entry: (.*)$/.exec(line)?.[1];
      return duplicate !== undefined || result.exitCode !== 0
        ? [duplicate === undefined ? { rule: "table", file: path, reason: line } : twice(duplicate)]
        : [];
    }
    // The entry itself tells one bad line from another.
    const entry = logical.find((one) => one.line === Number(number))?.text.trim();
    return [
      {
        rule: "table",
        file: path,
        line: Number(number),
        ...(entry === undefined ? {} : { subject: entry }),
        reason: text ?? line,
      },
    ];
  });
}
