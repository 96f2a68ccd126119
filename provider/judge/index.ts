/**
 * A candidate configuration judged before it goes live: main.cf, master.cf and tables together, as the plan will leave
 * them, by the host's own Postfix and by rules of this project. What was wrong before the plan is a warning.
 */
import { list, lookAt } from "../host/look";
import type { Failure, JudgeContext } from "../kind/kind";
import { DAEMONS, MAIN_CF, MASTER_CF } from "../postfix/paths";
import {
  type Candidate,
  type Complaint,
  type Knowledge,
  candidateOf,
  keyOf,
  NOTHING_KNOWN,
} from "./candidate";
import { declarationsOf } from "./declarations";
import { complaintsOf, type Surroundings } from "./rules";
import { tableComplaints, toolComplaints } from "./said";
import { type Generation, type Said, type StagedTable, askHost } from "./staging";
import { filesOf, filesToRead, tableReferences, tool } from "./tables";
import { readFiles, type TextAt, type Texts, textsOf } from "./texts";
import { merged, type Question, verdict } from "./verdict";

export { type Complaint } from "./candidate";
export { declarationClaims, declare, type Declarations } from "./declarations";
export { settledLater, tableQuestion } from "./verdict";

/** Postfix's two files as they stand and as they will stand; without a main.cf there is nothing before. */
interface Generations {
  readonly before: Generation | undefined;
  readonly after: Generation;
}

/** What is known of the host, of its files, and of the plan. */
interface Evidence {
  readonly context: JudgeContext;
  readonly texts: Texts;
  /** Paths that were looked at. */
  readonly looked: ReadonlySet<string>;
  /** Files as they stand, of those that were looked at. */
  readonly standing: TextAt;
  readonly tables: readonly StagedTable[];
  readonly knowledge: Knowledge;
  /** What the host's tools said; `undefined` without a Postfix on the host. */
  readonly said: Said | undefined;
}

/** What is wrong with what the plan would leave, as failures of the preview; the rest is warned of. */
export async function judge(
  question: Question,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const texts = textsOf(context);
  const generations = await generationsOf(context, texts);
  if (generations === undefined) return [];
  const evidence = await gather(context, texts, generations);
  if (evidence === undefined) return [];
  const { before, after } = generations;
  const found = complaintsAfter(after, evidence);
  const known = before === undefined ? [] : complaintsBefore(before, evidence);
  const { accept } = declarationsOf(context);
  const { warn } = context;
  return verdict(merged(found), new Set(known.map(keyOf)), question, { accept, warn });
}

async function generationsOf(
  { host }: JudgeContext,
  texts: Texts,
): Promise<Generations | undefined> {
  const live = await readFiles(host, [MAIN_CF, MASTER_CF]);
  const planned: TextAt = (path) => (texts.has(path) ? texts.after(path) : live(path));
  const main = planned(MAIN_CF);
  if (main === undefined) return undefined;
  const mainBefore = live(MAIN_CF);
  return {
    before:
      mainBefore === undefined ? undefined : { main: mainBefore, master: live(MASTER_CF) ?? "" },
    after: { main, master: planned(MASTER_CF) ?? "" },
  };
}

/** Looks at all that the judgement needs; `undefined` where the plan changes nothing that is judged. */
async function gather(
  context: JudgeContext,
  texts: Texts,
  { before, after }: Generations,
): Promise<Evidence | undefined> {
  const { host } = context;
  // Without Postfix on the host there is nobody to ask: the step that applies it judges again.
  const preliminary = candidateOf(after.main, after.master, NOTHING_KNOWN);
  const needed = filesToRead(preliminary);
  const same = before?.main === after.main && before.master === after.master;
  if (same && !needed.some(texts.differs)) return undefined;
  const tables = plannedTables(preliminary, texts);
  const [first, said, daemons] = await Promise.all([
    readFiles(host, needed),
    before === undefined ? undefined : askHost(host, after, before, tables),
    before === undefined ? null : lookAt(host, list(DAEMONS)),
  ]);
  const knowledge = {
    defaults: said?.defaults ?? NOTHING_KNOWN.defaults,
    tableTypes: said?.tableTypes ?? NOTHING_KNOWN.tableTypes,
    daemons: new Set(daemons ?? []),
  };
  // Paths in which there are names that only this Postfix's defaults fill in.
  const candidate = candidateOf(after.main, after.master, knowledge);
  const missed = filesToRead(candidate).filter((path) => !needed.includes(path));
  const second = await readFiles(host, missed);
  return {
    ...{ context, texts, tables, knowledge, said },
    looked: new Set([...needed, ...missed]),
    standing: (path) => first(path) ?? second(path),
  };
}

function complaintsAfter(after: Generation, evidence: Evidence): Complaint[] {
  const { context, texts, standing, tables, knowledge, said } = evidence;
  const candidate = candidateOf(after.main, after.master, knowledge);
  const read: TextAt = (path) => (texts.has(path) ? texts.after(path) : standing(path));
  const brought = plannedTables(candidate, texts);
  const ours = complaintsOf(candidate, {
    read,
    declared: declarationsOf(context),
    isThere: (path) =>
      read(path) !== undefined || context.coming(path) || builtLater(path, brought),
  });
  return [
    ...ours,
    ...toolComplaints([said?.postconf, said?.check], candidate, ours),
    ...tables.flatMap(({ path, contents }, at) =>
      tableComplaints(said?.tables[at], path, contents),
    ),
  ];
}

/** What was wrong already, in the same words. */
function complaintsBefore(before: Generation, evidence: Evidence): Complaint[] {
  const { context, looked, standing, tables, knowledge, said } = evidence;
  const candidate = candidateOf(before.main, before.master, knowledge);
  const around: Surroundings = {
    read: standing,
    declared: declarationsOf(context),
    isThere: (path) => standing(path) !== undefined || !looked.has(path),
  };
  const ours = complaintsOf(candidate, around);
  return [
    ...ours,
    ...toolComplaints([said?.postconfBefore, said?.checkBefore], candidate, ours),
    ...tables.flatMap(({ path, before: text = "" }, at) =>
      tableComplaints(said?.tablesBefore[at], path, text),
    ),
  ];
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
