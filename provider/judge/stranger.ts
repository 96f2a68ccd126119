/**
 * Lists of restrictions evaluated as smtpd(8) does for a stranger: a client that has no password, that is in no trusted
 * network, and that names a recipient in a domain for which this host does not take mail.
 */
import { expand, type Lookup, words } from "../postfix/values";
import { coversInternet, networkOf } from "./networks";
import { readableAt, type TextAt } from "./plannedTexts";
import { isTable, restrictionClasses } from "./restrictions";
import { ACTIONS, answerToAll, tableOf } from "./tableAnswers";

const REFUSES = ["reject", "defer", "defer_if_permit"];

/** Restrictions that refuse mail for a domain that is not one of this host's. */
const GUARDS = ["reject_unauth_destination", "defer_unauth_destination", "check_relay_domains"];

/** Restrictions that look up every client, and not only one that has a password or a certificate. */
const LOOKS_UP_ALL = /^check_(?!sasl_|ccert_|etrn_).*_access$/;

/** A client that has no password and of which tables know nothing. */
export interface Stranger {
  /** Is its address in mynetworks? */
  readonly trusted: boolean;
  /** Is the recipient in a domain for which this host takes mail? */
  readonly local: boolean;
}

/** A client from anywhere that writes to anywhere. */
export const STRANGER: Stranger = { trusted: false, local: false };

/** `ends`: the list comes to its end without a decision. */
export type Outcome = "refuses" | "permits" | "ends";

/** What smtpd(8) does with the stranger by one list of restrictions. */
export function outcome(
  list: string,
  lookup: Lookup,
  read: TextAt,
  stranger: Stranger,
  depth = 0,
): Outcome {
  const classes = restrictionClasses(lookup);
  const inner = (text: string): Outcome =>
    depth < 10 ? outcome(text, lookup, read, stranger, depth + 1) : "ends";
  const all = words(expand(list, lookup));
  for (let index = 0; index < all.length; index += 1) {
    const given = all[index] ?? "";
    const word = given.toLowerCase();
    let found: Outcome = "ends";
    if (word === "warn_if_reject") index += 1;
    else if (REFUSES.includes(word)) found = "refuses";
    else if (GUARDS.includes(word)) {
      if (!stranger.local) found = "refuses";
      else if (word === "check_relay_domains") found = "permits";
    } else if (word === "permit") found = "permits";
    else if (word === "permit_mynetworks") found = stranger.trusted ? "permits" : "ends";
    else if (word === "permit_auth_destination") found = stranger.local ? "permits" : "ends";
    else if (/^check_.*_access$/.test(word)) {
      index += 1;
      const byAddress = word.startsWith("check_client_");
      if (LOOKS_UP_ALL.test(word)) found = tableOutcome(all[index] ?? "", byAddress, read, inner);
    } else if (classes.includes(given)) found = inner(lookup(given) ?? "");
    else if (isTable(given)) found = tableOutcome(given, false, read, inner);
    if (found !== "ends") return found;
  }
  return "ends";
}

/**
 * Has the list one of the restrictions of which smtpd(8) wants one in the lists that guard the relay? Without any it ends
 * with "specify at least one working instance of …". It looks no further than a `permit`, and into the user's classes.
 */
export function hasGuard(list: string, lookup: Lookup, depth = 0): boolean {
  const classes = restrictionClasses(lookup);
  const all = words(expand(list, lookup));
  for (let index = 0; index < all.length; index += 1) {
    const given = all[index] ?? "";
    const word = given.toLowerCase();
    if (word === "permit") return false;
    if (word === "warn_if_reject") index += 1;
    else if (REFUSES.includes(word) || GUARDS.includes(word)) return true;
    else if (
      classes.includes(given) &&
      depth < 10 &&
      hasGuard(lookup(given) ?? "", lookup, depth + 1)
    )
      return true;
  }
  return false;
}

/** What smtpd(8) does by the answer of a table; a table of networks has answers for addresses only. */
function tableOutcome(
  table: string,
  byAddress: boolean,
  read: TextAt,
  inner: (list: string) => Outcome,
): Outcome {
  if (tableOf(table)?.type === "cidr" && !byAddress) return "ends";
  const [four = "ends", six] = ([32, 128] as const).map((bits): Outcome => {
    const result = answerToAll(table, read, bits);
    if (result === undefined) return "ends";
    const action = (words(result)[0] ?? "").toUpperCase();
    if (/^(REJECT|DEFER|DEFER_IF_PERMIT|DISCARD|[45]\d\d)$/.test(action)) return "refuses";
    if (action === "OK" || /^\d+$/.test(action)) return "permits";
    return ACTIONS.includes(action) ? "ends" : inner(result);
  });
  return six === "permits" ? six : four;
}

/** The word of mynetworks, if any, by which every client is trusted. */
export function trustsAll(lookup: Lookup, read: TextAt): string | undefined {
  const items = (list: string): string[] =>
    words(list).flatMap((word) =>
      word.startsWith("/")
        ? (readableAt(read, word) ?? "")
            .split("\n")
            .filter((line) => !/^\s*(#|$)/.test(line))
            .map((line) => line.trim().split(/\s+/)[0] ?? "")
        : [word],
    );
  return items(expand(lookup("mynetworks") ?? "", lookup)).find((word) => {
    const network = networkOf(word);
    if (word.startsWith("!")) return false;
    return network !== undefined ? coversInternet(network) : hasEveryKey(word, read);
  });
}

/** Does a table answer to every client? Any answer counts, because mynetworks and lists of domains ask for keys only. */
function hasEveryKey(table: string, read: TextAt): boolean {
  return ([32, 128] as const).some((bits) => answerToAll(table, read, bits) !== undefined);
}

/** Parameters that list domains for which this host takes mail to pass it on, with their defaults. */
const DOMAIN_LISTS = {
  relay_domains: "$mydestination",
  virtual_alias_domains: "$virtual_alias_maps",
};

/** The parameter, if any, by which this host takes mail for every domain, and the word of it that says so. */
export function ownsAll(lookup: Lookup, read: TextAt): { name: string; word: string } | undefined {
  for (const [name, byDefault] of Object.entries(DOMAIN_LISTS)) {
    const value = lookup(name) ?? "";
    if (value === byDefault) continue;
    const word = words(expand(value, lookup)).find((one) => hasEveryKey(one, read));
    if (word !== undefined) return { name, word };
  }
  return undefined;
}
