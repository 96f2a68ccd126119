/** Lists of restrictions: names that smtpd(8) does not know, and arguments that are missing (postconf(5), access(5)). */
import { type Candidate, type Complaint, type Setting, settingsOf } from "./candidate";
import { nearest, suggestion } from "../values/spelling";
import { expand, words } from "../postfix/values";

/** What stands after a restriction's name: a table, a domain (of a blocklist), a server, a word, or nothing. */
type Takes = "nothing" | "table" | "domain" | "server" | "word";

const names = (takes: Takes, list: string): [string, Takes][] =>
  list
    .split(/\s+/)
    .filter((name) => name !== "")
    .map((name) => [name, takes]);

/** Every restriction of smtpd(8), up to Postfix 3.10, with those that only old versions have. */
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
  // Without an argument it is the old name of reject_rbl_client, for maps_rbl_domains.
  ...names("nothing", "reject_maps_rbl"),
]);

const LISTS = /^smtpd_(client|helo|sender|relay|recipient|data|end_of_data|etrn)_restrictions$/;

/** Is this setting a list of restrictions: one of smtpd's own, or a class that smtpd_restriction_classes names? */
export function isRestrictionList(candidate: Candidate, { name, lookup }: Setting): boolean {
  if (LISTS.test(name)) return true;
  const classes = expand(lookup("smtpd_restriction_classes") ?? "", candidate.raw);
  return words(classes).includes(name);
}

/** Is this word a table: `type:name`, or the path of a list? */
export function isTable(word: string): boolean {
  return /^[a-z][a-z0-9_-]*:/.test(word) || word.startsWith("/");
}

/** A wrong word of a list. */
interface Wrong {
  readonly reason: string;
  /** No class that main.cf may yet bring has such a name. */
  readonly certain: boolean;
}

/** The wrong words of all lists of restrictions, and classes without a list. */
export function restrictionComplaints(candidate: Candidate): Complaint[] {
  const settings = settingsOf(candidate);
  const overridden = new Set(settings.flatMap(({ name, service }) => (service ? [name] : [])));
  return settings.flatMap((setting) => {
    const wrong =
      setting.name === "smtpd_restriction_classes"
        ? emptyClasses(setting, overridden)
        : isRestrictionList(candidate, setting)
          ? wrongWords(setting)
          : setting.name === "postscreen_access_list"
            ? wrongAccess(setting)
            : [];
    return wrong.map(({ reason, certain }): Complaint => ({
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

/** Classes that are declared and set nowhere: smtpd(8) refuses with "server configuration error" what comes to one. */
function emptyClasses({ value, lookup }: Setting, overridden: ReadonlySet<string>): Wrong[] {
  return words(expand(value, lookup))
    .filter((name) => lookup(name) === undefined && !overridden.has(name))
    .map((name) => ({ reason: `the class "${name}" is set nowhere`, certain: false }));
}

/** What postscreen(8) knows besides tables. */
const POSTSCREEN = ["permit_mynetworks", "permit", "reject", "dunno"];

function wrongAccess({ value, lookup }: Setting): Wrong[] {
  return words(expand(value, lookup))
    .filter((word) => !/[:/{]/.test(word) && !POSTSCREEN.includes(word.toLowerCase()))
    .filter((word) => nearest(word, POSTSCREEN) !== undefined)
    .map((word) => ({
      reason: `there is no "${word}"${suggestion(word, POSTSCREEN)}`,
      certain: true,
    }));
}

function wrongWords({ value, lookup }: Setting): Wrong[] {
  const classes = words(expand(lookup("smtpd_restriction_classes") ?? "", lookup));
  const list = words(expand(value, lookup));
  const wrong: Wrong[] = [];
  for (let index = 0; index < list.length; index += 1) {
    const word = list[index] ?? "";
    if (isTable(word) || classes.includes(word) || /^[45]\d\d$/.test(word)) continue;
    const takes = RESTRICTIONS.get(word.toLowerCase());
    if (takes === undefined) {
      const known = [...RESTRICTIONS.keys(), ...classes];
      wrong.push({
        reason: `there is no restriction "${word}"${suggestion(word, known)}`,
        certain: nearest(word, known) !== undefined,
      });
      continue;
    }
    if (takes === "nothing") continue;
    const argument = list[(index += 1)];
    const fault = wrongArgument(takes, argument);
    if (fault === undefined) continue;
    wrong.push({ reason: `${word} takes ${fault}`, certain: true });
    // What stands there instead is looked at as a restriction of its own.
    if (argument !== undefined && RESTRICTIONS.has(argument)) index -= 1;
  }
  return wrong;
}

function wrongArgument(takes: Takes, argument: string | undefined): string | undefined {
  const found = argument === undefined ? "nothing follows" : `"${argument}" follows`;
  switch (takes) {
    case "table":
      return argument !== undefined && /^[a-z][a-z0-9_-]*:|^\{/.test(argument)
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
