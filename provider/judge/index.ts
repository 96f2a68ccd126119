/**
 * The judgement of a configuration before it goes live: main.cf, master.cf and tables together, as the plan will leave
 * them, by the host's own Postfix and by the rules of this project. What was wrong before the plan is only a warning.
 */
import type { Failure, JudgeContext } from "../contract/kind";
import { carried } from "../host/fileState";
import { MAIN_CF, MASTER_CF } from "../postfix/paths";
import {
  type Candidate,
  type Complaint,
  type Knowledge,
  candidateOf,
  keyOf,
  NOTHING_KNOWN,
} from "./candidate";
import { comingPackage, declarationsOf } from "./declarations";
import { isComing, knowledgeOf } from "./knowledge";
import { readFiles, type TextAt, type Texts, textsOf } from "./plannedTexts";
import { complaintsOf, type Surroundings } from "./rules";
import { singleTableFailures, type SingleTable } from "./singleTable";
import { askHost, type Generation, type StagedTable, type ToolAnswers } from "./staging";
import { tableComplaints } from "./tableComplaints";
import { filesOf, filesToRead, tableReferences, tool } from "./tableReferences";
import { toolComplaints } from "./toolComplaints";
import { merged, type Question, tableQuestion, verdict } from "./verdict";

export { type Complaint } from "./candidate";
export { declarationClaims, declare, declareComing, type Declarations } from "./declarations";
export { type Probed, probeTable, type TableProbe } from "./tableProbe";
export { settledLater, tableQuestion } from "./verdict";

/** main.cf and master.cf before and after the plan. */
interface Generations {
  /** As they are on the host, else as a package that is to be installed brings them; `undefined` where neither is known. */
  readonly before: Generation | undefined;
  readonly after: Generation;
  /** Has the host a main.cf, so that its Postfix can be asked? */
  readonly isThere: boolean;
}

/** What the rules and tools go by. */
interface Evidence {
  readonly context: JudgeContext;
  readonly texts: Texts;
  /** The paths that were looked at. */
  readonly looked: ReadonlySet<string>;
  /** The texts of the files that were looked at, as they are on the host. */
  readonly standing: TextAt;
  readonly tables: readonly StagedTable[];
  readonly knowledge: Knowledge;
  /** The answers of the host's tools; `undefined` if the host has no Postfix. */
  readonly answers: ToolAnswers | undefined;
}

/** Returns failures for what the plan would make wrong, and warns of what is wrong already or may be meant. */
export async function judgeConfiguration(
  question: Question,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const texts = textsOf(context);
  const generations = await generationsOf(context, texts);
  if (generations === undefined) return [];
  const evidence = await gather(context, texts, generations);
  if (evidence === undefined) return [];
  const { before, after, isThere } = generations;
  const complaints = complaintsAfter(after, evidence);
  // Lines of a file that is not there yet say nothing to its reader.
  const found = isThere ? complaints : complaints.map((one) => withoutLine(one, context));
  const known = before === undefined ? [] : complaintsBefore(before, evidence);
  if (question.saysWhatWaits && !evidence.knowledge.isInstalled) sayWhatWaits(context);
  const { accept } = declarationsOf(context);
  const { warn } = context;
  return verdict(merged(found), new Set(known.map(keyOf)), question, { accept, warn });
}

function sayWhatWaits(context: JudgeContext): void {
  const coming = comingPackage(context);
  const by = coming === undefined ? "" : ` for Postfix ${coming.version}`;
  context.note(
    `judged${by} by rules only: what Postfix's own tools say is judged when it is installed, before this file is written`,
  );
}

function withoutLine({ line, ...complaint }: Complaint, { brought }: JudgeContext): Complaint {
  const isBrought = brought(complaint.file) !== undefined;
  return line === undefined || isBrought ? complaint : { line, ...complaint };
}

/** The same for a plan that changes one table: what is wrong with the table by itself, and with what names it. */
export async function judgeTable(
  table: SingleTable,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const { plan } = context;
  const found = await Promise.all([
    singleTableFailures(table, context),
    plan.changes.length === 0
      ? []
      : judgeConfiguration(tableQuestion(plan, table.property), context),
  ]);
  return found.flat();
}

