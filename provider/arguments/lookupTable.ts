/** The arguments of `LookupTable`. */
import { decodeUtf8, encodeUtf8, foldKey } from "../formats/bytes";
import * as table from "../formats/table";
import { BUILT_TYPES, PLAIN_TYPES, tableType, WHOLE_TYPES } from "../postfix/tableTypes";
import { abridged } from "../values/abridged";
import {
  type Failure,
  mergeOrExact,
  object,
  optional,
  record,
  refusal,
  type Rule,
  single,
  step,
  text,
} from "./schema";
import { sqlFaults } from "./sqlSettings";
import { tablePathFault } from "./tablePath";

/** The owner and the mode of a file. */
interface Permissions {
  /** Octal digits, as in "0640". */
  readonly mode: string;
  /** A user's name. @defaultValue "root" */
  readonly owner?: string;
  /** A group's name. @defaultValue "wheel" */
  readonly group?: string;
}

/** Arguments of `LookupTable`. The content of the table is given by {@link entries}, or as a whole by {@link text}. */
export interface LookupTableArgs {
  /** The absolute path of the table's text. A database is beside it, as in `/etc/postfix/virtual.db`. */
  readonly path: string;
  /**
   * The type of the table (DATABASE_README). For `hash`, `btree`, `cdb` and `lmdb`, postmap(1) builds a database; for
   * `texthash`, `regexp`, `pcre`, `cidr`, `mysql`, `pgsql`, `ldap`, `sqlite` and `memcache`, Postfix reads the text itself.
   * The host's Postfix must have the type (`postconf -m`). @defaultValue "hash"
   */
  readonly type?: string;
  /**
   * Entries by key (access(5), transport(5), virtual(5), …). A key is one word, whose case does not matter; a value is one
   * line and not empty; `null` removes an entry. Comments and the order in the file stay as they are; {@link mode} decides
   * what happens to other entries.
   */
  readonly entries?: Readonly<Record<string, string | null>>;
  /**
   * `"merge"` leaves entries that are not named in {@link entries} as they are; `"exact"` removes them, and destroy puts
   * them back. @defaultValue "merge"
   */
  readonly mode?: "merge" | "exact";
  /**
   * The content of the file as a whole: for types whose lines have an order or are settings (`regexp`, `pcre`, `cidr`,
   * `mysql`, …), and for a file that the program has from elsewhere. Lines that postmap(1) would skip, and duplicate keys,
   * are refused. For the types `mysql`, `pgsql`, `ldap` and `memcache`, the text is always a secret, because it holds the
   * login to another server.
   */
  readonly text?: string;
  /**
   * The owner and the mode of the text and of its database. With a mode that keeps others from reading them, previews do
   * not show their content either. @defaultValue as they are; for new files 0644 root:wheel, but 0600 where the path
   * names credentials, as `/etc/postfix/sasl_passwd` does; 0640 root:_postfix for the types `mysql`, `pgsql`, `ldap` and
   * `memcache`
   */
  readonly permissions?: Permissions;
  /**
   * A key that a table of type `mysql`, `pgsql` or `ldap` is asked for (`postmap -q`) before its {@link text} is put in
   * place: a database that cannot be asked, because of its address, login or query, stops the change. Any answer is right,
   * also that the key is not found. The preview asks too, where the host's Postfix has the type, and lets a server pass
   * that cannot be reached, because it may come first.
   */
  readonly probe?: string;
}

const DEFAULT_TYPE = "hash";

const TYPES: readonly unknown[] = [...BUILT_TYPES, ...PLAIN_TYPES, ...WHOLE_TYPES];

/** The table's type, with its default. */
export const typeOf = (args: Pick<LookupTableArgs, "type">): string => args.type ?? DEFAULT_TYPE;

/** Does postmap(1) build a database for the table? */
export const isBuilt = (args: Pick<LookupTableArgs, "type">): boolean =>
  BUILT_TYPES.includes(typeOf(args));

/** Does the text of a table of this type hold the login to another server? */
export const isSecretType = (type: string): boolean => tableType(type)?.secret === true;

/** Do the type or the name of a table say that it holds credentials? */
export const holdsCredentials = ({ path, type }: Pick<LookupTableArgs, "path" | "type">): boolean =>
  isSecretType(typeOf({ ...(type === undefined ? {} : { type }) })) ||
  /passw|secret|credential/i.test(path.slice(path.lastIndexOf("/") + 1));

