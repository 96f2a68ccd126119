/** A table judged by the host's own postmap(1) or postalias(1) before it goes live: it warns of a bad line and goes on. */
import type { Bytes } from "../formats/bytes";
import { logicalLines } from "../formats/logicalLines";
import type { HostReader, RunResult } from "../host/host";
import type { Failure, JudgeContext } from "../kind/kind";
import { isBuilt } from "../arguments/lookupTable";

const SBIN = "/usr/local/sbin";
const SAMPLES = "/usr/local/share/examples/postfix";

/** What can be asked of any such table. */
const QUESTION: Readonly<Record<string, string>> = {
  regexp: "probe",
  pcre: "probe",
  cidr: "192.0.2.1",
  texthash: "probe",
};

/** What the tool says of the text as it will be, and did not say of it as it is. */
export async function judgeTable(
  host: HostReader,
  table: {
    readonly tool: "postmap" | "postalias";
    readonly type: string;
    readonly path: string;
    /** The argument that complaints are about. */
    readonly property: string;
  },
  texts: { readonly before: Bytes | undefined; readonly after: Bytes },
  { warn }: Pick<JudgeContext, "warn">,
): Promise<Failure[]> {
  const { tool, type, path, property } = table;
  const question = QUESTION[type];
  // The other types are settings of a client, which only connects to a server when asked.
  if (!isBuilt({ type }) && question === undefined) return [];
  const command = (name: string): { readonly argv: readonly string[] } => ({
    argv: [
      `${SBIN}/${tool}`,
      "-c",
      SAMPLES,
      ...(question === undefined ? [] : ["-q", question]),
      `${type}:{dir}/${name}`,
    ],
  });
  const [after, before] = await host.judge({
    files: { after: texts.after, before: texts.before ?? "" },
    commands: [command("after"), command("before")],
  });
  const known = new Set(
    complaints(before, "before", path).map((line) => keyOf(line, texts.before ?? "")),
  );
  return complaints(after, "after", path).flatMap((line) => {
    if (!known.has(keyOf(line, texts.after))) return [{ path: property, reason: `${line}.` }];
    warn(`already so before: ${line}`);
    return [];
  });
}

/** A complaint by the entry that it is about, on whatever line that stands. */
function keyOf(complaint: string, contents: Bytes): string {
  return complaint.replace(/\bline (\d+)/, (_, number) => {
    const entry = logicalLines(contents).find(({ line }) => line === Number(number));
    return entry?.text ?? "";
  });
}

/** Distinct complaints, with the table's own path in place of the private folder's. */
function complaints(
  result: RunResult | { readonly notFound: true } | undefined,
  name: string,
  path: string,
): string[] {
  if (result === undefined || "notFound" in result) return [];
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
