/**
 * Who may send mail through this host to anywhere: restrictions evaluated as smtpd(8) does for a stranger who is in no
 * trusted network, has no password, and names a recipient in a domain that is not ours.
 */
import { ACTIONS, type Read, answerToAll, tableOf } from "./answers";
import { type Candidate, type Complaint, lookupOf } from "./candidate";
import { MASTER_CF } from "../postfix/paths";
import { MAIN_CF } from "../postfix/paths";
import { coversInternet, networkFault, networkOf } from "./networks";
import { isTable } from "./restrictions";
import type { Service } from "../postfix/services";
import { expand, words } from "../postfix/values";

type Lookup = (name: string) => string | undefined;

const REFUSES = ["reject", "defer", "defer_if_permit"];

/** These refuse what is for a domain that is not ours. */
const GUARDS = ["reject_unauth_destination", "defer_unauth_destination", "check_relay_domains"];

/** The lists in the order in which smtpd(8) goes through them. */
const LISTS = ["client", "helo", "sender", "relay", "recipient"].map(
  (stage) => `smtpd_${stage}_restrictions`,
);

/** Tables that are asked of everybody, and not only of who has a password or a certificate. */
const ASKED_OF_ALL = /^check_(?!sasl_|ccert_|etrn_).*_access$/;

/** Who the stranger is after all. */
interface Stranger {
  /** In mynetworks. */
  readonly trusted: boolean;
  /** Writes to a domain that passes for ours. */
  readonly ours: boolean;
}

const STRANGER: Stranger = { trusted: false, ours: false };

type Outcome = "refuses" | "permits" | "ends";

/** What a list comes to for the stranger. */
function outcome(list: string, lookup: Lookup, read: Read, stranger: Stranger, depth = 0): Outcome {
  const classes = words(expand(lookup("smtpd_restriction_classes") ?? "", lookup));
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
      if (!stranger.ours) found = "refuses";
      else if (word === "check_relay_domains") found = "permits";
    } else if (word === "permit") found = "permits";
    else if (word === "permit_mynetworks") found = stranger.trusted ? "permits" : "ends";
    else if (word === "permit_auth_destination") found = stranger.ours ? "permits" : "ends";
    else if (/^check_.*_access$/.test(word)) {
      index += 1;
      const byAddress = word.startsWith("check_client_");
      if (ASKED_OF_ALL.test(word)) found = answered(all[index] ?? "", byAddress, read, inner);
    } else if (classes.includes(given)) found = inner(lookup(given) ?? "");
    else if (isTable(given)) found = answered(given, false, read, inner);
    if (found !== "ends") return found;
  }
  return "ends";
}