function keyFault(key: string): string | undefined {
  return refusal(() => table.checkKey(encodeUtf8(key)));
}

function valueFault(key: string, value: unknown): string | undefined {
  if (value === null) return undefined;
  if (typeof value !== "string") return "must be a string, or null (removes the entry).";
  return refusal(() => table.checkValue(key, encodeUtf8(value.trim())));
}

function textFault(contents: unknown): string | undefined {
  if (typeof contents !== "string") return "must be the text of the file.";
  if (contents.includes("\0")) return "must not hold a NUL byte.";
  return refusal(() => void encodeUtf8(contents));
}

/** Types whose servers can be asked before the text is in place. */
const ASKED_TYPES: readonly string[] = ["mysql", "pgsql", "ldap"];

/** Failures for lines of a text that postmap(1) would skip, and for duplicate keys, of which it would take the first. */
function lines({ type = DEFAULT_TYPE, text: contents }: Partial<LookupTableArgs>): Failure[] {
  if (contents === undefined || WHOLE_TYPES.includes(type)) return [];
  const bytes = encodeUtf8(contents);
  return [
    ...table.faults(bytes).map(({ line, reason }) => `line ${line} ${reason}.`),
    ...table
      .duplicates(bytes)
      .map(
        ({ name, lines: found }) =>
          `lines ${abridged(found.map(String), (count) => `and ${count} more`).join(", ")} have the same key ${JSON.stringify(decodeUtf8(name))}: postmap(1) takes the first only.`,
      ),
  ].map((reason) => ({ path: ".text", reason }));
}

const RULES: readonly Rule<LookupTableArgs>[] = [
  {
    of: ["entries", "text"],
    failures: ({ entries, text: whole }) =>
      entries === undefined || whole === undefined
        ? []
        : [{ path: ".text", reason: "is the file as a whole: give either text or entries." }],
  },
  {
    of: ["type", "entries"],
    failures: ({ type = DEFAULT_TYPE, entries }) => {
      if (entries === undefined || !WHOLE_TYPES.includes(type)) return [];
      const reason = `a table of type ${type} is no list of keys and values: give its text.`;
      return [{ path: ".entries", reason }];
    },
  },
  { of: ["type", "text"], failures: lines },
  {
    of: ["type", "text"],
    failures: ({ type = DEFAULT_TYPE, text: contents }) =>
      contents === undefined
        ? []
        : sqlFaults(type, contents).map((reason) => ({ path: ".text", reason })),
  },
  {
    of: ["type", "text", "probe"],
    failures: ({ type = DEFAULT_TYPE, text: contents, probe }) =>
      probe === undefined || (ASKED_TYPES.includes(type) && contents !== undefined)
        ? []
        : [
            {
              path: ".probe",
              reason: `is for a table of type ${ASKED_TYPES.join(", ")} with its text: no other has a server that could be asked.`,
            },
          ],
  },
];

const name = text(/^[\w.-]+$/, "must be a name, as in passwd(5) and group(5).");

/** What each argument of `LookupTable` may be. */
export const lookupTableArguments = step<LookupTableArgs>(
  {
    path: single<string>(tablePathFault),
    type: optional(
      single((type) =>
        TYPES.includes(type)
          ? undefined
          : `must be a type of table that is made from a file: ${TYPES.join(", ")}.`,
      ),
    ),
    entries: optional(
      record<string | null>(
        "must be values by key.",
        keyFault,
        (key) => single((value) => valueFault(key, value)),
        { of: (key) => foldKey(encodeUtf8(key)), why: "postmap(1) folds letters" },
      ),
    ),
    mode: optional(mergeOrExact),
    text: optional(single<string>(textFault)),
    permissions: optional(
      object<Permissions>(
        {
          mode: text(/^0?[0-7]{3}$/, 'must be octal digits, as in "0640".'),
          owner: optional(name),
          group: optional(name),
        },
        "part of permissions",
      ),
    ),
    // "-" alone would have postmap(1) read keys from its input.
    probe: optional(
      text(
        /^(?!-$)[^\s\0](?:[^\n\r\0\ud800-\udfff]*[^\s\0\ud800-\udfff])?$/,
        "must be a key of one line, as in postmap -q.",
      ),
    ),
  },
  ...RULES,
);
