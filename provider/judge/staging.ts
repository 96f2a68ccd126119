/**
 * The candidate in a private folder on the host, and what the host's own tools answer about it. It has a queue and a
 * data folder of its own there, because plain `postfix check` works on the live queue (docs/openbsd.md 8).
 */
import type { HostReader, Judgement } from "../host/host";
import { PROGRAMS } from "../postfix/paths";
import { settingsIn } from "../postfix/postconf";
import { stagedMainCf } from "./stagedMainCf";
import { ranTool, type ToolAnswer } from "./toolAnswer";

/** A table whose text is judged. */
export interface StagedTable {
  readonly path: string;
  /** As Postfix names it. */
  readonly type: string;
  readonly contents: string;
  /** The text on the host, if it is known and differs. */
  readonly before?: string;
  readonly tool: "postmap" | "postalias";
}

/** A main.cf and the master.cf that is read with it. */
export interface Generation {
  readonly main: string;
  readonly master: string;
}

/** The answers about a main.cf and a master.cf. */
interface GenerationAnswers {
  readonly postconf: ToolAnswer;
  readonly check: ToolAnswer;
}

/** All that the host's tools answered. */
export interface ToolAnswers {
  readonly after: GenerationAnswers;
  readonly before: GenerationAnswers;
  /** One for each table. */
  readonly tables: readonly ToolAnswer[];
  /** One for each table; `undefined` for a table whose text on the host is not judged. */
  readonly tablesBefore: readonly ToolAnswer[];
  readonly defaults: ReadonlyMap<string, string>;
  readonly tableTypes: ReadonlySet<string>;
}

type Command = Judgement["commands"][number];

/** A main.cf for the tools that build tables: a fault of the candidate must not hide the faults of a table. */
const PLAIN_FILES = {
  // The accounts of the port in every release (docs/openbsd.md 2.1): without them Postfix's tools stop.
  "plain/main.cf": "mail_owner = _postfix\nsetgid_group = _postdrop\n",
  "plain/master.cf": "",
};

/** Asks the tools in one request. What stands on the host is judged too, so that old faults can be distinguished from new ones. */
export async function askHost(
  host: HostReader,
  after: Generation,
  before: Generation,
  tables: readonly StagedTable[],
): Promise<ToolAnswers> {
  const answers: readonly ToolAnswer[] = await host.judge({
    files: {
      ...generationFiles("after", after),
      ...generationFiles("before", before),
      ...PLAIN_FILES,
      ...tableFiles(tables),
    },
    folders: ["queue", "data"],
    commands: [
      { argv: [PROGRAMS.postconf, "-m"] },
      // With the candidate's master.cf, because some defaults come from its services.
      { argv: [PROGRAMS.postconf, "-c", "{dir}/after", "-d"] },
      ...generationCommands("after"),
      ...generationCommands("before"),
      ...tables.map((table, index) => buildCommand(table, `${index}`)),
      ...tables.flatMap((table, index) =>
        table.before === undefined ? [] : [buildCommand(table, `before/${index}`)],
      ),
    ],
  });
  const [types, defaults, postconf, check, postconfBefore, checkBefore, ...rest] = answers;
  const restBefore = rest.slice(tables.length);
  return {
    after: { postconf, check },
    before: { postconf: postconfBefore, check: checkBefore },
    tables: rest.slice(0, tables.length),
    tablesBefore: tables.map(({ before: text }) =>
      text === undefined ? undefined : restBefore.shift(),
    ),
    defaults: new Map(Object.entries(settingsIn(ranTool(defaults)?.stdout ?? ""))),
    tableTypes: new Set((ranTool(types)?.stdout ?? "").split(/\s+/).filter((type) => type !== "")),
  };
}

function generationFiles(
  folder: "after" | "before",
  { main, master }: Generation,
): Judgement["files"] {
  return { [`${folder}/main.cf`]: stagedMainCf(main), [`${folder}/master.cf`]: master };
}

function generationCommands(folder: "after" | "before"): Command[] {
  return [
    { argv: [PROGRAMS.postconf, "-c", `{dir}/${folder}`, "-n"] },
    { argv: [PROGRAMS.postfix, "-c", `{dir}/${folder}`, "check"], tty: true },
  ];
}

function tableFiles(tables: readonly StagedTable[]): Judgement["files"] {
  return Object.fromEntries(
    tables.flatMap(({ contents, before }, index) => [
      [`tables/${index}`, contents] as const,
      ...(before === undefined ? [] : [[`tables/before/${index}`, before] as const]),
    ]),
  );
}

function buildCommand({ type, tool }: StagedTable, file: string): Command {
  return { argv: [PROGRAMS[tool], "-c", "{dir}/plain", `${type}:{dir}/tables/${file}`] };
}