async function generationsOf(
  { host, expected, brought }: JudgeContext,
  texts: Texts,
): Promise<Generations | undefined> {
  const live = await readFiles(host, [MAIN_CF, MASTER_CF]);
  const planned: TextAt = (path) =>
    texts.has(path) ? texts.after(path) : (live(path) ?? expected(path));
  const before: TextAt = (path) => live(path) ?? brought(path);
  const main = carried(planned(MAIN_CF));
  if (main === undefined) return undefined;
  const mainBefore = carried(before(MAIN_CF));
  return {
    before:
      mainBefore === undefined
        ? undefined
        : { main: mainBefore, master: carried(before(MASTER_CF)) ?? "" },
    after: { main, master: carried(planned(MASTER_CF)) ?? "" },
    isThere: live(MAIN_CF) !== undefined,
  };
}

/** Looks at all that the judgement needs; `undefined` if the plan changes nothing that is judged. */
async function gather(
  context: JudgeContext,
  texts: Texts,
  { before, after, isThere }: Generations,
): Promise<Evidence | undefined> {
  const { host } = context;
  // If the host has no Postfix yet, no tool can be asked; when the step is applied, it is judged again.
  const preliminary = candidateOf(after.main, after.master, NOTHING_KNOWN);
  const needed = filesToRead(preliminary);
  const same = before?.main === after.main && before.master === after.master;
  if (same && !needed.some(texts.differs)) return undefined;
  const tables = plannedTables(preliminary, texts);
  const asked = before === undefined || !isThere ? undefined : askHost(host, after, before, tables);
  const [first, answers, knowledge] = await Promise.all([
    readFiles(host, needed),
    asked,
    knowledgeOf(context, asked, preliminary),
  ]);
  // With the defaults of the host's Postfix, more paths can be expanded: those files are looked at as well.
  const candidate = candidateOf(after.main, after.master, knowledge);
  const missed = filesToRead(candidate).filter((path) => !needed.includes(path));
  const second = await readFiles(host, missed);
  return {
    ...{ context, texts, tables, knowledge, answers },
    looked: new Set([...needed, ...missed]),
    standing: (path) => first(path) ?? second(path),
  };
}

function complaintsAfter(after: Generation, evidence: Evidence): Complaint[] {
  const { context, texts, standing, tables, knowledge, answers } = evidence;
  const candidate = candidateOf(after.main, after.master, knowledge);
  const read: TextAt = (path) => (texts.has(path) ? texts.after(path) : standing(path));
  const changedTables = plannedTables(candidate, texts);
  const ruleComplaints = complaintsOf(candidate, {
    read,
    declared: declarationsOf(context),
    isThere: (path) =>
      read(path) !== undefined || isComing(context, path) || isBuiltLater(path, changedTables),
  });
  return [
    ...ruleComplaints,
    ...toolComplaints([answers?.after.postconf, answers?.after.check], candidate, ruleComplaints),
    ...tables.flatMap(({ path, contents }, at) =>
      tableComplaints(answers?.tables[at], path, contents),
    ),
  ];
}

/** What was wrong before the plan, in the same words, so that it can be distinguished from what the plan makes wrong. */
function complaintsBefore(before: Generation, evidence: Evidence): Complaint[] {
  const { context, looked, standing, tables, knowledge, answers } = evidence;
  const candidate = candidateOf(before.main, before.master, knowledge);
  const around: Surroundings = {
    read: standing,
    declared: declarationsOf(context),
    isThere: (path) => standing(path) !== undefined || !looked.has(path),
  };
  const ruleComplaints = complaintsOf(candidate, around);
  return [
    ...ruleComplaints,
    ...toolComplaints([answers?.before.postconf, answers?.before.check], candidate, ruleComplaints),
    ...tables.flatMap(({ path, before: text = "" }, at) =>
      tableComplaints(answers?.tablesBefore[at], path, text),
    ),
  ];
}

/** The tables that main.cf or master.cf names and whose text the plan changes. */
function plannedTables(candidate: Candidate, texts: Texts): StagedTable[] {
  const tables = new Map<string, StagedTable>();
  for (const reference of tableReferences(candidate)) {
    const source = filesOf(reference)?.source;
    const contents = source === undefined ? undefined : carried(texts.after(source));
    if (source === undefined || contents === undefined || reference.type === undefined) continue;
    const before = carried(texts.before(source));
    tables.set(source, {
      path: source,
      type: reference.type,
      contents,
      ...(before === undefined ? {} : { before }),
      // A table of alias_maps stays one for postalias(1), even if local_recipient_maps names it too.
      tool: tables.get(source)?.tool === "postalias" ? "postalias" : tool(reference.setting),
    });
  }
  return [...tables.values()];
}

/** Does the plan build this database? The step that writes a table's text builds its database as well. */
function isBuiltLater(path: string, tables: readonly StagedTable[]): boolean {
  return tables.some((table) => path.startsWith(`${table.path}.`));
}
