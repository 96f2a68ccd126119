/** Parameters: unknown names, values that Postfix cannot read, and values that refer to names set nowhere. */
import { duplicates, faults } from "../formats/mainCf";
import { type Candidate, type Complaint, type Setting, settingsOf } from "./candidate";
import { restrictionClasses } from "./restrictions";
import { MAIN_CF } from "../postfix/paths";
import { KNOWN_PARAMETERS, type ParameterKind, PER_TRANSPORT } from "../postfix/knownParameters";
import { CLIENT_TYPES } from "../postfix/tableTypes";
import { PROXY_LISTS } from "./tableReferences";
import { type Lookup, references, words } from "../postfix/values";
import { isSlip, nearest, suggestion } from "../values/nearestName";

/** Parameters that every program sets itself (postconf(5)): an older `postconf -d` does not list them. */
const BUILT_IN = ["process_name", "process_id", "service_name", "config_directory"];

/** Tables whose settings main.cf may hold, under names that begin with the table's own (ldap_table(5), …). */
const NAMED_TABLES = new RegExp(`\\b(?:${CLIENT_TYPES.join("|")}):(\\w[\\w.-]*)`, "g");

/** Parameters that are expanded when mail is delivered or refused: `$names` in them are not parameters of main.cf. */
export const EXPANDED_LATER: ReadonlySet<string> = new Set([
  "mailbox_command",
  "command_execution_directory",
  "forward_path",
  "luser_relay",
  "default_rbl_reply",
  "debugger_command",
  "smtpd_reject_footer",
  "postscreen_reject_footer",
  "command_expansion_filter",
  "execution_directory_expansion_filter",
  "forward_expansion_filter",
  "smtpd_expansion_filter",
]);

/** What the user has declared for these rules. */
export interface Declared {
  /** Names that the user has declared in `userDefined`. */
  readonly userDefined: readonly string[];
}

/** Lines of main.cf that Postfix cannot read as a parameter. */
export function lineComplaints({ main }: Candidate): Complaint[] {
  return faults(main).map(({ line, reason }) => ({
    rule: "syntax",
    file: MAIN_CF,
    line,
    reason: `the line ${reason}`,
  }));
}

/** Parameters that are set twice: Postfix uses the last line. */
export function duplicateComplaints({ main }: Candidate): Complaint[] {
  return duplicates(main).map(({ name, lines }) => ({
    rule: "duplicate",
    file: MAIN_CF,
    line: lines.at(-1) ?? 1,
    subject: name,
    mild: true,
    reason: `${name} is set on lines ${lines.join(" and ")}; Postfix reads the last`,
  }));
}

/**
 * The names of all parameters: those of the host's Postfix, or, if it has none yet, those of any version. Where the one
 * that will be installed may have others (`certain` is false), only a name close to a known one counts as a mistake.
 * `postconf -d` does not list former names that Postfix still reads, but the defaults of their successors refer to them.
 */
function parameterNames({ knowledge: { isInstalled, areNamesKnown, defaults } }: Candidate): {
  readonly names: ReadonlySet<string>;
  readonly certain: boolean;
} {
  const listed = isInstalled ? defaults.keys() : Object.keys(KNOWN_PARAMETERS);
  return { names: new Set([...listed, ...referredTo(defaults)]), certain: areNamesKnown };
}

function referredTo(defaults: ReadonlyMap<string, string>): string[] {
  return [...defaults].flatMap(([parameter, value]) =>
    EXPANDED_LATER.has(parameter) ? [] : references(value).map(({ name }) => name),
  );
}

