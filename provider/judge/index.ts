/**
 * A candidate configuration judged before it goes live: main.cf, master.cf and tables together, as the plan will leave
 * them, by the host's own Postfix and by rules of our own. What was wrong before the plan is a warning.
 */
import { contentsOf } from "../files";
import { logicalLines } from "../formats/logicalLines";
import type { FileState, HostReader } from "../host/host";
import type { Change, Failure, JudgeContext } from "../resource";
import {
  type Candidate,
  type Complaint,
  MAIN_CF,
  MASTER_CF,
  type Rule,
  candidateOf,
  keyOf,
} from "./candidate";
import { complaintsOf } from "./rules";
import { tableComplaints, toolComplaints } from "./said";
import { type Said, type StagedTable, askHost } from "./staging";
import { filesOf, filesToRead, tableReferences, tool } from "./tables";

export { MAIN_CF, MASTER_CF, RULES, type Complaint, type Rule } from "./candidate";
export type { StagedTable } from "./staging";

/** What one resource wants judged. */
export interface Question {
  readonly changes: readonly Change[];
  /** Property path of what a complaint is about, where the resource names it: `parameters.myhostname`. */
  readonly path: (complaint: Complaint) => string;
  /** Names that nothing refers to and that are meant. */
  readonly userDefined?: readonly string[];
  /** Rules that the user sets aside. */
  readonly accept?: readonly string[];
  /** Tables that the resource brings, whether or not main.cf refers to them yet. */
  readonly tables?: readonly StagedTable[];
  /** A later step will change main.cf: what only depends on that is no failure yet. */
  readonly incomplete?: boolean;
}

/** Rules whose complaints a later main.cf may settle. */
const DEPENDS_ON_MAIN: readonly Rule[] = ["name", "unset", "restriction", "openRelay", "transport"];

const FACT = "file";

/** What is wrong with what the changes would leave, as failures of the preview; the rest is warned of. */
export async function judge(
  host: HostReader,
  question: Question,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const live = await readFiles(host, [MAIN_CF, MASTER_CF]);
  const planned = plannedTexts(question.changes);
  const after = (path: string): string | undefined =>
    planned.has(path)
      ? planned.get(path)
      : (textOf(context.predicted(path)) ??
        (gone(context.predicted(path)) ? undefined : live(path)));

  const main = after(MAIN_CF);
  const master = after(MASTER_CF);
  const mainBefore = live(MAIN_CF);
  const masterBefore = live(MASTER_CF);
  if (main === undefined || (main === mainBefore && master === masterBefore && !question.tables))
    return [];
  // Without Postfix on the host there is nobody to ask: the step that applies it judges again.
  const preliminary = candidateOf(main, master ?? "", NOTHING_KNOWN);
  const needed = filesToRead(preliminary);
  const tables = [
    ...(question.tables ?? []),
    ...plannedTables(preliminary, planned, context).filter(
      ({ path }) => !(question.tables ?? []).some((one) => one.path === path),
    ),
  ];
  const [files, said, daemons] = await Promise.all([
    readFiles(host, needed),
    mainBefore === undefined
      ? undefined
      : askHost(
          host,
          { main, master: master ?? "" },
          { main: mainBefore, master: masterBefore ?? "" },
          tables,
        ),
    mainBefore === undefined ? null : listOf(host, DAEMONS),
  ]);

  const knowledge = {
    defaults: said?.defaults ?? new Map<string, string>(),
    tableTypes: said?.tableTypes ?? new Set<string>(),
    daemons: new Set(daemons ?? []),
  };
  const candidate = candidateOf(main, master ?? "", knowledge);
  const read = (path: string): string | undefined =>
    planned.has(path) ? planned.get(path) : (textOf(context.predicted(path)) ?? files(path));
  const declared = { userDefined: question.userDefined ?? [] };
  const found = [
    ...complaintsOf(candidate, {
      read,
      declared,
      isThere: (path) =>
        read(path) !== undefined || context.coming(path) || builtLater(path, tables),
    }),
    ...toolComplaints([said?.postconf, said?.check], candidate),
    ...tables.flatMap((table, index) => complaintsOfTable(said, table, index)),
  ];
  const old =
    mainBefore === undefined ? undefined : candidateOf(mainBefore, masterBefore ?? "", knowledge);
  const known = new Set(
    old === undefined
      ? []
      : [
          ...complaintsOf(old, {
            read: files,
            declared,
            isThere: (path) => files(path) !== undefined || !needed.includes(path),
          }),
          ...toolComplaints([said?.postconfBefore, said?.checkBefore], old),
        ].map(keyOf),
  );
  return verdict(merged(found), known, question, context);
}

const DAEMONS = "/usr/local/libexec/postfix";

