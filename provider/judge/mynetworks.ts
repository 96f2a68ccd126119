/** Faults of mynetworks: networks that Postfix cannot read, and a list that leaves the host itself out. */
import { MAIN_CF } from "../postfix/paths";
import { words } from "../postfix/values";
import type { Candidate, Complaint } from "./candidate";
import { networkFault, networkOf } from "./networks";

export function mynetworksComplaints(candidate: Candidate): Complaint[] {
  const set = candidate.parameters.get("mynetworks");
  if (set === undefined) return [];
  const list = words(candidate.value("mynetworks"));
  const place = { file: MAIN_CF, line: set.line, subject: "mynetworks" } as const;
  const unreadable = list.flatMap((word): Complaint[] => {
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
        ...unreadable,
        {
          rule: "value",
          ...place,
          mild: true,
          reason:
            "mynetworks has 127.0.0.0/8 and not [::1]/128: a program that connects to localhost over IPv6 may not send",
        },
      ]
    : unreadable;
}
