/**
 * The types of lookup tables (DATABASE_README): what their texts hold, which file is built from the text, and which
 * package has the type.
 */

export interface TableType {
  /**
   * What the text holds. `entries`: a key and its value on each line; `networks` and `patterns`: the same, but the first
   * line that matches counts; `settings`: how to ask a server for the entries.
   */
  readonly text: "entries" | "networks" | "patterns" | "settings";
  /** The ending of the file that postmap(1) builds from the text; without one, Postfix reads the text itself. */
  readonly builds?: string;
  /** postmap(1) builds two files, which one rename cannot put into place together: LookupTable does not offer the type. */
  readonly pair?: true;
  /** The text may hold a password for another server. */
  readonly secret?: true;
  /** The flavor of the package that has the type; without one, every package has it. */
  readonly flavor?: string;
  /** A key to ask postmap(1) for, so that it reads the whole text; asking has no effect elsewhere. */
  readonly question?: string;
}

const TYPES: Readonly<Record<string, TableType>> = {
  hash: { text: "entries", builds: ".db" },
  btree: { text: "entries", builds: ".db" },
  cdb: { text: "entries", builds: ".cdb" },
  lmdb: { text: "entries", builds: ".lmdb" },
  dbm: { text: "entries", builds: ".pag", pair: true },
  sdbm: { text: "entries", builds: ".pag", pair: true },
  texthash: { text: "entries", question: "probe" },
  regexp: { text: "patterns", question: "probe" },
  pcre: { text: "patterns", question: "probe" },
  cidr: { text: "networks", question: "192.0.2.1" },
  mysql: { text: "settings", secret: true, flavor: "mysql" },
  pgsql: { text: "settings", secret: true, flavor: "pgsql" },
  ldap: { text: "settings", secret: true, flavor: "ldap" },
  sqlite: { text: "settings" },
  memcache: { text: "settings", secret: true },
};

/** The type of this name; `undefined` for a type without a text, and for an unknown one. */
export function tableType(name: string): TableType | undefined {
  return Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
}

/** Types for which postmap(1) builds one file from the text. */
export const BUILT_TYPES: readonly string[] = namesOf(
  ({ builds, pair }) => builds !== undefined && pair !== true,
);

/** Types whose text Postfix reads itself, and whose lines can be edited one by one. */
export const PLAIN_TYPES: readonly string[] = namesOf(
  ({ text, builds }) => text === "entries" && builds === undefined,
);

/** Types whose text makes sense only as a whole. */
export const WHOLE_TYPES: readonly string[] = namesOf(({ text }) => text !== "entries");

/** Types whose text says how to ask a server; main.cf may hold these settings too, under the table's own name. */
export const CLIENT_TYPES: readonly string[] = namesOf(({ text }) => text === "settings");

function namesOf(isMeant: (type: TableType) => boolean): string[] {
  return Object.keys(TYPES).filter((name) => isMeant(TYPES[name] as TableType));
}

/** Reads a word of the form `type:name`, in which Postfix names a table; `undefined` for other words. */
export function typedTable(word: string): { type: string; name: string } | undefined {
  const [, type, name] = /^([a-z][a-z0-9_-]*):([^]*)$/.exec(word) ?? [];
  return type === undefined || name === undefined ? undefined : { type, name };
}

/** The path of the database that is built from a table's text; the text's own path if none is built. */
export function databasePath({
  path,
  type,
}: {
  readonly path: string;
  readonly type: string;
}): string {
  return path + (tableType(type)?.builds ?? "");
}
