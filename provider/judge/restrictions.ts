/** Lists of restrictions: unknown names, and missing arguments (postconf(5), access(5)). */
import { type Candidate, type Complaint, type Setting, settingsOf } from "./candidate";
import { typedTable } from "../postfix/tableTypes";
import { expand, type Lookup, words } from "../postfix/values";
import { nearest, suggestion } from "../values/nearestName";

/** The argument of a restriction: a table, a domain (of a blocklist), a server, any word, or none. */
type Takes = "nothing" | "table" | "domain" | "server" | "word";

const names = (takes: Takes, list: string): [string, Takes][] =>
  list
    .split(/\s+/)
    .filter((name) => name !== "")
    .map((name) => [name, takes]);

/** Every restriction of smtpd(8) up to Postfix 3.10, including those that only old versions have. */
export const RESTRICTIONS: ReadonlyMap<string, Takes> = new Map([
  ...names(
    "nothing",
    `permit reject defer defer_if_permit defer_if_reject warn_if_reject
     permit_mynetworks permit_sasl_authenticated permit_inet_interfaces permit_naked_ip_address
     permit_tls_clientcerts permit_tls_all_clientcerts permit_auth_destination permit_mx_backup
     reject_unknown_client reject_unknown_client_hostname reject_unknown_reverse_client_hostname
     reject_unknown_forward_client_hostname reject_unauth_pipelining reject_plaintext_session
     reject_invalid_hostname reject_invalid_helo_hostname reject_unknown_hostname
     reject_unknown_helo_hostname reject_non_fqdn_hostname reject_non_fqdn_helo_hostname
     reject_non_fqdn_sender reject_non_fqdn_recipient reject_unknown_address
     reject_unknown_sender_domain reject_unknown_recipient_domain reject_unlisted_sender
     reject_unlisted_recipient reject_sender_login_mismatch
     reject_authenticated_sender_login_mismatch reject_known_sender_login_mismatch
     reject_unauthenticated_sender_login_mismatch reject_unverified_sender
     reject_unverified_recipient reject_unauth_destination defer_unauth_destination
     reject_multi_recipient_bounce check_relay_domains`,
  ),
  ...names(
    "table",
    `check_client_access check_client_a_access check_client_mx_access check_client_ns_access
     check_reverse_client_hostname_access check_reverse_client_hostname_a_access
     check_reverse_client_hostname_mx_access check_reverse_client_hostname_ns_access
     check_helo_access check_helo_a_access check_helo_mx_access check_helo_ns_access
     check_sender_access check_sender_a_access check_sender_mx_access check_sender_ns_access
     check_recipient_access check_recipient_a_access check_recipient_mx_access
     check_recipient_ns_access check_etrn_access check_ccert_access check_sasl_access`,
  ),
  ...names(
    "domain",
    `reject_rbl reject_rbl_client reject_rhsbl_client reject_rhsbl_reverse_client reject_rhsbl_helo
     reject_rhsbl_sender reject_rhsbl_recipient permit_dnswl_client permit_rhswl_client`,
  ),
  ...names("server", "check_policy_service"),
  ...names("word", "sleep"),
  // The predecessor of reject_rbl_client takes its domains from maps_rbl_domains.
  ...names("nothing", "reject_maps_rbl"),
]);

const listOf = (stage: string): string => `smtpd_${stage}_restrictions`;

/** The lists that decide on a recipient, in the order in which smtpd(8) goes through them. */
export const RECIPIENT_LISTS = ["client", "helo", "sender", "relay", "recipient"].map(listOf);

const ALL_LISTS = [...RECIPIENT_LISTS, ...["data", "end_of_data", "etrn"].map(listOf)];

/** The names of the user's own lists of restrictions, which other lists may name. */
export function restrictionClasses(lookup: Lookup): string[] {
  return words(expand(lookup("smtpd_restriction_classes") ?? "", lookup));
}

/** Is this setting a list of restrictions: one of smtpd's own, or a class that smtpd_restriction_classes names? */
export function isRestrictionList(candidate: Candidate, { name, lookup }: Setting): boolean {
  if (ALL_LISTS.includes(name)) return true;
  const classes = expand(lookup("smtpd_restriction_classes") ?? "", candidate.raw);
  return words(classes).includes(name);
}

