/** master.cf: lines that are wrong, daemons that are not there, and transports that no service delivers (master(5)). */
import { logicalLines } from "../formats/logicalLines";
import { type Candidate, type Complaint, settingsOf } from "./candidate";
import { MASTER_CF } from "../postfix/paths";
import { suggestion } from "../values/spelling";
import { filesOf, tableReferences } from "./tables";
import { expand, words } from "../postfix/values";

/** Lines of master.cf that master(8) refuses or misreads, and daemons that it could not start. */
export function serviceComplaints({ services, serviceFaults, knowledge }: Candidate): Complaint[] {
  const { daemons } = knowledge;
  const missing = services.filter(
    ({ command }) => daemons.size > 0 && !command.startsWith("/") && !daemons.has(command),
  );
  return [
    ...serviceFaults.map(({ line, service, reason }): Complaint => ({
      rule: "service",
      file: MASTER_CF,
      line,
      subject: service,
      reason: `${service}: ${reason}`,
      // Nothing stops: of two lines for one service the last is in force.
      ...(/stands on line/.test(reason) ? { mild: true } : {}),
    })),
    ...missing.map(({ name, type, command, line }): Complaint => ({
      rule: "service",
      file: MASTER_CF,
      line,
      subject: `${name}/${type}`,
      reason: `${name}/${type}: there is no daemon "${command}"${suggestion(command, daemons)}`,
    })),
  ];
}

/** Parameters whose value is a transport, as `name:next-hop` or by its name alone. */
const TRANSPORTS =
  /^(default|local|relay|virtual|mailbox|fallback|error|address_verify_(default|local|relay|virtual))_transport$|^content_filter$/;

/** Transports that no service of master.cf delivers: their mail is deferred ("unknown mail transport"). */
export function transportComplaints(
  candidate: Candidate,
  read: (path: string) => string | undefined,
): Complaint[] {
  if (candidate.services.length === 0) return [];
  const known = candidate.services.filter(({ type }) => type !== "inet").map(({ name }) => name);
  const unknown = (transport: string): string | undefined =>
    transport === "" || known.includes(transport)
      ? undefined
      : `there is no service "${transport}" in master.cf to deliver by${suggestion(transport, known)}`;
  const settings = settingsOf(candidate).flatMap((setting): Complaint[] => {
    const { file, line, subject, name } = setting;
    if (!TRANSPORTS.test(name)) return [];
    const reason = unknown(expand(setting.value, setting.lookup).split(":")[0] ?? "");
    return reason === undefined
      ? []
      : [{ rule: "transport", file, line, subject, reason: `${name}: ${reason}` }];
  });
  const tables = tableReferences(candidate).flatMap((reference): Complaint[] => {
    const files = filesOf(reference);
    const text =
      files && /^(hash|btree|texthash)$/.test(reference.type ?? "")
        ? read(files.source ?? files.needed)
        : undefined;
    if (!/transport_maps$/.test(reference.setting.name) || text === undefined) return [];
    const file = files?.source ?? files?.needed ?? "";
    return logicalLines(text).flatMap(({ text: entry, line }): Complaint[] => {
      const [key = "", value = ""] = words(entry.trim());
      const reason = unknown(value.split(":")[0] ?? "");
      return reason === undefined
        ? []
        : [{ rule: "transport", file, line, subject: key, reason: `${key}: ${reason}` }];
    });
  });
  return [...settings, ...tables];
}

/** Milters are named as inet:host:port or unix:path (MILTER_README). */
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
