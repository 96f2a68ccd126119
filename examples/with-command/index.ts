/**
 * A mail server as one part of a larger program: one `connection` serves this package and `@pulumi/command`, and what
 * needs a server that serves depends on it.
 */
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type ConnectionArgs, PostfixServer } from "pulumi-openbsd-postfix";

const config = new pulumi.Config();
const domain = config.require("domain");

const connection: ConnectionArgs = {
  host: config.require("host"),
  port: config.getNumber("port") ?? 22,
  user: "root",
  // @pulumi/command knows no key files and does not look at known_hosts: both are given by their content.
  privateKey: config.requireSecret("privateKey"),
  hostKey: config.require("hostKey"),
};

const mx = new PostfixServer("mx", {
  connection,
  mainCf: { parameters: { myhostname: `mx.${domain}`, mydomain: domain, myorigin: "$mydomain" } },
  aliases: { entries: { root: ["alice"], postmaster: ["root"], webmaster: ["root"] } },
});

/** Runs once the server serves, and again whenever its configuration was written. */
const queue = new command.remote.Command(
  "queue",
  {
    connection,
    create: "/usr/local/sbin/postqueue -p",
    triggers: mx.mainCf === undefined ? [] : [mx.mainCf.revision],
  },
  { dependsOn: mx },
);

export const banner = mx.banner;
export const queued = queue.stdout;
