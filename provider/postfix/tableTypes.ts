/** The types of lookup tables (DATABASE_README): what their texts hold, what is built from them, and which package has them. */

export interface TableType {
  /**
   * What stands in the text: a key and its value a line (`entries`); the same with an order that counts (`networks`,
   * `patterns`); or the settings of a client that asks elsewhere (`settings`).
   */
  readonly text: "entries" | "networks" | "patterns" | "settings";
  /** The ending of the file that postmap(1) builds from the text; a type without one is read as it stands. */
  readonly builds?: string;
  /** What is built is a pair of files, which no single rename puts in place: LookupTable does not offer the type. */
  readonly pair?: true;
  /** The text says how to log in to another server. */
  readonly secret?: true;
  /** The flavor of the package that has the type; a type without one is in every package. */
  readonly flavor?: string;
  /** A key that any such table can be asked for without an effect elsewhere, so that postmap(1) reads the whole text. */
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

/** What is known of a type by its name; `undefined` for a type that has no text, or an unknown one. */
export function tableType(name: string): TableType | undefined {
  return Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
}

/** Types that postmap(1) builds from a text into one file. */
export const BUILT_TYPES: readonly string[] = namesOf(
  ({ builds, pair }) => builds !== undefined && pair !== true,
);

/** Types that are read as they stand, and whose lines can be edited one by one. */
export const PLAIN_TYPES: readonly string[] = namesOf(
  ({ text, builds }) => text === "entries" && builds === undefined,
);

/** Types whose text makes sense only as a whole. */
export const WHOLE_TYPES: readonly string[] = namesOf(({ text }) => text !== "entries");

/** Types whose text holds the settings of a client; main.cf may hold them too, under the table's own name. */
export const CLIENT_TYPES: readonly string[] = namesOf(({ text }) => text === "settings");

function namesOf(which: (type: TableType) => boolean): string[] {
  return Object.keys(TYPES).filter((name) => which(TYPES[name] as TableType));
}

/** The path of what is built from a text; the text's own path where nothing is built. */
export function databasePath({
  path,
  type,
}: {
  readonly path: string;
  readonly type: string;
}): string {
  return path + (tableType(type)?.builds ?? "");
}
