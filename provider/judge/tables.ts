/** Tables: types that this Postfix does not have, and files that are not there. */
import { type Candidate, type Complaint, type Setting, settingsOf } from "./candidate";
import { isRestrictionList } from "./restrictions";
import { databasePath, tableType } from "../postfix/tableTypes";
import { suggestion } from "./spelling";
import { expand, unbraced, words } from "../postfix/values";

/** A table or list that a setting names: `type:name`, or the path of a text file. */
interface TableReference {
  readonly setting: Setting;
  /** `undefined` for a plain file, one item a line. */
  readonly type: string | undefined;
  readonly name: string;
}

/** Parameters whose words may be tables: lookups, and lists of names, hosts or networks that may stand in a table. */
const TABLE_LISTS =
  /(_maps|_map|_checks|_access|_access_list|_database|_domains|_networks|_clients|_hosts|_exceptions|_destinations|_exclusions|_restrictions|_clientcerts|_address_maps|_keyword_maps|_filter)$|^(alias_database|mydestination|mynetworks|debug_peer_list|local_header_rewrite_clients|postscreen_cache_map|fast_flush_domains|smtpd_forbidden_commands)$/;

/** End like a table's parameter, and hold a transport, a program or words. */
const NO_TABLES =
  /^(content_filter|receive_override_options|.*_expansion_filter|mail_spool_directory|smtpd_proxy_filter)$/;

/** Parameters whose words may be the path of a text file besides. */
const FILE_LISTS =
  /(_domains|_networks|_clients|_hosts|_exceptions|_destinations|_exclusions)$|^(mydestination|mynetworks|debug_peer_list|fast_flush_domains)$/;

/** The tables that one word names: `proxy:hash:/x` is one, `unionmap:{…}` several. */
function tablesIn(word: string): { type: string | undefined; name: string }[] {
  const plain = word.replace(/^!/, "");
  if (plain.startsWith("/")) return [{ type: undefined, name: plain }];
  const [, type, name] = /^([a-z][a-z0-9_-]*):([^]*)$/.exec(plain) ?? [];
  if (type === undefined || name === undefined || name === "") return [];
  if (type === "proxy") return [{ type, name: "" }, ...tablesIn(name)];
  if (type === "unionmap" || type === "pipemap")
    return [{ type, name: "" }, ...words(name.replace(/^\{|\}$/g, "")).flatMap(tablesIn)];
  return [{ type, name }];
}

/** An address with colons in a list of networks is no table. */
function isAddress(word: string): boolean {
  return /^[0-9a-f:]+(\/\d+)?$/.test(word) && (word.match(/:/g) ?? []).length > 1;
}

/** All tables that the settings name. */
export function tableReferences(candidate: Candidate): TableReference[] {
  return settingsOf(candidate).flatMap((setting) => {
    const { name } = setting;
    const restrictions = isRestrictionList(candidate, setting);
    if ((!TABLE_LISTS.test(name) && !restrictions) || NO_TABLES.test(name)) return [];
    const found: TableReference[] = [];
    const list = words(expand(setting.value, setting.lookup));
    for (const [index, word] of list.entries()) {
      if (isAddress(word) || /^[\w-]+\.[\w.-]+:/.test(word)) continue;
      // The server of a policy is no table, though it looks like one.
      if (list[index - 1] === "check_policy_service") continue;
      // A table with settings of its own, as in `{ hash:/x, … }` (from Postfix 3.0 on).
      const named = restrictions && word.startsWith("{") ? (words(unbraced(word))[0] ?? "") : word;
      for (const table of tablesIn(named))
        if (table.type !== undefined || FILE_LISTS.test(name)) found.push({ setting, ...table });
    }
    return found;
  });
}

