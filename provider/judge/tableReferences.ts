/** The lookup tables and other files that the settings name, and where their texts stand. */
import { databasePath, tableType, typedTable } from "../postfix/tableTypes";
import { expand, unbraced, words } from "../postfix/values";
import { type Candidate, type Setting, settingsOf } from "./candidate";
import { readableAt, type TextAt } from "./plannedTexts";
import { isRestrictionList } from "./restrictions";

/** A table or list that a setting names: `type:name`, or the path of a text file. */
interface TableReference {
  readonly setting: Setting;
  /** `undefined` for a plain file with one item on each line. */
  readonly type: string | undefined;
  readonly name: string;
}

/** Parameters whose words may be tables: lookups, and lists of names, hosts or networks that may stand in a table. */
const TABLE_LISTS =
  /(_maps|_map|_checks|_access|_access_list|_database|_domains|_networks|_clients|_hosts|_exceptions|_destinations|_exclusions|_restrictions|_clientcerts|_address_maps|_keyword_maps|_filter)$|^(alias_database|mydestination|mynetworks|debug_peer_list|local_header_rewrite_clients|postscreen_cache_map|fast_flush_domains|smtpd_forbidden_commands)$/;

/** The tables that proxymap(8) may open for others. Postfix compares them by name: those that are not used are not opened. */
export const PROXY_LISTS = /^proxy_(read|write)_maps$/;

/** Parameters whose names end like those of {@link TABLE_LISTS}, but which name a transport, a program or words. */
const NO_TABLES =
  /^(content_filter|receive_override_options|.*_expansion_filter|mail_spool_directory|smtpd_proxy_filter)$/;

/** Parameters whose words may also be the path of a plain file. */
const FILE_LISTS =
  /(_domains|_networks|_clients|_hosts|_exceptions|_destinations|_exclusions)$|^(mydestination|mynetworks|debug_peer_list|fast_flush_domains)$/;

/** The tables that one word names: `proxy:hash:/x` names `proxy:` and `hash:/x`, `unionmap:{…}` all that are in it. */
function tablesIn(word: string): { type: string | undefined; name: string }[] {
  const plain = word.replace(/^!/, "");
  if (plain.startsWith("/")) return [{ type: undefined, name: plain }];
  const table = typedTable(plain);
  if (table === undefined || table.name === "") return [];
  const { type, name } = table;
  if (type === "proxy") return [{ type, name: "" }, ...tablesIn(name)];
  if (type === "unionmap" || type === "pipemap")
    return [{ type, name: "" }, ...words(name.replace(/^\{|\}$/g, "")).flatMap(tablesIn)];
  return [table];
}

/** Is this an IPv6 address in a list of networks? Its colons make it look like a table. */
function isAddress(word: string): boolean {
  return /^[0-9a-f:]+(\/\d+)?$/.test(word) && (word.match(/:/g) ?? []).length > 1;
}

/** All tables that the settings name. */
export function tableReferences(candidate: Candidate): TableReference[] {
  return settingsOf(candidate).flatMap((setting) => {
    const { name } = setting;
    const restrictions = isRestrictionList(candidate, setting);
    if ((!TABLE_LISTS.test(name) && !restrictions) || NO_TABLES.test(name)) return [];
    if (PROXY_LISTS.test(name)) return [];
    const found: TableReference[] = [];
    const list = words(expand(setting.value, setting.lookup));
    for (const [index, word] of list.entries()) {
      if (isAddress(word) || /^[\w-]+\.[\w.-]+:/.test(word)) continue;
      // A policy server, such as unix:private/policy, looks like a table.
      if (list[index - 1] === "check_policy_service") continue;
      // From Postfix 3.0 on, `{ hash:/x, … }` is a table with settings of its own.
      const named = restrictions && word.startsWith("{") ? (words(unbraced(word))[0] ?? "") : word;
      for (const table of tablesIn(named))
        if (table.type !== undefined || FILE_LISTS.test(name)) found.push({ setting, ...table });
    }
    return found;
  });
}

/** The file that Postfix opens to read a table, and the text from which that file is built, where it is built. */
export function filesOf({
  type,
  name,
}: TableReference): { needed: string; source: string | undefined } | undefined {
  if (!name.startsWith("/")) return undefined;
  if (type === undefined) return { needed: name, source: undefined };
  const known = tableType(type);
  if (known === undefined) return undefined;
  return known.builds === undefined
    ? { needed: name, source: undefined }
    : { needed: databasePath({ path: name, type }), source: name };
}

/** Types of table in whose text every line is an entry, and which the rules look into; and plain files. */
const LINE_BY_LINE: readonly (string | undefined)[] = ["hash", "btree", "texthash", undefined];

/** The text of a table or plain file with one entry on each line; `undefined` for others, or if it cannot be read. */
export function entriesText(
  reference: TableReference,
  read: TextAt,
): { readonly file: string; readonly text: string } | undefined {
  const files = filesOf(reference);
  if (files === undefined || !LINE_BY_LINE.includes(reference.type)) return undefined;
  const file = files.source ?? files.needed;
  const text = readableAt(read, file);
  return text === undefined ? undefined : { file, text };
}

/** Parameters that name a cache, which Postfix makes itself. */
const CACHES = /_cache_map$|_cache_database$|^address_verify_map$/;

/** The tables whose files must exist. */
export function neededTables(candidate: Candidate): TableReference[] {
  return tableReferences(candidate).filter(({ setting }) => !CACHES.test(setting.name));
}

/** Parameters that name a file which must exist: without it TLS is off, or smtpd(8) greets with an error. */
const PLAIN_FILES =
  /^(smtpd?|lmtp|tlsproxy|postscreen)_tls_(cert_file|key_file|eccert_file|eckey_file|dcert_file|dkey_file|CAfile|dh1024_param_file|dh512_param_file)$|^bounce_template_file$/;

/** The files, other than tables, that must exist. */
export function neededFiles(candidate: Candidate): { setting: Setting; path: string }[] {
  return settingsOf(candidate)
    .filter(({ name }) => PLAIN_FILES.test(name))
    .map((setting) => ({ setting, path: expand(setting.value, setting.lookup) }))
    .filter(({ path }) => path.startsWith("/"));
}

/** The paths to look at to know whether tables and files exist, and what the readable tables hold. */
export function filesToRead(candidate: Candidate): string[] {
  const paths = neededTables(candidate).flatMap((reference) => {
    const files = filesOf(reference);
    return files === undefined ? [] : [files.needed, ...(files.source ? [files.source] : [])];
  });
  return [...new Set([...paths, ...neededFiles(candidate).map(({ path }) => path)])];
}

/** The program that builds a table's database. */
export function tool({ name }: Setting): "postmap" | "postalias" {
  return /^alias_(maps|database)$/.test(name) ? "postalias" : "postmap";
}