/** What a table of access(5) comes to for anybody; one of networks is asked for addresses only. */
function answered(
  table: string,
  byAddress: boolean,
  read: Read,
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

/** The word of mynetworks that lets in everybody. */
function trustsAll(lookup: Lookup, read: Read): string | undefined {
  const items = (list: string): string[] =>
    words(list).flatMap((word) =>
      word.startsWith("/")
        ? (read(word) ?? "")
            .split("\n")
            .filter((line) => !/^\s*(#|$)/.test(line))
            .map((line) => line.trim().split(/\s+/)[0] ?? "")
        : [word],
    );
  return items(expand(lookup("mynetworks") ?? "", lookup)).find((word) => {
    const network = networkOf(word);
    if (word.startsWith("!")) return false;
    return network !== undefined ? coversInternet(network) : saysYes(word, read);
  });
}

function saysYes(table: string, read: Read): boolean {
  return ([32, 128] as const).some((bits) => answerToAll(table, read, bits) !== undefined);
}

/** Lists of domains for which this host takes mail to pass it on, and what they hold unless they are set. */
const OURS = { relay_domains: "$mydestination", virtual_alias_domains: "$virtual_alias_maps" };

/** The parameter by which every domain is one of ours, and the word of it. */
function ownsAll(lookup: Lookup, read: Read): { name: string; word: string } | undefined {
  for (const [name, unless] of Object.entries(OURS)) {
    const value = lookup(name) ?? "";
    if (value === unless) continue;
    const word = words(expand(value, lookup)).find((one) => saysYes(one, read));
    if (word !== undefined) return { name, word };
  }
  return undefined;
}

/** Can anybody but the host itself reach the service? */
function isPublic({ name, type }: Service, lookup: Lookup): boolean {
  if (type !== "inet" && type !== "pass") return false;
  const address = /^(.*):[^:]+$/.exec(name)?.[1]?.replace(/[[\]]/g, "");
  if (address !== undefined && address !== "") return !/^(127\.|::1$|localhost$)/.test(address);
  const interfaces = words(expand(lookup("inet_interfaces") ?? "all", lookup));
  return !interfaces.every((one) => /^(loopback-only|localhost|127\..*|\[?::1\]?)$/.test(one));
}

/** Services that relay for everybody, and the place where that is said. */
export function relayComplaints(candidate: Candidate, read: Read): Complaint[] {
  const complaints: Complaint[] = [];
  const servers = candidate.services.filter(({ daemon }) => daemon === "smtpd");
  for (const service of servers) {
    const lookup = lookupOf(candidate, service);
    if (!isPublic(service, lookup)) continue;
    const open = openFor(lookup, read);
    if (open === undefined) continue;
    const overrides = service.overrides.filter(({ name }) => open.names.includes(name));
    const override = overrides.find(({ name }) => name === open.by) ?? overrides[0];
    const parameter = open.names.map((name) => candidate.parameters.get(name)).find(Boolean);
    complaints.push({
      rule: "openRelay",
      ...(override
        ? { file: MASTER_CF, line: override.line, subject: `${service.name}/${service.type}` }
        : {
            file: MAIN_CF,
            subject: open.names.find((name) => candidate.parameters.has(name)) ?? "main.cf",
            ...(parameter ? { line: parameter.line } : {}),
          }),
      ...(override !== undefined && override.name === open.by && isPlain(service, read, override)
        ? { final: true }
        : {}),
      reason: override
        ? `the service ${service.name} relays mail for everybody: ${open.reason}`
        : `relays mail for everybody: ${open.reason}`,
    });
  }
  // All services that main.cf opens have it from one place.
  return complaints.filter(
    (one, index) =>
      complaints.findIndex(
        ({ file, line, reason }) => file === one.file && line === one.line && reason === one.reason,
      ) === index,
  );
}

/** Does an override say so by itself, with nothing of main.cf in it? */
function isPlain(
  { overrides }: Service,
  read: Read,
  { name, value }: Service["overrides"][number],
): boolean {
  if (value.includes("$")) return false;
  const own = new Map(overrides.map((one) => [one.name, one.value]));
  return (
    !LISTS.includes(name) || outcome(value, (other) => own.get(other), read, STRANGER) === "permits"
  );
}

function openFor(
  lookup: Lookup,
  read: Read,
): { reason: string; names: readonly string[]; by?: string } | undefined {
  const everybody = trustsAll(lookup, read);
  const everything = ownsAll(lookup, read);
  // A list that this Postfix does not have is `undefined` here: smtpd_relay_restrictions came with 2.10.
  const lists = LISTS.filter((name) => lookup(name) !== undefined);
  if (lists.length === 0) return undefined;
  const to = (name: string, stranger: Stranger): Outcome =>
    outcome(lookup(name) ?? "", lookup, read, stranger);
  const refusing = (stranger: Stranger): boolean =>
    lists.some((name) => to(name, stranger) === "refuses");
  const guards = lists.filter((name) => /relay|recipient/.test(name));
  if (!refusing(STRANGER)) {
    const permits = guards.find((name) => to(name, STRANGER) === "permits");
    return {
      ...(permits === undefined ? {} : { by: permits }),
      names: permits === undefined ? guards : [permits, ...guards],
      reason: `${guards.join(" and ")} must have reject_unauth_destination, and nothing that permits everybody before it`,
    };
  }
  if (everybody !== undefined && !refusing({ trusted: true, ours: false }))
    return {
      by: "mynetworks",
      names: ["mynetworks"],
      reason: `mynetworks has ${everybody}, and who is in mynetworks may send to anywhere`,
    };
  if (everything !== undefined && !refusing({ trusted: false, ours: true })) {
    const { name, word } = everything;
    return {
      by: name,
      names: [name],
      reason: `${name} has ${word}, so that every domain is one for which this host takes mail`,
    };
  }
  return undefined;
}

/** Networks that cannot be read, and a mynetworks that leaves out the host itself. */
export function networkComplaints(candidate: Candidate): Complaint[] {
  const set = candidate.parameters.get("mynetworks");
  if (set === undefined) return [];
  const list = words(candidate.value("mynetworks"));
  const place = { file: MAIN_CF, line: set.line, subject: "mynetworks" } as const;
  const faults = list.flatMap((word): Complaint[] => {
    const reason = networkFault(word.replace(/^!/, ""));
    return reason === undefined
      ? []
      : [{ rule: "value", ...place, reason: `mynetworks: ${reason}` }];
  });
  const networks = list.map(networkOf).filter((network) => network !== undefined);
  const protocols = words(candidate.value("inet_protocols"));
  const hasTable = list.some((word) => networkOf(word) === undefined);
  const lacksLocal =
    !hasTable &&
    protocols.some((one) => one === "all" || one === "ipv6") &&
    networks.some(({ bits, value }) => bits === 32 && value >> 24n === 127n) &&
    !networks.some(
      ({ bits, value, prefix }) =>
        bits === 128 && 1n >> BigInt(128 - prefix) === value >> BigInt(128 - prefix),
    );
  return lacksLocal
    ? [
        ...faults,
        {
          rule: "value",
          ...place,
          mild: true,
          reason:
            "mynetworks has 127.0.0.0/8 and not [::1]/128: what connects to localhost over IPv6 may not send",
        },
      ]
    : faults;
}
