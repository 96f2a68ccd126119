/**
 * Who may send mail through this host to anywhere: restrictions evaluated as smtpd(8) does for a stranger who is in no
 * trusted network, has no password, and names a recipient in a domain that is not ours.
 */
import { type Candidate, type Complaint, MAIN_CF, MASTER_CF, lookupOf } from "./candidate";
import { coversInternet, networkFault, networkOf } from "./networks";
import type { Service } from "./services";
import { expand, words } from "./values";

type Lookup = (name: string) => string | undefined;
type Read = (path: string) => string | undefined;

const REFUSES = [
  "reject",
  "defer",
  "defer_if_permit",
  "reject_unauth_destination",
  "defer_unauth_destination",
  "check_relay_domains",
];

/** The lists in the order in which smtpd(8) goes through them. */
const LISTS = ["client", "helo", "sender", "relay", "recipient"].map(
  (stage) => `smtpd_${stage}_restrictions`,
);

/** A table that says yes to everybody. */
const YES_TO_ALL = /^static:\{?\s*(ok|permit|\d+)\b/i;

/** What a list comes to for the stranger. */
function outcome(
  list: string,
  lookup: Lookup,
  trusted: boolean,
  depth = 0,
): "refuses" | "permits" | "ends" {
  const classes = words(expand(lookup("smtpd_restriction_classes") ?? "", lookup));
  const all = words(expand(list, lookup));
  for (let index = 0; index < all.length; index += 1) {
    const word = (all[index] ?? "").toLowerCase();
    if (word === "warn_if_reject") index += 1;
    else if (REFUSES.includes(word)) return "refuses";
    else if (word === "permit" || (word === "permit_mynetworks" && trusted)) return "permits";
    else if (/^check_.*_access$/.test(word)) {
      index += 1;
      if (YES_TO_ALL.test(all[index] ?? "")) return "permits";
    } else if (classes.includes(all[index] ?? "") && depth < 10) {
      const inner = outcome(lookup(all[index] ?? "") ?? "", lookup, trusted, depth + 1);
      if (inner !== "ends") return inner;
    }
  }
  return "ends";
}

/** The word of mynetworks that lets in everybody. */
function trustsAll(lookup: Lookup, read: Read): string | undefined {
  const items = (list: string): string[] =>
    words(list).flatMap((word) => {
      const path = /^(?:cidr:)?(\/\S+)$/.exec(word)?.[1];
      if (path === undefined) return [word];
      return (read(path) ?? "")
        .split("\n")
        .filter((line) => !/^\s*(#|$)/.test(line))
        .map((line) => line.trim().split(/\s+/)[0] ?? "");
    });
  return items(expand(lookup("mynetworks") ?? "", lookup)).find((word) => {
    const network = networkOf(word);
    if (word.startsWith("!")) return false;
    return network !== undefined ? coversInternet(network) : /^static:/.test(word);
  });
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
  const servers = candidate.services.filter(({ command }) => command === "smtpd");
  for (const service of servers) {
    const lookup = lookupOf(candidate, service);
    if (!isPublic(service, lookup)) continue;
    const open = openFor(lookup, read);
    if (open === undefined) continue;
    const override = service.overrides.find(({ name }) => open.names.includes(name));
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

function openFor(
  lookup: Lookup,
  read: Read,
): { reason: string; names: readonly string[] } | undefined {
  const everybody = trustsAll(lookup, read);
  // A list that this Postfix does not have is `undefined` here: smtpd_relay_restrictions came with 2.10.
  const lists = LISTS.filter((name) => lookup(name) !== undefined);
  if (lists.length === 0) return undefined;
  const refusing = (trusted: boolean): boolean =>
    lists.some((name) => outcome(lookup(name) ?? "", lookup, trusted) === "refuses");
  const guards = lists.filter((name) => /relay|recipient/.test(name));
  if (!refusing(false)) {
    const permits = guards.find((name) => outcome(lookup(name) ?? "", lookup, false) === "permits");
    return {
      names: permits === undefined ? guards : [permits, ...guards],
      reason: `${guards.join(" and ")} must have reject_unauth_destination, and nothing that permits everybody before it`,
    };
  }
  if (everybody !== undefined && !refusing(true))
    return {
      names: ["mynetworks"],
      reason: `mynetworks has ${everybody}, and who is in mynetworks may send to anywhere`,
    };
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
