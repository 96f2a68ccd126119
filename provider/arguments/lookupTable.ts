/** What may be said of a lookup table. */
import { decodeUtf8, encodeUtf8, FormatError } from "../formats/bytes";
import * as tableText from "../formats/table";
import type { Failure } from "../kind/kind";
import { BUILT_TYPES, PLAIN_TYPES, WHOLE_TYPES } from "../postfix/tableTypes";

export interface LookupTableArgs {
  /** The text; its database stands beside it. */
  readonly path: string;
  readonly type?: string;
  /** Entries by key; `null` removes one. */
  readonly entries?: Readonly<Record<string, string | null>>;
  /** `"exact"`: the file has no other entries. */
  readonly mode?: "merge" | "exact";
  /** The file as a whole, in place of `entries`. */
  readonly text?: string;
  readonly permissions?: {
    /** Four octal digits. */
    readonly mode: string;
    readonly owner?: string;
    readonly group?: string;
  };
}

const DEFAULT_TYPE = "hash";

const TYPES: readonly string[] = [...BUILT_TYPES, ...PLAIN_TYPES, ...WHOLE_TYPES];

/** The type; hash where none was given. */
export const typeOf = (args: Pick<LookupTableArgs, "type">): string => args.type ?? DEFAULT_TYPE;

/** Whether postmap(1) makes a database of it. */
export const isBuilt = (args: Pick<LookupTableArgs, "type">): boolean =>
  BUILT_TYPES.includes(typeOf(args));

function validateEntries(entries: NonNullable<LookupTableArgs["entries"]>): Failure[] {
  const seen = new Map<string, string>();
  return Object.entries(entries).flatMap(([key, value]): Failure[] => {
    const path = /^[\w-]+$/.test(key) ? `entries.${key}` : `entries[${JSON.stringify(key)}]`;
    const said = (check: () => void): Failure[] => {
      try {
        check();
        return [];
      } catch (error) {
        if (!FormatError.isInstance(error)) throw error;
        return [{ path, reason: `${error.message}.` }];
      }
    };
    if (value !== null && typeof value !== "string")
      return [{ path, reason: "must be a string, or null (removes the entry)." }];
    const wrong = said(() => {
      tableText.checkKey(encodeUtf8(key));
      if (value !== null) tableText.checkValue(key, encodeUtf8(value.trim()));
    });
    if (wrong.length > 0) return wrong;
    const folded = tableText.foldKey(encodeUtf8(key));
    const other = seen.get(folded);
    seen.set(folded, key);
    return other === undefined
      ? []
      : [
          {
            path,
            reason: `is the same key as ${JSON.stringify(other)}: postmap(1) folds letters.`,
          },
        ];
  });
}

/** Lines of a text that postmap(1) would skip, and keys of which it would take the first only. */
function validateText(contents: string): Failure[] {
  const bytes = encodeUtf8(contents);
  return [
    ...tableText.faults(bytes).map(({ line, reason }) => ({
      path: "text",
      reason: `line ${line} ${reason}.`,
    })),
    ...tableText.duplicates(bytes).map(({ name, lines }) => ({
      path: "text",
      reason: `lines ${lines.join(", ")} have the same key ${JSON.stringify(decodeUtf8(name))}: postmap(1) takes the first only.`,
    })),
  ];
}

export function validate(args: Partial<LookupTableArgs>): Failure[] {
  const { path, type = DEFAULT_TYPE, entries, mode, text: whole, permissions } = args;
  const failures: Failure[] = [];
  const wrong = (at: string, reason: string): void => void failures.push({ path: at, reason });
  if (path !== undefined && !/^\/[^\s\0:,]*[^\s\0:,/]$/.test(path))
    wrong("path", "must be the absolute path of the text, without blanks, colons and commas.");
  if (!TYPES.includes(type))
    wrong("type", `must be a type of table that is made from a file: ${TYPES.join(", ")}.`);
  if (mode !== undefined && !["merge", "exact"].includes(mode))
    wrong("mode", 'must be "merge" (other entries stay) or "exact" (they are removed).');
  if (entries !== undefined && whole !== undefined)
    wrong("text", "is the file as a whole: give either text or entries.");
  if (entries !== undefined && WHOLE_TYPES.includes(type))
    wrong("entries", `a table of type ${type} is no list of keys and values: give its text.`);
  else if (entries !== undefined) failures.push(...validateEntries(entries));
  if (typeof whole === "string") {
    if (whole.includes("\0")) wrong("text", "must not hold a NUL byte.");
    else if (!WHOLE_TYPES.includes(type)) failures.push(...validateText(whole));
  }
  if (permissions !== undefined) {
    // Not known yet is no violation.
    const { mode: bits } = permissions as Partial<typeof permissions>;
    if (bits !== undefined && !/^0?[0-7]{3}$/.test(bits))
      wrong("permissions.mode", 'must be octal digits, as in "0640".');
    for (const field of ["owner", "group"] as const)
      if (permissions[field] !== undefined && !/^[\w.-]+$/.test(permissions[field]))
        wrong(`permissions.${field}`, "must be a name, as in passwd(5) and group(5).");
  }
  return failures;
}
