/**
 * A candidate configuration judged before it goes live: main.cf, master.cf and tables together, as the plan will leave
 * them, by the host's own Postfix and by rules of our own. What was wrong before the plan is a warning.
 */
import { contentsOf } from "../host/host";
import type { FileState, HostReader } from "../host/host";
import type { Change, Failure, JudgeContext } from "../kind/kind";
import { type Candidate, type Complaint, candidateOf, keyOf } from "./candidate";
import { type Rule } from "../arguments/ruleNames";
import { MASTER_CF } from "../postfix/paths";
import { MAIN_CF } from "../postfix/paths";
import { complaintsOf } from "./rules";
import { tableComplaints, toolComplaints } from "./said";
import { type StagedTable, askHost } from "./staging";
import { filesOf, filesToRead, tableReferences, tool } from "./tables";

export { type Complaint } from "./candidate";
export { NOTHING_DECLARED, declarationClaims, type Declarations } from "./declarations";

/** What one resource wants judged. */
export interface Question {
  readonly changes: readonly Change[];
  /** Property path of what a complaint is about, where the resource names it: `parameters.myhostname`. */
  readonly path: (complaint: Complaint) => string;
  /** The component in whose `accept` a rule is set aside. @defaultValue MainCf */
  readonly component?: "MainCf" | "MasterCf";
  /** Is it no failure yet, because a later step may settle it? */
  readonly later?: (complaint: Complaint) => boolean;
  /** Complaints that somebody else makes. */
  readonly elsewhere?: (complaint: Complaint) => boolean;
  /** What was wrong before the plan is said by others. */
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

/** What a table that changes alone is asked: what it makes of the files that name it, as far as it alone can. */
export function tableQuestion(changes: readonly Change[], path: string): Question {
  return {
    changes,
    path: () => path,
    // A list of networks lets in whom it names as soon as it is there, whatever comes later.
    later: (complaint) => settledLater(complaint) && complaint.rule !== "openRelay",
    elsewhere: ({ rule, file }) =>
      rule === "table" &&
      changes.some((change) => change.change === "write" && change.path === file),
    onlyNew: true,
  };
}

const FACT = "file";

/** What is wrong with what the changes would leave, as failures of the preview; the rest is warned of. */
export async function judge(
  host: HostReader,
  question: Question,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const live = await readFiles(host, [MAIN_CF, MASTER_CF]);
  const texts = textsOf(question.changes, context);
  const after = (path: string): string | undefined =>
    texts.has(path) ? texts.after(path) : live(path);

  const main = after(MAIN_CF);
  const master = after(MASTER_CF) ?? "";
  const mainBefore = live(MAIN_CF);
  const masterBefore = live(MASTER_CF) ?? "";
  if (main === undefined) return [];
  // Without Postfix on the host there is nobody to ask: the step that applies it judges again.
  const preliminary = candidateOf(main, master, NOTHING_KNOWN);
  const needed = filesToRead(preliminary);
  if (main === mainBefore && master === masterBefore && !needed.some(texts.differs)) return [];
  const tables = plannedTables(preliminary, texts);
  const [first, said, daemons] = await Promise.all([
    readFiles(host, needed),
    mainBefore === undefined
      ? undefined
      : askHost(host, { main, master }, { main: mainBefore, master: masterBefore }, tables),
    mainBefore === undefined ? null : listOf(host, DAEMONS),
  ]);

  const knowledge = {
    defaults: said?.defaults ?? new Map<string, string>(),
    tableTypes: said?.tableTypes ?? new Set<string>(),
    daemons: new Set(daemons ?? []),
  };
  const candidate = candidateOf(main, master, knowledge);
  // Paths in which there are names that only this Postfix's defaults fill in.
  const missed = filesToRead(candidate).filter((path) => !needed.includes(path));
  const second = await readFiles(host, missed);
  const files = (path: string): string | undefined => first(path) ?? second(path);
  const read = (path: string): string | undefined =>
    texts.has(path) ? texts.after(path) : files(path);
  const told = context.declared();
  const declared = { userDefined: told.userDefined };
  const brought = plannedTables(candidate, texts);
  const ours = complaintsOf(candidate, {
    read,
    declared,
    isThere: (path) =>
      read(path) !== undefined || context.coming(path) || builtLater(path, brought),
  });
  const found = [
    ...ours,
    ...toolComplaints([said?.postconf, said?.check], candidate, ours),
    ...tables.flatMap(({ path, contents }, index) =>
      tableComplaints(said?.tables[index], path, contents),
    ),
  ];
  const known = new Set<string>();
  if (mainBefore !== undefined) {
    const old = candidateOf(mainBefore, masterBefore, knowledge);
    const looked = new Set([...needed, ...missed]);
    const before = complaintsOf(old, {
      read: files,
      declared,
      isThere: (path) => files(path) !== undefined || !looked.has(path),
    });
    const all = [
      ...before,
      ...toolComplaints([said?.postconfBefore, said?.checkBefore], old, before),
      ...tables.flatMap(({ path, before: text = "" }, index) =>
        tableComplaints(said?.tablesBefore[index], path, text),
      ),
    ];
    for (const one of all) known.add(keyOf(one));
  }
  return verdict(merged(found), known, question, { accept: told.accept, warn: context.warn });
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

const LATER = "unless a later step sets it";

function verdict(
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

/** Texts that the plan changes, as they were and as they will be; `undefined` for what is not there. */
interface Texts {
  readonly has: (path: string) => boolean;
  readonly before: (path: string) => string | undefined;
  readonly after: (path: string) => string | undefined;
  readonly differs: (path: string) => boolean;
}

/** Those of the changes, and those of the steps before. */
function textsOf(changes: readonly Change[], context: JudgeContext): Texts {
  const own = new Map(
    changes.flatMap((change) =>
      change.change === "write" || change.change === "remove"
        ? [[change.path, change] as const]
        : [],
    ),
  );
  const after = (path: string): string | undefined => {
    const change = own.get(path);
    if (change === undefined) return textOf(context.predicted(path));
    return change.change === "write" ? change.contents : undefined;
  };
  const before = (path: string): string | undefined =>
    textOf(context.found(path) ?? own.get(path)?.found);
  const has = (path: string): boolean => own.has(path) || context.predicted(path) !== undefined;
  return { has, before, after, differs: (path) => has(path) && before(path) !== after(path) };
}

/** Tables that main.cf or master.cf names and whose text the plan changes. */
function plannedTables(candidate: Candidate, texts: Texts): StagedTable[] {
  const tables = new Map<string, StagedTable>();
  for (const reference of tableReferences(candidate)) {
    const source = filesOf(reference)?.source;
    const contents = source === undefined ? undefined : texts.after(source);
    if (source === undefined || contents === undefined || reference.type === undefined) continue;
    const before = texts.before(source);
    tables.set(source, {
      path: source,
      type: reference.type,
      contents,
      ...(before === undefined ? {} : { before }),
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
