/**
 * Open relays: services by which everybody may send mail through this host to anywhere; and services that take no mail,
 * because smtpd(8) ends where no list refuses mail for other domains.
 */
import { type JudgedService, serviceKey } from "../postfix/masterServices";
import { MAIN_CF, MASTER_CF } from "../postfix/paths";
import { expand, type Lookup, words } from "../postfix/values";
import { type Candidate, type Complaint, lookupOf } from "./candidate";
import type { TextAt } from "./plannedTexts";
import { RECIPIENT_LISTS } from "./restrictions";
import {
  hasGuard,
  type Outcome,
  outcome,
  ownsAll,
  STRANGER,
  type Stranger,
  trustsAll,
} from "./stranger";

/** Addresses that only the host itself reaches, and the names that /etc/hosts of one system or another has for them. */
const LOOPBACK = /^(127\..*|\[?::1\]?|(ip6-)?(localhost|loopback)(\.localdomain)?[46]?)$/i;

/** Can another host reach the service of master.cf? */
function isPublic({ name, type }: JudgedService, lookup: Lookup): boolean {
  if (type !== "inet" && type !== "pass") return false;
  const address = /^(.*):[^:]+$/.exec(name)?.[1]?.replace(/[[\]]/g, "");
  if (address !== undefined && address !== "") return !LOOPBACK.test(address);
  const interfaces = words(expand(lookup("inet_interfaces") ?? "all", lookup));
  return !interfaces.every((one) => one === "loopback-only" || LOOPBACK.test(one));
}

/** Services of master.cf that relay mail for everybody, or end, each with the setting that makes it do so. */
export function relayComplaints(candidate: Candidate, read: TextAt): Complaint[] {
  const complaints: Complaint[] = [];
  const servers = candidate.services.filter(({ daemon }) => daemon === "smtpd");
  for (const service of servers) {
    const lookup = lookupOf(candidate, service);
    if (!isPublic(service, lookup)) continue;
    const opening = openingOf(lookup, read, candidate);
    if (opening === undefined) continue;
    const overrides = service.overrides.filter(({ name }) => opening.names.includes(name));
    const override = overrides.find(({ name }) => name === opening.by) ?? overrides[0];
    const parameter = opening.names.map((name) => candidate.parameters.get(name)).find(Boolean);
    complaints.push({
      rule: "openRelay",
      ...(override
        ? { file: MASTER_CF, line: override.line, subject: serviceKey(service) }
        : {
            file: MAIN_CF,
            subject: opening.names.find((name) => candidate.parameters.has(name)) ?? "main.cf",
            ...(parameter ? { line: parameter.line } : {}),
          }),
      ...(override !== undefined &&
      override.name === opening.by &&
      isOpenByItself(service, read, override)
        ? { final: true }
        : {}),
      reason: override ? `the service ${service.name} ${opening.reason}` : opening.reason,
    });
  }
  // One setting of main.cf may open several services: it is one complaint.
  return complaints.filter(
    (one, index) =>
      complaints.findIndex(
        ({ file, line, reason }) => file === one.file && line === one.line && reason === one.reason,
      ) === index,
  );
}

/** Does an override open its service whatever main.cf says? */
function isOpenByItself(
  { overrides }: JudgedService,
  read: TextAt,
  { name, value }: JudgedService["overrides"][number],
): boolean {
  if (value.includes("$")) return false;
  const own = new Map(overrides.map((one) => [one.name, one.value]));
  return (
    !RECIPIENT_LISTS.includes(name) ||
    outcome(value, (other) => own.get(other), read, STRANGER) === "permits"
  );
}

/** Why a service of master.cf is open to everybody, or to nobody. */
interface Opening {
  /** What the service does, from the verb on, and why. */
  readonly reason: string;
  /** The parameters that decide it, first the one to name in a complaint. */
  readonly names: readonly string[];
  /** The parameter whose value opens the service, if it is one alone. */
  readonly by?: string;
}

function openFor(reason: string): Pick<Opening, "reason"> {
  return { reason: `relays mail for everybody: ${reason}` };
}

/** A service whose smtpd(8) ends at its start, as Postfix 3.7 was seen to do. */
function ending(guards: readonly string[], candidate: Candidate): Pick<Opening, "reason"> {
  const byLevel =
    !candidate.parameters.has("compatibility_level") &&
    /compatibility_level/.test(candidate.knowledge.defaults.get("smtpd_relay_restrictions") ?? "");
  const hint = byLevel
    ? "; without compatibility_level in main.cf, smtpd_relay_restrictions is empty by default"
    : "";
  return {
    reason: `takes no mail: smtpd(8) ends, because neither of ${guards.join(" and ")} has reject_unauth_destination, or another refusal that always holds, before a permit${hint}`,
  };
}

function openingOf(lookup: Lookup, read: TextAt, candidate: Candidate): Opening | undefined {
  const everybody = trustsAll(lookup, read);
  const everything = ownsAll(lookup, read);
  // Only the lists that this Postfix has: smtpd_relay_restrictions came with 2.10.
  const lists = RECIPIENT_LISTS.filter((name) => lookup(name) !== undefined);
  if (lists.length === 0) return undefined;
  const outcomeOf = (name: string, stranger: Stranger): Outcome =>
    outcome(lookup(name) ?? "", lookup, read, stranger);
  const refusing = (stranger: Stranger): boolean =>
    lists.some((name) => outcomeOf(name, stranger) === "refuses");
  const guards = lists.filter((name) => /relay|recipient/.test(name));
  if (!refusing(STRANGER)) {
    const permits = guards.find((name) => outcomeOf(name, STRANGER) === "permits");
    const isOpen = guards.some((name) => hasGuard(lookup(name) ?? "", lookup));
    return {
      ...(permits === undefined ? {} : { by: permits }),
      names: permits === undefined ? guards : [permits, ...guards],
      ...(isOpen
        ? openFor(
            `${guards.join(" and ")} must have reject_unauth_destination, and nothing that permits everybody before it`,
          )
        : ending(guards, candidate)),
    };
  }
  if (everybody !== undefined && !refusing({ trusted: true, local: false }))
    return {
      by: "mynetworks",
      names: ["mynetworks"],
      ...openFor(
        `mynetworks has ${everybody}, and every client in mynetworks may send to anywhere`,
      ),
    };
  if (everything !== undefined && !refusing({ trusted: false, local: true })) {
    const { name, word } = everything;
    return {
      by: name,
      names: [name],
      ...openFor(`${name} has ${word}, so that every domain is one for which this host takes mail`),
    };
  }
  return undefined;
}
