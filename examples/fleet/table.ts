/** The table: a row for each mail server. */
import type { MailRelayArgs } from "pulumi-openbsd-postfix";

/** What is said of one server. */
export interface Row {
  /** The host's name in the network, and Postfix's. */
  readonly host: string;
  /** The stack that has the server. */
  readonly group: string;
  /** The domains for which it takes mail, and hands it on; without them it serves its own users only. */
  readonly relays?: MailRelayArgs["domains"];
}

export const table: readonly Row[] = [
  {
    host: "mx1.example.org",
    group: "europe",
    relays: { "example.com": { nextHop: "[10.1.0.2]", recipients: ["alice", "bob"] } },
  },
  {
    host: "mx2.example.org",
    group: "europe",
    relays: { "example.net": { nextHop: "[10.1.0.3]", recipients: "any" } },
  },
  { host: "out1.example.org", group: "europe" },
  {
    host: "mx3.example.org",
    group: "america",
    relays: { "example.edu": { nextHop: "[10.2.0.2]", recipients: ["carol"] } },
  },
  { host: "out2.example.org", group: "america" },
];
