/** What is made larger and larger on one host: the curves of `npm run bench:curves`. */
import type { TestHost } from "../../testing";

export type Values = Readonly<Record<string, unknown>>;

/** A resource as a program has it. */
export interface Planned {
  readonly kind: string;
  readonly name: string;
  readonly args: Values;
}

/** One curve. */
export interface Subject {
  /** By which `--only` names it. */
  readonly name: string;
  readonly title: string;
  /** What a size counts. */
  readonly unit: string;
  /** The sizes of a run that names none. */
  readonly sizes: readonly number[];
  /** From this size on, figures say how they grow; what smaller ones take is hardly of the size. */
  readonly fitFrom: number;
  /** Makes the host what it is before the resources come. */
  readonly prepare: (host: TestHost, size: number) => Promise<unknown>;
  readonly resources: (size: number) => readonly Planned[];
  /** The same with one value changed. */
  readonly changed: (size: number) => readonly Planned[];
}

/** Runs a shell script on a host. */
export async function sh(host: TestHost, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await host.exec(["/bin/sh", "-c", script]);
  if (exitCode !== 0) throw new Error(`${script}: status ${exitCode}\n${stdout}${stderr}`);
  return stdout;
}

function numbered<T>(
  size: number,
  keyOf: (nth: number) => string,
  valueOf: (nth: number) => T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Array.from({ length: size }, (_, nth) => [keyOf(nth), valueOf(nth)] as const),
  );
}

const nothing = (): Promise<unknown> => Promise.resolve();

const aliasesOf = (size: number, first: string): readonly Planned[] => [
  {
    kind: "Aliases",
    name: "aliases",
    args: {
      entries: numbered(
        size,
        (nth) => `employee${nth}`,
        (nth) => [nth === 0 ? first : `mailbox${nth}@store${nth % 10}.example.net`],
      ),
    },
  },
];

const TABLE = "/etc/postfix/virtual";

const oneInTable = (to: string): readonly Planned[] => [
  { kind: "LookupTable", name: "table", args: { path: TABLE, entries: { "new@example.org": to } } },
];

/** The bytes of a line of the table, so that as many make as many MB as wanted. */
const LINE = 64;

/** Somewhat less than so many MB, because the entry of the program comes on top, and no file may have more than 64 MB. */
const fillTable = (host: TestHost, megabytes: number): Promise<unknown> =>
  sh(
    host,
    `perl -e 'for (1 .. ${Math.floor((megabytes * 2 ** 20) / LINE) - 8}) { print pack("A${LINE - 1}", sprintf("user%d\\@domain%d.example.org\\tmailbox%d\\@store.example.net", $_, $_ % 97, $_)), "\\n" }' > ${TABLE}
     /usr/local/sbin/postmap hash:${TABLE}`,
  );

const mainCfOf = (size: number, first: string): readonly Planned[] => {
  const parameters = numbered(
    size,
    (nth) => `site_parameter_${nth}`,
    (nth) => (nth === 0 ? first : `value ${nth}, $mydomain`),
  );
  return [
    { kind: "MainCf", name: "main-cf", args: { parameters, userDefined: Object.keys(parameters) } },
  ];
};

const tablesOf = (size: number, first: string): readonly Planned[] =>
  Array.from({ length: size }, (_, nth) => ({
    kind: "LookupTable",
    name: `table${nth}`,
    args: {
      path: `/etc/postfix/table${nth}`,
      entries: { "a@example.org": nth === 0 ? first : "b@example.org" },
    },
  }));

export const SUBJECTS: readonly Subject[] = [
  {
    name: "aliases",
    title: "Aliases of one resource",
    unit: "aliases",
    sizes: [10, 100, 1000, 10_000, 100_000],
    fitFrom: 1000,
    prepare: nothing,
    resources: (size) => aliasesOf(size, "alice"),
    changed: (size) => aliasesOf(size, "bob"),
  },
  {
    name: "tables",
    title: "A table of somebody else, in which a resource sets one entry",
    unit: "MB",
    sizes: [1, 10, 64],
    fitFrom: 1,
    prepare: fillTable,
    resources: () => oneInTable("alice"),
    changed: () => oneInTable("bob"),
  },
  {
    name: "main-cf",
    title: "Parameters of one resource in main.cf",
    unit: "lines",
    sizes: [10, 100, 1000, 10_000],
    fitFrom: 1000,
    prepare: nothing,
    resources: (size) => mainCfOf(size, "first"),
    changed: (size) => mainCfOf(size, "other"),
  },
  {
    name: "resources",
    title: "Resources on one host, each a table",
    unit: "resources",
    sizes: [1, 10, 100],
    fitFrom: 10,
    prepare: nothing,
    resources: (size) => tablesOf(size, "b@example.org"),
    changed: (size) => tablesOf(size, "c@example.org"),
  },
];