/** Names that nothing reads: neither Postfix, nor another value, nor a service of master.cf, nor a table. */
export function nameComplaints(candidate: Candidate, declared: Declared): Complaint[] {
  const { names, certain } = parameterNames(candidate);
  const settings = settingsOf(candidate);
  const classes = words(candidate.value("smtpd_restriction_classes"));
  const ofServices = settings.filter(
    ({ name, service }) => name === "smtpd_restriction_classes" && service !== undefined,
  );
  const used = new Set([
    ...BUILT_IN,
    ...classes,
    ...ofServices.flatMap(({ lookup }) => restrictionClasses(lookup)),
    ...declared.userDefined,
    ...settings.flatMap(({ value }) => references(value).map(({ name }) => name)),
  ]);
  const services = new Set(candidate.services.map(({ name }) => name));
  const tables = settings.flatMap(({ value }) =>
    [...value.matchAll(NAMED_TABLES)].map(([, name = ""]) => `${name}_`),
  );
  const known = (name: string): boolean =>
    names.has(name) ||
    used.has(name) ||
    PER_TRANSPORT.some(
      (suffix) => name.endsWith(`_${suffix}`) && services.has(name.slice(0, -suffix.length - 1)),
    ) ||
    tables.some((prefix) => name.startsWith(prefix));
  return settings
    .filter(({ name }) => !known(name) && (certain || isSlip(name, names)))
    .map(({ name, file, line, subject, service }) => ({
      rule: "name",
      file,
      line,
      subject,
      reason: `${name}${unknownName(name, names, candidate)}`,
      ...(service !== undefined && isSlip(name, names) ? { final: true } : {}),
    }));
}

function unknownName(name: string, names: ReadonlySet<string>, { services }: Candidate): string {
  const suffix = PER_TRANSPORT.find((one) => name.endsWith(`_${one}`));
  const meant = nearest(name, names);
  if (meant !== undefined && (suffix === undefined || isSlip(name, names)))
    return `: did you mean ${meant}?`;
  if (suffix === undefined) return " is no parameter of this Postfix, and nothing refers to it";
  const prefix = name.slice(0, -suffix.length - 1);
  const near = suggestion(
    prefix,
    services.map((service) => service.name),
  );
  return `: there is no service "${prefix}" in master.cf${near}`;
}

/**
 * Names that a value refers to and that are set nowhere: Postfix reads them as empty. Where a value only asks whether the
 * name is set, as in `${name?…}`, it counts as a mistake only if it is close to a known name.
 */
export function unsetComplaints(candidate: Candidate): Complaint[] {
  const { names, certain } = parameterNames(candidate);
  const all = [...names, ...candidate.parameters.keys()];
  return settingsOf(candidate).flatMap((setting) => {
    if (EXPANDED_LATER.has(setting.name)) return [];
    const unset = references(setting.value).filter(
      ({ name, conditional }) =>
        setting.lookup(name) === undefined &&
        !BUILT_IN.includes(name) &&
        !names.has(name) &&
        ((certain && !conditional) || isSlip(name, all)),
    );
    return [...new Set(unset.map(({ name }) => name))].map((name): Complaint => {
      const others = all.filter((other) => other !== setting.name);
      const near = suggestion(name, others);
      return {
        rule: "unset",
        file: setting.file,
        line: setting.line,
        subject: setting.subject,
        reason: `${setting.name} refers to $${name}, which is set nowhere${near}`,
        ...(isHarmless(setting) && !isSlip(name, others) ? { mild: true } : {}),
      };
    });
  });
}

/**
 * Does an unset name do no harm in the setting? Lists of tables for proxymap(8) name many that a server has not, and the
 * overrides of master.cf name lists of the user's own, as in Postfix's sample: an empty one restricts nothing.
 */
function isHarmless({ name, service }: Setting): boolean {
  return service !== undefined || PROXY_LISTS.test(name);
}

/** Values that Postfix cannot read: text where it wants a number, an unknown keyword, and the like. */
export function valueComplaints(candidate: Candidate): Complaint[] {
  return settingsOf(candidate).flatMap((setting) => {
    const wrong = wrongValue(candidate, setting);
    if (wrong === undefined) return [];
    const { file, line, subject, name } = setting;
    return [{ rule: "value" as const, file, line, subject, reason: `${name} ${wrong}` }];
  });
}

const CLIENT_LEVELS = [
  ...["none", "may", "encrypt", "dane", "dane-only"],
  ...["fingerprint", "verify", "secure"],
];

