/**
 * The candidate in a private folder on the host, and what the host's own tools make of it. With a queue and data
 * folder of its own, because plain `postfix check` works on the live queue (docs/openbsd.md 8).
 */
import { commentedOut, set } from "../formats/mainCf";
import type { HostReader, Judgement, RunResult } from "../host/host";
import { PROGRAMS } from "../postfix/paths";
import { settingsIn } from "../postfix/postconf";

/** A table whose text is judged: `type` as Postfix names it. */
export interface StagedTable {
  readonly path: string;
  readonly type: string;
  readonly contents: string;
  /** As it stands on the host, where that is known and differs. */
  readonly before?: string;
  readonly tool: "postmap" | "postalias";
}

/** Two files that are read together. */
export interface Generation {
  readonly main: string;
  readonly master: string;
}

type Result = RunResult | { readonly notFound: true } | undefined;

/** What the tools said. */
export interface Said {
  readonly postconf: Result;
  readonly check: Result;
  readonly postconfBefore: Result;
  readonly checkBefore: Result;
  readonly tables: readonly Result[];
  readonly tablesBefore: readonly Result[];
  readonly defaults: ReadonlyMap<string, string>;
  readonly tableTypes: ReadonlySet<string>;
}

/** With folders of its own at the end, so that every other line keeps the number by which a tool names it. */
export function staged(main: string): string {
  const folders = { queue_directory: "{dir}/queue", data_directory: "{dir}/data" };
  return Object.entries(folders).reduce(
    (text, [name, folder]) => set(commentedOut(text, name), name, folder),
    main,
  );
}

/** The port's own accounts, in every release (docs/openbsd.md 2.1): without them Postfix's tools stop. */
const PLAIN = "mail_owner = _postfix\nsetgid_group = _postdrop\n";

/** The whole judgement in one request; the generation of before is judged too, to tell what was wrong already. */
export async function askHost(
  host: HostReader,
  after: Generation,
  before: Generation,
  tables: readonly StagedTable[],
): Promise<Said> {
  // Under a configuration that says nothing, so that a bad candidate hides no bad table.
  const compile = ({ type, tool }: StagedTable, file: string): Judgement["commands"][number] => ({
    argv: [PROGRAMS[tool], "-c", "{dir}/plain", `${type}:{dir}/tables/${file}`],
  });
  const commands: Judgement["commands"][number][] = [
    { argv: [PROGRAMS.postconf, "-m"] },
    // Names that come from the services of master.cf are among the defaults.
    { argv: [PROGRAMS.postconf, "-c", "{dir}/after", "-d"] },
    { argv: [PROGRAMS.postconf, "-c", "{dir}/after", "-n"] },
    { argv: [PROGRAMS.postfix, "-c", "{dir}/after", "check"], tty: true },
    { argv: [PROGRAMS.postconf, "-c", "{dir}/before", "-n"] },
    { argv: [PROGRAMS.postfix, "-c", "{dir}/before", "check"], tty: true },
    ...tables.map((table, index) => compile(table, `${index}`)),
    ...tables.flatMap((table, index) =>
      table.before === undefined ? [] : [compile(table, `before/${index}`)],
    ),
  ];
  const answers: readonly Result[] = await host.judge({
    files: {
      "after/main.cf": staged(after.main),
      "after/master.cf": after.master,
      "before/main.cf": staged(before.main),
      "before/master.cf": before.master,
      "plain/main.cf": PLAIN,
      "plain/master.cf": "",
      ...Object.fromEntries(
        tables.flatMap(({ contents, before: old }, index) => [
          [`tables/${index}`, contents] as const,
          ...(old === undefined ? [] : [[`tables/before/${index}`, old] as const]),
        ]),
      ),
    },
    folders: ["queue", "data"],
    commands,
  });
  const [types, defaults, postconf, check, postconfBefore, checkBefore, ...rest] = answers;
  const old = rest.slice(tables.length);
  return {
    postconf,
    check,
    postconfBefore,
    checkBefore,
    tables: rest.slice(0, tables.length),
    tablesBefore: tables.map(({ before: text }) => (text === undefined ? undefined : old.shift())),
    defaults: new Map(Object.entries(settingsIn(output(defaults)))),
    tableTypes: new Set(
      output(types)
        .split(/\s+/)
        .filter((type) => type !== ""),
    ),
  };
}

function output(result: Result): string {
  return result === undefined || "notFound" in result ? "" : result.stdout;
}
