/** The messages of postmap(1) and postalias(1), which warn of a faulty line and leave it out, as complaints. */
import { logicalLines } from "../formats/logicalLines";
import type { Complaint } from "./candidate";
import { ranTool, type ToolAnswer } from "./toolAnswer";
import { linesOf } from "./toolComplaints";

/** For what the tools accept and what they say, see docs/openbsd.md 16, M8 and M9. */
export function tableComplaints(answer: ToolAnswer, path: string, contents: string): Complaint[] {
  const result = ranTool(answer);
  if (result === undefined) return [];
  const entries = logicalLines(contents);
  const byLine = new Map(entries.map(({ line, text }) => [line, text]));
  return linesOf(result.stderr).flatMap((message): Complaint[] => {
    if (/using backwards-compatible/.test(message)) return [];
    const [, number, text = message] = /, line (\d+): (.*)$/.exec(message) ?? [];
    if (number !== undefined) {
      const entry = byLine.get(Number(number))?.trim();
      return [
        {
          rule: "table",
          file: path,
          line: Number(number),
          // With its entry, one faulty line is not taken for another, whatever their numbers.
          ...(entry === undefined ? {} : { subject: entry }),
          reason: text,
        },
      ];
    }
    const repeated = /duplicate entry: (.*)$/.exec(message)?.[1];
    if (repeated !== undefined) return [repeatedKey(repeated, path, entries)];
    return result.exitCode === 0 ? [] : [{ rule: "table", file: path, reason: message }];
  });
}

function repeatedKey(
  key: string,
  path: string,
  entries: ReturnType<typeof logicalLines>,
): Complaint {
  const subject = key.replace(/^"|"$/g, "");
  const last = entries.findLast(({ text }) =>
    text.toLowerCase().replace(/^"/, "").startsWith(subject.toLowerCase()),
  )?.line;
  return {
    rule: "table",
    file: path,
    ...(last === undefined ? {} : { line: last }),
    subject,
    reason: `has ${key} twice: the first is in force`,
  };
}
