/**
 * The text of a table of type `mysql` or `pgsql`: the settings of mysql_table(5) and pgsql_table(5), in the format of
 * main.cf. Postfix passes over a setting that it does not know, and stops where one is missing that it needs: then the
 * daemons that use the table end. Nothing here repeats the text, which holds a password.
 */
import { encodeUtf8 } from "../formats/bytes";
import { logicalLines } from "../formats/logicalLines";
import { parameters } from "../formats/mainCf";
import { suggestion } from "../values/nearestName";

/** What both types know, up to Postfix 3.11. */
const COMMON = ["hosts", "user", "password", "dbname", "query", "result_format", "domain"];
const LIMITS = ["expansion_limit", "idle_interval", "retry_interval"];

/** The settings from which the query was made before Postfix 2.2; the first three are needed where there is no query. */
const PARTS = ["table", "select_field", "where_field"];
const OBSOLETE = [...PARTS, "additional_conditions"];

const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  mysql: [
    ...COMMON,
    ...LIMITS,
    ...["charset", "option_file", "option_group", "require_result_set"],
    ...["tls_cert_file", "tls_key_file", "tls_CAfile", "tls_CApath", "tls_ciphers"],
    "tls_verify_cert",
    ...OBSOLETE,
  ],
  pgsql: [...COMMON, ...LIMITS, "encoding", "select_function", ...OBSOLETE],
};

/** A connection URI, which names the database itself (pgsql_table(5), Postfix 3.10). */
const URI = /^postgres(ql)?:\/\//;

function valuesIn(text: string): ReadonlyMap<string, string> {
  return new Map([...parameters(encodeUtf8(text))].map(([name, { value }]) => [name, value]));
}

/** What is wrong with the text of a table of this type; nothing for a type that is no SQL client. */
export function sqlFaults(type: string, text: string): string[] {
  const known = SETTINGS[type];
  if (known === undefined) return [];
  return [...lineFaults(type, text, known), ...missing(type, valuesIn(text))];
}

function lineFaults(type: string, text: string, known: readonly string[]): string[] {
  return logicalLines(encodeUtf8(text)).flatMap(({ text: joined, line }) => {
    const name = /^([^=\s]+)\s*=/.exec(joined)?.[1];
    if (name === undefined)
      return [`line ${line} is no setting: each is "name = value", and Postfix stops at others.`];
    if (known.includes(name)) return [];
    const meant = suggestion(name, known);
    const rest = meant === "" ? `; these are ${known.join(", ")}.` : meant;
    return [`line ${line} sets what ${type}_table(5) does not know${rest}`];
  });
}

function missing(type: string, values: ReadonlyMap<string, string>): string[] {
  const has = (name: string): boolean => (values.get(name) ?? "") !== "";
  const hosts = (values.get("hosts") ?? "").split(/[\s,]+/).filter((host) => host !== "");
  const namesItself = type === "pgsql" && hosts.length > 0 && hosts.every((host) => URI.test(host));
  const isAsked = has("query") || (type === "pgsql" && has("select_function")) || PARTS.every(has);
  return [
    ...(has("dbname") || namesItself
      ? []
      : ["has no `dbname`, the name of the database, without which Postfix stops."]),
    ...(isAsked
      ? []
      : [
          `has no \`query\`, as in "SELECT goto FROM alias WHERE address='%s'", without which Postfix stops.`,
        ]),
  ];
}

/** The settings in the text that Postfix 2.2 has replaced by `query`. */
export function obsoleteSettings(type: string, text: string): string[] {
  if (SETTINGS[type] === undefined) return [];
  const values = valuesIn(text);
  const obsolete = type === "pgsql" ? ["select_function", ...OBSOLETE] : OBSOLETE;
  return obsolete.filter((name) => values.has(name));
}

/** The servers that the text of a client names, without the logins in their URIs; "localhost" where it names none. */
export function serversOf(text: string): string {
  const values = valuesIn(text);
  const named = values.get("hosts") ?? values.get("server_host") ?? "";
  return named === "" ? "localhost" : named.replace(/\/\/[^/@\s]*@/g, "//");
}
