/** A table judged by the host's own postmap(1) before it goes live: it warns of a bad line and goes on. */
import type { Bytes } from "../../formats/bytes";
import type { HostReader, RunResult } from "../../host/host";
import type { Failure, JudgeContext } from "../../resource";
import { BUILT_TYPES } from "./database";

const POSTMAP = "/usr/local/sbin/postmap";
const SAMPLES = "/usr/local/share/examples/postfix";

/** What can be asked of any such table. */
const QUESTION: Readonly<Record<string, string>> = {
  regexp: "probe",
  pcre: "probe",
  cidr: "192.0.2.1",
  texthash: "probe",
};

/** What postmap(1) says of the text as it will be, and did not say of it as it is. */
export async function judgeTable(
  host: HostReader,
  table: { readonly type: string; readonly path: string; readonly whole: boolean },
  texts: { readonly before: Bytes | undefined; readonly after: Bytes },
  { warn }: Pick<JudgeContext, "warn">,
): Promise<Failure[]> {
  const { type, path, whole } = table;
  const question = QUESTION[type];
  // The other types are settings of a client, which only connects to a server when asked.
  if (!BUILT_TYPES.includes(type) && question === undefined) return [];
  const command = (name: string): { readonly argv: readonly string[] } => ({
    argv: [
      POSTMAP,
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
  const known = new Set(complaints(before, "before", path));
  return complaints(after, "after", path).flatMap((line) => {
    if (!known.has(line)) return [{ path: whole ? "text" : "entries", reason: `${line}.` }];
    warn(`already so before: ${line}`);
    return [];
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
        .replace(/^postmap: (warning|fatal|error): /, "")
        .replace(new RegExp(`\\S*/${name}(?=[ ,:.]|$)`, "g"), path)
        .trim(),
    )
    .filter((line) => line !== "");
  return [...new Set(lines)];
}