const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  mynetworks_style: ["class", "subnet", "host"],
  smtpd_tls_security_level: ["none", "may", "encrypt"],
  smtp_tls_security_level: CLIENT_LEVELS,
  lmtp_tls_security_level: CLIENT_LEVELS,
};

/** The words of inet_protocols, whatever their case (inet_proto(3)). */
const PROTOCOLS = ["all", "ipv4", "ipv6"];

function isNoProtocol(word: string): boolean {
  return word !== "" && !PROTOCOLS.includes(word.toLowerCase());
}

/** Postfix reads levels of TLS in upper and lower case, but mynetworks_style in lower case only. */
function isKeyword(name: string, value: string, keywords: readonly string[]): boolean {
  return keywords.includes(name === "mynetworks_style" ? value : value.toLowerCase());
}

function wrongValue(candidate: Candidate, { name, value, lookup }: Setting): string | undefined {
  // Of the characters that may separate a user's name from its extension, "#" is one.
  if (/(^|\s)#(\s|$)/.test(value) && name !== "recipient_delimiter")
    return "has a # in its value: no comment can stand behind a value";
  if (value.includes("$")) return undefined;
  const protocol = name === "inet_protocols" && value.split(/[\s,]+/).find(isNoProtocol);
  if (typeof protocol === "string")
    return `takes ${PROTOCOLS.join(", ")}, not "${protocol}"${suggestion(protocol, PROTOCOLS)}`;
  const keywords = KEYWORDS[name];
  if (keywords && value !== "" && !isKeyword(name, value, keywords))
    return `takes ${keywords.join(", ")}, not "${value}"${suggestion(value, keywords)}`;
  switch (kindOf(candidate, name)) {
    case "boolean":
      return /^(yes|no)$/i.test(value) ? undefined : `takes yes or no, not "${value}"`;
    case "number":
      return /^-?\d+$/.test(value)
        ? sizeFault(candidate, name, value, lookup)
        : `takes a number, not "${value}"`;
    case "time":
      // Units in small letters only: with others the daemon ends with "bad time value or unit".
      return /^\d+[smhdw]?$/.test(value)
        ? undefined
        : `takes a number with s, m, h, d or w for its unit, not "${value}"`;
    case "text":
  }
  if (/^my(origin|hostname|domain)$/.test(name) && !/^[\w-]+(\.[\w-]+)*\.?$/.test(value))
    return value === "" ? "must not be empty" : `is "${value}", which is no host or domain name`;
  return undefined;
}

/** What Postfix reads a parameter as: relay_destination_rate_delay, say, as its default $default_destination_rate_delay. */
function kindOf({ knowledge }: Candidate, name: string): ParameterKind {
  const known: Readonly<Record<string, ParameterKind>> = KNOWN_PARAMETERS;
  const like = /^\$(\w+)$/.exec(knowledge.defaults.get(name) ?? "")?.[1] ?? "";
  return known[name] ?? known[like] ?? "text";
}

/** local(8) stops all deliveries if mailbox_size_limit is less than message_size_limit (postconf(5)). */
function sizeFault(
  { services }: Candidate,
  name: string,
  value: string,
  lookup: Lookup,
): string | undefined {
  // A server without local(8) delivers to no mailbox of that size.
  if (services.length > 0 && !services.some(({ daemon }) => daemon === "local")) return undefined;
  const limit = name === "mailbox_size_limit" ? value : (lookup("mailbox_size_limit") ?? "");
  const message = name === "message_size_limit" ? value : (lookup("message_size_limit") ?? "");
  if (!/^(mailbox|message)_size_limit$/.test(name) || !/^\d+ \d+$/.test(`${limit} ${message}`))
    return undefined;
  if (Number(limit) === 0 || (Number(message) !== 0 && Number(limit) >= Number(message)))
    return undefined;
  return `makes mailbox_size_limit ${limit} and message_size_limit ${message}: local(8) refuses to deliver when a mailbox may be smaller than a message`;
}
