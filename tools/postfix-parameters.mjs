/**
 * Makes provider/postfix/knownParameters.ts from the source of Postfix: `node tools/postfix-parameters.mjs SOURCE…`, each an
 * unpacked source of a version, oldest first. Facts only: the names that Postfix reads, what kind of value each takes (by
 * the table in which the daemons declare it) and the version that brought it (by what postconf.proto says of it).
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = new URL("../provider/postfix/knownParameters.ts", import.meta.url);

/** The tables of mail_conf.h by the kind of value. */
const KINDS = {
  BOOL: "boolean",
  NBOOL: "boolean",
  INT: "number",
  NINT: "number",
  LONG: "number",
  TIME: "time",
  STR: "text",
  RAW: "text",
};

/** How the kinds read. */
const MEANING = {
  boolean: "Yes or no",
  number: "A number",
  time: "A time, such as 30s or 5d",
  text: "Text",
};

/** @param {string} folder @param {RegExp} wanted @returns {string[]} */
function texts(folder, wanted) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => wanted.test(name))
    .map((name) => readFileSync(join(folder, name), "latin1"));
}

/** What each VAR_… macro stands for: strings and other macros, put together. @param {string[]} sources */
function names(sources) {
  const macros = new Map();
  for (const text of sources)
    for (const [, macro, body] of text.matchAll(
      /^#define\s+(VAR_\w+)[ \t]+(?:\\\n\s*)?((?:(?:"\w*"|VAR_\w+)[ \t]*)+)$/gm,
    ))
      macros.set(macro, body.match(/"\w*"|VAR_\w+/g));
  /** @param {string} macro @returns {string} */
  const valueOf = (macro) =>
    (macros.get(macro) ?? [])
      .map((part) => (part.startsWith('"') ? part.slice(1, -1) : valueOf(part)))
      .join("");
  return new Map([...macros.keys()].map((macro) => [macro, valueOf(macro)]));
}

/** The kind of each name that a daemon declares in a table. @param {string[]} sources */
function kinds(sources) {
  const macros = names(sources);
  const found = new Map();
  for (const text of sources)
    for (const [, kind, body] of text.matchAll(
      /CONFIG_(\w+)_TABLE\s+\w+\[\]\s*=\s*\{([^]*?)\n\s*\};/g,
    ))
      for (const [, macro] of body.matchAll(/^\s*(VAR_\w+),/gm)) {
        const name = macros.get(macro);
        if (name !== undefined && kind in KINDS) found.set(name, KINDS[kind]);
      }
  return found;
}

/** What an entry of the manual says by its default, where the source reads the name outside the tables. @param {string} value */
function kindOfDefault(value) {
  if (/^(yes|no)$/.test(value)) return "boolean";
  if (/^\d+[smhdw]$/.test(value)) return "time";
  return /^\d+$/.test(value) ? "number" : "text";
}

const number = (major, minor) => Number(major) * 1000 + Number(minor);

/** The version of which an entry says that it brought the name. @param {string} entry */
function since(entry) {
  let earliest;
  const text = entry.replace(/\s+/g, " ");
  // A text may also tell when one of the values came, or a later change: the earliest is the name's own.
  for (const [, major, minor] of text.matchAll(
    /(?<!logging is )available (?:in|with|as of) Postf?ix (?:version |&ge; |>= )?(\d+)\.(\d+)/gi,
  ))
    if (earliest === undefined || number(major, minor) < number(...earliest))
      earliest = [major, minor];
  return earliest?.join(".");
}

/** @param {string} folder */
function entries(folder) {
  const manual = readFileSync(join(folder, "proto/postconf.proto"), "latin1");
  return manual
    .split(/^(?=%(?:PARAM|CLASS) )/m)
    .map((entry) => [/^%PARAM (\w+)[ \t]*(.*)/.exec(entry), entry])
    .filter(([head]) => head !== null)
    .map(([[, name, value], entry]) => ({ name, value: value.trim(), since: since(entry) }));
}

/** Documented for every transport of master.cf under a name that only stands for it. */
const ANY_TRANSPORT = /^transport_(?!maps$|retry_time$)/;

const table = new Map();
const perTransport = new Set();
for (const folder of process.argv.slice(2)) {
  const declared = kinds(texts(join(folder, "src"), /\.[ch]$/));
  for (const one of entries(folder)) {
    if (ANY_TRANSPORT.test(one.name)) {
      perTransport.add(one.name.replace(ANY_TRANSPORT, ""));
      continue;
    }
    const former = table.get(one.name);
    table.set(one.name, {
      kind: declared.get(one.name) ?? former?.kind ?? kindOfDefault(one.value),
      like: declared.has(one.name) ? undefined : /^\$(\w+)$/.exec(one.value)?.[1],
      since: former?.since ?? one.since,
    });
  }
  for (const [name, kind] of declared) table.set(name, { ...table.get(name), kind });
}
if (table.size === 0) throw new Error("usage: postfix-parameters.mjs SOURCE…");

const lines = [...table]
  .sort(([left], [right]) => (left < right ? -1 : 1))
  .map(([name, entry]) => {
    const kind = table.get(entry.like)?.kind ?? entry.kind;
    const came = entry.since === undefined ? "" : `; Postfix ${entry.since} and later`;
    const key = /^\d/.test(name) ? `"${name}"` : name;
    return `  /** ${MEANING[kind]}${came}. See postconf(5). */\n  ${key}: "${kind}",`;
  });
const suffixes = [...perTransport].sort().map((suffix) => `  "${suffix}",`);
writeFileSync(
  OUT,
  `/*
 * Made by tools/postfix-parameters.mjs from the sources of Postfix: do not edit.
 */

/** What Postfix reads the value of a parameter as. */
export type ParameterKind = "boolean" | "number" | "time" | "text";

/**
 * The parameters of main.cf by name, with the version that brought each where its manual names one. What a host's own
 * Postfix brings (for its services, in a later version) is not all here: what it says itself decides.
 */
export const KNOWN_PARAMETERS = {
${lines.join("\n")}
} as const;

/** What Postfix reads for each transport of master.cf, behind the transport's name and an underscore. */
export const PER_TRANSPORT = [
${suffixes.join("\n")}
] as const;
`,
);
