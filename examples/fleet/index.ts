/** A mail server for each row of the table that belongs to this stack's group. */
import * as pulumi from "@pulumi/pulumi";
import { PostfixServer } from "pulumi-openbsd-postfix";
import { type Row, table } from "./table";

/** What all servers have in common. */
const DOMAIN = "example.org";

function server({ host, relays }: Row): PostfixServer {
  return new PostfixServer(host, {
    connection: { host },
    mainCf: { parameters: { myhostname: host, mydomain: DOMAIN, myorigin: "$mydomain" } },
    aliases: { entries: { root: ["alice"], postmaster: ["root"], webmaster: ["root"] } },
    ...(relays === undefined ? {} : { relay: { domains: relays } }),
  });
}

const group = pulumi.getStack();
const rows = table.filter((row) => row.group === group);
if (rows.length === 0) throw new Error(`the table has no host of the group ${group}`);

/** The banner of each server. */
export const banners = Object.fromEntries(rows.map((row) => [row.host, server(row).banner]));
