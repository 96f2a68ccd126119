/** A table judged before it is written, by the host's own postmap(1) or postalias(1), which only warn of faulty lines. */
import type { Failure, JudgeContext } from "../contract/kind";
import type { Bytes } from "../formats/bytes";
import { logicalLines } from "../formats/logicalLines";
import type { JudgementCommand } from "../host/host";
import { PROGRAMS } from "../postfix/paths";
import { BUILT_TYPES, tableType } from "../postfix/tableTypes";
import { PLAIN_CONFIGURATION, PLAIN_FOLDER } from "./stagedConfiguration";
import { ranTool, type ToolAnswer } from "./toolAnswer";

/** A table, and the texts of it before and after the plan. */
export interface SingleTable {
  readonly tool: "postmap" | "postalias";
  readonly type: string;
  readonly path: string;
  /** The property of the resource that failures name. */
  readonly property: string;
  readonly before: Bytes | undefined;
  readonly after: Bytes;
}

/** Failures: the tool's messages about the text as it will be, without those that it has about the text as it is. */
export async function singleTableFailures(
  table: SingleTable,
  { host, warn }: Pick<JudgeContext, "host" | "warn">,
): Promise<Failure[]> {
  const { tool, type, path, property } = table;
  const texts = { after: table.after, before: table.before ?? "" };
  const question = tableType(type)?.question;
  // The texts of the other types cannot be tried: a question to such a table would go to a server.
  if (!BUILT_TYPES.includes(type) && question === undefined) return [];
  const command = (name: string, ifSaid?: number): JudgementCommand => ({
    ...(ifSaid === undefined ? {} : { ifSaid }),
    argv: [
      PROGRAMS[tool],
      "-c",
      PLAIN_FOLDER,
      ...(question === undefined ? [] : ["-q", question]),
      `${type}:{dir}/${name}`,
    ],
  });
  const [after, before] = await host.judge({
    files: { ...texts, ...PLAIN_CONFIGURATION },
    commands: [command("after"), command("before", 0)],
  });
  const keyBefore = keysIn(texts.before);
  const known = new Set(messages(before, "before", path).map(keyBefore));
  const keyAfter = keysIn(texts.after);
  return messages(after, "after", path).flatMap((line) => {
    if (!known.has(keyAfter(line))) return [{ path: property, reason: `${line}.` }];
    warn(`already so before: ${line}`);
    return [];
  });
}

/** A message with the entry in place of its line number, so that it is the same message when the entry has moved. */
function keysIn(contents: Bytes): (message: string) => string {
  let entries: ReadonlyMap<number, string> | undefined;
  return (message) =>
    message.replace(/\bline (\d+)/, (_, number) => {
      entries ??= new Map(logicalLines(contents).map(({ line, text }) => [line, text]));
      return entries.get(Number(number)) ?? "";
    });
}

/** The distinct messages of the tool, with the table's own path in place of the one in the private folder. */
function messages(answer: ToolAnswer, name: string, path: string): string[] {
  const result = ranTool(answer);
  if (result === undefined) return [];
  const lines = result.stderr
    .split("\n")
    .map((line) =>
      line
        .replace(/^post\w+: (warning|fatal|error): /, "")
        .replace(new RegExp(`\\S*/${name}(?=[ ,:.]|$)`, "g"), path)
        .trim(),
    )
    .filter((line) => line !== "");
  return [...new Set(lines)];
}
