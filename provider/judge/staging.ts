/**
 * The candidate in a private folder on the host, and what the host's own tools answer about it. It has a queue and a
 * data folder of its own there, because plain `postfix check` works on the live queue (docs/openbsd.md 8).
 */
import type { HostReader, Judgement, JudgementCommand } from "../host/host";
import { MAIL_OWNER } from "../postfix/packageContents";
import { PROGRAMS } from "../postfix/paths";
import { settingsIn } from "../postfix/postconf";
import {
  PLAIN_CONFIGURATION,
  PLAIN_FOLDER,
  stagedMainCf,
  stagedMasterCf,
} from "./stagedConfiguration";
import type { SaslTypes } from "./candidate";
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
  readonly sasl: SaslTypes | undefined;
}

/**
 * Asks the tools in one request. Where a tool finds something, what stands on the host is judged too, so that old faults
 * can be distinguished from new ones.
 */
export async function askHost(
  host: HostReader,
  planned: Generation,
  standing: Generation,
  tables: readonly StagedTable[],
): Promise<ToolAnswers> {
  const [after, before] = [generationCommands("after"), generationCommands("before")];
  const knowledge: readonly JudgementCommand[] = [
    { argv: [PROGRAMS.postconf, "-m"] },
    { argv: [PROGRAMS.postconf, "-a"] },
    { argv: [PROGRAMS.postconf, "-A"] },
    // With the candidate's master.cf, because some defaults come from its services.
    { argv: [PROGRAMS.postconf, "-c", "{dir}/after", "-d"] },
  ];
  const first = knowledge.length;
  const asked = [
    ...knowledge,
    ...after,
    ...before.map((command, index) => ({ ...command, ifSaid: first + index })),
  ];
  const answers: readonly ToolAnswer[] = await host.judge({
    files: {
      ...generationFiles("after", planned),
      ...generationFiles("before", standing),
      ...PLAIN_CONFIGURATION,
      ...tableFiles(tables),
    },
    // As `postfix check` wants them: it logs whose they are not, for a main.cf that it takes too.
    folders: { queue: "root", data: MAIL_OWNER },
    commands: [
      ...asked,
      ...tables.map((table, index) => buildCommand(table, `${index}`)),
      ...tables.flatMap((table, index) =>
        table.before === undefined
          ? []
          : [{ ...buildCommand(table, `before/${index}`), ifSaid: asked.length + index }],
      ),
    ],
  });
  const [types, servers, clients, defaults, postconf, check, postconfBefore, checkBefore, ...rest] =
    answers;
  const restBefore = rest.slice(tables.length);
  return {
    after: { postconf, check },
    before: { postconf: postconfBefore, check: checkBefore },
    tables: rest.slice(0, tables.length),
    tablesBefore: tables.map(({ before: text }) =>
      text === undefined ? undefined : restBefore.shift(),
    ),
    defaults: new Map(Object.entries(settingsIn(ranTool(defaults)?.stdout ?? ""))),
    tableTypes: namesIn(types) ?? new Set(),
    sasl: saslIn(servers, clients),
  };
}

/** The names that a tool printed; `undefined` where it did not run, or failed. */
function namesIn(answer: ToolAnswer): ReadonlySet<string> | undefined {
  const ran = ranTool(answer);
  if (ran?.exitCode !== 0) return undefined;
  return new Set(ran.stdout.split(/\s+/).filter((name) => name !== ""));
}

function saslIn(servers: ToolAnswer, clients: ToolAnswer): SaslTypes | undefined {
  const [ofServer, ofClient] = [namesIn(servers), namesIn(clients)];
  return ofServer && ofClient && { servers: ofServer, clients: ofClient };
}

function generationFiles(
  folder: "after" | "before",
  { main, master }: Generation,
): Judgement["files"] {
  return {
    [`${folder}/main.cf`]: stagedMainCf(main),
    [`${folder}/master.cf`]: stagedMasterCf(master),
  };
}

function generationCommands(folder: "after" | "before"): JudgementCommand[] {
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

function buildCommand({ type, tool }: StagedTable, file: string): JudgementCommand {
  return { argv: [PROGRAMS[tool], "-c", PLAIN_FOLDER, `${type}:{dir}/tables/${file}`] };
}
