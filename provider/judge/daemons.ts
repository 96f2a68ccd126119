/**
 * master.cf and what depends on it: lines that are wrong, daemons that do not exist (master(5)), transports that no
 * service delivers, and milters.
 */
import { serviceKey } from "../postfix/masterServices";
import { MASTER_CF } from "../postfix/paths";
import { expand, words } from "../postfix/values";
import { suggestion } from "../values/nearestName";
import { type Candidate, type Complaint, settingsOf } from "./candidate";
import type { TextAt } from "./plannedTexts";
import { answersOf } from "./tableAnswers";
import { entriesText, tableReferences } from "./tableReferences";

/** Lines of master.cf that master(8) refuses or misreads, and daemons that it could not start. */
export function serviceComplaints({ services, serviceFaults, knowledge }: Candidate): Complaint[] {
  const { daemons } = knowledge;
  const missing = services.filter(
    ({ command }) => daemons.size > 0 && !command.startsWith("/") && !daemons.has(command),
  );
  return [
    ...serviceFaults.map(({ line, service, reason, repeated }): Complaint => ({
      rule: "service",
      file: MASTER_CF,
      line,
      subject: service,
      reason: `${service}: ${reason}`,
      // Postfix works all the same: of two lines for one service it uses the last.
      ...(repeated ? { mild: true } : {}),
    })),
    ...missing.map((service): Complaint => {
      const { command, line } = service;
      const subject = serviceKey(service);
      return {
        rule: "service",
        file: MASTER_CF,
        line,
        subject,
        reason: `${subject}: there is no daemon "${command}"${suggestion(command, daemons)}`,
      };
    }),
  ];
}

/** Parameters whose value is a transport, as `name:next-hop` or by its name alone. */
const TRANSPORTS =
  /^(default|local|relay|virtual|mailbox|fallback|error|address_verify_(default|local|relay|virtual))_transport$|^content_filter$/;

/** The table of transports by sender, whose answer DUNNO leaves the sender to the default (postconf(5)). */
const BY_SENDER = /^sender_dependent_default_transport_maps$/;

/** Transports that no service of master.cf delivers: their mail is deferred ("unknown mail transport"). */
export function transportComplaints(candidate: Candidate, read: TextAt): Complaint[] {
  if (candidate.services.length === 0) return [];
  const known = candidate.services.filter(({ type }) => type !== "inet").map(({ name }) => name);
  const fault = (value: string): string | undefined => {
    const transport = value.split(":")[0] ?? "";
    return transport === "" || known.includes(transport)
      ? undefined
      : `there is no service "${transport}" in master.cf to deliver by${suggestion(transport, known)}`;
  };
  const settings = settingsOf(candidate).flatMap((setting): Complaint[] => {
    const { file, line, subject, name } = setting;
    if (!TRANSPORTS.test(name)) return [];
    const reason = fault(expand(setting.value, setting.lookup));
    return reason === undefined
      ? []
      : [{ rule: "transport", file, line, subject, reason: `${name}: ${reason}` }];
  });
  const tables = tableReferences(candidate).flatMap((reference): Complaint[] => {
    const { setting, type, name } = reference;
    const file = entriesText(reference, read)?.file;
    if (!/transport_maps$/.test(setting.name) || type === undefined || file === undefined)
      return [];
    return answersOf(type, name, read).flatMap(({ key, result, line }): Complaint[] => {
      if (BY_SENDER.test(setting.name) && /^dunno$/i.test(result.trim())) return [];
      const reason = fault(words(result)[0] ?? "");
      if (reason === undefined) return [];
      const place = line === undefined ? {} : { line };
      return [{ rule: "transport", file, ...place, subject: key, reason: `${key}: ${reason}` }];
    });
  });
  return [...settings, ...tables];
}

/** Milters that are not written as inet:host:port or unix:path (MILTER_README). */
export function milterComplaints(candidate: Candidate): Complaint[] {
  return settingsOf(candidate).flatMap((setting): Complaint[] => {
    const { file, line, subject, name } = setting;
    if (name !== "smtpd_milters" && name !== "non_smtpd_milters") return [];
    return words(expand(setting.value, setting.lookup))
      .map((word) => word.replace(/^\{\s*/, ""))
      .filter((word) => !/^(inet:[^:]|inet6:|unix:|local:)/.test(word))
      .map((word) => ({
        rule: "value",
        file,
        line,
        subject,
        reason: `${name}: "${word}" is no milter: inet:host:port or unix:path`,
      }));
  });
}