/** Types that `postconf -m` does not list: `postconf -n` and `postfix check` let them through (docs/openbsd.md 16). */
export function typeComplaints(candidate: Candidate): Complaint[] {
  const { tableTypes } = candidate.knowledge;
  if (tableTypes.size === 0) return [];
  return tableReferences(candidate).flatMap(({ setting, type }) => {
    if (type === undefined || tableTypes.has(type)) return [];
    const flavor = tableType(type)?.flavor;
    const hint =
      flavor === undefined
        ? suggestion(type, tableTypes) || `; it has ${[...tableTypes].sort().join(", ")}`
        : `: it comes with the package's flavor "${flavor}"`;
    return [
      {
        rule: "tableType" as const,
        file: setting.file,
        line: setting.line,
        subject: setting.subject,
        reason: `${setting.name}: this Postfix has no table type "${type}"${hint}`,
      },
    ];
  });
}

/** The file that must be there for a table to be read, and the text that it is built from. */
export function filesOf({ type, name }: TableReference):
  | {
      needed: string;
      source: string | undefined;
    }
  | undefined {
  if (!name.startsWith("/")) return undefined;
  if (type === undefined) return { needed: name, source: undefined };
  const known = tableType(type);
  if (known === undefined) return undefined;
  return known.builds === undefined
    ? { needed: name, source: undefined }
    : { needed: databasePath({ path: name, type }), source: name };
}

/** Caches are made by Postfix itself. */
const CACHES = /_cache_map$|_cache_database$|^address_verify_map$/;

/** What must be looked at to know whether the tables are there, and what the readable ones hold. */
export function filesToRead(candidate: Candidate): string[] {
  const paths = tableReferences(candidate).flatMap((reference) => {
    if (CACHES.test(reference.setting.name)) return [];
    const files = filesOf(reference);
    return files === undefined ? [] : [files.needed, ...(files.source ? [files.source] : [])];
  });
  return [...new Set([...paths, ...plainFiles(candidate).map(({ path }) => path)])];
}

/** Parameters that name a file which must be there: without it TLS is off, or the banner is an error. */
const PLAIN_FILES =
  /^(smtpd?|lmtp|tlsproxy|postscreen)_tls_(cert_file|key_file|eccert_file|eckey_file|dcert_file|dkey_file|CAfile|dh1024_param_file|dh512_param_file)$|^bounce_template_file$/;

function plainFiles(candidate: Candidate): { setting: Setting; path: string }[] {
  return settingsOf(candidate)
    .filter(({ name }) => PLAIN_FILES.test(name))
    .map((setting) => ({ setting, path: expand(setting.value, setting.lookup) }))
    .filter(({ path }) => path.startsWith("/"));
}

/** Tables and files that are not there, and that no step before this one brings. */
export function fileComplaints(
  candidate: Candidate,
  isThere: (path: string) => boolean,
): Complaint[] {
  const tables = tableReferences(candidate).flatMap((reference): Complaint[] => {
    if (CACHES.test(reference.setting.name)) return [];
    const files = filesOf(reference);
    if (files === undefined || isThere(files.needed)) return [];
    const { setting } = reference;
    const how =
      files.source === undefined
        ? `${files.needed} is not there`
        : isThere(files.source)
          ? `${files.source} has no database ${files.needed}: it must be built with ${tool(setting)}`
          : `neither ${files.source} nor its database is there`;
    return [
      {
        rule: "tableFile",
        file: setting.file,
        line: setting.line,
        subject: setting.subject,
        reason: `${setting.name}: ${how}, and no step before this one brings it`,
      },
    ];
  });
  const plain = plainFiles(candidate)
    .filter(({ path }) => !isThere(path))
    .map(({ setting, path }): Complaint => ({
      rule: "file",
      file: setting.file,
      line: setting.line,
      subject: setting.subject,
      reason: `${setting.name}: ${path} is not there, and no step before this one brings it`,
    }));
  return [...tables, ...plain];
}

/** The program that builds a table. */
export function tool({ name }: Setting): "postmap" | "postalias" {
  return /^alias_(maps|database)$/.test(name) ? "postalias" : "postmap";
}