/** Is this word a table: `type:name`, or the path of a list? */
export function isTable(word: string): boolean {
  return typedTable(word) !== undefined || word.startsWith("/");
}

/** A fault of a list. */
interface Fault {
  readonly reason: string;
  /** It is a fault whatever classes a later main.cf may declare. */
  readonly certain: boolean;
}

/** The faults of all lists of restrictions, and classes that are declared but have no list. */
export function restrictionComplaints(candidate: Candidate): Complaint[] {
  const settings = settingsOf(candidate);
  const overridden = new Set(settings.flatMap(({ name, service }) => (service ? [name] : [])));
  return settings.flatMap((setting) => {
    const faults =
      setting.name === "smtpd_restriction_classes"
        ? emptyClasses(setting, overridden)
        : isRestrictionList(candidate, setting)
          ? listFaults(setting)
          : setting.name === "postscreen_access_list"
            ? postscreenFaults(setting)
            : [];
    return faults.map(({ reason, certain }): Complaint => ({
      rule: "restriction",
      file: setting.file,
      line: setting.line,
      subject: setting.subject,
      reason: `${setting.name}: ${reason}`,
      ...(setting.service !== undefined && certain && !setting.value.includes("$")
        ? { final: true }
        : {}),
    }));
  });
}

/** Classes that are declared and set nowhere: smtpd(8) answers "server configuration error" when it gets to one. */
function emptyClasses({ value, lookup }: Setting, overridden: ReadonlySet<string>): Fault[] {
  return words(expand(value, lookup))
    .filter((name) => lookup(name) === undefined && !overridden.has(name))
    .map((name) => ({ reason: `the class "${name}" is set nowhere`, certain: false }));
}

/** The words, besides tables, that postscreen_access_list may have. */
const POSTSCREEN_WORDS = ["permit_mynetworks", "permit", "reject", "dunno"];

function postscreenFaults({ value, lookup }: Setting): Fault[] {
  return words(expand(value, lookup))
    .filter((word) => !/[:/{]/.test(word) && !POSTSCREEN_WORDS.includes(word.toLowerCase()))
    .filter((word) => nearest(word, POSTSCREEN_WORDS) !== undefined)
    .map((word) => ({
      reason: `there is no "${word}"${suggestion(word, POSTSCREEN_WORDS)}`,
      certain: true,
    }));
}

function listFaults({ value, lookup }: Setting): Fault[] {
  const classes = restrictionClasses(lookup);
  const list = words(expand(value, lookup));
  const faults: Fault[] = [];
  for (let index = 0; index < list.length; index += 1) {
    const word = list[index] ?? "";
    if (isTable(word) || classes.includes(word) || /^[45]\d\d$/.test(word)) continue;
    const takes = RESTRICTIONS.get(word.toLowerCase());
    if (takes === undefined) {
      const known = [...RESTRICTIONS.keys(), ...classes];
      faults.push({
        reason: `there is no restriction "${word}"${suggestion(word, known)}`,
        certain: nearest(word, known) !== undefined,
      });
      continue;
    }
    if (takes === "nothing") continue;
    const argument = list[(index += 1)];
    const fault = wrongArgument(takes, argument);
    if (fault === undefined) continue;
    faults.push({ reason: `${word} takes ${fault}`, certain: true });
    // The word in the argument's place is a restriction itself: the next round looks at it.
    if (argument !== undefined && RESTRICTIONS.has(argument)) index -= 1;
  }
  return faults;
}

function wrongArgument(takes: Takes, argument: string | undefined): string | undefined {
  const found = argument === undefined ? "nothing follows" : `"${argument}" follows`;
  switch (takes) {
    case "table":
      return argument !== undefined && (typedTable(argument) || argument.startsWith("{"))
        ? undefined
        : `a table, type:name, and ${found}`;
    case "domain":
      return argument !== undefined && /^[\w-]+(\.[\w-]+)+\.?(=.*)?$/.test(argument)
        ? undefined
        : `a domain to ask, and ${found}`;
    case "server":
      return argument !== undefined && /^\{|^(inet|unix):|^[^:]+:[^:]+/.test(argument)
        ? undefined
        : `a server, inet:host:port or unix:path, and ${found}`;
    case "word":
      return argument === undefined ? "a number of seconds, and nothing follows" : undefined;
    case "nothing":
      return undefined;
  }
}