const NOTHING_KNOWN = {
  defaults: new Map<string, string>(),
  tableTypes: new Set<string>(),
  daemons: new Set<string>(),
};

/** What a tool says of a setting that a rule of ours names already is said once. */
function merged(complaints: readonly Complaint[]): Complaint[] {
  const place = ({ file, subject = "" }: Complaint): string => `${file}#${subject}`;
  const ours = new Set(complaints.filter(({ rule, mild }) => rule !== "said" && !mild).map(place));
  const seen = new Set<string>();
  return complaints.filter((one) => {
    if (one.rule === "said" && one.subject !== undefined && ours.has(place(one))) return false;
    const key = keyOf(one);
    return !seen.has(key) && seen.add(key);
  });
}

function verdict(
  complaints: readonly Complaint[],
  known: ReadonlySet<string>,
  question: Question,
  context: JudgeContext,
): Failure[] {
  const failures: Failure[] = [];
  for (const complaint of complaints) {
    const text = printed(complaint);
    const later = question.incomplete === true && DEPENDS_ON_MAIN.includes(complaint.rule);
    if (known.has(keyOf(complaint))) context.warn(`already so before: ${text}`);
    else if (complaint.mild === true || question.accept?.includes(complaint.rule))
      context.warn(text);
    else if (later) context.warn(`${text}, unless a later step sets it`);
    else
      failures.push({
        path: question.path(complaint),
        reason: `${text}${/\?$/.test(text) ? "" : "."}${wayOut(complaint)}`,
      });
  }
  return failures;
}

function printed({ file, line, reason }: Complaint): string {
  return `${file}${line === undefined ? "" : `, line ${line}`}: ${reason}`;
}

/** What to do where the rule may be wrong. */
function wayOut({ rule }: Complaint): string {
  if (rule === "name") return " If it is meant, name it in MainCf's userDefined.";
  if (rule === "syntax" || rule === "said" || rule === "table") return "";
  return ` If it is meant, name "${rule}" in MainCf's accept.`;
}

async function readFiles(
  host: HostReader,
  paths: readonly string[],
): Promise<(path: string) => string | undefined> {
  if (paths.length === 0) return () => undefined;
  const answers = await host.read(
    Object.fromEntries(paths.map((path) => [path, { fact: FACT, path } as const])),
  );
  return (path) => textOf(answers[path]);
}

async function listOf(host: HostReader, path: string): Promise<readonly string[] | null> {
  return (await host.read({ list: { fact: "list", path } })).list;
}

/** The text behind a path; a file that is too large to be carried is there all the same. */
function textOf(state: FileState | undefined): string | undefined {
  return state === undefined ? undefined : contentsOf(state);
}

function gone(state: FileState | undefined): boolean {
  return state?.type === "absent";
}

/** What the changes leave of each path; `undefined` for what they remove. */
function plannedTexts(changes: readonly Change[]): Map<string, string | undefined> {
  const texts = new Map<string, string | undefined>();
  for (const change of changes) {
    if (change.change === "write") texts.set(change.path, change.contents);
    if (change.change === "remove") texts.set(change.path, undefined);
  }
  return texts;
}

/** Tables that main.cf or master.cf names and whose text the plan changes. */
function plannedTables(
  candidate: Candidate,
  planned: ReadonlyMap<string, string | undefined>,
  context: JudgeContext,
): StagedTable[] {
  const tables = new Map<string, StagedTable>();
  for (const reference of tableReferences(candidate)) {
    const source = filesOf(reference)?.source;
    const contents =
      source === undefined ? undefined : (planned.get(source) ?? textOf(context.predicted(source)));
    if (source !== undefined && contents !== undefined && reference.type !== undefined)
      tables.set(source, {
        path: source,
        type: reference.type,
        contents,
        // What alias_maps names may be among the recipients of local_recipient_maps too.
        tool: tables.get(source)?.tool === "postalias" ? "postalias" : tool(reference.setting),
      });
  }
  return [...tables.values()];
}

/** The step that writes a table's text builds its database as well. */
function builtLater(path: string, tables: readonly StagedTable[]): boolean {
  return tables.some((table) => path.startsWith(`${table.path}.`));
}

function complaintsOfTable(
  said: Said | undefined,
  { path, contents }: StagedTable,
  index: number,
): Complaint[] {
  return tableComplaints(said?.tables[index], path).map((one) => {
    if (one.line !== undefined || one.subject === undefined) return one;
    const { subject } = one;
    const lines = logicalLines(contents).filter(({ text }) =>
      text.toLowerCase().replace(/^"/, "").startsWith(subject.toLowerCase()),
    );
    const line = lines.at(-1)?.line;
    return line === undefined ? one : { ...one, line };
  });
}
